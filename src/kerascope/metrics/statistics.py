"""How sure a mean is, and which of two methods is really better."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from kerascope.types import Array

_BOOT = 2000
FLIPS = 60_000  # sign flips that are drawn where there are too many to try all
_ALL = 12  # pairs of which all sign flips are tried
_LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Mean:
    """A mean with a 95 % interval over the samples on which the metric is defined.

    low, high: NaN below two samples. count: defined samples. value: NaN for none.
    """

    value: float
    low: float
    high: float
    count: int


def mean_of(values: Array, *, seed: int = 0) -> Mean:
    """Return the mean of (sample,) values with its bootstrap interval (Efron 1979, percentile)."""
    values = np.asarray(values, np.float64)
    known = values[np.isfinite(values)]
    count = len(known)
    if count == 0:
        return Mean(np.nan, np.nan, np.nan, 0)
    if count == 1:
        return Mean(float(known[0]), np.nan, np.nan, 1)
    rng = np.random.Generator(np.random.Philox(key=seed & (2**64 - 1)))
    means = known[rng.integers(0, count, (_BOOT, count))].mean(axis=1)
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Mean(float(known.mean()), float(low), float(high), count)


@dataclasses.dataclass(frozen=True)
class Difference:
    """How much larger `first` is than `second` on the same samples.

    p: two-sided, of a sign-flip permutation test; NaN below two samples. count: samples on which
    both are defined.
    """

    value: float
    p: float
    count: int


def difference_of(first: Array, second: Array, *, seed: int = 0) -> Difference:
    """Return the mean difference of (sample,) values with its p-value.

    Under the null hypothesis the sign of every pair's difference is arbitrary (Fisher 1935), so
    nothing is assumed of their distribution. All flips are tried up to 12 samples, else 60 000.
    """
    both = np.isfinite(first) & np.isfinite(second)
    gaps = np.asarray(first, np.float64)[both] - np.asarray(second, np.float64)[both]
    count = len(gaps)
    if count == 0:
        return Difference(np.nan, np.nan, 0)
    mean = float(gaps.mean())
    if count == 1:
        return Difference(mean, np.nan, 1)
    extra = int(count > _ALL)  # the flip that changes nothing is one of all; else it is added
    total, above = 0, extra
    for flips in _flips(count, seed):
        means = np.abs(flips @ gaps) / count
        above += int((means >= abs(mean) - 1e-12 * np.abs(gaps).max()).sum())
        total += len(flips)
    return Difference(mean, above / (total + extra), count)


def least_p(count: int) -> float:
    """Return the least p-value that `difference_of` can give for so many pairs."""
    return 2.0 ** (1 - count) if count <= _ALL else 1 / (FLIPS + 1)


def _flips(count: int, seed: int) -> Iterator[Array]:
    """Yield signs (flip, pair): all of them for few pairs, else drawn ones, in parts."""
    if count <= _ALL:
        yield 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
        return
    rng = np.random.Generator(np.random.Philox(key=seed & (2**64 - 1)))
    for _ in range(20):
        yield 1 - 2 * rng.integers(0, 2, (FLIPS // 20, count), dtype=np.int8)


def holm(ps: Sequence[float]) -> Array:
    """Return p-values adjusted for their number (Holm 1979); NaN stays and does not count."""
    ps_array = np.asarray(ps, np.float64)
    known = np.flatnonzero(np.isfinite(ps_array))
    adjusted = np.full(len(ps_array), np.nan)
    order = known[np.argsort(ps_array[known], kind="stable")]
    worst = 0.0
    for place, index in enumerate(order):
        worst = max(worst, (len(order) - place) * ps_array[index])
        adjusted[index] = min(1.0, worst)
    return adjusted
