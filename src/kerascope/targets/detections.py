"""A detection of the whole input as a target: how much of it is still found, or its class score."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, Spec, Target, Unresolved, static
from kerascope.targets.boxes import overlaps
from kerascope.targets.detectors import Detector, check_probabilities
from kerascope.targets.pick import class_index
from kerascope.types import Array, Tensor

SAME = 0.5  # intersection over union from which two boxes of one class are of one thing
BY = ("similarity", "class")


@dataclasses.dataclass(frozen=True, eq=False)
class Detection(Unresolved):
    """A detection of the whole input: D-RISE's similarity of what is found to it, or its class.

    index: its place among the model's boxes; None takes the surest, or that of `rank`, 1 being the
    surest; boxes that overlap a surer one of the same class by half do not count.
    class_: the sureness of this class counts; None: of each box's likeliest.
    boxes: how boxes are written, "xyxy", "rel_yxyx", "center_xywh", "cell_xywh+object+classes", …,
        see `targets.boxes`; None: as is known of the model, or xyxy.
    by: "similarity" is the largest of any box found to this one, which methods that cover ask for;
        "class" the score of its class in it, which has a gradient. None takes what suits.

    The model gives boxes (sample, box, 4) and beside them, told apart by shape and name,
    probabilities (sample, box, class) or class numbers (sample, box) named "classes" or "labels",
    and objectness or confidence (sample, box) named "scores"; or, where `boxes` says so, all in one
    output. Offsets to anchors are read with the model's `anchor_generator`.

    Raises:
        BadTarget: the model is no detector, or there is no such detection.
    """

    index: int | None = None
    class_: int | str | None = None
    rank: int = 1
    boxes: str | None = None
    by: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Find the outputs that it speaks of, and check index, class and rank."""
        detector = Detector.of(spec, self.boxes)
        count = detector.count
        if self.index is not None and not 0 <= self.index < count:
            raise BadTarget(
                f"detection {self.index} is out of range: the model has {count} boxes, 0 to "
                f"{count - 1}"
            )
        if not 1 <= self.rank <= count:
            raise BadTarget(f"rank {self.rank} is out of range: ranks are 1 to {count}, of boxes")
        if self.by not in (None, *BY):
            raise BadTarget(f"by='{self.by}' is not one of {', '.join(BY)}")
        zeros = np.zeros(samples, np.float32)
        found = Found(
            detector, self.index, detection_class(self.class_, spec, detector), self.rank,
            pinned=False, place=zeros, box=np.zeros((samples, 4), np.float32),
            kind=np.zeros((samples, 1), np.float32), labels=detector.names(spec),
        )  # fmt: skip
        by_class = self.by == "class" or (self.by is None and spec.gradients)
        return ClassOfBox(found) if by_class else found


def detection_class(class_: Any, spec: Spec, detector: Detector) -> int | None:
    """Return the number of a class of a detector; None stays."""
    if class_ is None:
        return None
    if not detector.has_classes:
        raise BadTarget(f"class {class_!r} is not known: the model gives no classes")
    many = len(detector.names(spec) or ()) if detector.numbers else detector.class_count or 0
    head = dataclasses.replace(detector.named, shape=(many,))
    one = class_index(class_, spec, head) if isinstance(class_, str) else int(class_)
    if many and not 0 <= one < many:
        raise BadTarget(f"class {one} is out of range: there are {many}, 0 to {many - 1}")
    return one


