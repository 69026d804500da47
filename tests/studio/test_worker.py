"""The real thing: a tiny net in a process of its own, asked over HTTP."""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import keras
import numpy as np
import pytest
from PIL import Image

import documented
import granted
import troubles
from kerascope.report.blobs import read_array
from kerascope.studio.nets import Opening
from kerascope.studio.server import Server, Settings
from kerascope.studio.worker import Worker, last_words
from once import only_on
from running_studio import Running
from schema_check import wrong

pytestmark = only_on("jax")

LABELS = ("cat", "dog", "</script><script>alert(1)</script>")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny net of pictures, saved, with class names beside it."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((12, 16, 3), name="image"),
            keras.layers.Conv2D(4, 3, activation="relu", name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    folder = tmp_path_factory.mktemp("net")
    model.save(folder / "tiny.keras")
    (folder / "labels.txt").write_text("\n".join(LABELS))
    return folder / "tiny.keras"


@pytest.fixture(scope="module")
def live(net: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A studio with the net in a real process."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(1)
    for name in ("a.png", "b.png"):
        Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(folder / name)
    opening = Opening(
        name="tiny.keras", source=str(net), labels=str(net.with_name("labels.txt")),
        preprocess="unit",
    )  # fmt: skip
    running = Running(Server(Settings(models=(opening,), folder=folder), make=Worker))
    try:
        yield running
    finally:
        running.close()
    assert not running.studio.private.exists()


def worker_of(running: Any) -> Any:
    return next(iter(running.studio.nets.values())).worker


def test_a_quick_explanation_of_two_targets(live: Any) -> None:
    sample = live.samples()[0]["id"]
    job = live.ask(kind="explain", sample=sample, method="grad_cam", target="top-2")
    found = live.finished(job)
    assert found["state"] == "done", found["error"]
    piece = found["document"]
    assert [m["sample"] for m in piece["maps"]] == [sample, sample]
    assert piece["samples"][0]["name"] == "a.png"
    assert piece["models"][0]["id"] == piece["maps"][0]["model"] == found["model"]
    values = read_array(piece["maps"][0]["values"], piece["blobs"])
    assert values.shape == (10, 14)
    assert np.isfinite(values).all()
    assert {bar["label"] for bar in piece["predictions"][0]["outputs"][0]["bars"]} == set(LABELS)
    assert str(Path.cwd()) not in json.dumps(piece)


def test_the_map_is_that_of_explain(live: Any, net: Path) -> None:
    import kerascope as ks

    sample = live.samples()[1]
    live.studio.shelf.filled.wait(5)
    path = live.studio.shelf.get(sample["id"]).path
    model = ks.load_model(net, labels=LABELS)
    pictures = ks.load_images(path, model, preprocess="unit")
    want = ks.explain(model, pictures, "gradient_x_input", target=1)
    job = live.ask(kind="explain", sample=sample["id"], method="gradient_x_input", target=1)
    piece = live.finished(job)["document"]
    got = read_array(piece["maps"][0]["values"], piece["blobs"])
    expected = want.heatmap()[0]
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def test_predictions_path_and_grade(live: Any) -> None:
    samples = [s["id"] for s in live.samples()]
    predicted = live.finished(live.ask(kind="predict", samples=samples))
    rows = predicted["document"]["predictions"]
    assert [row["sample"] for row in rows] == samples
    assert rows[0]["model"] == predicted["model"]
    fields = {"steps": 8, "tolerance": None, "keep": 4}
    path = live.finished(live.ask(kind="path", sample=samples[0], fields=fields))
    assert path["state"] == "done", path["error"]
    assert path["document"]["methods"][0]["name"] == "integrated_gradients"
    grade = live.finished(live.ask(kind="grade", sample=samples[0], method="grad_cam"))
    assert grade["state"] == "done", grade["error"]
    assert grade["document"]["maps"][0]["grade"]["letter"] in "ABCD"


def test_a_grade_is_of_the_map_that_was_made(
    net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = importlib.import_module("kerascope.explain")
    from kerascope.studio.net import Net

    Image.fromarray(np.full((24, 32, 3), 90, np.uint8)).save(tmp_path / "a.png")
    opening = {
        "id": "m1", "name": "tiny.keras", "path": "", "source": str(net), "custom": [],
        "labels": str(net.with_name("labels.txt")), "unsafe": False, "preprocess": "unit",
        "log": str(tmp_path / "log"),
    }  # fmt: skip
    made: list[Any] = []
    monkeypatch.setattr(
        front, "explain", lambda *a, of=front.explain, **k: (made.append(k), of(*a, **k))[1]
    )
    held = Net(opening)
    sample = {"id": "s1", "name": "a.png", "path": str(tmp_path / "a.png"), "mark": "1",
              "truth": None, "facets": {}}  # fmt: skip
    job = {"samples": [sample], "method": "gradient", "fields": {}, "target": None,
           "score": "logit", "seed": 0, "kind": "explain", "key": "k1"}  # fmt: skip
    _, piece = held.do(job)
    one = json.loads(piece)
    index = one["maps"][0]["target"]["index"]
    settings = one["methods"][0]["settings"]
    _, piece = held.do(job | {"kind": "grade", "key": "k2", "target": index, "fields": settings})
    assert json.loads(piece)["maps"][0]["grade"]["letter"] in "ABCD"
    assert len([given for given in made if given["target"] in (None, index)]) == 1
    held.do(job | {"key": "k3", "target": (index + 1) % 3})
    assert len(made) > 1


def test_all_pictures_at_once_and_what_they_are_too_few_for(live: Any) -> None:
    pytest.importorskip("pyarrow")
    samples = [s["id"] for s in live.samples()]
    job = live.finished(live.ask(kind="audit"))
    assert job["state"] == "done", job["error"]
    found = job["document"]["dataset"]
    assert found["model"] == job["model"]
    assert [point["sample"] for point in found["points"]] == samples
    assert set(found["files"]) == set(samples)
    assert {one["top"] for one in found["files"].values()} <= set(LABELS)
    assert found["findings"] == []
    notes = " ".join(found["notes"])
    assert "the right classes are not known" in notes
    assert "too small to edit" in notes
    assert [p.name for p in live.studio.private.iterdir() if p.is_dir()] == []
    assert job["words"] == "groups"  # what came last


def test_a_picture_that_cannot_be_read_is_left_out_with_a_note(live: Any) -> None:
    from kerascope.studio.shelf import Sample

    good = [s["id"] for s in live.samples()]
    file = live.studio.shelf.get(good[0]).path.with_name("broken.png")
    file.write_bytes(b"no picture")
    live.studio.shelf.add([Sample(id="sbroken", name="broken.png", path=file)])
    found = live.finished(live.ask(kind="predict", samples=[good[0], "sbroken", good[1]]))
    assert [row["sample"] for row in found["document"]["predictions"]] == good
    assert "'broken.png' is left out" in found["document"]["notes"][0]
    alone = live.finished(live.ask(kind="explain", sample="sbroken", method="gradient"))
    assert alone["state"] == "failed"
    assert "not a picture" in alone["error"]


def test_answers_are_as_the_description_says(live: Any) -> None:
    told = live.client.get("/api/openapi.json").json()
    sample = live.samples()[0]["id"]
    mask = {"shape": [2, 2], "bytes": base64.b64encode(bytes([255, 0, 0, 0])).decode()}
    for body in (
        {"kind": "explain", "method": "grad_cam", "target": "top-2"}, {"kind": "predict"},
        {"kind": "erase", "mask": mask}, {"kind": "grade", "method": "gradient"},
        {"kind": "path", "fields": {"steps": 8, "tolerance": None, "keep": 4}},
        {"kind": "explain", "method": "grad_cam", "target": "nobody"}, {"kind": "audit"},
    ):  # fmt: skip
        named = {} if body["kind"] == "audit" else {"sample": sample}
        asked = live.client.post("/api/jobs", json=body | named)
        check_answer(told, "post", "/api/jobs", asked)
        job = live.finished(asked.json()["id"])["id"]
        check_answer(told, "get", "/api/jobs/{job}", live.client.get(f"/api/jobs/{job}"))
    check_answer(told, "delete", "/api/jobs/{job}", live.client.delete(f"/api/jobs/{job}"))
    for place in ("document", "samples", "models", "methods", "layers", "dataset", "openapi.json"):
        check_answer(told, "get", f"/api/{place}", live.client.get(f"/api/{place}"))
    model = live.client.get("/api/models").json()["models"][0]["id"]
    for query in (f"methods?model={model}", "methods?model=nobody", "samples?start=x"):
        path = f"/api/{query.partition('?')[0]}"
        check_answer(told, "get", path, live.client.get(f"/api/{query}"))
    kept = live.client.get("/api/maps/nothing")
    check_answer(told, "get", "/api/maps/{map}", kept)
    files = [("f", ("a.png", live.studio.shelf.get(sample).path.read_bytes())), ("f", ("b", b"b"))]
    check_answer(told, "post", "/api/samples", live.client.post("/api/samples", files=files))


def check_answer(told: dict[str, Any], method: str, path: str, answer: httpx.Response) -> None:
    """Fail where an answer is not as the description says of its status."""
    content = told["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    schema = content["application/json"]["schema"]
    assert wrong(answer.json(), schema, told)[:9] == [], (method, path)
    spoilt = {**answer.json(), "spoilt": 1}
    assert path.endswith("openapi.json") or wrong(spoilt, schema, told) != [] or "error" in spoilt


@pytest.mark.parametrize("how", ["blur", "inpaint", "grey"])
def test_erasing_measures_a_drop(live: Any, how: str) -> None:
    mask = np.zeros((24, 32), np.uint8)
    mask[4:16, 6:24] = 255
    told = {"shape": list(mask.shape), "bytes": base64.b64encode(mask.tobytes()).decode()}
    sample = live.samples()[0]["id"]
    found = live.finished(live.ask(kind="erase", sample=sample, mask=told, how=how))
    assert found["state"] == "done", found["error"]
    erased = found["erased"]
    assert erased["drop"] == pytest.approx(erased["before"] - erased["after"])
    assert erased["drop"] != 0
    assert erased["share"] == pytest.approx(12 * 18 / (24 * 32), abs=0.01)
    assert len(erased["outputs_before"][0]["bars"]) == len(erased["outputs_after"][0]["bars"]) == 3
    assert erased["picture"].startswith("data:image/")


def test_what_the_model_lacks_is_one_line(live: Any) -> None:
    sample = live.samples()[0]["id"]
    for body, words in (
        ({"fields": {"layer": "convv"}}, "did you mean 'conv'"),
        ({"target": "zebra"}, "class 'zebra' not found"),
        ({"target": 99}, "99"),
    ):
        found = live.finished(live.ask(kind="explain", sample=sample, method="grad_cam", **body))
        assert found["state"] == "failed"
        assert words in found["error"]
        assert "\n" not in found["error"]


def test_a_quick_job_inside_a_slow_one_changes_nothing(live: Any) -> None:
    sample = live.samples()[0]["id"]
    body = {"kind": "explain", "sample": sample, "method": "grad_cam", "target": 2}
    alone = live.finished(live.ask(**body))
    slow = live.ask(kind="explain", sample=sample, method="rise", fields={"masks": 200_000})
    while live.state(slow)["done"] == 0:
        time.sleep(0.02)
    inside = live.finished(live.ask(**body, seed=1))
    assert live.state(slow)["state"] == "running"
    values = [read_array(j["document"]["maps"][0]["values"], j["document"]["blobs"])
              for j in (alone, inside)]  # fmt: skip
    assert np.abs(values[0] - values[1]).max() <= 1e-5 * np.abs(values[0]).max()
    live.client.delete(f"/api/jobs/{slow}")
    assert live.finished(live.ask(kind="predict", sample=sample))["state"] == "done"


def test_a_killed_process_is_a_message_and_a_restart(live: Any) -> None:
    sample = live.samples()[0]["id"]
    slow = live.ask(kind="explain", sample=sample, method="rise", fields={"masks": 200_000})
    while live.state(slow)["done"] == 0:
        time.sleep(0.02)
    first = worker_of(live).pid
    os.kill(first, signal.SIGKILL)
    found = live.finished(slow)
    assert found["state"] == "failed"
    assert found["restart"] is True
    assert "memory ran out" in found["error"]
    assert live.client.get("/api/document").status_code == 200
    again = live.finished(live.ask(kind="explain", sample=sample, method="gradient", seed=9))
    assert again["state"] == "done"
    assert worker_of(live).pid not in (None, first)


def lambda_model(folder: Path) -> bytes:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2)])
    model.save(folder / "code.keras")
    return (folder / "code.keras").read_bytes()


def zip_bomb(folder: Path) -> bytes:
    with zipfile.ZipFile(folder / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", '{"class_name": "Sequential"}')
        archive.writestr("metadata.json", "{}")
        with archive.open("model.weights.h5", "w", force_zip64=True) as file:
            for _ in range(300):
                file.write(bytes(1 << 20))
    return (folder / "bomb.keras").read_bytes()


@pytest.mark.parametrize(
    ("make", "words"), [(lambda_model, "Lambda"), (zip_bomb, "stores next to nothing")]
)
def test_models_with_code_and_bombs_are_refused(
    live: Any, tmp_path: Path, make: Any, words: str
) -> None:
    files = [("f", ("<b>evil</b>.keras", make(tmp_path)))]
    answer = live.client.post("/api/models", files=files)
    assert answer.status_code == 202
    found = live.finished(answer.json()["job"])
    assert found["state"] == "failed"
    assert words in found["error"]
    assert "upload-" not in found["error"]
    models = live.client.get("/api/models").json()["models"]
    assert next(m for m in models if m["id"] == answer.json()["id"])["state"] == "failed"


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "memory ran out"), (-11, "signal 11"), (3, "code 3"), (None, "None")]
)
def test_last_words(code: int | None, words: str) -> None:
    assert words in last_words(code)


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "kerascope", "studio", *arguments, "--no-open", "--json"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as run:
        try:
            told = run.stdout.readline()
            assert told, run.stderr.read()
            yield run, json.loads(told)
        finally:
            run.kill()


