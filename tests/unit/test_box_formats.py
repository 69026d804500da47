"""How detectors write boxes down: every format against Keras's own, every head the same result."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kerascope as ks
import places_nets
from kerascope.facts import remember
from kerascope.hooks import HookedModel
from kerascope.targets.boxes import BoxFormat, corners, from_anchors
from kerascope.targets.found import BOX, BOXES
from once import only_on

pytestmark = only_on("torch")

Array = np.ndarray
utils = keras.utils.bounding_boxes
GIVEN = np.array([[[3.0, 5, 20, 30], [0, 0, 8, 8]]], np.float32)
SIZE = {"height": 48, "width": 64}


@pytest.mark.parametrize(
    "name",
    [
        "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh",
        "rel_center_xywh",
    ],
)  # fmt: skip
def test_corners_are_those_of_keras(name: str) -> None:
    written = utils.convert_format(GIVEN, source="xyxy", target=name, **SIZE)
    known = BoxFormat.parse(name)
    assert str(known) == name
    scale = np.array([64, 48, 64, 48]) if known.relative else 1
    found = np.asarray(ops.convert_to_numpy(corners(written, known.coords))) * scale
    assert np.abs(found - GIVEN).max() < 1e-4


def test_offsets_to_anchors_are_those_of_keras() -> None:
    rng = np.random.default_rng(0)
    anchors = np.concatenate([rng.uniform(0, 20, (9, 2)), rng.uniform(25, 40, (9, 2))], axis=1)
    deltas = rng.normal(0, 0.4, (2, 9, 4)).astype("float32")
    wanted = utils.decode_deltas_to_boxes(
        anchors=ops.convert_to_tensor(anchors, "float32"),
        boxes_delta=ops.convert_to_tensor(deltas), anchor_format="xyxy",
        box_format="xyxy", encoded_format="center_xywh", image_shape=(200, 200, 3),
    )  # fmt: skip
    ours = from_anchors(ops.convert_to_tensor(deltas), anchors.astype("float32"))
    assert np.abs(ops.convert_to_numpy(ours) - ops.convert_to_numpy(wanted)).max() < 1e-3


# --- one detector, every head --------------------------------------------------------------------


def heads() -> dict[str, tuple[Any, str | None]]:
    """Return the same detections written in many ways, with what has to be said of each."""
    case = places_nets.detection()

    def raw(batch: Array) -> dict[str, Array]:
        return {k: ops.convert_to_numpy(v) for k, v in case.net(np.asarray(batch)).items()}

    def written(name: str, **more: Any) -> Any:
        def function(batch: Array) -> dict[str, Array]:
            found = raw(batch)
            boxes = utils.convert_format(found["boxes"], source="xyxy", target=name, **SIZE)
            return {**found, "boxes": ops.convert_to_numpy(boxes), **more}

        return function

    def one(batch: Array) -> Array:
        found = raw(batch)
        shares = found["boxes"] / np.array([64, 48, 64, 48])
        middle = (shares[..., :2] + shares[..., 2:]) / 2
        size = shares[..., 2:] - shares[..., :2]
        logit = np.log(found["scores"] / (1 - found["scores"]))[..., None]
        return np.concatenate([middle, size, logit, found["probabilities"]], axis=-1)

    def sorted_and_padded(batch: Array) -> dict[str, Array]:
        found = raw(batch)
        chance = found["probabilities"].max(axis=-1) * found["scores"]
        order = np.argsort(-chance, axis=1, kind="stable")[:, :5]
        take = lambda a: np.take_along_axis(a, order, axis=1)  # noqa: E731
        rows = {
            "boxes": np.take_along_axis(found["boxes"], order[..., None], axis=1),
            "labels": take(found["probabilities"].argmax(axis=-1)),
            "confidence": take(chance),
        }
        rows = {
            k: np.concatenate([v, np.full((len(v), 3, *v.shape[2:]), -1.0)], axis=1)
            for k, v in rows.items()
        }
        return {**rows, "num_detections": np.full(len(batch), 5)}

    return {
        "corners": (written("xyxy"), None),
        "rel_yxyx": (written("rel_yxyx"), "rel_yxyx"),
        "center_xywh": (written("center_xywh"), "center_xywh"),
        "xywh": (written("xywh"), "xywh"),
        "one": (one, "rel_center_xywh+sigmoid(object)+classes"),
        "padded": (sorted_and_padded, None),
        "grid": (case.grid, case.format),
    }


@pytest.mark.parametrize("name", list(heads()))
def test_every_head_finds_the_same_boxes(name: str) -> None:
    case = places_nets.detection()
    function, text = heads()[name]
    found = ks.explain(function, case.x, "d_rise", target=ks.Detection(boxes=text), masks=8)
    for i in range(len(case.x)):
        first = found.extras[BOXES][i]
        shown = first[first[:, 5] >= 0]
        assert np.abs(shown[:2, :4] - case.boxes[i]).max() < 1e-2
        assert shown[:2, 4].tolist() == case.kinds[i].tolist()
        explained = found.extras[BOX][i] if BOX in found.extras else None
        assert explained is not None
        assert np.abs(explained[:4] - case.boxes[i, 0]).max() < 1e-2
        assert f"of class {case.kinds[i, 0]}" in found.explained[i].replace(
            "'tank'", "class 0"
        ).replace("'truck'", "class 1")


def test_format_beside_the_model_is_known_to_every_target() -> None:
    case = places_nets.detection()
    room = places_nets.example("detection")
    net = room.grid_detector()
    view = HookedModel(net, compiled=False)
    remember(net, boxes=case.format)
    second = ks.explain(view, case.x[:1], "gradient", target="detection-2")
    kind = case.labels[case.kinds[0, 1]]
    assert second.explained[0].startswith(f"sureness of '{kind}' in box")
    x0, y0, x1, y1 = case.boxes[0, 1]
    inside = np.abs(second.values[0]).sum(axis=-1)[int(y0) : int(y1), int(x0) : int(x1)].sum()
    assert inside == pytest.approx(np.abs(second.values[0]).sum(), rel=1e-4)
    given = ks.Box(tuple(case.boxes[0, 1] + 1), kind)
    boxed = ks.explain(view, case.x[:1], "gradient", target=given)
    assert np.allclose(boxed.values, second.values, atol=1e-6)
    number = int(second.extras[BOX][0, 6])
    same = ks.explain(view, case.x[:1], "gradient", target=f"box-{number}")
    assert same.explained == second.explained


def test_overlap_times_class_probability() -> None:
    case = places_nets.detection()
    function, _ = heads()["corners"]
    kind = int(case.kinds[0, 0])
    box = tuple(case.boxes[0, 0] + np.array([0, 0, 4, 0]))  # 8 of 12 columns are shared
    found = ks.explain(function, case.x[:1], "occlusion", target=ks.Box(box, kind), patch=8)
    best = int(found.extras[BOXES][0, 0, 6])
    raw = {k: ops.convert_to_numpy(v) for k, v in case.net(case.x[:1]).items()}
    chance = raw["scores"][0, best] * raw["probabilities"][0, best, kind]
    assert found.scores[0] == pytest.approx(8 / 12 * chance, rel=1e-3)
    assert "overlap × probability of class" in found.explained[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("xyxx", "box format 'xyxx' is not known; it is one of xyxy"),
        ("xyxy+xywh", "is not known"),
        ("xyxy+class+classes", "is not known"),
        ("classes", "is not known"),
        ("rel_xyxy+object+tanh(classes)", "is not known"),
        ("deltas", "holds offsets to anchors, and the model has no anchor_generator"),
    ],
)
def test_bad_formats(text: str, words: str) -> None:
    case = places_nets.detection()
    function, _ = heads()["corners"]
    with pytest.raises(ks.BadTarget, match=words):
        ks.explain(function, case.x[:1], "d_rise", target=ks.Detection(boxes=text), masks=4)


def test_bad_boxes() -> None:
    case = places_nets.detection()
    function, _ = heads()["corners"]
    grid = places_nets.example("detection").grid_detector()

    def fails(model: Any, target: Any, words: str) -> None:
        with pytest.raises(ks.BadTarget, match=words):
            ks.explain(model, case.x[:1], "occlusion", target=target, patch=24)

    fails(function, ks.Box((70, 2, 80, 9), 1), "outside the model's input, 64 × 48")
    fails(function, ks.Box((1, 2, 8, 9), 5), "there are 2, 0 to 1")
    fails(function, "box-99", "the model has 48 boxes, 0 to 47")
    fails(grid, ks.Detection(), "or a box format for one output; the model has 'grid'")
    fails(grid, ks.Detection(boxes="cell_xywh+object"), "7 numbers a box, which does not fit")
    raw = ks.Detection(boxes="cell_xywh+object+classes")  # logits, and nothing says so
    fails(lambda x: ops.convert_to_numpy(grid(x)) * [1, 1, 1, 1, 1, 9, 9], raw, "no probabilities")

    def nothing(batch: Array) -> dict[str, Array]:
        return {
            "boxes": np.full((len(batch), 3, 4), -1.0),
            "scores": np.full((len(batch), 3), -1.0),
        }

    fails(nothing, ks.Detection(), "has no such detection")
