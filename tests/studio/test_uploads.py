"""What comes in: counted while it streams, refused before it is decoded, under our own names."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fake_worker import FakeWorker
from kerascope.studio import endpoints, lots, private, table, uploads
from kerascope.studio.private import Private
from kerascope.studio.shelf import plain_name
from once import only_on

pytestmark = only_on("torch")


def png(seed: int = 0, side: int = 9) -> bytes:
    file = io.BytesIO()
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 255, (side, side, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 60,000 × 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_pictures_come_in_as_multipart_and_as_a_body(serve: Any) -> None:
    running = serve()
    files = [("files", ("one.png", png(1), "image/png")), ("other", ("two.png", png(2)))]
    answer = running.client.post("/api/samples", files=files)
    assert answer.status_code == 201
    told = answer.json()
    assert [s["name"] for s in told["samples"]] == ["one.png", "two.png"]
    raw = running.client.post("/api/samples", content=png(3), params={"name": "drei ü.png"})
    assert raw.json()["samples"][0]["name"] == "drei ü.png"
    assert running.client.get("/api/samples").json()["total"] == 6
    sample = told["samples"][0]["id"]
    assert running.client.get(f"/api/thumb/{sample}").status_code == 200
    job = running.ask(kind="explain", sample=sample, method="grad_cam")
    assert running.finished(job)["state"] == "done"
    again = running.client.post("/api/samples", content=png(1), params={"name": "one.png"})
    assert again.json()["samples"][0]["id"] == sample  # equal contents are one sample


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/cron.d/x.png", "..\\..\\x.png", "/etc/passwd", "a/b/../../../c.png",
        "con\x00trol\n.png", "x" * 3000 + ".png", "", ".", "<img src=x onerror=alert(1)>.png",
    ],
)  # fmt: skip
def test_names_of_uploads_are_words(serve: Any, name: str, tmp_path: Path) -> None:
    running = serve()
    before = set(tmp_path.rglob("*"))
    answer = running.client.post("/api/samples", files=[("f", (name or "x", png()))])
    assert answer.status_code == 201, answer.text
    told = answer.json()["samples"][0]["name"]
    assert "/" not in told
    assert "\n" not in told
    assert len(told) <= 200
    files = list(running.studio.private.iterdir())
    assert all(file.name.startswith(("upload-", "m", ".lock")) for file in files)
    assert set(tmp_path.rglob("*")) == before


def test_plain_names() -> None:
    assert plain_name("C:\\x\\y.png") == "y.png"
    assert plain_name("a/b/") == "b"
    assert plain_name("\ud800x") == "?x"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bomb(), "decompression bomb"),
        (b"GIF89a", "damaged"),
        (b"hello", "is not a picture"),
        (png()[:60], "cut off or damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is not a picture"),
        (b"", "no file, or an empty one"),
    ],
)  # fmt: skip
def test_bad_pictures_are_refused_and_removed(serve: Any, content: bytes, words: str) -> None:
    running = serve()
    answer = running.client.post("/api/samples", files=[("f", ("my.png", content))])
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert "upload-" not in answer.json()["error"]
    assert not list(running.studio.private.glob("upload-*"))
    assert running.client.get("/api/samples").json()["total"] == 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.npz", "bytes unpacked; at most 1,000 are taken"),
        ("a.csv", "bytes; at most 10 are taken"),
        ("damaged.npz", "'damaged.npz' is damaged"),
    ],
)
def test_files_that_take_too_much_memory_are_refused_unread(
    serve: Any, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setattr(lots, "ARRAY_BYTES", 1000)
    monkeypatch.setattr(lots, "TEXT_BYTES", 10)
    packed = io.BytesIO()
    np.savez_compressed(packed, np.zeros(5000))
    assert len(packed.getvalue()) < 1000
    content = {"a.npz": packed.getvalue(), "a.csv": b"a,b\n" * 20}.get(name, b"PK no zip")
    running = serve()
    answer = running.client.post("/api/samples", files=[("f", (name, content))])
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert not list(running.studio.private.glob("upload-*"))
    assert not [message for message in FakeWorker.all[-1].sent if message.get("kind") == "list"]


def test_a_bad_picture_among_good_ones(serve: Any) -> None:
    files = [("f", ("good.png", png())), ("f", ("bad.png", b"no"))]
    told = serve().client.post("/api/samples", files=files).json()
    assert [s["name"] for s in told["samples"]] == ["good.png"]
    assert told["refused"][0]["name"] == "bad.png"


@pytest.mark.parametrize("streamed", [False, True])
def test_oversize_is_refused_while_it_comes(
    serve: Any, monkeypatch: pytest.MonkeyPatch, *, streamed: bool
) -> None:
    monkeypatch.setattr(endpoints, "PICTURE_BYTES", 100_000)
    monkeypatch.setattr(endpoints, "PICTURES_BYTES", 300_000)
    running = serve()
    for size, words in ((200_000, "larger than 100,000 bytes"), (400_000, "bytes")):
        body: Any = b"x" * size
        if streamed:
            body = (b"x" * 1000 for _ in range(size // 1000))
        answer = running.client.post("/api/samples", content=body)
        assert answer.status_code == 413
        assert words in answer.json()["error"]
    many = [("f", (f"{k}.png", png(k, 90))) for k in range(20)]
    assert running.client.post("/api/samples", files=many).status_code == 413
    assert not list(running.studio.private.glob("upload-*"))


def test_too_many_files(serve: Any) -> None:
    many = [("f", (f"{k}.png", b"x")) for k in range(201)]
    answer = serve().client.post("/api/samples", files=many)
    assert answer.status_code == 413
    assert "200 files" in answer.json()["error"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"garbage that is no part"),
        ("multipart/form-data; boundary=b", (b"--b\r\nContent-Disposition: form-data; name=x; "
         b'filename="a.png"\r\n\r\nno end')),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: " + b"y" * 9000 + b"\r\n\r\n--b--"),
        ("multipart/form-data; boundary=b", (b"--b\r\nContent-Disposition: form-data; name=x\r\n"
         b"\r\nno file\r\n--b--\r\n")),
    ],
)  # fmt: skip
def test_damaged_multipart(serve: Any, kind: str, body: bytes) -> None:
    running = serve()
    answer = running.client.post("/api/samples", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert not list(running.studio.private.glob("upload-*"))


def test_a_slow_client_is_given_up_and_holds_up_nobody(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_PATIENCE", 0.5)
    running = serve()
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=20) as slow:
        slow.sendall(
            f"POST /api/samples HTTP/1.1\r\nHost: {running.host}\r\nContent-Length: 1000\r\n"
            f"Authorization: {running.bearer['authorization']}\r\n\r\nab".encode()
        )
        assert running.client.get("/api/document").status_code == 200
        assert b" 408 " in slow.recv(4096)
    assert not list(running.studio.private.glob("upload-*"))


def test_a_client_that_goes_away_leaves_nothing(serve: Any) -> None:
    running = serve()
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=20) as gone:
        gone.sendall(
            f"POST /api/samples HTTP/1.1\r\nHost: {running.host}\r\nContent-Length: 1000\r\n"
            f"Authorization: {running.bearer['authorization']}\r\n\r\nab".encode()
        )
    for _ in range(100):
        if not list(running.studio.private.glob("upload-*")):
            break
        running.client.get("/api/document")
    assert not list(running.studio.private.glob("upload-*"))


def test_models_come_in_and_are_opened_in_safe_mode(serve: Any) -> None:
    FakeWorker.all.clear()
    running = serve(models=())
    body = b"PK\x03\x04 not really"
    answer = running.client.post("/api/models", files=[("f", ("../my net.keras", body))])
    assert answer.status_code == 202
    told = answer.json()
    assert told["name"] == "my net.keras"
    opening = FakeWorker.all[-1].opening
    assert opening["unsafe"] is False
    assert Path(opening["path"]).parent == running.studio.private
    assert Path(opening["path"]).suffix == ".keras"
    assert running.finished(told["job"])["state"] == "done"
    models = running.client.get("/api/models").json()["models"]
    assert [(m["id"], m["name"], m["state"]) for m in models] == [
        (told["id"], "my net.keras", "ready")
    ]
    closed = running.client.delete(f"/api/models/{told['id']}")
    assert closed.json()["state"] == "closed"
    assert FakeWorker.all[-1].stopped
    again = running.client.post("/api/models", params={"given": told["id"]})
    assert again.status_code == 202
    assert running.finished(again.json()["job"])["state"] == "done"


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", b"\x80\x04pickle", png(), b"{}"])
def test_what_is_no_model_is_refused_by_its_first_bytes(serve: Any, content: bytes) -> None:
    running = serve(models=())
    answer = running.client.post("/api/models", files=[("f", ("x.keras", content))])
    assert answer.status_code == 415
    assert "neither a zip nor HDF5" in answer.json()["error"]
    assert not list(running.studio.private.glob("upload-*"))


def test_one_model_at_a_time_and_not_too_many(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    running = serve(models=())
    two = [("f", (f"{k}.keras", b"PK\x03\x04")) for k in range(2)]
    assert running.client.post("/api/models", files=two).status_code == 413
    monkeypatch.setattr("kerascope.studio.studio.MOST_NETS", 2)
    statuses = [
        running.client.post("/api/models", content=b"PK\x03\x04" + bytes([k])).status_code
        for k in range(3)
    ]
    assert statuses == [202, 202, 429]


def test_uploads_are_gone_in_the_end(serve: Any) -> None:
    running = serve()
    running.client.post("/api/samples", content=png())
    private = running.studio.private
    assert private.stat().st_mode & 0o077 == 0
    assert list(private.glob("upload-*"))
    running.close()
    assert not private.exists()


def test_numbers_of_uploads_never_repeat() -> None:
    assert uploads.next_number() < uploads.next_number()


def test_folders_of_killed_studios_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private.tempfile, "tempdir", str(tmp_path))
    living, killed = Private(), Private()
    (killed.path / "upload-1").write_bytes(b"x")
    os.close(killed._lock)  # as the end of a process does
    (tmp_path / "kerascope-studio-other").mkdir()  # without a lock: not ours
    private.sweep()
    left = {folder.name for folder in tmp_path.iterdir()}
    assert left == {living.path.name, "kerascope-studio-other"}
    living.remove()
    assert not living.path.exists()


def test_all_uploads_together_are_bounded(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "ALL_BYTES", 3000)
    running = serve()
    body = png(1, 25)
    assert 1500 < len(body) < 3000
    assert running.client.post("/api/samples", content=body).status_code == 201
    assert running.client.post("/api/samples", content=png(2, 25)).status_code == 413
    assert running.client.post("/api/models", content=b"PK" + bytes(2000)).status_code == 413


def test_uploads_side_by_side_keep_to_the_bound_together(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, most, step = 400_000, 700_000, 20_000
    monkeypatch.setattr(endpoints, "ALL_BYTES", most)
    monkeypatch.setattr(uploads, "STEP", step, raising=False)
    running = serve(models=())
    begun, statuses = threading.Barrier(3, timeout=20), []

    def body() -> Any:
        yield b"PK\x03\x04" + bytes(1000)
        begun.wait()  # all have been let in
        yield from (bytes(10_000) for _ in range(size // 10_000))

    def send() -> None:
        statuses.append(running.client.post("/api/models", content=body()).status_code)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    held = sum(file.stat().st_size for file in running.studio.private.glob("upload-*"))
    assert held <= most
    assert 413 in statuses
    assert statuses.count(202) <= 1
