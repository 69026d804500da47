"""The training film as a document: frames, curves, and markers that are true."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from fake_results import FakeCam, FakeSigned, provenance, result, spot
from kerascope.errors import BadInput
from kerascope.report.film import Film
from kerascope.report.movement import evidence_of, moved
from once import once

pytestmark = once

LEFT, RIGHT, TOP = (12, 4), (12, 28), (3, 16)  # (y, x) on 24 × 32
OBJECT = np.zeros((24, 32), np.float32)
OBJECT[:, 20:] = 1


def frame(*places: tuple[int, int], method: Any = None, sha: str = "aa", **changes: Any) -> Any:
    """The result of a moment: a spot for every sample; other weights every time."""
    method = method or FakeCam()
    values = np.stack([spot(24, 32, y, x) for y, x in places])
    made = provenance(method, model_sha256=sha * 32)
    return result(values, method=method, provenance=made, **changes)


def film(*frames: Any, **options: Any) -> Film:
    made = Film(title="Film", **options)
    for index, one in enumerate(frames):
        made.add(index + 1, [one] if not isinstance(one, list) else one)
    return made


def told(made: Film, sample: str | None = None) -> list[tuple[float, str]]:
    markers = made.document()["film"]["markers"]
    return [(m["epoch"], m["words"]) for m in markers if m["sample"] == sample]


def test_ids_outlast_new_weights_and_maps_carry_epochs() -> None:
    made = film(*(frame(LEFT, RIGHT, sha=sha) for sha in ("aa", "bb", "cc")))
    document = made.document()
    assert len(document["models"]) == len(document["methods"]) == 1
    assert document["models"][0]["sha256"] == "cc" * 32  # as it is in the last frame
    assert len({s["provenance"]["model_sha256"] for s in document["stamps"]}) == 3
    assert len(document["samples"]) == 2
    assert len({m["id"] for m in document["maps"]}) == 6
    for item in document["maps"] + document["predictions"]:
        assert item["model"] == document["models"][0]["id"]
    method = document["methods"][0]
    assert {m["method"] for m in document["maps"]} == {method["id"]}
    assert method["model"] == document["models"][0]["id"]
    assert [m["epoch"] for m in document["maps"] if m["sample"] == "s1"] == [1, 2, 3]
    assert document["film"]["epochs"] == [1, 2, 3]
    assert document["film"]["labels"] == ["epoch 1", "epoch 2", "epoch 3"]
    json.dumps(document, allow_nan=False)


def test_evidence_that_stays_is_not_marked_and_evidence_that_moves_is() -> None:
    made = film(frame(LEFT), frame(LEFT), frame(RIGHT), frame(RIGHT), frame(TOP))
    assert told(made, "s0") == [
        (3, "since epoch 1, 100 % of the evidence moved, most of it into the right"),
        (5, "since epoch 3, 100 % of the evidence moved, most of it into the upper centre"),
    ]
    curve = next(c for c in made.document()["film"]["curves"] if c["sample"] == "s0")
    assert curve["epochs"] == [2, 3, 4, 5]
    assert curve["values"] == pytest.approx([0, 1, 0, 1])


def test_a_slow_drift_is_told_too() -> None:
    made = film(*(frame((12, 4 + step)) for step in range(24)))
    marked = told(made, "s0")
    assert marked
    assert "since epoch 1," in marked[0][1]
    assert all(one < next_ for (one, _), (next_, _) in itertools.pairwise(marked))


def test_with_masks_the_object_and_the_background_are_named() -> None:
    made = film(
        frame(RIGHT, RIGHT), frame(LEFT, RIGHT), frame(RIGHT, RIGHT), masks=[OBJECT, OBJECT]
    )
    assert told(made) == [
        (2, "50 % of the evidence moved to the background: 50 % lies there now"),
        (3, "50 % of the evidence moved onto the objects: 100 % lies there now"),
    ]
    assert told(made, "s0")[0][1].startswith("100 % of the evidence moved to the background")
    assert told(made, "s1") == []
    curves = made.document()["film"]["curves"]
    inside = {c["sample"]: c["values"] for c in curves if c["name"] == "evidence on the object"}
    assert inside[None] == pytest.approx([1, 0.5, 1])
    assert inside["s0"] == pytest.approx([1, 0, 1])


def test_a_move_within_the_background_is_none_onto_the_object() -> None:
    made = film(frame((3, 4)), frame((20, 12)), masks=[OBJECT])
    assert told(made, "s0") == [
        (2, "100 % of the evidence moved, most of it into the lower centre")
    ]


def test_masks_of_another_size_and_missing_ones() -> None:
    small = np.zeros((12, 16), bool)
    small[:, 10:] = True
    made = film(frame(RIGHT, LEFT), frame(LEFT, LEFT), masks=[small, None])
    values = made.document()["film"]["curves"]
    inside = {c["sample"]: c["values"] for c in values if c["name"] == "evidence on the object"}
    assert inside["s0"] == pytest.approx([1, 0])
    assert "s1" not in inside
    with pytest.raises(BadInput, match="1 masks for 2 samples"):
        film(frame(LEFT, LEFT), masks=[small])


def test_a_class_that_changes_is_told_for_one_and_for_many() -> None:
    other = np.tile(np.array([0.1, 0.7, 0.05, 0.05, 0.05, 0.05], np.float32), (3, 1))
    made = film(
        frame(LEFT, LEFT, LEFT), frame(LEFT, LEFT, LEFT, predictions=other),
        truths=["tabby", "dog", "dog"],
    )  # fmt: skip
    assert told(made, "s0") == [(2, "photo0.jpg is 'dog' now, 'tabby' before")]
    (marker,) = told(made)
    assert marker[1].startswith("3 of 3 samples are of another class now: photo0.jpg, photo1.jpg")
    right = next(
        c for c in made.document()["film"]["curves"] if c["name"] == "probes that are right"
    )
    assert right["values"] == pytest.approx([1 / 3, 2 / 3])


def test_logged_numbers_become_curves_and_odd_ones_do_not() -> None:
    made = film(frame(LEFT))
    made.log(1, {"loss": 0.5, "val_loss": np.float32(0.7), "lr": np.array([1e-3]), "text": "x"})
    made.log(2, {"loss": float("nan"), "confusion": np.zeros((2, 2)), "nothing": None})
    curves = {c["name"]: c for c in made.document()["film"]["curves"]}
    assert curves.keys() == {"loss", "val_loss", "lr"}
    assert curves["loss"]["epochs"] == [1, 2]
    assert curves["loss"]["values"] == [0.5, None]
    assert curves["val_loss"]["group"] == "loss"
    assert not curves["loss"]["share"]


def test_an_empty_map_has_no_evidence_and_breaks_nothing() -> None:
    empty = result(np.zeros((1, 24, 32), np.float32))
    made = film(frame(LEFT), empty, frame(RIGHT))
    assert told(made, "s0") == [
        (3, "since epoch 1, 100 % of the evidence moved, most of it into the right")
    ]


def test_several_methods_are_told_apart() -> None:
    made = film(
        [frame(LEFT), frame(LEFT, method=FakeSigned())],
        [frame(LEFT), frame(RIGHT, method=FakeSigned())],
    )
    document = made.document()
    (marker,) = [m for m in document["film"]["markers"] if m["sample"] == "s0"]
    titles = {m["id"]: m["name"] for m in document["methods"]}
    assert titles[marker["method"]] == FakeSigned().name


@pytest.mark.parametrize("epoch", [1, 0.5])
def test_frames_come_one_after_the_other(epoch: float) -> None:
    made = film(frame(LEFT))
    with pytest.raises(BadInput, match="does not come after epoch 1"):
        made.add(epoch, [frame(LEFT)])
    with pytest.raises(BadInput, match="no result"):
        made.add(2, [])


def test_large_maps_are_averaged_and_paths_left_out() -> None:
    values = np.random.default_rng(1).normal(0, 1, (1, 300, 200)).astype("float32")
    kept = result(values, extras={"path": np.zeros((1, 2, 300, 200), np.float32)})
    document = film(kept, side=100).document()
    (entry,) = document["maps"]
    assert entry["values"]["shape"] == [100, 67]
    assert entry["size"] == [300, 200]
    assert entry["path"] is None


@pytest.mark.parametrize("cells", [(8, 8), (24, 32), (5, 3)])
def test_moved_is_a_distance(cells: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    a, b = (evidence_of(rng.normal(0, 1, cells).astype("float32"), None) for _ in range(2))
    assert a is not None
    assert b is not None
    assert moved(a, a) == pytest.approx(0)
    assert moved(a, b) == pytest.approx(moved(b, a))
    assert 0 < moved(a, b) <= 1


def test_evidence_is_what_is_above_zero_or_sizes_where_nothing_is() -> None:
    mask = np.zeros((8, 8), np.float32)
    mask[:, 4:] = 1
    mixed = np.full((8, 8), -5, np.float32)
    mixed[0, 0] = 1
    assert evidence_of(mixed, mask).inside == 0  # type: ignore[union-attr]
    mixed[0, 0] = -5
    assert evidence_of(mixed, mask).inside == pytest.approx(0.5)  # type: ignore[union-attr]
    assert evidence_of(np.zeros((8, 8), np.float32), mask) is None
