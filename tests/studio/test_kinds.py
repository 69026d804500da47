"""Texts, tables, series, volumes and several inputs in the studio, over HTTP with real nets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mixed_nets
import studio_kinds as kinds
from kerascope.loading.given import How
from kerascope.loading.rows import Options
from kerascope.report.blobs import read_array
from kerascope.studio.lots import lot_of
from kerascope.studio.nets import Opening
from kerascope.studio.server import Server, Settings
from near_worker import NearWorker
from once import only_on
from running_studio import Running

pytestmark = only_on("torch")

Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a studio with a model of `tmp_path` and files beside it."""
    with contextlib.ExitStack() as stack:

        def begin(model: str, *sources: str, labels: bool = False, **options: Any) -> Running:
            opening = Opening(
                name=model, source=str(tmp_path / model),
                labels=str(tmp_path / "labels.txt") if labels else None, **options,
            )  # fmt: skip
            lots = (lot_of(sources),) if sources else ()
            running = Running(Server(Settings(models=(opening,), lots=lots), make=NearWorker))
            stack.callback(running.close)
            return running

        yield begin


def listed(running: Running, count: int) -> list[dict[str, Any]]:
    """Wait until so many samples are listed."""
    for _ in range(600):
        found = running.client.get("/api/document").json()
        if len(found["samples"]) >= count or found["studio"]["error"]:
            break
        running.wait_a_moment()
    assert not found["studio"]["error"]
    running.check_described("get", "/api/document", found)
    assert len(found["samples"]) == count
    return found["samples"]


def check_grade(running: Running, piece: dict[str, Any]) -> None:
    """Ask for the grade of a map as the page does."""
    method, shown = piece["methods"][0], piece["maps"][0]
    job = running.finished(running.ask(
        kind="grade", sample=shown["sample"], method=method["name"], fields=method["settings"],
        target=shown["target"]["index"],
    ))  # fmt: skip
    assert job["state"] == "done", job["error"]
    assert job["document"]["maps"][0]["grade"]["letter"] in "ABCD"
    assert job["document"]["methods"][0]["id"] == method["id"], "the page shows them as one"


