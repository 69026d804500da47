"""Jobs: order, cancelling, crashes, what is kept, and what streams tell."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_worker import FACTS, FakeWorker
from kerascope.studio.kept import InMemory, OnDisk
from kerascope.studio.nets import Opening
from once import only_on

pytestmark = only_on("torch")

SLOW = {"method": "rise"}
QUICK = {"method": "grad_cam"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget the workers of other tests."""
    FakeWorker.all.clear()
    FakeWorker.held, FakeWorker.refuse = set(), ""
    yield
    FakeWorker.held, FakeWorker.refuse = set(), ""


def first(running: Any) -> str:
    return running.samples()[0]["id"]


def wait_for(running: Any, job: str, state: str) -> dict[str, Any]:
    for _ in range(200):
        if (found := running.state(job))["state"] == state:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_job_from_end_to_end(serve: Any) -> None:
    running = serve()
    job = running.ask(kind="explain", sample=first(running), target="top-2", **QUICK)
    found = running.finished(job)
    assert found["state"] == "done"
    assert found["document"]["predictions"][0]["verdict"] == "cat, 90 %"
    sent = FakeWorker.all[0].jobs(1)[0]
    assert sent["target"] == "top-2"
    assert sent["samples"][0]["truth"] == "cat"
    known = running.client.get("/api/document").json()["predictions"]
    assert [row["sample"] for row in known] == [first(running)]


def test_cheap_jobs_go_before_dear_ones_that_wait(serve: Any) -> None:
    FakeWorker.held = {"rise", "occlusion", "smooth_grad"}
    running, sample = serve(), None
    sample = first(running)
    running.ask(kind="explain", sample=sample, **SLOW)
    worker = FakeWorker.all[0]
    worker.jobs(1)
    dear = running.ask(kind="explain", sample=sample, method="occlusion")
    cheap = running.ask(kind="explain", sample=sample, method="smooth_grad")
    wait = 0
    while sum(net.waiting for net in running.studio.nets.values()) < 2 and wait < 200:
        wait += running.client.get("/api/document").status_code == 200
    worker.finish(worker.jobs(1)[0]["job"])
    assert worker.jobs(2)[1]["job"] == cheap
    worker.finish(cheap)
    assert worker.jobs(3)[2]["job"] == dear


def test_a_quick_job_runs_inside_a_slow_one(serve: Any) -> None:
    FakeWorker.held = {"rise"}
    running = serve()
    slow = running.ask(kind="explain", sample=first(running), **SLOW)
    FakeWorker.all[0].jobs(1)
    quick = running.ask(kind="explain", sample=first(running), **QUICK)
    assert running.finished(quick)["state"] == "done"
    assert running.state(slow)["state"] == "running"
    urgent = {m["job"]: m["urgent"] for m in FakeWorker.all[0].jobs(2)}
    assert urgent == {slow: False, quick: True}


def test_cancelling_a_waiting_and_a_running_job(serve: Any) -> None:
    FakeWorker.held = {"rise", "occlusion"}
    running = serve()
    one = running.ask(kind="explain", sample=first(running), **SLOW)
    worker = FakeWorker.all[0]
    worker.jobs(1)
    two = running.ask(kind="explain", sample=first(running), method="occlusion")
    for job in (two, one):
        assert running.client.delete(f"/api/jobs/{job}").json()["state"] == "cancelled"
    assert {"cancel": one} in worker.sent
    assert {"cancel": two} not in worker.sent
    worker.heard({"told": "cancelled", "job": one}, b"")
    after = running.ask(kind="explain", sample=first(running), **QUICK)
    assert running.finished(after)["state"] == "done"
    assert len(worker.jobs(2)) == 2  # the waiting one never came
    assert running.client.delete(f"/api/jobs/{after}").json()["state"] == "done"


def test_a_result_that_comes_after_cancelling_is_dropped(serve: Any) -> None:
    FakeWorker.held = {"rise"}
    running = serve()
    job = running.ask(kind="explain", sample=first(running), **SLOW)
    FakeWorker.all[0].jobs(1)
    running.client.delete(f"/api/jobs/{job}")
    FakeWorker.all[0].finish(job)
    after = running.finished(running.ask(kind="predict", sample=first(running)))
    assert after["state"] == "done"
    assert running.state(job)["state"] == "cancelled"
    assert running.state(job)["document"] is None


def test_a_crash_is_a_message_and_a_restart(serve: Any) -> None:
    FakeWorker.held = {"rise", "occlusion"}
    running = serve()
    job = running.ask(kind="explain", sample=first(running), **SLOW)
    FakeWorker.all[0].jobs(1)
    waiting = running.ask(kind="explain", sample=first(running), method="occlusion")
    while not sum(net.waiting for net in running.studio.nets.values()):
        time.sleep(0.01)
    FakeWorker.all[0].gone("the model's process was killed")
    found = running.finished(job)
    assert found["state"] == "failed"
    assert found["restart"] is True
    assert "killed" in found["error"]
    wait_for(running, waiting, "running")
    assert len(FakeWorker.all) == 2  # the other job has a new process
    assert FakeWorker.all[1].jobs(1)[0]["job"] == waiting
    FakeWorker.all[0].heard({"told": "done", "job": waiting}, b"{}")  # the dead say nothing
    assert running.state(waiting)["state"] == "running"


