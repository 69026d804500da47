"""What a model found in pictures: the class of every position, boxes, and which were explained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.targets.base import Spec, Target, Targets
from kerascope.targets.classes import Difference
from kerascope.targets.detections import SAME, ClassOfBox, Found
from kerascope.targets.detectors import Detector, detector_of
from kerascope.targets.places import BestBox
from kerascope.targets.regions import PredictedArea, Region
from kerascope.targets.segments import background_of, names_of, predicted, segmentation_of
from kerascope.types import Array

AREAS, BOXES = "found/areas", "found/boxes"  # of every sample
REGION, BOX = "explained/region", "explained/box"  # of every sample and target
MOST = 20  # boxes kept of a sample
LEAST = 0.25  # sureness of boxes that are shown; the surest is shown anyway
ROW = 7  # x0, y0, x1, y1 in pixels of the input, class, sureness, place among the model's boxes


@dataclasses.dataclass
class Scene:
    """What was found and explained, as arrays that a result keeps beside its maps.

    extras: `AREAS` (sample, y, x) int16, `BOXES` (sample, MOST, ROW), filled up with −1.
    target_extras: `REGION` (sample, target, y, x) weights up to 1, `BOX` (sample, target, ROW).
    """

    extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    target_extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)


def scene_of(
    spec: Spec, raw: Mapping[str, Array], targets: Targets | None, *, asked: bool = True
) -> Scene:
    """Return what a model found in pictures, from its outputs by name; nothing of other models.

    targets: what was explained, pinned. asked: a target was asked for; else a note says which.
    """
    scene = Scene()
    if len(spec.input_size) != 2:
        return scene
    items = [] if targets is None else [_first(target) for target in targets]
    regions = [item for item in items if isinstance(item, (Region, PredictedArea))]
    detectors = [_detector(item) for item in items]
    detector = next((one for one in detectors if one is not None), None)
    detector = detector_of(spec) if detector is None and not regions else detector
    if detector is not None:
        _add_boxes(scene, detector, raw, spec, items)
    else:
        _add_areas(scene, spec, raw, items, asked=asked)
    return scene


def _first(target: Target) -> Target:
    """Return the target that says where to look: of a contrast, its first side."""
    return _first(target.a) if isinstance(target, Difference) else target


def _detector(target: Target) -> Detector | None:
    if isinstance(target, (Found, BestBox)):
        return target.detector
    return target.of.detector if isinstance(target, ClassOfBox) else None


def _add_areas(
    scene: Scene, spec: Spec, raw: Mapping[str, Array], items: list[Target], *, asked: bool
) -> None:
    """Add the class of every position, and the regions explained."""
    from keras import ops

    regions = [item for item in items if isinstance(item, Region)]
    output = regions[0].output if regions else segmentation_of(spec)
    if output is None or len(output.shape) != 3:
        return
    values = ops.convert_to_tensor(np.asarray(raw[output.name], np.float32))
    score = "logit" if output.kind == "linear" else "probability"
    said = ops.convert_to_numpy(predicted(values, output, score))
    scene.extras[AREAS] = np.asarray(said, np.int16)
    if not regions:
        return
    shape = (len(said), *output.shape[:2])
    weights = [item.weights if isinstance(item, Region) else np.zeros(shape) for item in items]
    stacked = np.stack(weights, axis=1).astype(np.float32)
    most = stacked.max(axis=(2, 3), keepdims=True)
    scene.target_extras[REGION] = stacked / np.maximum(most, 1e-30)
    if not asked:
        names = names_of(spec, output)
        least = background_of(names)
        but = "" if least is None else f" but {'class 0' if names is None else repr(names[least])}"
        scene.notes.append(
            f"no target was given: explained is the class of the largest predicted area{but}, over "
            "that area; class@area, class@x,y or a mask explain others"
        )


def _add_boxes(
    scene: Scene, detector: Detector, raw: Mapping[str, Array], spec: Spec, items: list[Target]
) -> None:
    """Add the boxes found, and those explained."""
    from keras import ops

    plain = dataclasses.replace(detector, score="probability")
    tensors = {name: ops.convert_to_tensor(np.asarray(a)) for name, a in raw.items()}
    parts = [np.asarray(ops.convert_to_numpy(a), np.float64) for a in plain.parts(tensors)]
    rows = np.full((len(parts[0]), MOST, ROW), -1, np.float32)
    every = [_rows(detector, *each) for each in zip(*parts, strict=True)]
    for i, found in enumerate(every):
        best = _apart(found)[:MOST]
        rows[i, : len(best)] = best
    scale, note = _units(rows, detector, spec)
    scene.extras[BOXES] = np.where(rows[..., 5:6] >= 0, rows * scale, -1).astype(np.float32)
    scene.notes += note
    explained = [[_explained(item, i, every[i]) for item in items] for i in range(len(every))]
    if any(_detector(item) is not None for item in items):
        boxes = np.array(explained, np.float32).reshape(len(every), len(items), ROW)
        scene.target_extras[BOX] = np.where(boxes[..., 5:6] >= 0, boxes * scale, -1)


def _rows(detector: Detector, boxes: Array, kinds: Array, sure: Array) -> Array:
    """Return all boxes of a sample as rows of `ROW` numbers; those of no area have sureness 0."""
    if detector.class_count is None:
        named = kinds[:, 0]
    else:
        things = kinds.copy()
        if detector.background is not None:
            things[:, detector.background] = 0
        named, sure = things.argmax(axis=1), sure * things.max(axis=1)
    sure = np.where((boxes[:, 2:] > boxes[:, :2]).all(axis=1), np.maximum(sure, 0), 0)
    place = np.arange(len(boxes))
    return np.column_stack([boxes, named, sure, place])


def _apart(rows: Array) -> Array:
    """Return the surest rows, without those that overlap a surer one of their class by half."""
    order = rows[np.argsort(-rows[:, 5], kind="stable")]
    order = order[order[:, 5] >= min(LEAST, max(order[0, 5], 1e-12))]
    kept: list[Array] = []
    while len(order) and len(kept) < MOST:
        one, order = order[0], order[1:]
        kept.append(one)
        order = order[(order[:, 4] != one[4]) | (_shared(one, order) <= SAME)]
    return np.array(kept).reshape(-1, ROW)


def _shared(one: Array, rows: Array) -> Array:
    """Return the intersection over union of a box with others."""
    low, high = np.maximum(one[:2], rows[:, :2]), np.minimum(one[2:4], rows[:, 2:4])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    area = lambda box: np.prod(box[..., 2:4] - box[..., :2], axis=-1)  # noqa: E731
    return common / np.maximum(area(one) + area(rows) - common, 1e-12)


def _units(rows: Array, detector: Detector, spec: Spec) -> tuple[Array, list[str]]:
    """Return factors of a row that make pixels of shares of the input, and what to say of it."""
    scale = np.ones(ROW)
    seen = rows[rows[..., 5] >= 0][:, :4]
    said = detector.format.relative is not None and (
        detector.format.relative or detector.format.coords != "xyxy"
    )
    if said or not seen.size or min(spec.input_size) <= 4 or not (np.abs(seen) <= 1.5).all():
        return scale, []
    scale[:4] = [spec.input_size[1], spec.input_size[0]] * 2
    note = (
        f"the boxes of output '{detector.boxes.name}' lie between 0 and 1 and are drawn as shares "
        "of the input; boxes='rel_xyxy' (or another format) says so"
    )
    return scale, [note]


def _explained(target: Target, sample: int, rows: Array) -> Array:
    """Return the row of the box that a target is of; −1 where it is of none."""
    item: Any = target.of if isinstance(target, ClassOfBox) else target
    if isinstance(item, Found) and item.pinned:
        row = rows[int(item.place[sample])].copy()
        row[:4], row[5] = item.box[sample], max(row[5], 0)
        return row
    if isinstance(item, BestBox):
        return np.array([*item.given[sample], item.index[sample], 0, -1])
    return np.full(ROW, -1.0)
