"""Where a sliding patch lies, and which of many positions are worth a pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from kerascope.errors import BadMethod
from kerascope.types import Array

_PROBES = 24  # positions at which the error of the interpolation is measured before it is trusted


@dataclasses.dataclass(frozen=True)
class Positions:
    """A patch slid over an input: from the first position, `stride` further until the far edge.

    All are sizes along the spatial axes; the last patch of a row is clipped to the input.
    """

    size: tuple[int, ...]
    patch: tuple[int, ...]
    stride: tuple[int, ...]

    @classmethod
    def of(
        cls,
        size: tuple[int, ...],
        axes: tuple[str, ...],
        patch: int | tuple[int, ...] | None,
        stride: int | tuple[int, ...] | None,
    ) -> Positions:
        """Return positions for an input of spatial `size`; None takes a default.

        Raises:
            BadMethod: the numbers do not fit the input.
        """
        if axes == ("feature",):
            return cls(size, (1,), (1,))
        alone = axes == ("token",)
        patches = _sizes(patch, len(size), "patch") or tuple(
            1 if alone else max(1, n // 8) for n in size
        )
        if any(p > n for p, n in zip(patches, size, strict=True)):
            raise BadMethod(
                f"occlusion: patch={patches} is larger than the input, {size}; take at most that"
            )
        strides = _sizes(stride, len(size), "stride") or tuple(max(1, p // 2) for p in patches)
        if any(s > p for s, p in zip(strides, patches, strict=True)):
            raise BadMethod(
                f"occlusion: stride={strides} is larger than patch={patches}: pixels would never "
                "be covered"
            )
        return cls(size, patches, strides)

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of positions along each axis."""
        triples = zip(self.size, self.patch, self.stride, strict=True)
        return tuple(-(-(n - p) // s) + 1 for n, p, s in triples)

    @property
    def count(self) -> int:
        """Number of positions."""
        return int(np.prod(self.grid))

    def corners(self, places: Array) -> Array:
        """Return the first covered element along each axis, (place, axis), of flat places."""
        return np.stack(np.unravel_index(places, self.grid), axis=1) * np.array(self.stride)

    def boxes(self, places: Array) -> Iterator[tuple[slice, ...]]:
        """Yield what is covered at each place; as an index it is clipped to the input."""
        for corner in self.corners(places):
            yield tuple(slice(a, a + p) for a, p in zip(corner, self.patch, strict=True))

    def order(self) -> Array:
        """Return all flat places, coarse before fine: any beginning covers the input evenly."""
        left = np.ones(self.grid, bool)
        step = 2 ** int(np.ceil(np.log2(max(self.grid))))
        rounds = []
        while step >= 1:
            here = np.zeros(self.grid, bool)
            here[tuple(slice(None, None, step) for _ in self.grid)] = True
            rounds.append(np.flatnonzero(here & left))
            left &= ~here
            step //= 2
        return np.concatenate(rounds)

    def over_cover(self, values: Array) -> Array:
        """Give every element the mean of the patches that cover it: (…, *grid) to (…, *size)."""
        result = np.asarray(values, np.float64)
        quads = zip(self.size, self.patch, self.stride, self.grid, strict=True)
        for axis, (n, p, s, g) in zip(range(-len(self.size), 0), quads, strict=True):
            starts = np.arange(g) * s
            element = np.arange(n)[:, None]
            covers = ((element >= starts) & (element < starts + p)).astype(np.float64)
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


def interpolate(positions: Positions, known: Array, values: Array) -> Array:
    """Return (place, …) values at all places from those of the `known` flat places.

    A thin-plate spline through them; the nearest one where they are too few for it.
    """
    from scipy.interpolate import NearestNDInterpolator, RBFInterpolator

    points = np.stack(np.unravel_index(np.arange(positions.count), positions.grid), axis=1)
    here = points[known]
    flat = values.reshape(len(values), -1).astype(np.float64)
    spread = np.linalg.matrix_rank(here - here.mean(axis=0)) == here.shape[1]
    if len(known) == positions.count:
        filled = np.empty_like(flat)
        filled[known] = flat
    elif len(known) == 1:
        filled = np.repeat(flat, positions.count, axis=0)
    elif len(known) <= here.shape[1] + 1 or not spread:
        filled = NearestNDInterpolator(here, flat)(points)
    else:
        near = 64 if len(known) > 64 else None
        filled = RBFInterpolator(here, flat, neighbors=near)(points)
    return filled.reshape(positions.count, *values.shape[1:])


@dataclasses.dataclass
class Found:
    """Values at all positions, of which only those that were looked at are measured.

    values: (place, target). measured: flat places. error: what the interpolation was off by where
    it was last tested, root mean square as a share of the largest value; 0 where all is measured.
    """

    values: Array
    measured: Array
    error: float


def coarse_to_fine(
    positions: Positions,
    measure: Callable[[Array], Array],
    tolerance: float,
    generator: np.random.Generator,
) -> Found:
    """Measure a coarse grid of positions, then halve its step where interpolation is off.

    A score under a moving patch changes over about half a patch, which is the first step. Before a
    finer grid is measured, the interpolation is tested at random places of it; when it is off by
    no more than `tolerance` (root mean square, share of the largest value), that is enough.
    A finer place is measured only beside one where the interpolation was off by more.

    measure: flat places to values (place, target); fewer rows come back when the run is stopped.
    """
    points = np.stack(np.unravel_index(np.arange(positions.count), positions.grid), axis=1)
    step = 2 ** int(np.log2(max(1, min(_half_patches(positions)))))
    known = _level(positions, step)
    values = measure(known)
    known, near, error = known[: len(values)], points, 0.0
    while step > 1 and len(known) < positions.count:
        step //= 2
        finer = np.setdiff1d(_level(positions, step), known)
        distance = np.abs(points[finer][:, None] - near[None]).max(axis=2).min(axis=1)
        finer = generator.permutation(finer[distance <= 2 * step])
        if not len(finer):
            break
        guess = interpolate(positions, known, values)
        scale = max(float(np.abs(values).max()), 1e-12)
        off = np.zeros(0)
        for part in (finer[:_PROBES], finer[_PROBES:]):
            found = measure(part) if len(part) else values[:0]
            part = part[: len(found)]  # noqa: PLW2901
            off = np.concatenate([off, np.abs(found - guess[part]).max(axis=1) / scale])
            known, values = np.concatenate([known, part]), np.concatenate([values, found])
            error = float(np.sqrt(np.mean(off**2))) if len(off) else error
            if error <= tolerance:
                break
        if error <= tolerance or len(off) < len(finer):
            break
        near = points[finer[off > tolerance]]
    whole = len(known) == positions.count
    return Found(interpolate(positions, known, values), known, 0.0 if whole else error)


def _half_patches(positions: Positions) -> list[int]:
    """Return half a patch in steps of the grid, along every axis that has several positions."""
    triples = zip(positions.patch, positions.stride, positions.grid, strict=True)
    return [max(1, p // (2 * s)) for p, s, g in triples if g > 1] or [1]


def _level(positions: Positions, step: int) -> Array:
    """Return the flat places of every `step`-th position along each axis, and of the last."""
    along = [np.unique(np.append(np.arange(0, g, step), g - 1)) for g in positions.grid]
    return np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), positions.grid).ravel()
