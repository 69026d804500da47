"""Bring maps to the size of what they explain, in any number of dimensions."""

from __future__ import annotations

import functools

import numpy as np

from kerascope.types import Array


@functools.lru_cache(maxsize=256)
def _weights(old: int, new: int) -> Array:
    """Return the (new, old) matrix of linear interpolation with half-pixel centres, edges held."""
    centre = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    low = np.floor(centre).astype(int)
    high = np.minimum(low + 1, old - 1)
    share = centre - low
    matrix = np.zeros((new, old), np.float32)
    np.add.at(matrix, (np.arange(new), low), 1 - share)
    np.add.at(matrix, (np.arange(new), high), share)
    matrix.setflags(write=False)  # shared by all calls
    return matrix


def linear(values: Array, size: tuple[int, ...]) -> Array:
    """Resize the last `len(size)` axes of `values` to `size`; linear, half-pixel centres.

    This is what OpenCV and `align_corners=False` do when they enlarge, in 1, 2 or 3 dimensions.
    """
    result = np.asarray(values, np.float32)
    for axis, new in zip(range(-len(size), 0), size, strict=True):
        old = result.shape[axis]
        if old != new:
            moved = np.moveaxis(result, axis, -1) @ _weights(old, new).T
            result = np.moveaxis(moved, -1, axis)
    return np.ascontiguousarray(result)


def overlaps(old: int, new: int) -> Array:
    """Return the (new, old) lengths that each of `new` equal cells shares with `old` positions."""
    edges = np.linspace(0, old, new + 1)
    place = np.arange(old)
    shared = np.minimum(edges[1:, None], place + 1) - np.maximum(edges[:-1, None], place)
    return np.maximum(shared, 0)
