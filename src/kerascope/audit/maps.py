"""Signed maps at low resolution, and what a number or two says of them."""

from __future__ import annotations

import numpy as np

from kerascope.resize import overlaps
from kerascope.types import Array

SIDE = 16  # cells along an axis, at most


def grid_of(size: tuple[int, ...], side: int = SIDE) -> tuple[int, ...]:
    """Return the size of a low-resolution map of an input of spatial `size`."""
    return tuple(min(side, n) for n in size)


def lowered(maps: Array, grid: tuple[int, ...]) -> Array:
    """Return (…, *grid) means of the last axes over equal cells."""
    result = np.asarray(maps, np.float32)
    for axis, new in zip(range(-len(grid), 0), grid, strict=True):
        old = result.shape[axis]
        if old != new:
            weights = (overlaps(old, new) * (new / old)).astype(np.float32)
            result = np.moveaxis(np.moveaxis(result, axis, -1) @ weights.T, -1, axis)
    return np.ascontiguousarray(result)


def rounded(values: Array) -> Array:
    """Return float32 values to the 11 binary digits of float16, with the range of float32.

    Half the bytes of each are then nearly constant and vanish under compression. A gradient of
    1e-9, which is zero as a float16, is kept.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    even = (bits >> np.uint32(13)) & np.uint32(1)
    return ((bits + np.uint32(0xFFF) + even) & np.uint32(0xFFFFE000)).view(np.float32)


def map_measures(maps: Array) -> dict[str, Array]:
    """Return what is said of (sample, *spatial) maps at the input's size.

    map_positive, map_negative: means over all positions of what is above and below zero.
    map_concentration: Gini index of the sizes (Hurley and Rickard 2009), 0 for equal ones, NaN for
    a zero map. map_centroid: (sample, axis) centre of the positive part, 0 … 1 along each axis, NaN
    where there is none.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    above = np.maximum(flat, 0)
    return {
        "map_positive": above.mean(axis=1),
        "map_negative": np.minimum(flat, 0).mean(axis=1),
        "map_concentration": _gini(np.abs(flat)),
        "map_centroid": _centroids(above.reshape(maps.shape)),
    }


def _gini(sizes: Array) -> Array:
    ordered = np.sort(sizes, axis=1)
    count = ordered.shape[1]
    total = ordered.sum(axis=1)
    weighted = (ordered * (2 * np.arange(1, count + 1) - count - 1)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(total > 0, weighted / (count * np.where(total > 0, total, 1)), np.nan)


def _centroids(above: Array) -> Array:
    axes = range(1, above.ndim)
    total = above.sum(axis=tuple(axes))
    centres = []
    for axis in axes:
        along = above.sum(axis=tuple(a for a in axes if a != axis))
        places = (np.arange(above.shape[axis]) + 0.5) / above.shape[axis]
        centres.append(np.where(total > 0, along @ places / np.where(total > 0, total, 1), np.nan))
    return np.stack(centres, axis=1)


def share_inside(low: Array, cover: Array) -> float | None:
    """Return the share of a low-resolution map's positive part that lies on the object.

    cover: the share of each cell that the object covers. None where nothing is positive.
    """
    above = np.maximum(low, 0)
    total = float(above.sum())
    return float((above * cover).sum() / total) if total > 0 else None
