"""Targets on a segmentation: a class over a mask, at a point, or over its predicted area."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.resize import overlaps as shared_lengths
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target, Unresolved, static
from kerascope.targets.segments import (
    background_of,
    class_count,
    dense_class,
    dense_output,
    middle,
    named,
    names_of,
    of_class,
    predicted,
)
from kerascope.types import Array, Tensor

_TIE = 1e-6  # of the picture, by which the class of the lower number counts as the larger area


@dataclasses.dataclass(frozen=True, eq=False)
class Mask(Unresolved):
    """The mean score of a class over a region of a segmentation output.

    `mask` is (*positions) or (sample, *positions), of the output's size or of the input's (then it
    is brought to the output's by area); weights from 0 to 1 are allowed. Without a class, the one
    that scores highest there.
    """

    mask: Any
    class_: int | str | None = None
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check class and mask, and bring the mask to the output's positions."""
        chosen = dense_output(spec, self.output, "Mask")
        positions = chosen.shape[:-1]
        mask = np.asarray(self.mask, np.float32)
        if mask.ndim == len(positions):
            mask = np.broadcast_to(mask, (samples, *mask.shape))
        if mask.ndim != len(positions) + 1 or len(mask) != samples:
            raise BadTarget(
                f"mask has shape {np.shape(self.mask)}; it must be {positions} or ({samples}, "
                f"…) like output '{chosen.name}'"
            )
        if not np.isfinite(mask).all() or mask.min() < 0:
            raise BadTarget("a mask holds weights of 0 or more; this one has others")
        return region(spec, samples, chosen, self.class_, _by_area(mask, chosen, spec), "region")


@dataclasses.dataclass(frozen=True, eq=False)
class Point(Unresolved):
    """The score of a class at one position of a segmentation output.

    xy: (x, y) in pixels of the model's input, from the upper left corner. Without a class, the one
    predicted there.
    """

    xy: tuple[float, float]
    class_: int | str | None = None
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check class and point, and find the position it falls into."""
        chosen = dense_output(spec, self.output, "Point")
        given = tuple(float(v) for v in np.asarray(self.xy, float).reshape(-1))
        if len(given) != 2 or len(chosen.shape) != 3 or len(spec.input_size) != 2:
            raise BadTarget(f"point {self.xy} must be (x, y) of a picture")
        size = spec.input_size
        if not (0 <= given[0] < size[1] and 0 <= given[1] < size[0]):
            raise BadTarget(
                f"point ({given[0]:g}, {given[1]:g}) lies outside the model's input, {size[1]} × "
                f"{size[0]} (width × height)"
            )
        weights = np.zeros((samples, *chosen.shape[:2]), np.float32)
        row = int(given[1] * chosen.shape[0] / size[0])
        weights[:, row, int(given[0] * chosen.shape[1] / size[1])] = 1
        words = f"point ({given[0]:g}, {given[1]:g})"
        return region(spec, samples, chosen, self.class_, weights, words)


@dataclasses.dataclass(frozen=True, eq=False)
class Area(Unresolved):
    """The mean score of a class over the positions where it is predicted.

    Without a class: in each sample the one of the largest area but the background's, or that of
    `rank`, 1 being the largest. Background is the class of that name ("background", "void", …), or
    class 0 where there are no names; it is taken where nothing else is predicted.
    """

    class_: int | str | None = None
    rank: int = 1
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check class and rank."""
        chosen = dense_output(spec, self.output, "Area")
        index, names = dense_class(self.class_, spec, chosen), names_of(spec, chosen)
        count = class_count(chosen)
        if isinstance(self.rank, bool) or not 1 <= self.rank <= count:
            raise BadTarget(f"rank {self.rank} is out of range: ranks are 1 to {count}, of classes")
        return PredictedArea(
            chosen, spec.score, np.full(samples, index, np.int32), int(self.rank),
            background_of(names), names,
        )  # fmt: skip


def region(
    spec: Spec, samples: int, output: OutputSpec, class_: Any, weights: Array, what: str
) -> Region:
    """Return the resolved target of a class over `weights` (sample, *positions), not all zero."""
    total = weights.reshape(samples, -1).sum(axis=1)
    if not (total > 0).all():
        raise BadTarget(f"the mask of sample {int(np.argmin(total))} is empty")
    shaped = total.reshape(-1, *[1] * (len(output.shape) - 1))
    index = dense_class(class_, spec, output)
    return Region(
        output, np.full(samples, index, np.int32), (weights / shaped).astype(np.float32),
        spec.score, choose=index < 0, names=names_of(spec, output), what=what,
    )  # fmt: skip


def _by_area(mask: Array, output: OutputSpec, spec: Spec) -> Array:
    """Bring masks (sample, *positions) to the size of an output, by area."""
    size = output.shape[:-1]
    if mask.shape[1:] == size:
        return mask
    even = all(old % new == 0 for old, new in zip(mask.shape[1:], size, strict=True))
    if mask.shape[1:] != spec.input_size and not even:
        sizes = " × ".join(map(str, spec.input_size))
        raise BadTarget(
            f"mask size {' × '.join(map(str, mask.shape[1:]))} is neither that of the model's "
            f"input, {sizes}, nor divides into that of output '{output.name}', "
            f"{' × '.join(map(str, size))}"
        )
    for axis, new in enumerate(size, 1):
        lengths = shared_lengths(mask.shape[axis], new)
        lengths /= lengths.sum(axis=1, keepdims=True)
        mask = np.moveaxis(np.moveaxis(mask, axis, -1) @ lengths.T, -1, axis)
    return mask


def _weighted(values: Tensor, weights: Any) -> Tensor:
    """Return (sample,): sums over all positions."""
    from keras import ops

    axes = tuple(range(1, len(values.shape)))
    return ops.sum(values * ops.cast(weights, values.dtype), axis=axes)


@dataclasses.dataclass(frozen=True, eq=False)
class Region(Target):
    """A resolved region: weights over positions that sum to one, and a class, per sample.

    index: (sample,); with `choose`, the class that scores highest over the region takes its place.
    """

    output: OutputSpec
    index: Array
    weights: Array
    score: str
    choose: bool = False
    names: tuple[str, ...] | None = static()
    what: str = static(default="region")

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        values = outputs.scores[self.output.name]
        index = self._chosen(values) if self.choose else self.index
        return _weighted(of_class(values, index, self.output, self.score), self.weights)

    def everywhere(self) -> Target:
        """Return the mean score of the class over the whole output."""
        same = np.full_like(self.weights, 1 / np.prod(self.weights.shape[1:]))
        return dataclasses.replace(self, weights=same, what="output")

    def _chosen(self, values: Tensor) -> Tensor:
        """Return the class of the highest score over the region, (sample,)."""
        from keras import ops

        over = ops.expand_dims(ops.cast(self.weights, values.dtype), -1)
        axes = tuple(range(1, len(values.shape) - 1))
        mean = ops.sum(ops.stop_gradient(values) * over, axis=axes)
        if self.output.classes == 1:
            return ops.cast(mean[:, 0] > middle(self.score), "int32")
        return ops.cast(ops.argmax(mean, axis=-1), "int32")

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Fix the class that scores highest."""
        if not self.choose:
            return self
        from keras import ops

        values = ops.convert_to_tensor(np.asarray(scores[self.output.name], np.float32))
        index = np.asarray(ops.convert_to_numpy(self._chosen(values)), np.int32)
        return dataclasses.replace(self, index=index, choose=False)

    def words(self, row: int) -> str:
        """Say which class over which region."""
        kind = self.score if self.output.kind not in ("linear", "unknown") else "score"
        who = "the class predicted there" if self.choose else named(self.names, self.index[row])
        if self.what.startswith("point"):
            return f"{kind} of {who} at {self.what}"
        where = self.what if self.what.startswith("its") else f"the {self.what}"
        return f"mean {kind} of {who} over {where}"


@dataclasses.dataclass(frozen=True, eq=False)
class PredictedArea(Target):
    """A resolved `Area`; what is predicted is read from each input itself until pinned.

    index: (sample,), the class; −1: that of the largest area but `background`, or of `rank`.
    """

    output: OutputSpec
    score: str
    index: Array
    rank: int
    background: int | None
    names: tuple[str, ...] | None = static()

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the mean score of the class over its area, shape (sample,)."""
        values = outputs.scores[self.output.name]
        index, weights, _ = self._found(values)
        return _weighted(of_class(values, index, self.output, self.score), weights)

    def _found(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return class (sample,), weights (sample, *positions), shares of all classes."""
        from keras import ops

        count = class_count(self.output)
        said = predicted(ops.stop_gradient(values), self.output, self.score)
        each = ops.one_hot(said, count, dtype="float32")
        shares = ops.mean(each, axis=tuple(range(1, len(each.shape) - 1)))
        there = ops.cast(shares > 0, "float32")
        keys = there * (1 + shares) - ops.cast(np.arange(count) * _TIE, "float32")
        if self.background is not None:  # behind all others that are predicted
            own = ops.one_hot(ops.full_like(shares[:, 0], self.background, dtype="int32"), count)
            keys = ops.where(own > 0, there * 1.5 - 1, keys)
        at = ops.argsort(-keys, axis=-1)[:, self.rank - 1]
        index = ops.where(ops.cast(self.index, "int32") >= 0, self.index, ops.cast(at, "int32"))
        ones = (1,) * (len(self.output.shape) - 1)
        inside = ops.equal(said, ops.reshape(ops.cast(index, "int32"), (-1, *ones)))
        inside = ops.cast(inside, "float32")
        total = ops.sum(inside, axis=tuple(range(1, len(inside.shape))), keepdims=True)
        return index, inside / ops.maximum(total, 1), shares

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Fix class and area as they are predicted."""
        from keras import ops

        values = ops.convert_to_tensor(np.asarray(scores[self.output.name], np.float32))
        index, weights, shares = map(ops.convert_to_numpy, self._found(values))
        index = np.asarray(index, np.int32)
        self._check(index, np.asarray(shares))
        return Region(
            self.output, index, np.asarray(weights, np.float32), self.score, names=self.names,
            what="its predicted area",
        )  # fmt: skip

    def _check(self, index: Array, shares: Array) -> None:
        """Raise unless the class is predicted somewhere in every sample."""
        missing = shares[np.arange(len(index)), index] <= 0
        if not missing.any():
            return
        sample = int(np.argmax(missing))
        order = [k for k in np.argsort(-shares[sample], kind="stable") if shares[sample, k] > 0]
        listed = ", ".join(f"{named(self.names, k)} {shares[sample, k]:.0%}" for k in order[:5])
        if (self.index >= 0).all():
            who = named(self.names, index[sample])
            raise BadTarget(
                f"{who} is predicted nowhere in sample {sample}; predicted are {listed}: explain "
                "it over a mask, a box or a point"
            )
        raise BadTarget(
            f"rank {self.rank} is out of range: predicted in sample {sample} are {listed}"
        )

    def words(self, row: int) -> str:
        """Say which class this is."""
        kind = self.score if self.output.kind not in ("linear", "unknown") else "score"
        who = (
            "the largest area's class"
            if self.index[row] < 0
            else named(self.names, self.index[row])
        )
        return f"mean {kind} of {who} over its predicted area"