@dataclasses.dataclass(frozen=True, eq=False)
class Found(Target):
    """A resolved detection; its box and class are read from each input itself until pinned.

    place: (sample,) among the boxes; box: (sample, 4); kind: (sample, class), as `Detector.parts`.
    """

    detector: Detector
    index: int | None
    class_: int | None
    rank: int
    pinned: bool
    place: Array
    box: Array
    kind: Array
    labels: tuple[str, ...] | None = static()

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the largest similarity (Petsiuk et al. 2021, equations 3 to 6), shape (sample,).

        It is the IoU of the boxes × cosine of the class probabilities × objectness.
        """
        from keras import ops

        boxes, kinds, sure = self.detector.parts(outputs.scores)
        box, kind, _ = self.reference(outputs.scores)
        box, kind = (ops.expand_dims(one, 1) for one in (box, kind))
        overlap = overlaps(boxes, ops.cast(box, boxes.dtype))
        if kinds.shape[-1] == 1:
            alike = ops.cast(ops.equal(kinds, ops.cast(kind, kinds.dtype)), boxes.dtype)[..., 0]
        else:
            kind = ops.cast(kind, kinds.dtype)
            lengths = ops.sqrt(ops.sum(kinds**2, axis=-1) * ops.sum(kind**2, axis=-1) + 1e-18)
            alike = ops.sum(kinds * kind, axis=-1) / lengths
        return ops.max(overlap * alike * ops.maximum(sure, 0), axis=1)

    def reference(self, scores: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return box (sample, 4), classes (sample, class) and place, pinned or as found now."""
        from keras import ops

        box, kind, place = self.box, self.kind, self.place
        if not self.pinned:
            box, kind, _, place = self._found(scores)
        box, kind, place = (
            ops.stop_gradient(ops.convert_to_tensor(one)) for one in (box, kind, place)
        )
        return box, kind, ops.cast(place, "int32")

    def class_of(self, kind: Any) -> Any:
        """Return the class numbers (sample,) of classes (sample, class)."""
        from keras import ops

        if self.class_ is not None:
            return ops.zeros_like(kind[:, 0], dtype="int32") + self.class_
        if kind.shape[-1] == 1:
            return ops.cast(kind[:, 0], "int32")
        return ops.cast(ops.argmax(self._things(kind), axis=-1), "int32")

    def _things(self, kinds: Tensor) -> Tensor:
        """Return class probabilities with that of the background taken out."""
        from keras import ops

        if self.detector.background is None:
            return kinds
        keep = np.ones(kinds.shape[-1], np.float32)
        keep[self.detector.background] = 0
        return ops.multiply(kinds, ops.cast(keep, kinds.dtype))  # kinds: also of NumPy

    def _found(self, scores: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return box (sample, 4), classes (sample, class), sureness and place of the detection."""
        from keras import ops

        boxes, kinds, sure = self.detector.parts(scores)
        if self.detector.numbers and self.class_ is not None:
            sure = sure * ops.cast(ops.equal(kinds[..., 0], self.class_), sure.dtype)
        elif self.detector.class_count is not None:
            things = self._things(kinds)
            best = ops.max(things, axis=-1) if self.class_ is None else kinds[..., self.class_]
            sure = sure * best
        # Detectors fill up their outputs with boxes of no area.
        sure = sure * ops.cast(ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1), sure.dtype)
        take = lambda rows, at: ops.take_along_axis(rows, at[..., None], axis=1)[:, 0]  # noqa: E731
        place = ops.argmax(sure, axis=1)
        left = sure
        for _ in range(0 if self.index is not None else self.rank - 1):
            left = self._without(boxes, kinds, left, ops.expand_dims(ops.cast(place, "int32"), 1))
            place = ops.argmax(left, axis=1)
        place = place if self.index is None else ops.full_like(place, self.index)
        at = ops.expand_dims(ops.cast(place, "int32"), 1)
        of = left if self.index is None else sure
        return take(boxes, at), take(kinds, at), take(of[..., None], at)[:, 0], place

    def _without(self, boxes: Tensor, kinds: Tensor, sure: Tensor, at: Tensor) -> Tensor:
        """Return sureness with that of one box, and of those that show the same thing, at zero."""
        from keras import ops

        take = lambda rows: ops.take_along_axis(rows, at[..., None], axis=1)  # noqa: E731
        alone = kinds.shape[-1] == 1
        named = kinds[..., 0] if alone else ops.argmax(self._things(kinds), axis=-1)
        named = ops.cast(named, "int32")
        own = ops.take_along_axis(named, at, axis=1)
        same = ops.logical_and(overlaps(boxes, take(boxes)) > SAME, ops.equal(named, own))
        itself = ops.equal(np.arange(boxes.shape[1], dtype=np.int32)[None], at)
        return ops.where(ops.logical_or(same, itself), ops.zeros_like(sure), sure)

    def pin(self, scores: Mapping[str, Array]) -> Found:
        """Fix the detection found in the inputs as they are."""
        from keras import ops

        if self.pinned:
            return self
        tensors = {name: ops.convert_to_tensor(value) for name, value in scores.items()}
        check_probabilities(ops.convert_to_numpy(self.detector.parts(tensors)[1]), self.detector)
        box, kind, sure, place = map(ops.convert_to_numpy, self._found(tensors))
        empty = (box[:, 2:] <= box[:, :2]).any(axis=1)
        if empty.any() or (sure <= 0).any():
            sample = int(np.argmax(empty | (sure <= 0)))
            raise BadTarget(
                f"sample {sample} has no such detection: box {int(place[sample])} is "
                f"{corner_words(box[sample])}, its sureness {max(sure[sample], 0):.3g}, read as "
                f"{self.detector.format} (boxes= says another format)"
            )
        return dataclasses.replace(
            self, pinned=True, place=place.astype(np.float32), box=box.astype(np.float32),
            kind=kind.astype(np.float32),
        )  # fmt: skip

    def words(self, row: int) -> str:
        """Say which detection, of which class and where."""
        if not self.pinned:
            return "similarity to a detection"
        kind = ""
        if self.detector.has_classes:
            kind = f" of {self.class_words(row)}"
        return f"similarity to box {int(self.place[row])}{kind} at {corner_words(self.box[row])}"

    def class_words(self, row: int) -> str:
        """Return the class of a pinned detection in words."""
        number = int(np.asarray(self.class_of(self.kind[row : row + 1]))[0])
        known = self.labels is not None and 0 <= number < len(self.labels)
        return f"'{self.labels[number]}'" if known else f"class {number}"  # type: ignore[index]


@dataclasses.dataclass(frozen=True, eq=False)
class ClassOfBox(Target):
    """The score of its class in a detection: a logit, or class probability × objectness.

    The box is known by its place; where the model has sorted its boxes itself, by overlap.
    """

    of: Found

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        detector = self.of.detector
        box, kind, place = self.of.reference(outputs.scores)
        rows = class_rows(detector, outputs.scores, self.of.class_of(kind))
        if detector.numbers:
            boxes = ops.stop_gradient(detector.parts(outputs.scores)[0])
            overlap = overlaps(boxes, ops.cast(ops.expand_dims(box, 1), boxes.dtype))
            place = ops.cast(ops.argmax(overlap, axis=1), "int32")
        return ops.take_along_axis(rows, ops.expand_dims(place, 1), axis=1)[:, 0]

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Fix the detection."""
        return dataclasses.replace(self, of=self.of.pin(scores))

    def words(self, row: int) -> str:
        """Say which class in which box."""
        kind = self.of.detector.score_words()
        if not self.of.pinned:
            return f"{kind} of a detection's class"
        who = f" of {self.of.class_words(row)}" if self.of.detector.has_classes else ""
        place = int(self.of.place[row])
        return f"{kind}{who} in box {place} at {corner_words(self.of.box[row])}"


def class_rows(detector: Detector, scores: Mapping[str, Tensor], index: Any) -> Tensor:
    """Return (sample, box): the score of each sample's class `index` in every box."""
    values = detector.logits(scores)
    return chance_rows(detector, scores, index) if values is None else _picked(values, index)


def chance_rows(detector: Detector, scores: Mapping[str, Tensor], index: Any) -> Tensor:
    """Return (sample, box): sureness × probability of each sample's class `index` in every box."""
    from keras import ops

    _, kinds, sure = detector.parts(scores)
    if not detector.has_classes:
        return sure
    if detector.numbers:
        same = ops.equal(ops.cast(kinds[..., 0], "int32"), ops.expand_dims(index, 1))
        return sure * ops.cast(same, sure.dtype)
    return sure * _picked(kinds, index)


def _picked(values: Tensor, index: Any) -> Tensor:
    """Return (sample, box): each sample's class of (sample, box, class)."""
    from keras import ops

    picked = ops.one_hot(ops.cast(index, "int32"), values.shape[-1], dtype=values.dtype)
    return ops.sum(values * ops.expand_dims(picked, 1), axis=-1)


def corner_words(box: Array) -> str:
    """Return (x0, y0, x1, y1) in words."""
    return "(" + ", ".join(f"{round(float(value), 3) + 0.0:.4g}" for value in box) + ")"
