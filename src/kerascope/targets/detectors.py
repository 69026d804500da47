"""Which outputs of a model are boxes, classes and sureness, and what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.labels import names_for
from kerascope.targets.base import OutputSpec, Spec
from kerascope.targets.boxes import (
    CELL,
    CHOICES,
    DELTAS,
    BoxFormat,
    corners,
    from_anchors,
    in_cells,
)
from kerascope.targets.segments import background_of
from kerascope.types import Tensor

_NUMBERS = ("class", "label", "kind")  # in names of outputs of class numbers
_SURE = ("object", "score", "conf", "prob")
_PLAIN = BoxFormat()
_OFFSETS = ("regression", "delta", "offset")  # in names of outputs of offsets to anchors
# Conventions of who names an output so: DETR, and the TensorFlow object detection API.
_BY_NAME = {"pred_boxes": "rel_center_xywh", "detection_boxes": "rel_yxyx"}


@dataclasses.dataclass(frozen=True)
class Detector:
    """Which outputs of a model are boxes, classes and sureness; all have one row per box.

    boxes: (box, 4), or (*grid, …, parts) where one output holds all. classes: probabilities (box,
    class), or class numbers (box,) where `numbers`; None: of one class. sure: objectness or
    confidence (box,); None: 1. columns: which numbers of one output each part is. anchors: bytes of
    float32 corners (box, 4). background: the class that is no thing.
    """

    boxes: OutputSpec
    classes: OutputSpec | None
    sure: OutputSpec | None
    score: str
    format: BoxFormat = _PLAIN
    size: tuple[int, ...] = ()
    columns: tuple[tuple[str, tuple[int, int]], ...] = ()
    anchors: bytes = b""
    background: int | None = None

    @classmethod
    def of(cls, spec: Spec, text: str | None = None) -> Detector:
        """Find the outputs by their shapes and names; raise `BadTarget` where they are unclear.

        text: how boxes are written, as `BoxFormat.parse` takes it; None: as is known of the model.
        """
        text = text or spec.boxes
        known = None if text is None else BoxFormat.parse(text)
        found = [o for o in spec.outputs.values() if len(o.shape) == 2 and o.shape[-1] == 4]
        found.sort(key=lambda o: ("box" not in o.name.lower(), "pred" not in o.name.lower()))
        whole = (
            known is not None
            and len(known.parts) > 1
            and {"class", "classes", "object"} & {what for what, _ in known.parts}
        )
        if whole and (not found or len(spec.outputs) == 1):
            return _of_one(spec, known)  # type: ignore[arg-type]
        if found:
            return _of_several(spec, found, known)
        raise BadTarget(_unclear(spec))

    @property
    def numbers(self) -> bool:
        """True where each box has a class number in place of probabilities."""
        if self.columns:
            return "class" in dict(self.columns)
        return self.classes is not None and self.classes.shape[1:] in ((), (1,))

    @property
    def count(self) -> int:
        """Number of boxes."""
        return int(np.prod(self.boxes.shape[:-1]))

    @property
    def class_count(self) -> int | None:
        """Number of classes; None where there are class numbers, or no classes."""
        if self.columns:
            start, stop = dict(self.columns).get("classes", (0, 0))
            return stop - start or None
        return None if self.classes is None or self.numbers else self.classes.shape[-1]

    @property
    def named(self) -> OutputSpec:
        """The output whose classes have names."""
        return self.classes or self.boxes

    def names(self, spec: Spec) -> tuple[str, ...] | None:
        """Return the class names of a model."""
        return names_for(spec.labels, self.named.name)

    @property
    def has_classes(self) -> bool:
        """Whether boxes have classes at all."""
        return self.numbers or self.class_count is not None

    def parts(self, outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes (sample, box, 4), classes (sample, box, class) and sureness (sample, box).

        outputs: what `score` asks for, by name. Boxes are corners x0 y0 x1 y1 in pixels of the
        input. Without classes, all boxes have class number 0.
        """
        from keras import ops

        boxes = self._boxes(outputs)
        flat = (-1, self.count)
        ones = ops.ones_like(boxes[..., 0])
        sure = self._part(outputs, self.sure, "object")
        sure = ones if sure is None else ops.reshape(sure, flat)
        if not self.has_classes:
            return boxes, ops.zeros_like(boxes[..., :1]), sure
        what = "class" if self.numbers else "classes"
        kinds = self._part(outputs, self.classes, what)
        return boxes, ops.reshape(kinds, (*flat, self.class_count or 1)), sure

    def logits(self, outputs: Mapping[str, Tensor]) -> Tensor | None:
        """Return (sample, box, class) scores as `score` asks for; None where a box has more."""
        from keras import ops

        alone = self.sure is None and "object" not in dict(self.columns)
        if not alone or self.class_count is None:
            return None
        if self.columns:
            if self.score != "logit" or not self.format.activation("classes"):
                return self.parts(outputs)[1]
            values = self._columns(outputs, "classes")
        elif self.score == "logit":
            values = outputs[self.classes.name]  # type: ignore[union-attr]
        else:
            return self.parts(outputs)[1]
        return ops.reshape(values, (-1, self.count, self.class_count))

    def score_words(self) -> str:
        """Return what the score of a class in a box is called."""
        more = self.sure is not None or "object" in dict(self.columns) or self.class_count is None
        if more:
            return "sureness"
        act = self._activation("classes", self.classes)
        plain = self.classes is not None and self.classes.kind in ("softmax", "sigmoid")
        known = bool(act) or plain
        return self.score if known and self.score != "value" else "score"

    def _boxes(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return corners (sample, box, 4) in pixels, as far as their units are known."""
        from keras import ops

        values = self._columns(outputs, "box") if self.columns else self._plain(outputs, self.boxes)
        if self.format.coords == CELL:
            values = in_cells(values, self.boxes.shape[:-1])
        elif self.format.coords == DELTAS:
            anchors = np.frombuffer(self.anchors, np.float32).reshape(-1, 4)
            values = from_anchors(values, anchors)
        else:
            values = corners(values, self.format.coords)
        values = ops.reshape(values, (-1, self.count, 4))
        if not self.format.relative:
            return values
        height, width = self.size
        return values * ops.cast(np.array([width, height] * 2, np.float32), values.dtype)

    def _part(
        self, outputs: Mapping[str, Tensor], output: OutputSpec | None, what: str
    ) -> Tensor | None:
        """Return the probabilities of a part, or its numbers; None where it is not there."""
        from keras import ops

        if self.columns:
            if what not in dict(self.columns):
                return None
            values = self._columns(outputs, what)
        elif output is None:
            return None
        else:
            values = self._plain(outputs, output)
        act = self._activation(what, output)
        if act == "softmax":
            return ops.softmax(values)
        return ops.sigmoid(values) if act == "sigmoid" else values

    def _columns(self, outputs: Mapping[str, Tensor], what: str) -> Tensor:
        """Return one part of the output that holds all."""
        start, stop = dict(self.columns)[what]
        return self._plain(outputs, self.boxes)[..., start:stop]

    def _activation(self, what: str, output: OutputSpec | None) -> str:
        """Return what makes probabilities of a part: said, or of raw values called logits."""
        said = self.format.activation(what)
        if said or output is None or output.kind in ("softmax", "log_softmax", "sigmoid"):
            return said
        return "sigmoid" if "logit" in output.name.lower() else ""

    def _plain(self, outputs: Mapping[str, Tensor], output: OutputSpec) -> Tensor:
        """Return an output as the model gives it, also where its logits were asked for."""
        from keras import ops

        values = outputs[output.name]
        if self.score == "logit" and output.kind in ("softmax", "log_softmax"):
            return ops.softmax(values)
        return ops.sigmoid(values) if (self.score, output.kind) == ("logit", "sigmoid") else values


def _of_one(spec: Spec, known: BoxFormat) -> Detector:
    """Return the detector whose one output holds all parts of a box."""
    least = 3 if known.coords == CELL else 2
    fits = [o for o in spec.outputs.values() if len(o.shape) >= least]
    if not fits:
        raise BadTarget(_unclear(spec))
    columns = tuple(known.spans(fits[0].classes, fits[0].name).items())
    start, stop = dict(columns).get("classes", (0, 0))
    return Detector(
        fits[0], None, None, spec.score, known, spec.input_size, columns,
        _anchors(spec, known, fits[0]), _no_thing(spec, stop - start, fits[0]),
    )  # fmt: skip


def _of_several(spec: Spec, found: Sequence[OutputSpec], known: BoxFormat | None) -> Detector:
    """Return the detector with outputs of their own for boxes, classes and sureness."""
    boxes = found[0]
    others = [o for o in spec.outputs.values() if o is not boxes]
    rows = [o for o in others if o.shape[:1] == boxes.shape[:1]]
    wide = [o for o in rows if len(o.shape) == 2 and o.shape[1] > 1]
    if len(wide) > 1:  # those of earlier stages of a decoder stand beside the last one's
        wide = [o for o in wide if o.name.lower() in ("logits", "pred_logits", "classes")] or wide
    flat = [o for o in rows if o.shape[1:] in ((), (1,))]
    numbers = [] if wide else [o for o in flat if _named(o, _NUMBERS)]
    rest = [o for o in flat if o not in numbers]
    sure = [o for o in rest if _named(o, _SURE)] if len(rest) > 1 else rest
    if max(len(wide), len(numbers), len(sure)) > 1 or (rest and not sure) or not rows:
        raise BadTarget(_unclear(spec))
    if known is None:
        offsets = _named(boxes, _OFFSETS)
        text = DELTAS if offsets else _BY_NAME.get(boxes.name.lower())
        known = BoxFormat() if text is None else BoxFormat.parse(text)
    classes = [*wide, *numbers, None][0]
    many = 0 if not wide else wide[0].shape[-1]
    return Detector(
        boxes, classes, sure[0] if sure else None, spec.score, known, spec.input_size,
        anchors=_anchors(spec, known, boxes), background=_no_thing(spec, many, classes),
    )  # fmt: skip


def _no_thing(spec: Spec, many: int, output: OutputSpec | None) -> int | None:
    """Return the class that is called background; without names there is none."""
    names = None if output is None else names_for(spec.labels, output.name)
    return background_of(names) if names is not None and len(names) == many else None


def _anchors(spec: Spec, known: BoxFormat, boxes: OutputSpec) -> bytes:
    """Return the anchors of offsets; raise `BadTarget` where they are not known."""
    if known.coords != DELTAS:
        return b""
    anchors = spec.anchors
    if anchors is None or len(anchors) != int(np.prod(boxes.shape[:-1])):
        raise BadTarget(
            f"output '{boxes.name}' {boxes.shape} holds offsets to anchors, and the model has no "
            "anchor_generator that tells them: give a model or function that returns the boxes"
        )
    return np.ascontiguousarray(anchors, np.float32).tobytes()


def _unclear(spec: Spec) -> str:
    shapes = ", ".join(f"'{o.name}' {o.shape}" for o in spec.outputs.values())
    return (
        "Detection needs outputs 'boxes' (box, 4), and 'probabilities' (box, class) or "
        "'classes' (box,), or 'scores' (box,), one of each, or a box format for one output; the "
        f"model has {shapes}. Formats are {CHOICES}"
    )


def _named(output: OutputSpec, words: tuple[str, ...]) -> bool:
    return any(word in output.name.lower() for word in words)


def detector_of(spec: Spec) -> Detector | None:
    """Return how a model detects, where that can be told; else None."""
    try:
        return Detector.of(spec)
    except BadTarget:
        return None


def check_probabilities(kinds: Any, detector: Detector) -> None:
    """Raise `BadTarget` unless classes are probabilities, where they are no numbers."""
    values = np.asarray(kinds)
    if detector.class_count is None or (values.min() > -0.01 and values.max() < 1.01):
        return
    name = detector.boxes.name if detector.classes is None else detector.classes.name
    raise BadTarget(
        f"the classes of output '{name}' lie between {values.min():.3g} and {values.max():.3g} and "
        "are no probabilities; say what makes some of them: boxes='xyxy+sigmoid(classes)' or "
        "'xyxy+softmax(classes)', with the format of the boxes in front"
    )