def test_a_crash_with_nothing_to_do_starts_again_on_the_next_job(serve: Any) -> None:
    running = serve()
    sample = first(running)
    FakeWorker.all[0].gone("ended")
    assert running.finished(running.ask(kind="predict", sample=sample))["state"] == "done"
    assert len(FakeWorker.all) == 2


def test_a_model_that_cannot_be_opened(serve: Any) -> None:
    FakeWorker.refuse = "model 'x' holds code in Lambda layer 'l'"
    running = serve()
    for _ in range(100):
        model = running.client.get("/api/models").json()["models"][0]
        if model["state"] == "failed":
            break
    assert "Lambda" in model["error"]
    body = {"kind": "predict", "sample": first(running)}
    answer = running.client.post("/api/jobs", json=body)
    assert answer.status_code == 409
    assert "Lambda" in answer.json()["error"]


def test_several_models_have_workers_of_their_own(serve: Any) -> None:
    FakeWorker.held = {"rise"}
    running = serve(models=(Opening(name="a", source="a"), Opening(name="b", source="b")))
    one, two = (m["id"] for m in running.client.get("/api/models").json()["models"])
    running.ask(kind="explain", sample=first(running), model=one, **SLOW)
    other = running.ask(kind="explain", sample=first(running), model=two, method="occlusion")
    assert running.finished(other)["state"] == "done"


def test_no_model_is_said_so(serve: Any) -> None:
    running = serve(models=())
    body = {"kind": "predict", "sample": first(running)}
    answer = running.client.post("/api/jobs", json=body)
    assert answer.status_code == 409
    assert "no model is open" in answer.json()["error"]


