"""Occlusion (Zeiler and Fergus 2014, section 4.2)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import check_kind
from kerascope.errors import BadMethod
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap, Run, check
from kerascope.methods.input_family import baselines
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Occlusion(AttributionMethod):
    """How much the score drops when a patch of the input is covered, for every position of the
    patch.

    The first patch starts at the first pixel, each next one `stride` further, until the far edge is
    reached; the last one is clipped to the input. All channels are covered together. Features of a
    table and tokens of a text are covered one by one.

    patch: size in pixels, one number or one per spatial axis; None: an eighth of the input.
    stride: step in pixels, likewise; None: half a patch.
    baseline: what covers: a number (as the model takes it; a token id for text), "zero", "min",
        "max", "mean", "blur", "noise", or an array.

    `extras["predicted"]` holds the class predicted at each position; −1 where the output is no
    class.
    """

    name = "occlusion"
    title = "Occlusion"
    reference = "zeiler2014visualizing"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.SCORES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {
            Axiom.LINEARITY,
            Axiom.DUMMY,
            Axiom.CLASS_SENSITIVITY,
            Axiom.IMPLEMENTATION_INVARIANCE,
            Axiom.LOCATION,
        }
    )

    patch: int | tuple[int, ...] | None = None
    stride: int | tuple[int, ...] | None = None
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        for field in ("patch", "stride"):
            sizes = getattr(self, field)
            numbers = sizes if isinstance(sizes, tuple) else (sizes,)
            valid = sizes is None or all(isinstance(n, int) and n >= 1 for n in numbers)
            check(
                valid,
                f"occlusion: {field}={sizes} must be a whole number of at least 1, or one per axis",
            )
        check_kind(self.baseline)

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, and one for every position; all targets share them."""
        return Passes(forward=1 + sum(int(np.prod(self._grid_of(s)[2])) for s in shape.values()))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return score − score with the patch covered, at every position of the patch."""
        raw = RawMap(values={}, axes={})
        for name in x:
            axes = model.axes(name, x[name].shape[1:])
            values, predicted = self._one_input(model, x, targets, run, name, axes, run.scores)
            raw.values[name] = values
            raw.axes[name] = ("sample", "target", *(a for a in axes if a != "channel"))
            raw.extras["predicted" if len(x) == 1 else f"predicted:{name}"] = predicted
        return raw

    def _one_input(
        self,
        model: Any,
        x: Any,
        targets: Any,
        run: Run,
        name: str,
        axes: tuple[str, ...],
        scores: Array,
    ) -> tuple[Array, Array]:
        array = x[name]
        spatial = [i for i, axis in enumerate(axes) if axis != "channel"]
        size = tuple(array.shape[1 + i] for i in spatial)
        patch, stride, grid = self._grid(size, axes)
        cover = self._cover(model, array, name, run)
        places = list(itertools.product(*(range(n) for n in grid)))
        values = np.zeros((len(array), len(targets), *grid), np.float32)
        predicted = np.full((len(array), *grid), -1, np.int32)
        pad = run.pad(len(array), len(places))
        for samples, draws in run.pairs(len(array), len(places), "positions"):
            covered = array[samples].copy()
            for row, sample, draw in zip(covered, samples, draws, strict=True):
                where = [slice(None)] * row.ndim
                for axis, at, length, step in zip(
                    spatial, places[draw], patch, stride, strict=True
                ):
                    where[axis] = slice(at * step, at * step + length)
                row[tuple(where)] = cover[sample][tuple(where)]
            given = {n: a[samples] for n, a in x.items()} | {name: covered}
            result = model.scores(given, targets.take(samples), pad=pad)
            index = tuple(np.array([places[d] for d in draws]).T)
            values[(samples, slice(None), *index)] = scores[samples] - result.values
            predicted[(samples, *index)] = _predicted(result.raw)
        return values, predicted

    def _cover(self, model: Any, array: Array, name: str, run: Run) -> Array:
        """Return what each sample is covered by, in the shape of the samples."""
        if array.dtype.kind not in "iu":
            return baselines(model, {name: array}, self.baseline, run)[name]
        # A token has no mean: words fall back to id 0, the usual padding.
        token = int(self.baseline) if isinstance(self.baseline, (int, float)) else 0
        if isinstance(self.baseline, Data):
            return np.broadcast_to(self.baseline.array.astype(array.dtype), array.shape)
        return np.full_like(array, token)

    def _grid_of(
        self, shape: tuple[int, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Return patch, stride and grid from a sample's shape alone: channels are its last axis."""
        size = shape[:-1] if len(shape) > 1 else shape
        return self._grid(size, ("feature",) if len(shape) == 1 else ("y",) * len(size))

    def _grid(
        self, size: tuple[int, ...], axes: tuple[str, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Return patch, stride and number of positions along each spatial axis."""
        singles = axes in (("feature",), ("token",))
        default = tuple(1 if singles else max(1, n // 8) for n in size)
        patch = _sizes(self.patch, len(size), "patch") or default
        patch = (
            (1,)
            if axes == ("feature",)
            else tuple(min(p, n) for p, n in zip(patch, size, strict=True))
        )
        stride = _sizes(self.stride, len(size), "stride") or tuple(max(1, p // 2) for p in patch)
        stride = (1,) if axes == ("feature",) else stride
        if any(s > p for s, p in zip(stride, patch, strict=True)):
            raise BadMethod(
                f"occlusion: stride={stride} is larger than patch={patch}: pixels would never "
                "be covered"
            )
        grid = tuple(
            -(-max(n - p, 0) // s) + 1 for n, p, s in zip(size, patch, stride, strict=True)
        )
        return patch, stride, grid

    def project(self, values: Array, axes: tuple[str, ...], size: tuple[int, ...]) -> Array:
        """Give every pixel the mean drop of the patches that cover it."""
        spatial = tuple(a for a in axes if a not in ("sample", "target"))
        patch, stride, grid = self._grid(size, spatial)
        result = np.asarray(values, np.float64)
        for axis, n, p, s, g in zip(range(-len(size), 0), size, patch, stride, grid, strict=True):
            starts = np.arange(g) * s
            pixel = np.arange(n)[:, None]
            covers = ((pixel >= starts) & (pixel < starts + p)).astype(np.float64)
            covers /= covers.sum(axis=1, keepdims=True)
            result = np.moveaxis(np.moveaxis(result, axis, -1) @ covers.T, -1, axis)
        return np.ascontiguousarray(result, np.float32)


def _sizes(value: int | tuple[int, ...] | None, rank: int, what: str) -> tuple[int, ...] | None:
    if value is None:
        return None
    sizes = value if isinstance(value, tuple) else (value,) * rank
    if len(sizes) != rank:
        raise BadMethod(
            f"occlusion: {what}={value} has {len(sizes)} numbers for {rank} spatial axes"
        )
    return sizes


def _predicted(raw: Mapping[str, Array]) -> Array:
    """Return the class that the first output predicts, −1 where it is not one of classes."""
    first = next(iter(raw.values()))
    if first.ndim != 2:
        return np.full(len(first), -1, np.int32)
    if first.shape[1] == 1:
        return np.where((first >= 0).all() and (first <= 1).all(), first[:, 0] > 0.5, -1).astype(
            np.int32
        )
    return first.argmax(axis=1).astype(np.int32)
