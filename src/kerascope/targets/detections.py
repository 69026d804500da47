"""A detection of the whole input as a target: how much of it is still found (D-RISE)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target
from kerascope.targets.classes import _static, _Unresolved, class_index
from kerascope.targets.places import overlaps
from kerascope.types import Array, Tensor

_NUMBERS = ("class", "label", "kind")  # in names of outputs of class numbers
_SURE = ("object", "score", "conf", "prob")


@dataclasses.dataclass(frozen=True)
class Detector:
    """Which outputs of a model are boxes, classes and sureness; all have one row per box.

    boxes: (box, 4), corners x0 y0 x1 y1. classes: probabilities (box, class), or class numbers
    (box,) where `numbers`; None: of one class. sure: objectness or confidence (box,); None: 1.
    """

    boxes: OutputSpec
    classes: OutputSpec | None
    sure: OutputSpec | None
    score: str

    @classmethod
    def of(cls, spec: Spec) -> Detector:
        """Find the outputs by their shapes and names; raise `BadTarget` where they are unclear."""
        found = [o for o in spec.outputs.values() if len(o.shape) == 2 and o.shape[-1] == 4]
        found.sort(key=lambda o: "box" not in o.name.lower())
        others = [o for o in spec.outputs.values() if o not in found[:1]]
        rows = [o for o in others if found and o.shape[:1] == found[0].shape[:1]]
        wide = [o for o in rows if len(o.shape) == 2 and o.shape[1] > 1]
        flat = [o for o in rows if o.shape[1:] in ((), (1,))]
        numbers = [] if wide else [o for o in flat if _named(o, _NUMBERS)]
        rest = [o for o in flat if o not in numbers]
        sure = [o for o in rest if _named(o, _SURE)] if len(rest) > 1 else rest
        unclear = max(len(wide), len(numbers), len(sure)) > 1 or (rest and not sure)
        if not found or not rows or unclear:
            shapes = ", ".join(f"'{o.name}' {o.shape}" for o in spec.outputs.values())
            raise BadTarget(
                "Detection needs outputs 'boxes' (box, 4), and 'probabilities' (box, class) or "
                f"'classes' (box,), or 'scores' (box,), one of each; the model has {shapes}"
            )
        classes = [*wide, *numbers, None][0]
        return cls(found[0], classes, sure[0] if sure else None, spec.score)

    @property
    def numbers(self) -> bool:
        """True where each box has a class number in place of probabilities."""
        return self.classes is not None and self.classes.shape[1:] in ((), (1,))

    def parts(self, outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes (sample, box, 4), classes (sample, box, class) and sureness (sample, box).

        outputs: what `score` asks for, by name. Without classes, all boxes have class number 0.
        """
        from keras import ops

        boxes = outputs[self.boxes.name]
        flat = (-1, boxes.shape[1])
        ones = ops.ones_like(boxes[..., 0])
        sure = ones if self.sure is None else ops.reshape(self._unit(outputs, self.sure), flat)
        if self.classes is None:
            return boxes, ops.zeros_like(boxes[..., :1]), sure
        classes = self._unit(outputs, self.classes)
        return boxes, ops.reshape(classes, (*flat, 1)) if self.numbers else classes, sure

    def _unit(self, outputs: Mapping[str, Tensor], output: OutputSpec) -> Tensor:
        """Return probabilities: those of logits where the head has a softmax or sigmoid."""
        from keras import ops

        values = outputs[output.name]
        if self.score == "logit" and output.kind in ("softmax", "log_softmax"):
            return ops.softmax(values)
        return ops.sigmoid(values) if (self.score, output.kind) == ("logit", "sigmoid") else values


def _named(output: OutputSpec, words: tuple[str, ...]) -> bool:
    return any(word in output.name.lower() for word in words)


