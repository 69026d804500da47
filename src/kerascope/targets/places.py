"""Targets at a place: a box of a detector or a segmentation, an inner unit, a function."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, Spec, Target, Unresolved, static
from kerascope.targets.boxes import overlaps
from kerascope.targets.detections import chance_rows, class_rows, corner_words, detection_class
from kerascope.targets.detectors import Detector, check_probabilities, detector_of
from kerascope.targets.regions import region
from kerascope.targets.segments import dense_output
from kerascope.types import Array, Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Box(Unresolved):
    """The score of a class in a box, given as (x0, y0, x1, y1) in pixels of the model's input.

    On a dense output (sample, y, x, class): the mean score inside the box. On a detector: the class
    score of the predicted box that overlaps the given one most; for methods that cover, or with
    `by="overlap"`, the largest intersection over union × class probability of any box.
    Without a class, the one of the highest score there. boxes: as in `Detection`.
    """

    xyxy: tuple[float, float, float, float]
    class_: int | str | None = None
    boxes: str | None = None
    by: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the box and find the outputs that it speaks of."""
        box = tuple(float(v) for v in np.asarray(self.xyxy, float).reshape(-1))
        if len(box) != 4 or not (box[2] > box[0] and box[3] > box[1]):
            raise BadTarget(f"box {self.xyxy} must be (x0, y0, x1, y1) with x1 > x0 and y1 > y0")
        if len(spec.input_size) == 2:
            height, width = spec.input_size
            if box[0] >= width or box[1] >= height or box[2] <= 0 or box[3] <= 0:
                raise BadTarget(
                    f"box {corner_words(np.array(box))} lies outside the model's input, {width} × "
                    f"{height} (width × height)"
                )
        if self.by not in (None, "overlap", "class"):
            raise BadTarget(f"by='{self.by}' is not one of overlap, class")
        detector = detector_of(spec) if self.boxes is None else Detector.of(spec, self.boxes)
        if detector is None:
            return self._dense(box, spec, samples)
        index = detection_class(self.class_, spec, detector)
        soft = self.by == "overlap" or (self.by is None and not spec.gradients)
        return BestBox(
            detector, np.broadcast_to(np.asarray(box, np.float32), (samples, 4)).copy(),
            np.full(samples, -1 if index is None else index, np.int32), soft=soft,
            labels=detector.names(spec),
        )  # fmt: skip

    def _dense(self, box: tuple[float, ...], spec: Spec, samples: int) -> Target:
        chosen = next((o for o in spec.outputs.values() if len(o.shape) == 3), None)
        if chosen is None or len(spec.input_size) != 2:
            shapes = ", ".join(f"'{o.name}' {o.shape}" for o in spec.outputs.values())
            raise BadTarget(
                "Box needs an output (y, x, class), or outputs (box, 4) and (box, class); the "
                f"model has {shapes}"
            )
        chosen = dense_output(spec, None, "Box")
        height, width = chosen.shape[:2]
        scale_y, scale_x = height / spec.input_size[0], width / spec.input_size[1]
        rows = _cover(box[1] * scale_y, box[3] * scale_y, height)
        columns = _cover(box[0] * scale_x, box[2] * scale_x, width)
        weights = np.outer(rows, columns).astype(np.float32)
        weights = np.broadcast_to(weights, (samples, height, width)).copy()
        return region(spec, samples, chosen, self.class_, weights, "box")