def values(piece: dict[str, Any], place: int = 0) -> Any:
    return read_array(piece["maps"][place]["values"], piece["blobs"])


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")  # Keras's own, on JAX
def test_texts_of_a_model_of_strings(start: Start, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TextVectorization needs TensorFlow")
    kinds.write_text(tmp_path)
    running = start("text.keras", str(tmp_path / "texts.txt"))
    samples = listed(running, 4)
    assert [one["name"] for one in samples] == list(kinds.SAID)
    assert {one["kind"] for one in samples} == {"text"}
    ids = [one["id"] for one in samples]
    piece = running.explained(ids[0])
    assert piece["methods"][0]["name"] == "integrated_gradients"
    assert piece["samples"][0]["inputs"][0]["text"]["tokens"][3] == "boring"
    assert np.abs(values(piece)).argmax() == 3
    told = running.finished(running.ask(kind="predict", samples=ids))["document"]
    said = {row["sample"]: row["top"] for row in told["predictions"]}
    assert [said[name] for name in ids] == ["class 1", "class 0", "class 1", "class 0"]
    check_grade(running, piece)


def test_rows_of_a_table(start: Start, tmp_path: Path) -> None:
    kinds.write_table(tmp_path)
    how = How(columns=Options(truth="truth"))
    running = start("table.keras", str(tmp_path / "rows.csv"), labels=True, how=how)
    samples = listed(running, 30)
    assert [one["name"] for one in samples[:2]] == ["row 0", "row 1"]
    assert [one["truth"] for one in samples[:3]] == ["ill", "well", "ill"]
    piece = running.explained(samples[7]["id"])
    assert piece["methods"][0]["name"] == "kernel_shap"
    assert piece["samples"][0]["name"] == "row 7"
    row = piece["samples"][0]["inputs"][0]["table"]
    want = kinds.rows(30)[7]
    np.testing.assert_allclose(row["numbers"], want, atol=1e-4)
    scattered = [samples[i]["id"] for i in (20, 3, 4)]
    told = running.finished(running.ask(kind="predict", samples=scattered))["document"]
    assert [row["sample"] for row in told["predictions"]] == scattered
    check_grade(running, piece)


def test_windows_of_a_series(start: Start, tmp_path: Path) -> None:
    kinds.write_series(tmp_path)
    running = start("series.keras", str(tmp_path / "power.csv"), how=How(windows=2))
    samples = listed(running, 2)
    assert [one["name"] for one in samples] == ["power to day 1 7:00", "power to day 2 11:00"]
    assert samples[0]["kind"] == "series"
    told = running.finished(running.ask(kind="predict", sample=samples[0]["id"]))["document"]
    assert told["predictions"][0]["top"].startswith("forecast of load ")
    piece = running.explained(samples[0]["id"])
    assert piece["maps"][0]["kind"] == "series"
    assert piece["methods"][0]["python"].startswith("ks.explain(model, series, ")
    assert piece["predictions"][0]["forecast"]["channels"][0]["name"] == "load"
    again = running.client.get("/api/document").json()["predictions"]
    assert not any("forecast" in row for row in again), "its numbers are not in this document"
    later = running.explained(samples[0]["id"], method="occlusion", target="horizon-2")
    target = later["maps"][0]["target"]
    assert "2 steps ahead" in target["words"]
    bars = later["predictions"][0]["outputs"][0]["bars"]
    assert target["ask"] == bars[1]["ask"] == "horizon-2", "a bar is pressed to ask for its step"


def test_volumes_and_what_does_not_fit(start: Start, tmp_path: Path) -> None:
    kinds.write_volume(tmp_path)
    running = start("volume.keras")
    content = (tmp_path / "scan.npy").read_bytes()
    answer = running.client.post("/api/samples", files=[("f", ("my scan.npy", content))])
    assert answer.status_code == 201, answer.text
    samples = answer.json()["samples"]
    assert [one["name"] for one in samples] == ["my scan 0", "my scan 1"]
    piece = running.explained(samples[1]["id"])
    assert piece["maps"][0]["kind"] == "volume"
    assert piece["methods"][0]["python"].startswith("ks.explain(model, volumes, ")
    assert piece["samples"][0]["name"] == "my scan 1"
    for path in ("thumb", "picture"):
        assert running.client.get(f"/api/{path}/{samples[0]['id']}").status_code == 404
    mask = {"shape": [1, 1], "bytes": "/w=="}
    refused = running.client.post(
        "/api/jobs", json={"kind": "erase", "sample": samples[0]["id"], "mask": mask}
    )
    assert refused.status_code == 400
    assert refused.json()["error"] == "erase is of pictures, and 'my scan 0' is none"
    texts = running.client.post("/api/samples", files=[("f", ("a.txt", b"one text\n"))])
    assert texts.status_code == 400
    assert "'a.txt'" in texts.json()["error"]
    assert "upload-" not in texts.json()["error"]


def test_several_inputs(start: Start, tmp_path: Path) -> None:
    kinds.write_several(tmp_path)
    given = [f"image={tmp_path / 'scan'}", f"facts={tmp_path / 'facts.csv'}",
             f"text={tmp_path / 'notes.txt'}"]  # fmt: skip
    how = How(vocabulary=str(tmp_path / "words.txt"))
    running = start("several.keras", *given, how=how, preprocess="unit")
    samples = listed(running, 2)
    assert samples[0]["kind"] == "several"
    piece = running.explained(samples[0]["id"])
    assert piece["methods"][0]["python"].startswith("ks.explain(model, inputs, ")
    assert [one["input"] for one in piece["maps"]] == ["image", "facts", "text"]
    assert all(one["worth"] is not None for one in piece["maps"])
    check_grade(running, piece)


def test_files_of_several_inputs_are_dropped_together(start: Start, tmp_path: Path) -> None:
    """A file for each input, called like it; alone, each is refused with what is missing."""
    kinds.write_several(tmp_path)
    how = How(vocabulary=str(tmp_path / "words.txt"))
    running = start("several.keras", how=how, preprocess="unit")
    facts = (tmp_path / "facts.csv").read_bytes().splitlines(keepends=True)
    texts = (tmp_path / "notes.txt").read_bytes().splitlines(keepends=True)
    parts = {
        "image.png": (tmp_path / "scan" / "0.png").read_bytes(),
        "Facts.csv": b"".join(facts[:2]),
        "text.txt": texts[0],
    }
    files = [("f", pair) for pair in parts.items()]
    alone = running.client.post("/api/samples", files=files[1:2])
    assert alone.status_code == 400
    assert "give the files of all at once, called like them (image, facts, text)" in alone.text
    assert "upload-" not in alone.text
    lone = running.client.post("/api/samples", files=files[2:])
    assert lone.status_code == 400
    assert "give the files of all at once, called like them (image, facts, text)" in lone.text
    added = running.client.post("/api/samples", files=files)
    assert added.status_code == 201, added.text
    (sample,) = added.json()["samples"]
    assert sample["kind"] == "several"
    piece = running.explained(sample["id"])
    assert [one["input"] for one in piece["maps"]] == ["image", "facts", "text"]
    uneven = [("f", ("text.txt", b"".join(texts))), *files[:2]]
    refused = running.client.post("/api/samples", files=uneven)
    assert refused.status_code == 400
    assert "the inputs differ in their number of samples" in refused.json()["error"]
    assert "upload-" not in refused.text


def test_a_table_of_all_inputs_is_dropped(start: Start, tmp_path: Path) -> None:
    """A model with one input for every column takes a table of all of them."""
    kinds.write_columns(tmp_path)
    running = start("columns.keras")
    rows = b"age,income\n0.5,2.0\n0.25,1.0\n"
    added = running.client.post("/api/samples", files={"f": ("rows.csv", rows)})
    assert added.status_code == 201, added.text
    assert [one["kind"] for one in added.json()["samples"]] == ["row"] * 2


def test_arrays_of_all_inputs_are_dropped_in_one_file(start: Start, tmp_path: Path) -> None:
    kinds.write_several(tmp_path)
    held = {**mixed_nets.mixed_inputs(2), "text": np.array([[3, 4, 2, 5, 0]] * 2, np.int32)}
    running = start("several.keras")

    def dropped(name: str, **arrays: Any) -> Any:
        np.savez(tmp_path / "held.npz", **arrays)
        file = (name, (tmp_path / "held.npz").read_bytes())
        return running.client.post("/api/samples", files={"f": file})

    added = dropped("two.npz", **held).json()["samples"]
    assert [(one["name"], one["kind"]) for one in added] == [
        ("two 0", "several"),
        ("two 1", "several"),
    ]
    one = dropped("one.npz", **{name: array[0] for name, array in held.items()}).json()["samples"]
    assert [row["name"] for row in one] == ["one"]
    pieces = [running.explained(row["id"]) for row in (added[0], one[0])]
    first, second = ([part["target"]["score"] for part in piece["maps"]] for piece in pieces)
    assert first == pytest.approx(second)
    assert [part["input"] for part in pieces[0]["maps"]] == ["image", "facts", "text"]
    uneven = {"image": 2, "facts": 1, "text": 2}
    for change, words in (
        ({"txt": held["text"]}, "'a.npz': the model has no input 'txt'; did you mean 'text'?"),
        (
            {"facts": held["facts"][:, :2]},
            "'a.npz': input 'facts': samples of shape (2,) do not fit the model, which takes 3",
        ),
        (
            {"facts": held["facts"][:1]},
            f"'a.npz': the inputs differ in their number of samples: {uneven}",
        ),
    ):
        refused = dropped("a.npz", **{**held, **change})
        assert (refused.status_code, refused.json()) == (400, {"error": words})
    del held["facts"]
    refused = dropped("a.npz", **held)
    words = "'a.npz': input 'facts' of the model is missing; it takes image, facts, text"
    assert (refused.status_code, refused.json()) == (400, {"error": words})