def test_ctrl_c_ends_it_cleanly(net: Path) -> None:
    with started(str(net)) as (run, told):
        client = httpx.Client(headers={"authorization": f"Bearer {told['token']}"}, timeout=60)
        with client:
            assert client.get(told["address"]).status_code == 200
            assert client.get(f"{told['address']}api/methods").status_code == 200
            assert not loaded(run.pid)
            children = children_of(run.pid)
            assert children
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == 0
        assert run.stdout.read() == ""
        assert run.stderr.read() == ""
    assert gone(children)


def test_the_page_of_the_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script of docs/studio.md starts a studio, has its maps, and leaves nothing running."""
    granted.write_demo(tmp_path)
    inputs = keras.Input((16, 16, 3))
    keras.Model(inputs, troubles.head(keras.layers.Rescaling(1 / 255)(inputs))).save(
        tmp_path / "model.keras"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    ((_, block),) = documented.blocks_of("studio.md")
    names: dict[str, Any] = {}
    try:
        documented.execute(block, "studio.md", names)
        assert len(names["maps"]) == 3
        assert names["run"].wait(20) == 0
    finally:
        if "studio" in names:
            names["studio"].close()
        if "run" in names:
            with names["run"] as run:
                run.kill()


def children_of(pid: int) -> list[int]:
    for _ in range(100):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        threads = Path(f"/proc/{pid}/task").glob("*/children")
        found = [child for file in threads for child in file.read_text().split()]
        if found:
            return [int(child) for child in found]
        time.sleep(0.05)
    return []


def loaded(pid: int) -> set[str]:
    """Return the frameworks of which a process has files mapped."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return {name for name in ("tensorflow", "torch", "jaxlib") if f"/{name}/" in maps}


def test_a_dead_studio_leaves_no_process(net: Path) -> None:
    with started(str(net)) as (run, _):
        children = children_of(run.pid)
        assert children
        run.kill()
        run.wait(20)
        assert gone(children)


def gone(pids: list[int]) -> bool:
    """Wait until none of the processes lives, for at most ten seconds."""
    for _ in range(200):
        if not [pid for pid in pids if alive(pid)]:
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