def _cover(low: float, high: float, size: int) -> Array:
    """Return how much of each of `size` unit cells lies between `low` and `high`."""
    cells = np.arange(size)
    return np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class BestBox(Target):
    """A resolved box on a detector: the score of a class in the predicted box that overlaps most.

    given: (sample, 4). index: (sample,), the class; −1: the one of the highest score in that box.
    soft: the largest intersection over union × class probability of any box takes its place.
    """

    detector: Detector
    given: Array
    index: Array
    soft: bool
    labels: tuple[str, ...] | None = static()

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        index = self._class(outputs.scores)
        overlap = self._overlap(outputs.scores)[1]
        if not self.soft:
            rows = class_rows(self.detector, outputs.scores, index)
            best = ops.expand_dims(ops.cast(ops.argmax(overlap, axis=1), "int32"), 1)
            return ops.take_along_axis(rows, best, axis=1)[:, 0]
        rows = chance_rows(self.detector, outputs.scores, index)
        return ops.max(overlap * ops.maximum(rows, 0), axis=1)

    def _overlap(self, scores: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return boxes (sample, box, 4) and how much of each is shared with the given one."""
        from keras import ops

        boxes = ops.stop_gradient(self.detector.parts(scores)[0])
        return boxes, overlaps(boxes, ops.cast(ops.expand_dims(self.given, 1), boxes.dtype))

    def _class(self, scores: Mapping[str, Tensor]) -> Tensor:
        """Return the class of every sample, the one asked for or that of the best box."""
        from keras import ops

        asked = ops.cast(self.index, "int32")
        if not self.detector.has_classes:
            return ops.zeros_like(asked)
        _, overlap = self._overlap(scores)
        kinds = ops.stop_gradient(self.detector.parts(scores)[1])
        best = ops.reshape(ops.cast(ops.argmax(overlap, axis=1), "int32"), (-1, 1, 1))
        there = ops.take_along_axis(kinds, best, axis=1)[:, 0]
        numbers = self.detector.numbers
        said = there[:, 0] if numbers else ops.argmax(there, axis=-1)
        return ops.where(asked >= 0, asked, ops.cast(said, "int32"))

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Fix the class; raise `BadTarget` where no predicted box overlaps the given one."""
        from keras import ops

        tensors = {name: ops.convert_to_tensor(value) for name, value in scores.items()}
        boxes, overlap = (np.asarray(ops.convert_to_numpy(a)) for a in self._overlap(tensors))
        check_probabilities(ops.convert_to_numpy(self.detector.parts(tensors)[1]), self.detector)
        if not (overlap.max(axis=1) > 0).all():
            sample = int(np.argmin(overlap.max(axis=1)))
            low, high = boxes[sample].min(axis=0), boxes[sample].max(axis=0)
            raise BadTarget(
                f"no predicted box of sample {sample} overlaps {corner_words(self.given[sample])}: "
                f"they lie between {corner_words(low[:2])} and {corner_words(high[2:])}, read as "
                f"{self.detector.format} (boxes= says another format)"
            )
        index = np.asarray(ops.convert_to_numpy(self._class(tensors)), np.int32)
        return dataclasses.replace(self, index=index)

    def words(self, row: int) -> str:
        """Say which class in which box."""
        number, box = int(self.index[row]), corner_words(self.given[row])
        known = self.labels is not None and 0 <= number < len(self.labels)
        who = f"'{self.labels[number]}'" if known else f"class {number}"  # type: ignore[index]
        who = "the class found there" if number < 0 else who
        if self.soft:
            return f"overlap × probability of {who} in box {box}"
        kind = self.detector.score_words()
        return f"{kind} of {who} in the predicted box that overlaps {box} most"


@dataclasses.dataclass(frozen=True, eq=False)
class Neuron(Target):
    """A unit inside the model: channel `unit` of a layer's output, its mean over positions.

    `position` asks for one position instead, such as (y, x).
    """

    layer: Any
    unit: int = 0
    position: tuple[int, ...] | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check layer, unit and position."""
        site = spec.find_layer(self.layer)
        shape = spec.layers[site]
        if not 0 <= self.unit < shape[-1]:
            raise BadTarget(
                f"unit {self.unit} is out of range: layer '{site}' has {shape[-1]} units, 0 to "
                f"{shape[-1] - 1}"
            )
        at = None if self.position is None else tuple(int(p) for p in self.position)
        if at is not None and (
            len(at) != len(shape) - 1
            or not all(0 <= p < s for p, s in zip(at, shape[:-1], strict=True))
        ):
            raise BadTarget(
                f"position {at} does not exist: layer '{site}' has positions {shape[:-1]}"
            )
        return dataclasses.replace(self, layer=site, position=at)

    def sites(self) -> tuple[Any, ...]:
        """Return the layer."""
        return (self.layer,)

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.activations[self.layer][..., self.unit]
        if self.position is not None:
            return values[(slice(None), *self.position)]
        axes = tuple(range(1, len(values.shape)))
        return ops.mean(values, axis=axes) if axes else values

    def words(self, row: int) -> str:
        """Say which unit."""
        where = "" if self.position is None else f" at {self.position}"
        return f"activation of unit {self.unit} of layer '{self.layer}'{where}"


@dataclasses.dataclass(frozen=True, eq=False)
class Custom(Target):
    """Any function of the model's outputs, in the model's own structure, to (sample,) scores.

    It must use `keras.ops` only to be differentiable.
    """

    function: Callable[[Any], Tensor]
    label: str = ""

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        scores = self.function(outputs.tree)
        if len(scores.shape) != 1:
            raise BadTarget(
                "the target function must return one score per sample, shape (N,); it returned "
                f"{tuple(scores.shape)}"
            )
        return scores

    def words(self, row: int) -> str:
        """Name the function."""
        return f"value of {self.label or getattr(self.function, '__name__', 'a function')}"