def test_too_many_waiting_jobs(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerascope.studio.studio.MOST_WAITING", 3)
    FakeWorker.held = {"rise"}
    running = serve()
    body = {"kind": "explain", "sample": first(running), **SLOW}
    running.ask(**body)
    FakeWorker.all[0].jobs(1)
    statuses = [
        running.client.post("/api/jobs", json={**body, "seed": k}).status_code for k in range(5)
    ]
    assert statuses == [202, 202, 202, 429, 429]


def test_equal_jobs_are_answered_from_what_is_kept(
    serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERASCOPE_CACHE", str(tmp_path / "cache"))
    body: dict[str, Any] = {"kind": "explain", **QUICK}
    running = serve()
    sample = first(running)
    one = running.finished(running.ask(sample=sample, **body))
    running.close()
    FakeWorker.refuse = "not needed"  # answered before a model is there
    again = serve()
    again.samples()
    net = next(iter(again.studio.nets.values()))
    while net.state != "failed":
        time.sleep(0.01)
    net.state = "loading"
    two = again.finished(again.ask(sample=sample, **body))
    assert two["document"] == one["document"]
    other = again.ask(sample=sample, **body, seed=1)
    assert again.state(other)["state"] in ("waiting", "failed")


def test_a_page_opened_anew_finds_what_its_address_names(serve: Any) -> None:
    running = serve()
    done = running.finished(running.ask(kind="explain", sample=first(running), **QUICK))
    document = running.client.get("/api/document").json()
    assert [one["name"] for one in document["methods"]] == [QUICK["method"]]
    for _ in range(200):  # it is kept beside the answer
        held = running.client.get(f"/api/maps/a-{QUICK['method']}").json()
        if held["document"]:
            break
        time.sleep(0.02)
    assert held == {"document": done["document"]}
    assert running.client.get("/api/maps/a-nobody").json() == {"document": None}


def test_samples_are_told_again_when_right_classes_are_known(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWorker, "slow", True)
    running = serve()
    assert [one["truth"] for one in running.samples()] == [None, None, None]
    told = []
    with running.client.stream("GET", "/api/events") as stream:
        for line in stream.iter_lines():
            if line.startswith('data: {"total"'):
                told.append(json.loads(line.removeprefix("data: ")))
                if told[-1]["labels"]:
                    break
                FakeWorker.all[-1].ready()
    assert [(one["total"], one["labels"]) for one in told] == [(3, 0), (3, 1)]
    assert [one["truth"] for one in running.samples()] == ["cat", "cat", "dog"]


def test_the_stream_of_all_jobs(serve: Any) -> None:
    running = serve()
    sample, seen = first(running), []
    ready = threading.Event()

    def listen() -> None:
        with running.client.stream("GET", "/api/events") as stream:
            name = ""
            for line in stream.iter_lines():
                ready.set()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    seen.append((name, json.loads(line.removeprefix("data: "))))
                if any(name == "job" and told["state"] == "done" and told["kind"] == "predict"
                       for name, told in seen):  # fmt: skip
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(10)
    running.ask(kind="predict", sample=sample)
    thread.join(10)
    assert not thread.is_alive()
    names = [name for name, _ in seen]
    assert "model" in names
    assert "samples" in names
    assert all("document" not in told for _, told in seen)


def test_streams_end_with_the_studio(serve: Any) -> None:
    running = serve()
    began = threading.Event()

    def listen() -> None:
        with running.client.stream("GET", "/api/events") as stream:
            for _ in stream.iter_lines():
                began.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert began.wait(10)
    running.server.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_progress_is_told(serve: Any) -> None:
    FakeWorker.held = {"rise"}
    running = serve()
    job = running.ask(kind="explain", sample=first(running), **SLOW)
    worker = FakeWorker.all[0]
    worker.jobs(1)
    told = {"told": "progress", "job": job, "words": "masks\n", "done": 3, "total": 9}
    worker.heard(told, b"")
    for _ in range(100):
        if (found := running.state(job))["done"] == 3:
            break
    assert (found["done"], found["total"], found["words"]) == (3, 9, "masks")


def test_closing_a_model_cancels_its_jobs(serve: Any) -> None:
    FakeWorker.held = {"rise"}
    running = serve()
    job = running.ask(kind="explain", sample=first(running), **SLOW)
    FakeWorker.all[0].jobs(1)
    model = running.state(job)["model"]
    running.client.delete(f"/api/models/{model}")
    assert running.state(job)["state"] == "cancelled"
    body = {"kind": "predict", "sample": first(running)}
    assert running.client.post("/api/jobs", json=body).status_code == 409


def test_methods_say_what_a_model_lacks(serve: Any) -> None:
    running = serve()
    first(running)
    model = running.client.get("/api/models").json()["models"][0]["id"]
    forms = running.client.get("/api/methods", params={"model": model}).json()["methods"]
    hindered = {form["name"]: form["hindrance"] for form in forms}
    assert "attention" in hindered["attention_rollout"]
    assert hindered["grad_cam"] == ""
    layers = running.client.get("/api/layers", params={"model": model}).json()["layers"]
    assert layers == FACTS["layers"]


def test_sharing_a_document(serve: Any) -> None:
    running = serve()
    document = running.client.get("/api/document").json()
    body = {"document": document, "state": "sample=s1"}
    answer = running.client.post("/api/share", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.text.lstrip().lower().startswith("<!doctype html>")
    assert "attachment" in answer.headers["content-disposition"]
    assert "<script>alert" not in answer.text
    broken = running.client.post("/api/share", json={"document": {"models": 3}})
    assert broken.status_code == 400


def test_what_is_kept_on_disk_is_bounded_and_whole(tmp_path: Path) -> None:
    kept = OnDisk(tmp_path / "x", 1000)
    assert kept.get("a") is None
    for k in range(20):
        kept.put(f"k{k}", bytes([k]) * 100)
    held = sum(file.stat().st_size for file in (tmp_path / "x").iterdir())
    assert held <= 1000
    assert kept.get("k19") == bytes([19]) * 100
    assert kept.get("k0") is None
    file = tmp_path / "x" / "k19"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert kept.get("k19") is None
    kept.put("big", b"x" * 5000)
    assert kept.get("big") is None


def test_what_is_kept_in_memory_is_bounded() -> None:
    kept = InMemory(250)
    for name in "abc":
        kept.put(name, b"x" * 100)
    assert kept.get("a") is None
    assert kept.get("c") == b"x" * 100
    assert kept.held == 200
    kept.put("c", b"")
    assert kept.held == 100


def test_an_audit_is_of_all_pictures_and_is_found_again(serve: Any) -> None:
    running = serve()
    named = running.client.post("/api/jobs", json={"kind": "audit", "sample": first(running)})
    assert named.status_code == 400
    assert "it looks at all pictures" in named.json()["error"]
    assert running.client.get("/api/dataset").json() == {"document": None}
    found = running.finished(running.ask(kind="audit"))
    assert [row["sample"] for row in found["document"]["predictions"]] == [
        sample["id"] for sample in running.samples()
    ]
    told = FakeWorker.all[0].jobs(1)[0]
    assert [sample["truth"] for sample in told["samples"]] == ["cat", "cat", "dog"]
    assert running.client.get("/api/dataset").json() == {"document": found["document"]}
    running.finished(running.ask(kind="audit"))
    assert len(FakeWorker.all[0].jobs(1)) == 1  # the second one was kept


def test_an_audit_of_nothing_is_refused(serve: Any) -> None:
    answer = serve(folder=None).client.post("/api/jobs", json={"kind": "audit"})
    assert answer.status_code == 409
    assert "no pictures to look at" in answer.json()["error"]
