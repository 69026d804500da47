"""Smooth masks, their area, and what they show (Fong, Patrick and Vedaldi 2019, section 3)."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from kerascope.resize import linear
from kerascope.threads import each
from kerascope.types import Array

_COLDNESS = 20.0  # of the smooth maximum: 1 over the paper's temperature
_STEPS = 3  # parameters along σ
_FINE = 9  # positions of a mask along σ that are fine enough
_REACH = 5  # steps of the grid beyond which a parameter has no effect
_EQUAL = 1e-3  # masks that differ by less are as good as equal
_BLOCK = 2**18  # numbers worked on at once: they stay in the cache


class SmoothMask:
    """Masks that are the smooth maximum-convolution of parameters on a coarse grid.

    m(u) = smax_v k(u − v)·p(v), with smax f = Σ f·exp(20 f) / Σ exp(20 f) and, as in the authors'
    code, k(d) = exp(−2·max(d/σ − ½, 0)²). A σ of 0 gives every position its parameter.

    size: of what is masked; sigma: σ in positions. `grid` is the size of the parameters. Masks are
    wider by a margin of about σ, so that what reaches beyond the border counts for the area too:
    without it the corners are cheap. From a σ of 18 positions on, they are made at every second
    one, or fewer: nine along σ say all. `cut` gives what lies on the input, position by position.
    """

    def __init__(self, size: tuple[int, ...], sigma: float) -> None:
        from scipy import sparse

        stride = max(1, int(sigma // _FINE))
        places, sigma = tuple(-(-n // stride) for n in size), sigma / stride
        self.places = int(np.prod(places))  # of a mask without its margin
        self.step = max(1, round(sigma / _STEPS))
        self.grid = tuple(-(-n // self.step) for n in places)
        reach = _REACH * sigma / _STEPS / self.step  # in steps
        self._reach = int(reach)
        near = itertools.product(range(-self._reach, self._reach + 1), repeat=len(size))
        offsets = [o for o in near if np.hypot.reduce(np.array([0.0, *o])) <= reach]
        phases = np.indices((self.step,) * len(size)).reshape(len(size), -1).T
        away = np.array(offsets)[:, None] * self.step + (self.step - 1) / 2 - phases
        distance = np.sqrt(np.square(away).sum(axis=-1)) / (sigma or 1.0)
        # (offset, phase): a position is a phase within a cell of the grid.
        self._weights = np.exp(-2 * np.maximum(distance - 0.5, 0) ** 2)
        margin = math.ceil(sigma / self.step)
        self._padding = self._reach + margin
        self._cells = tuple(n + 2 * margin for n in self.grid)
        self._windows = [
            tuple(slice(o + self._reach, o + self._reach + n) for o, n in zip(at, self._cells))  # noqa: B905
            for at in offsets
        ]
        start = margin * self.step
        self._inner: Any = (..., *(slice(start, start + n) for n in places))
        # Sparse, and `einsum` below: the threads of NumPy's matrix product and those of TensorFlow
        # get in each other's way, and a step takes twice as long.
        self._enlarge = [
            sparse.csr_array(linear(np.eye(n), (m,)).T) for n, m in zip(places, size, strict=True)
        ]

    def masks(self, parameters: Array) -> Array:
        """Return masks, wider by a margin, of parameters (row, *grid) from 0 to 1."""
        return np.stack(each(self._one, parameters))

    def pull(self, parameters: Array, slopes: Array) -> Array:
        """Return what slopes at the masks, shaped like them, are at the parameters."""
        return np.stack(each(self._pull, parameters, slopes))

    def cut(self, masks: Array) -> Array:
        """Return masks without their margins, for every position: (row, *size)."""
        return _along(self._enlarge, masks[self._inner])

    def spread(self, slopes: Array) -> Array:
        """Return what slopes at the cut masks (row, *size) are at the masks."""
        shape = (len(slopes), *(n * self.step for n in self._cells))
        found = np.zeros(shape, slopes.dtype)
        found[self._inner] = _along([matrix.T for matrix in self._enlarge], slopes)
        return found

    def _one(self, parameters: Array) -> Array:
        near, weights = self._near(parameters)
        cells = np.zeros((near.shape[1], weights.shape[1]), near.dtype)
        for part in self._blocks(near):
            values = near[:, part, None] * weights[:, None]
            shares = np.exp(values * near.dtype.type(_COLDNESS))
            total = shares.sum(axis=0)
            shares *= values
            cells[part] = shares.sum(axis=0) / total
        return self._joined(cells)

    def _pull(self, parameters: Array, slopes: Array) -> Array:
        near, weights = self._near(parameters)
        given = self._split(slopes.astype(near.dtype))
        # Where all parameters are zero, all have the same share.
        back = np.einsum("kf,gf->kg", weights, given) / near.dtype.type(len(near))
        cold = near.dtype.type(_COLDNESS)
        for part in self._blocks(near):
            values = near[:, part, None] * weights[:, None]
            values *= cold
            shares = np.exp(values)
            share = 1 / shares.sum(axis=0)
            mean = np.einsum("kgf,kgf->gf", shares, values) * share
            # ∂smax/∂f = share·(1 + 20·(f − smax))
            values += 1 - mean
            values *= shares
            values *= given[part] * share
            back[:, part] = np.einsum("kgf,kf->kg", values, weights)
        padded = np.zeros([n + 2 * self._padding for n in self.grid], near.dtype)
        for window, slope in zip(self._windows, back, strict=True):
            padded[window] += slope.reshape(self._cells)
        return padded[tuple(slice(self._padding, self._padding + n) for n in self.grid)]

    def _near(self, parameters: Array) -> tuple[Array, Array]:
        """Return the parameters near each cell, (offset, cell), and their weights."""
        padded = np.pad(parameters, self._padding)
        near = np.stack([padded[window].reshape(-1) for window in self._windows])
        return near, self._weights.astype(near.dtype)

    def _blocks(self, near: Array) -> list[Array]:
        """Return the cells near which a parameter is not zero, a few at a time."""
        size = max(1, _BLOCK // self._weights.size)
        cells = np.flatnonzero(near.any(axis=0))
        return np.split(cells, range(size, len(cells), size))

    def _joined(self, cells: Array) -> Array:
        """Return positions from (cell, phase)."""
        axes = len(self.grid)
        blocks = cells.reshape(*self._cells, *(self.step,) * axes)
        order = [i for pair in zip(range(axes), range(axes, 2 * axes), strict=True) for i in pair]
        return blocks.transpose(order).reshape([n * self.step for n in self._cells])

    def _split(self, positions: Array) -> Array:
        """Return (cell, phase) from positions."""
        axes = len(self.grid)
        blocks = positions.reshape([k for n in self._cells for k in (n, self.step)])
        order = [*range(0, 2 * axes, 2), *range(1, 2 * axes, 2)]
        return blocks.transpose(order).reshape(-1, self._weights.shape[1])


def _along(matrices: list[Any], values: Array) -> Array:
    """Multiply each axis of (row, *axes) values by its sparse matrix (new, old)."""
    for axis, matrix in enumerate(matrices, 1):
        if matrix.shape[0] != matrix.shape[1]:
            moved = np.moveaxis(values, axis, 0)
            flat = matrix.astype(values.dtype) @ moved.reshape(len(moved), -1)
            values = np.moveaxis(flat.reshape(-1, *moved.shape[1:]), 0, axis)
    return values


def area_loss(masks: Array, shown: Array) -> tuple[Array, Array]:
    """Return (row,) the area constraint of masks (row, …), and its slopes at the masks.

    ‖sorted m − r‖² / n (equation 4): r is 1 for the `shown` (row,) largest of the n positions, and
    0 for all others. Positions as good as equal share the places that they take: rounding does not
    say which is favoured, and least of all at the start, where all are equal.
    """
    flat = masks.reshape(len(masks), -1)
    covered = flat.shape[1] - shown
    bound = np.take_along_axis(np.sort(flat, axis=1), covered[:, None], axis=1)
    above, near = flat > bound + _EQUAL, np.abs(flat - bound) <= _EQUAL
    due = (shown - above.sum(axis=1)) / near.sum(axis=1)
    wanted = above + near * due[:, None]
    losses = (flat**2 - 2 * flat * wanted + wanted).mean(axis=1)
    slopes = (2 * (flat - wanted) / flat.shape[1]).astype(masks.dtype)
    return losses, slopes.reshape(masks.shape)


class Grades:
    """An input in grades from all covered to as it is, among which a mask of 0 to 1 chooses.

    grades: each (sample, *shape), the first one covered most, the last one the input; between
    neighbours a mask is linear. channel: the axis that masks do not have, if any.
    """

    def __init__(self, grades: list[Array], channel: int | None) -> None:
        self.channel = channel
        self._shape = grades[0].shape[1:]
        self.size = tuple(n for i, n in enumerate(self._shape, 1) if i != channel)
        # By sample, grade, position and channel.
        flat = [self._positions(grade) for grade in grades]
        self._grades = np.stack(flat, axis=1).astype(np.float32)

    def shown(self, masks: Array, samples: Array) -> tuple[Array, Array]:
        """Return inputs (row, *shape) under masks (row, *size), and their derivative by the masks.

        The derivative is (row, position, channel).
        """
        last = self._grades.shape[1] - 1
        level = masks.reshape(len(masks), -1) * last
        low = np.clip(level.astype(np.intp), 0, last - 1)
        place = np.arange(level.shape[1])
        below = self._grades[samples[:, None], low, place]
        rise = self._grades[samples[:, None], low + 1, place] - below
        values = below + (level - low)[..., None] * rise
        whole = values.reshape(len(values), *self.size, -1)
        if self.channel is None:
            return whole[..., 0], rise * last
        return np.moveaxis(whole, -1, self.channel), rise * last

    def slopes(self, gradients: Array, change: Array) -> Array:
        """Return the slopes by the masks (row, *size) of gradients by the inputs (row, *shape)."""
        slopes = np.einsum("npc,npc->np", self._positions(gradients), change)
        return slopes.reshape(len(slopes), *self.size)

    def _positions(self, array: Array) -> Array:
        last = array[..., None] if self.channel is None else np.moveaxis(array, self.channel, -1)
        return last.reshape(len(array), int(np.prod(self.size)), -1)
