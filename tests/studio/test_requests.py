"""Bad requests: one line, the right status, and nothing served that should not be."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kerascope.report.document import empty
from kerascope.studio import asks, schema
from kerascope.studio.app import TABLE
from kerascope.studio.endpoints import EMPTY
from kerascope.studio.errors import Problem
from kerascope.studio.table import SMALL
from once import only_on

pytestmark = only_on("torch")

TRAVERSALS = (
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd",
    "....//....//etc/passwd", "..\\..\\etc\\passwd", "%00", "main.js%00.css",
    "x/../../pyproject.toml",
    "file:///etc/passwd", "panels/../../studio/app.py", "C:\\Windows\\win.ini",
)  # fmt: skip


@pytest.mark.parametrize("place", TRAVERSALS)
@pytest.mark.parametrize(
    "base", ["/web/", "/api/thumb/", "/api/picture/", "/api/jobs/", "/", "/api/layers?model="]
)
def test_no_path_of_a_request_is_opened(studio: Any, base: str, place: str) -> None:
    import http.client

    # httpx would tidy the address up
    connection = http.client.HTTPConnection(studio.host, timeout=20)
    try:
        address = (base + place).replace("\\", "%5C")
        connection.putrequest("GET", address, skip_host=True)
        connection.putheader("Host", studio.host)
        connection.putheader("Authorization", studio.bearer["authorization"])
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in (400, 404), body
        assert b"root:" not in body
        assert b"import" not in body
    finally:
        connection.close()


@pytest.mark.parametrize("place", ["../a.png", "/etc/passwd", "s" + "0" * 12, "", "x" * 5000])
def test_samples_are_known_by_id_alone(studio: Any, place: str) -> None:
    body = {"kind": "explain", "sample": place, "method": "grad_cam"}
    answer = studio.client.post("/api/jobs", json=body)
    assert answer.status_code in (400, 404)
    assert "\n" not in answer.json()["error"]


def test_a_model_is_no_path(studio: Any) -> None:
    samples = studio.samples()
    body = {"kind": "explain", "sample": samples[0]["id"], "method": "grad_cam"}
    for name in ("/etc/passwd", "../net.keras", "keras:MobileNetV2"):
        assert studio.client.post("/api/jobs", json={**body, "model": name}).status_code == 404
        assert studio.client.post("/api/models", params={"given": name}).status_code in (400, 404)
        assert studio.client.get("/api/methods", params={"model": name}).status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "lacks 'kind'"),
        ([], "must be an object"),
        ({"kind": "run"}, "known: explain"),
        ({"kind": "explain"}, "needs a sample"),
        ({"kind": "grade", "sample": "S"}, "needs a method"),
        ({"kind": "explain", "sample": "S", "method": "nope"}, "method 'nope' not found"),
        ({"kind": "explain", "sample": "S", "method": "grad_cam", "code": "x"}, "no field 'code'"),
        ({"kind": "explain", "sample": "S", "method": 3}, "method must be a string"),
        ({"kind": "explain", "sample": ["S"], "method": "lime"}, "sample must be a string"),
        ({"kind": "explain", "sample": "S", "method": "grad_cam", "fields": []}, "fields must be"),
        (
            {"kind": "explain", "sample": "S", "method": "grad_cam", "fields": {"layr": "x"}},
            "did you mean 'layer'",
        ),
        (
            {"kind": "explain", "sample": "S", "method": "rise", "fields": {"masks": "many"}},
            "masks='many' is not integer",
        ),
        (
            {"kind": "explain", "sample": "S", "method": "deep_shap",
             "fields": {"background": "/etc/passwd"}},
            "background='/etc/passwd' is not null",
        ),
        (
            {"kind": "explain", "sample": "S", "method": "occlusion",
             "fields": {"baseline": "/x.npy"}},
            "baseline '/x.npy' is not known",
        ),
        ({"kind": "explain", "sample": "S", "method": "lime", "seed": -1}, "seed must be at least"),
        ({"kind": "explain", "sample": "S", "method": "lime", "seed": True}, "seed must be"),
        ({"kind": "explain", "sample": "S", "method": "lime", "score": "x"}, "score='x'"),
        ({"kind": "explain", "sample": "S", "method": "lime", "target": {}}, "target must be"),
        ({"kind": "explain", "sample": "S", "method": "lime", "target": [[1]]}, "target[0]"),
        ({"kind": "erase", "sample": "S"}, "needs a mask"),
        ({"kind": "erase", "sample": "S", "mask": {"shape": [2, 2]}}, "mask lacks 'bytes'"),
        (
            {"kind": "erase", "sample": "S", "mask": {"shape": [2, 2], "bytes": "!"}},
            "not base64",
        ),
        (
            {"kind": "erase", "sample": "S", "mask": {"shape": [2, 2], "bytes": "AAAA"}},
            "2×2 pixels need 4",
        ),
        (
            {"kind": "erase", "sample": "S", "mask": {"shape": [1, 3], "bytes": "AAAA"}},
            "covers nothing",
        ),
        (
            {"kind": "erase", "sample": "S", "mask": {"shape": [9999, 9999], "bytes": ""}},
            "at most 1024",
        ),
        (
            {"kind": "erase", "sample": "S", "mask": {"shape": [1, 1], "bytes": "/w=="},
             "how": "shred"},
            "how='shred'",
        ),
    ],
)  # fmt: skip
def test_bad_jobs_are_refused_in_one_line(studio: Any, body: Any, words: str) -> None:
    sample = studio.samples()[0]["id"]
    text = json.dumps(body).replace('"S"', json.dumps(sample))
    answer = studio.client.post(
        "/api/jobs", content=text, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe", b'{"kind": NaN}', b'{"kind": 1e999}', b"[" * 200_000, b"nul",
        b'{"kind": "explain"} x', b'"\\ud800"', b"-Infinity",
    ],
)  # fmt: skip
def test_malformed_json(studio: Any, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = studio.client.post("/api/jobs", content=content, headers=headers)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) < 700


def test_a_number_too_long_to_read(studio: Any) -> None:
    headers = {"content-type": "application/json"}
    content = b'{"kind": ' + b"9" * 100_000 + b"}"
    assert studio.client.post("/api/jobs", content=content, headers=headers).status_code == 400


def test_huge_json_is_refused_with_and_without_a_length(studio: Any) -> None:
    big = b'{"kind": "' + b"x" * SMALL + b'"}'
    headers = {"content-type": "application/json"}
    answer = studio.client.post("/api/jobs", content=big, headers=headers)
    assert answer.status_code == 413
    chunks = (big[i : i + 65536] for i in range(0, len(big), 65536))
    answer = studio.client.post("/api/jobs", content=chunks, headers=headers)
    assert answer.status_code == 413
    assert studio.client.get("/api/document").status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_json_must_be_called_so(studio: Any, kind: str) -> None:
    """A form of another page can send these types without asking."""
    answer = studio.client.post("/api/jobs", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("POST", "/api/document", 405), ("PUT", "/api/jobs", 405), ("GET", "/api/share", 405),
        ("DELETE", "/api/samples", 405), ("PATCH", "/api/jobs/j1", 405), ("TRACE", "/", 405),
        ("GET", "/api/jobs/j999", 404), ("DELETE", "/api/jobs/j999", 404),
        ("GET", "/api/jobs/j999/events", 404), ("DELETE", "/api/models/mx", 404),
        ("GET", "/api/thumb/sx", 404), ("GET", "/api", 404), ("GET", "/api/document/", 404),
        ("GET", "/docs", 404), ("GET", "/web/", 404), ("GET", "/web/secret.py", 404),
        ("GET", "/api/samples?start=x", 400), ("GET", "/api/samples?start=-1", 400),
        ("GET", "/api/samples?count=100000", 400), ("GET", "/api/samples?a=1", 400),
        ("GET", "/api/samples?start=1&start=2", 400), ("GET", "/api/samples?start=١", 400),
    ],
)  # fmt: skip
def test_wrong_methods_ids_and_queries(studio: Any, method: str, place: str, status: int) -> None:
    answer = studio.client.request(method, place)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]


def test_scripts_in_names_come_out_as_json_text_only(studio: Any) -> None:
    samples = studio.samples()
    named = next(s for s in samples if "script" in s["name"])
    assert named["name"] == "<script>alert(1)<script>.png"
    job = studio.ask(kind="explain", sample=named["id"], method="grad_cam")
    studio.finished(job)
    for place in ("/api/document", "/api/samples", "/api/models", f"/api/jobs/{job}"):
        answer = studio.client.get(place)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    labels = studio.client.get("/api/models").json()["models"][0]["labels"]
    assert labels[2] == "</script><script>alert(2)</script>"
    assert "<script>alert" not in studio.client.get("/").text


def test_two_hundred_requests_at_once(studio: Any) -> None:
    samples = studio.samples()
    begun = threading.Barrier(200, timeout=60)

    def ask(k: int) -> int:
        place = (
            f"/api/thumb/{samples[k % 3]['id']}", "/api/document", "/api/jobs/j999", "/web/x",
            f"/api/picture/{samples[k % 3]['id']}",
        )[k % 5]  # fmt: skip
        begun.wait()
        return studio.client.get(place).status_code

    with ThreadPoolExecutor(200) as threads:
        statuses = list(threads.map(ask, range(200)))
    assert sorted(set(statuses)) == [200, 404]
    assert statuses.count(404) == 80


def test_the_description_tells_every_endpoint(studio: Any) -> None:
    told = studio.client.get("/api/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    listed = {(m.upper(), path) for path, each in told["paths"].items() for m in each}
    assert listed == {(endpoint.method, endpoint.path) for endpoint in TABLE}
    job = told["paths"]["/api/jobs"]["post"]
    assert job["requestBody"]["content"]["application/json"]["schema"] == asks.JOB
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)
    parameters = told["paths"]["/api/samples"]["get"]["parameters"]
    assert {p["name"] for p in parameters} == {"start", "count"}
    answers = [each["responses"] for path in told["paths"].values() for each in path.values()]
    contents = [answer["content"] for each in answers for answer in each.values()]
    json_contents = [content for content in contents if "application/json" in content]
    assert len(json_contents) > 60
    assert all("schema" in content["application/json"] for content in json_contents)


def test_the_document_starts_as_the_reports_does(studio: Any) -> None:
    assert empty() == EMPTY
    samples = studio.samples()
    found = studio.client.get("/api/document").json()
    assert set(found) == {*EMPTY, "studio"}
    assert found["samples"] == samples
    assert [s["truth"] for s in samples] == ["cat", "cat", "dog"]
    assert found["models"][0]["state"] == "ready"
    assert found["studio"]["samples"] == 3


def test_samples_come_in_parts(studio: Any) -> None:
    studio.samples()
    found = studio.client.get("/api/samples", params={"start": 1, "count": 1}).json()
    assert found["total"] == 3
    assert [s["name"] for s in found["samples"]] == ["b.png"]


def test_links_out_of_the_folder_are_left_out(serve: Any, pictures: Any, tmp_path: Any) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes((pictures / "cat/a.png").read_bytes())
    (pictures / "cat" / "link.png").symlink_to(outside)
    running = serve()
    assert len(running.samples()) == 3
    notes = running.client.get("/api/document").json()["studio"]["notes"]
    assert any("links that lead out" in note for note in notes)


def test_pictures_are_written_anew(studio: Any) -> None:
    sample = studio.samples()[0]["id"]
    answer = studio.client.get(f"/api/thumb/{sample}")
    assert answer.headers["content-type"] == "image/webp"
    again = {"if-none-match": answer.headers["etag"]}
    assert studio.client.get(f"/api/thumb/{sample}", headers=again).status_code == 304


@pytest.mark.parametrize(
    ("value", "rule", "words"),
    [
        (float("nan"), {"type": "number"}, "must be a number, not nan"),
        (True, {"type": "integer"}, "must be an integer"),
        ([1, 2], {"type": "array", "maxItems": 1}, "at most 1"),
        ("", {"type": "string", "minLength": 1}, "at least 1"),
        (None, {"anyOf": [{"type": "string"}]}, "must be a string, not null"),
    ],
)
def test_schemas(value: Any, rule: Any, words: str) -> None:
    with pytest.raises(Problem, match=words):
        schema.check(value, rule, "x")


def test_folders_and_classes_may_be_written_differently() -> None:
    from kerascope.facts import classes_named

    labels = ("Egyptian_cat", "crane", "Crane")
    names = ["egyptian cat", "CRANE", "", "owl", "Egyptian-Cat "]
    assert classes_named(names, labels) == ["Egyptian_cat", "crane", None, None, "Egyptian_cat"]
    assert classes_named(["owl"], None) == [None]
