"""How alike two maps of the same sample are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kerascope.perturb import spatial_axes

if TYPE_CHECKING:
    from kerascope.metrics.subject import Subject
    from kerascope.types import Array

_ROUNDING = 1e-12  # of the largest value
_WINDOW = 7  # of SSIM, or the largest odd number that fits


def correlation(first: Array, second: Array) -> Array:
    """Return Pearson's correlation of rows: (row,), NaN where one varies by rounding alone."""
    moved = [values - values.mean(axis=1, keepdims=True) for values in (first, second)]
    still = [
        np.abs(m).max(axis=1) <= _ROUNDING * np.abs(values).max(axis=1)
        for m, values in zip(moved, (first, second), strict=True)
    ]
    norms = [np.linalg.norm(m, axis=1) for m in moved]
    whole = norms[0] * norms[1]
    product = (moved[0] * moved[1]).sum(axis=1)
    return np.where(still[0] | still[1], np.nan, product / np.where(whole > 0, whole, 1))


def pearson(subject: Subject, first: Array, second: Array) -> Array:  # noqa: ARG001
    """Return the correlation of (sample, position) maps: (sample,), NaN where one is constant."""
    return correlation(first, second)


def spearman(subject: Subject, first: Array, second: Array) -> Array:
    """Return the rank correlation of (sample, position) maps: (sample,), NaN for constant ones."""
    from scipy import stats

    ranks = (stats.rankdata(maps, axis=1) for maps in (first, second))
    return pearson(subject, *ranks)


def ssim(subject: Subject, first: Array, second: Array) -> Array:
    """Return the structural similarity (Wang et al. 2004) of (sample, position) maps: (sample,).

    Each map is divided by its largest size; windows are 7 positions wide, or less where that does
    not fit. The mean over the inputs that have neighbourhoods of 3 positions; NaN without one, and
    for a zero map.
    """
    one, other = subject.unflat(first), subject.unflat(second)
    parts = []
    for name, maps in one.items():
        axes = spatial_axes(subject.view, name, subject.x[name])
        if axes != ("feature",) and min(maps.shape[1:]) >= 3:
            pairs = zip(maps, other[name], strict=True)
            parts.append(np.array([_ssim_of(a, b) for a, b in pairs]))
    return np.mean(parts, axis=0) if parts else np.full(len(first), np.nan)


def _ssim_of(first: Array, second: Array) -> float:
    from skimage.metrics import structural_similarity

    largest = [np.abs(values).max() for values in (first, second)]
    if min(largest) == 0:
        return np.nan
    a, b = first / largest[0], second / largest[1]
    span = 2.0 if min(a.min(), b.min()) < 0 else 1.0
    window = min(_WINDOW, min(a.shape) - (min(a.shape) + 1) % 2)
    return float(structural_similarity(a, b, win_size=window, data_range=span))


SIMILARITIES: dict[str, Callable[[Subject, Array, Array], Array]] = {
    "pearson": pearson,
    "spearman": spearman,
    "ssim": ssim,
}
