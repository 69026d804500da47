"""Crops: windows over an input's positions, brought to its full size."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.resize import linear
from kerascope.types import Array

_STEP = 0.8  # of a window's side, as in the authors' code


@dataclasses.dataclass(frozen=True, eq=False)
class Crops:
    """Crops as a model takes them, and as people see them; `craft` and others take them as inputs.

    inputs: with a sample axis, in the structure that the model is called with. display: uint8 RGB,
    None where the inputs are no pictures. names: picture and place.
    """

    inputs: Any
    display: tuple[Array, ...] | None
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows of one size over the positions of an input.

    input: its name. axes: its axes with positions, the sample axis counted. full: size along them.
    size: that of a window. starts: the lower corner of every window.
    """

    input: str
    axes: tuple[int, ...]
    full: tuple[int, ...]
    size: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.starts)

    def cut(self, x: Mapping[str, Array], rows: Array, windows: Array) -> dict[str, Array]:
        """Return inputs by name: of every row one window, linearly enlarged; others whole."""
        cropped = {name: array[rows] for name, array in x.items()}
        if self.size != self.full:
            values, last = x[self.input], tuple(range(-len(self.axes), 0))
            cropped[self.input] = np.stack([
                self._one(values[row], self.starts[window], last)
                for row, window in zip(rows, windows, strict=True)
            ])  # fmt: skip
        return cropped

    def _one(self, sample: Array, start: tuple[int, ...], last: tuple[int, ...]) -> Array:
        own = tuple(axis - 1 for axis in self.axes)
        moved = np.moveaxis(sample, own, last)
        for axis, low, size in zip(last, start, self.size, strict=True):
            moved = np.take(moved, np.arange(low, low + size), axis=axis)
        return np.moveaxis(linear(moved, self.full), last, own)

    def picture(self, picture: Array, window: int) -> Array:
        """Return a window of the picture that people see, (y, x, 3), whatever its size."""
        if len(self.axes) != 2:
            return picture
        (y0, y1), (x0, x1) = (
            (round(low / full * side), round((low + size) / full * side))
            for low, size, full, side in zip(
                self.starts[window], self.size, self.full, picture.shape, strict=False
            )
        )
        return picture[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]


def windows_of(
    axes: Mapping[str, tuple[str, ...]], x: Mapping[str, Array], crop: float | None
) -> Windows:
    """Return windows that cover the first input with positions, 0.8 of a side apart at most.

    axes: of one sample of every input. crop: side as a share of the whole, or None for one window.

    Raises:
        BadInput: crop is out of range, or no input can be cropped.
    """
    name, places = next(iter(x)), ()  # type: str, tuple[int, ...]
    for candidate in x:
        found = [i for i, axis in enumerate(axes[candidate], 1) if axis not in _WHOLE]
        if found:
            name, places = candidate, tuple(found)
            break
    full = tuple(x[name].shape[axis] for axis in places)
    if crop is None:
        return Windows(name, places, full, full, ((0,) * len(full),))
    if isinstance(crop, bool) or not isinstance(crop, (int, float)) or not 0 < crop <= 1:
        raise BadInput(f"crop={crop!r} must be a share of the side above 0, up to 1, or None")
    if not places:
        raise BadInput("the model's inputs have no positions to crop; crop=None takes them whole")
    size = tuple(max(1, round(crop * side)) for side in full)
    corners = itertools.product(*(_starts(*pair) for pair in zip(full, size, strict=True)))
    return Windows(name, places, full, size, tuple(corners))


_WHOLE = ("channel", "token", "feature")


def _starts(full: int, size: int) -> Sequence[int]:
    count = 1 + int(np.ceil((full - size) / max(1.0, _STEP * size)))
    return [int(start) for start in np.linspace(0, full - size, count).round()]