@dataclasses.dataclass(frozen=True, eq=False)
class Detection(_Unresolved):
    """A detection of the whole input: D-RISE's similarity of what is found to it.

    index: its place among the model's boxes; None takes the surest, or that of `rank`, 1 being the
    surest. class_: the sureness of this class counts; None: of each box's likeliest.

    The model gives boxes (sample, box, 4) with corners x0 y0 x1 y1 or y0 x0 y1 x1, and beside them,
    told apart by shape and name, probabilities (sample, box, class) or class numbers (sample, box)
    named "classes" or "labels", and objectness or confidence (sample, box) named "scores".

    Raises:
        BadTarget: the model is no detector, or there is no such detection.
    """

    index: int | None = None
    class_: int | str | None = None
    rank: int = 1

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Find the outputs that it speaks of, and check index, class and rank."""
        detector = Detector.of(spec)
        count = detector.boxes.shape[0]
        if self.index is not None and not 0 <= self.index < count:
            raise BadTarget(
                f"detection {self.index} is out of range: the model has {count} boxes, 0 to "
                f"{count - 1}"
            )
        if not 1 <= self.rank <= count:
            raise BadTarget(f"rank {self.rank} is out of range: ranks are 1 to {count}, of boxes")
        zeros = np.zeros(samples, np.float32)
        return Found(
            detector, self.index, self._class(spec, detector), self.rank,
            pinned=False, place=zeros, box=np.zeros((samples, 4), np.float32),
            kind=np.zeros((samples, 1), np.float32), labels=spec.labels,
        )  # fmt: skip

    def _class(self, spec: Spec, detector: Detector) -> int | None:
        if self.class_ is None:
            return None
        if detector.classes is None:
            raise BadTarget(f"class {self.class_!r} is not known: the model gives no classes")
        many = len(spec.labels or ()) if detector.numbers else detector.classes.shape[-1]
        head = dataclasses.replace(detector.classes, shape=(many,))
        one = class_index(self.class_, spec, head) if isinstance(self.class_, str) else self.class_
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
    labels: tuple[str, ...] | None = _static()

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the largest similarity (Petsiuk et al. 2021, equations 3 to 6), shape (sample,).

        It is the IoU of the boxes × cosine of the class probabilities × objectness.
        """
        from keras import ops

        boxes, kinds, sure = self.detector.parts(outputs.scores)
        box, kind = self.box, self.kind
        if not self.pinned:
            box, kind, _, _ = self._reference(outputs.scores)
        box, kind = (
            ops.expand_dims(ops.stop_gradient(ops.convert_to_tensor(one)), 1) for one in (box, kind)
        )
        overlap = overlaps(boxes, ops.cast(box, boxes.dtype))
        if kinds.shape[-1] == 1:
            alike = ops.cast(ops.equal(kinds, ops.cast(kind, kinds.dtype)), boxes.dtype)[..., 0]
        else:
            kind = ops.cast(kind, kinds.dtype)
            lengths = ops.sqrt(ops.sum(kinds**2, axis=-1) * ops.sum(kind**2, axis=-1) + 1e-18)
            alike = ops.sum(kinds * kind, axis=-1) / lengths
        return ops.max(overlap * alike * ops.maximum(sure, 0), axis=1)

    def _reference(self, scores: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return box (sample, 4), classes (sample, class), sureness and place of the detection."""
        from keras import ops

        boxes, kinds, sure = self.detector.parts(scores)
        if self.detector.numbers and self.class_ is not None:
            sure = sure * ops.cast(ops.equal(kinds[..., 0], self.class_), sure.dtype)
        elif self.detector.classes is not None and not self.detector.numbers:
            best = ops.max(kinds, axis=-1) if self.class_ is None else kinds[..., self.class_]
            sure = sure * best
        # Detectors fill up their outputs with boxes of no area.
        sure = sure * ops.cast(ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1), sure.dtype)
        order = ops.argsort(-sure, axis=1)[:, self.rank - 1]
        place = order if self.index is None else ops.full_like(order, self.index)
        at = ops.expand_dims(ops.cast(place, "int32"), 1)
        take = lambda rows: ops.take_along_axis(rows, at[..., None], axis=1)[:, 0]  # noqa: E731
        return take(boxes), take(kinds), take(sure[..., None])[:, 0], place

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Fix the detection found in the inputs as they are."""
        from keras import ops

        tensors = {name: ops.convert_to_tensor(value) for name, value in scores.items()}
        box, kind, sure, place = map(ops.convert_to_numpy, self._reference(tensors))
        empty = (box[:, 2:] <= box[:, :2]).any(axis=1)
        if empty.any() or (sure <= 0).any():
            sample = int(np.argmax(empty | (sure <= 0)))
            raise BadTarget(
                f"sample {sample} has no such detection: box {int(place[sample])} is "
                f"{_corners(box[sample])}, its sureness {sure[sample]:.3g}"
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
        if self.detector.classes is not None:
            number = int(self.kind[row, 0] if self.detector.numbers else self.kind[row].argmax())
            known = self.labels is not None and 0 <= number < len(self.labels)
            kind = f" of '{self.labels[number]}'" if known else f" of class {number}"  # type: ignore[index]
        return f"similarity to box {int(self.place[row])}{kind} at {_corners(self.box[row])}"


def _corners(box: Array) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in box) + ")"
