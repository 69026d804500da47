"""Random masks of RISE (Petsiuk et al. 2018, section 3.2), and a basis of the space they span."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadMethod
from kerascope.perturb import is_tokens, spatial_axes, spatial_size
from kerascope.resize import linear
from kerascope.run import Run
from kerascope.types import Array

_CELLS = {1: 16, 2: 7, 3: 4}  # cells along each axis by default, by the number of spatial axes
_SHIFTS = 64  # at most this many different shifts along an axis
_SHARE = 0.99  # of the masks' variance that the basis spans
_KEY = 2**31 - 1  # keys the draws of masks in place of a sample: all samples share the masks


class BitMasks:
    """Masks of one input whose positions are shown or covered one by one."""

    def __init__(self, size: tuple[int, ...], probability: float) -> None:
        self.size, self.probability = size, probability
        self.components = int(np.prod(size))

    def draw(self, generator: np.random.Generator) -> tuple[Array, Array]:
        """Return uniform numbers, below `probability` where a bit is 1, and shifts."""
        return generator.random(self.size), np.zeros(0, np.int64)

    def masks(self, uniform: Array, shifts: Array) -> Array:
        """Return masks (draw, *size): truth values, or float32 between 0 and 1."""
        return uniform < self.probability

    def coordinates(self, uniform: Array, shifts: Array) -> Array:
        """Return masks minus their expectation, in the basis: (draw, component)."""
        bits = self.masks(uniform, shifts) - self.probability
        return bits.reshape(len(bits), -1)

    def spread(self, weights: Array) -> Array:
        """Return the covariance of each position of a mask with Σ weight·coordinate: *size."""
        return (weights * self.probability * (1 - self.probability)).reshape(self.size)


class _Axis:
    """One axis of a grid: a mask is rows shift … shift + size of `weights` (place, bit).

    basis: (place, component), the orthonormal directions in which masks vary most; variances: along
    them, for bits of variance 1; total: the sum of all variances.
    """

    def __init__(self, size: int, cell: int) -> None:
        bits = -(-size // cell)
        wide = size if cell == 1 else (bits + 1) * cell
        self.size = size
        self.weights = linear(np.eye(bits), (wide,)).T
        self.shifts = np.unique(np.linspace(0, cell - 1, min(cell, _SHIFTS)).astype(np.int64))
        # The covariance is B·Bᵀ; its eigenvectors come from the often smaller Bᵀ·B.
        rows = [self.weights[s : s + size] for s in self.shifts]
        columns = np.concatenate(rows, axis=1).astype(np.float64) / np.sqrt(len(rows))
        variances, vectors = np.linalg.eigh(columns.T @ columns)
        variances, vectors = variances[::-1], vectors[:, ::-1]
        self.total = float(variances.sum())
        keep = int(np.searchsorted(np.cumsum(variances), 0.999 * self.total)) + 1
        self.variances = variances[:keep]
        self.basis = columns @ vectors[:, :keep] / np.sqrt(self.variances)

    def rows(self, shifts: Array) -> Array:
        """Return the weights of masks with these shifts: (draw, size, bit)."""
        return self.weights[shifts[:, None] + np.arange(self.size)]


@functools.lru_cache(maxsize=32)
def _axis(size: int, cell: int) -> _Axis:
    """Return what is known of an axis; made once, it costs as much as several passes."""
    return _Axis(size, cell)


class GridMasks:
    """Masks of one input: random bits on a grid, enlarged linearly, cut out at a random shift.

    n positions in cells of c have ⌈n/c⌉ bits, enlarged to (⌈n/c⌉ + 1)·c positions; the shift is
    below c, one of 64 at most. The methods are those of `BitMasks`.
    """

    def __init__(self, size: tuple[int, ...], cells: tuple[int, ...], probability: float) -> None:
        self.size, self.probability = size, probability
        self.axes = [_axis(n, cell) for n, cell in zip(size, cells, strict=True)]
        variances = np.ones(())
        for axis in self.axes:
            variances = np.multiply.outer(variances, axis.variances)
        self.variances = variances * probability * (1 - probability)
        order = np.argsort(-variances, axis=None, kind="stable")
        reached = np.cumsum(variances.ravel()[order]) / np.prod([a.total for a in self.axes])
        self._chosen = order[: int(np.searchsorted(reached, _SHARE)) + 1]
        self.components = len(self._chosen)

    def draw(self, generator: np.random.Generator) -> tuple[Array, Array]:
        """Return uniform numbers (bit, …) and a shift along each axis."""
        uniform = generator.random([axis.weights.shape[1] for axis in self.axes])
        return uniform, np.array([int(generator.choice(axis.shifts)) for axis in self.axes])

    def masks(self, uniform: Array, shifts: Array) -> Array:
        """Return masks (draw, *size)."""
        bits = (uniform < self.probability).astype(np.float32)
        return _along([a.rows(shifts[:, i]) for i, a in enumerate(self.axes)], bits)

    def coordinates(self, uniform: Array, shifts: Array) -> Array:
        """Return masks in the basis: (draw, component)."""
        bits = (uniform < self.probability) - self.probability
        turns = [a.basis.T @ a.rows(shifts[:, i]) for i, a in enumerate(self.axes)]
        return _along(turns, bits).reshape(len(bits), -1)[:, self._chosen]

    def spread(self, weights: Array) -> Array:
        """Return covariances: *size."""
        values = np.zeros(self.variances.size)
        values[self._chosen] = weights * self.variances.ravel()[self._chosen]
        bases = [axis.basis[None] for axis in self.axes]
        return _along(bases, values.reshape(1, *self.variances.shape))[0]


def _along(matrices: list[Array], values: Array) -> Array:
    """Multiply each axis of (draw, *axes) values by its (draw, new, old) matrices."""
    for matrix in matrices:
        first = matrix @ values.reshape(len(values), values.shape[1], -1)
        # The axis just done goes last, so that the next one is first.
        values = np.moveaxis(first.reshape(*first.shape[:2], *values.shape[2:]), 1, -1)
    return values


class RandomMasks:
    """The masks of all inputs of a model: the same for every sample and target.

    paired: draws 2k and 2k + 1 have the uniform numbers u and 1 − u, and the same shift; where the
        probability is 0.5, the one shows what the other covers.
    """

    def __init__(
        self, model: Any, x: Mapping[str, Array], run: Run, *, cell: int | tuple[int, ...] | None,
        probability: float,
    ) -> None:  # fmt: skip
        self.run, self.probability, self.paired = run, probability, True
        self.inputs: dict[str, BitMasks | GridMasks] = {}
        for name, array in x.items():
            size = spatial_size(model, name, array)
            single = is_tokens(array) or spatial_axes(model, name, array) == ("feature",)
            cells = (1,) * len(size) if single else cells_of(size, cell)
            self.inputs[name] = (
                BitMasks(size, probability)
                if set(cells) == {1}
                else GridMasks(size, cells, probability)
            )

    @property
    def components(self) -> int:
        """Number of components of all inputs' masks together."""
        return sum(masks.components for masks in self.inputs.values())

    def _drawn(self, draws: Array) -> dict[str, tuple[Array, Array]]:
        """Return uniform numbers and shifts of draws, by input name."""
        drawn: dict[str, list[tuple[Array, Array]]] = {name: [] for name in self.inputs}
        for draw in draws.tolist():
            generator = self.run.generator(_KEY, draw // 2 if self.paired else draw)
            for name, masks in self.inputs.items():
                uniform, shift = masks.draw(generator)
                drawn[name].append((1 - uniform if self.paired and draw % 2 else uniform, shift))
        return {
            name: (np.stack([u for u, _ in each]), np.stack([s for _, s in each]))
            for name, each in drawn.items()
        }

    def masks(self, draws: Array) -> dict[str, Array]:
        """Return the masks of draws by input name: (draw, *size), 1 where the input is shown."""
        return {name: self.inputs[name].masks(*drawn) for name, drawn in self._drawn(draws).items()}

    def coordinates(self, draws: Array) -> Array:
        """Return the masks of draws minus their expectation, in the basis: (draw, component)."""
        parts = [self.inputs[n].coordinates(*drawn) for n, drawn in self._drawn(draws).items()]
        return np.concatenate(parts, axis=1)

    def spread(self, weights: Array) -> dict[str, Array]:
        """Return the covariance of each position with Σ weight·coordinate, by input name."""
        ends = itertools.accumulate(masks.components for masks in self.inputs.values())
        parts = np.split(weights, list(ends)[:-1])
        return {
            name: masks.spread(part)
            for (name, masks), part in zip(self.inputs.items(), parts, strict=True)
        }


def cells_of(size: tuple[int, ...], cell: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the size of a cell along each axis; by default 16, 7 × 7 or 4 × 4 × 4 cells.

    Raises:
        BadMethod: the cell does not have as many numbers as the input has axes, or is not smaller
            than the input.
    """
    if cell is None:
        return tuple(-(-n // _CELLS.get(len(size), 4)) for n in size)
    cells = cell if isinstance(cell, tuple) else (cell,) * len(size)
    if len(cells) != len(size):
        raise BadMethod(f"rise: cell={cell} has {len(cells)} numbers for {len(size)} spatial axes")
    if any(c >= n and (c, n) != (1, 1) for c, n in zip(cells, size, strict=True)):
        words = " × ".join(map(str, size))
        raise BadMethod(f"rise: cell={cell} must be smaller than the input, which is {words}")
    return cells
