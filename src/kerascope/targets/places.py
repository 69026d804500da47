"""Targets at a place: a segmentation's region, a detector's box, an inner unit, a function."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target
from kerascope.targets.classes import _static, _Unresolved, class_index
from kerascope.types import Array, Tensor


def _index_of(class_: Any, spec: Spec, output: OutputSpec) -> int:
    index = class_index(class_, spec, output) if isinstance(class_, str) else int(class_)
    if not 0 <= index < output.classes:
        raise BadTarget(
            f"class {index} is out of range: output '{output.name}' has {output.classes} "
            f"classes, 0 to {output.classes - 1}"
        )
    return index


def _class_words(spec: Spec, output: OutputSpec, index: int) -> str:
    names = spec.names(output)
    return f"'{names[index]}'" if names else f"class {index}"


@dataclasses.dataclass(frozen=True, eq=False)
class Mask(_Unresolved):
    """The mean score of a class over a region of a segmentation output.

    `mask` is (*positions) or (sample, *positions), of the output's size or of the input's (then it
    is brought to the output's by area); weights from 0 to 1 are allowed.
    """

    mask: Any
    class_: int | str = 0
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check class and mask, and bring the mask to the output's positions."""
        chosen = spec.output(self.output)
        positions = chosen.shape[:-1]
        if not positions:
            raise BadTarget(
                f"Mask needs an output with positions; '{chosen.name}' has shape {chosen.shape}"
            )
        index = _index_of(self.class_, spec, chosen)
        mask = np.asarray(self.mask, np.float32)
        if mask.ndim == len(positions):
            mask = np.broadcast_to(mask, (samples, *mask.shape))
        if mask.ndim != len(positions) + 1 or len(mask) != samples:
            raise BadTarget(
                f"mask has shape {np.shape(self.mask)}; it must be {positions} or ({samples}, "
                f"…) like output '{chosen.name}'"
            )
        mask = _by_area(mask, positions)
        total = mask.reshape(samples, -1).sum(axis=1)
        if not (total > 0).all():
            raise BadTarget(f"the mask of sample {int(np.argmin(total))} is empty")
        weights = (mask / total.reshape(-1, *[1] * len(positions))).astype(np.float32)
        return Region(chosen, index, weights, spec.score, _class_words(spec, chosen, index))


def _by_area(mask: Array, size: tuple[int, ...]) -> Array:
    """Bring masks (sample, *positions) to `size`: means of the blocks, which must divide evenly."""
    for axis, new in enumerate(size, 1):
        old = mask.shape[axis]
        if old == new:
            continue
        if old % new:
            raise BadTarget(
                f"mask size {mask.shape[1:]} neither is nor divides into the output's {size}"
            )
        shape = (*mask.shape[:axis], new, old // new, *mask.shape[axis + 1 :])
        mask = mask.reshape(shape).mean(axis=axis + 1)
    return mask


@dataclasses.dataclass(frozen=True, eq=False)
class Region(Target):
    """A resolved mask: weights over positions that sum to one, per sample."""

    output: OutputSpec
    index: int
    weights: Array
    score: str
    label: str = _static(default="")
    what: str = _static(default="region")

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.scores[self.output.name][..., self.index]
        axes = tuple(range(1, len(values.shape)))
        return ops.sum(values * ops.cast(self.weights, values.dtype), axis=axes)

    def words(self, row: int) -> str:
        """Say which class over which region."""
        kind = self.score if self.output.kind != "linear" else "score"
        return f"mean {kind} of {self.label} over the {self.what}"


@dataclasses.dataclass(frozen=True, eq=False)
class Box(_Unresolved):
    """The score of a class in a box, given as (x0, y0, x1, y1) in pixels of the model's input.

    On a dense output (sample, y, x, class): the mean score inside the box. On a detector with an
    output of boxes (sample, box, 4), also xyxy in pixels, and one of class scores
    (sample, box, class): the score of the predicted box that overlaps the given one most.
    """

    xyxy: tuple[float, float, float, float]
    class_: int | str = 0

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the box and find the outputs that it speaks of."""
        box = tuple(float(v) for v in np.asarray(self.xyxy, float).reshape(-1))
        if len(box) != 4 or not (box[2] > box[0] and box[3] > box[1]):
            raise BadTarget(f"box {self.xyxy} must be (x0, y0, x1, y1) with x1 > x0 and y1 > y0")
        boxes = [o for o in spec.outputs.values() if len(o.shape) == 2 and o.shape[-1] == 4]
        others = [o for o in spec.outputs.values() if len(o.shape) == 2 and o not in boxes[:1]]
        if boxes and others and boxes[0].shape[0] == others[0].shape[0]:
            index = _index_of(self.class_, spec, others[0])
            given = np.broadcast_to(np.asarray(box, np.float32), (samples, 4)).copy()
            label = _class_words(spec, others[0], index)
            return BestBox(boxes[0], others[0], index, given, spec.score, label)
        return self._dense(box, spec, samples)

    def _dense(self, box: tuple[float, ...], spec: Spec, samples: int) -> Target:
        chosen = next((o for o in spec.outputs.values() if len(o.shape) == 3), None)
        if chosen is None or len(spec.input_size) != 2:
            shapes = ", ".join(f"'{o.name}' {o.shape}" for o in spec.outputs.values())
            raise BadTarget(
                "Box needs an output (y, x, class), or outputs (box, 4) and (box, class); the "
                f"model has {shapes}"
            )
        index = _index_of(self.class_, spec, chosen)
        height, width = chosen.shape[:2]
        scale_y, scale_x = height / spec.input_size[0], width / spec.input_size[1]
        rows = _cover(box[1] * scale_y, box[3] * scale_y, height)
        columns = _cover(box[0] * scale_x, box[2] * scale_x, width)
        weights = np.outer(rows, columns).astype(np.float32)
        if weights.sum() <= 0:
            raise BadTarget(
                f"box {self.xyxy} lies outside the input of size {spec.input_size} (y, x)"
            )
        weights = np.broadcast_to(weights / weights.sum(), (samples, height, width)).copy()
        return Region(chosen, index, weights, spec.score, _class_words(spec, chosen, index), "box")


def _cover(low: float, high: float, size: int) -> Array:
    """Return how much of each of `size` unit cells lies between `low` and `high`."""
    cells = np.arange(size)
    return np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, 1)


def overlaps(found: Tensor, given: Tensor) -> Tensor:
    """Return the intersection over union of boxes (…, 4): corners x0 y0 x1 y1."""
    from keras import ops

    low = ops.maximum(found[..., :2], given[..., :2])
    high = ops.minimum(found[..., 2:], given[..., 2:])
    common = ops.prod(ops.maximum(high - low, 0), axis=-1)
    area = lambda box: ops.prod(ops.maximum(box[..., 2:] - box[..., :2], 0), axis=-1)  # noqa: E731
    return common / (area(found) + area(given) - common + 1e-9)


@dataclasses.dataclass(frozen=True, eq=False)
class BestBox(Target):
    """A resolved box on a detector: the class score of the predicted box that overlaps most."""

    boxes: OutputSpec
    classes: OutputSpec
    index: int
    given: Array  # (sample, 4)
    score: str
    label: str = _static(default="")

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        found = ops.stop_gradient(outputs.raw[self.boxes.name])
        overlap = overlaps(found, ops.cast(ops.expand_dims(self.given, 1), found.dtype))
        best = ops.expand_dims(ops.argmax(overlap, axis=1), 1)
        values = outputs.scores[self.classes.name][..., self.index]
        return ops.take_along_axis(values, ops.cast(best, "int32"), axis=1)[:, 0]

    def words(self, row: int) -> str:
        """Say which class in which box."""
        kind = self.score if self.classes.kind != "linear" else "score"
        return f"{kind} of {self.label} in the predicted box that overlaps the given one most"


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
