"""Intervals and tests against SciPy and by counting all cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from kerascope.metrics.statistics import difference_of, holm, mean_of
from once import once

pytestmark = once


def test_the_interval_is_scipys_bootstrap() -> None:
    values = np.random.default_rng(0).normal(2, 1, 40)
    mean = mean_of(values)
    other = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert mean.value == pytest.approx(values.mean())
    assert mean.low == pytest.approx(other.low, abs=0.03)
    assert mean.high == pytest.approx(other.high, abs=0.03)
    assert mean_of(values, seed=3) == mean_of(values, seed=3)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        mean = mean_of(rng.exponential(1, 30), seed=trial)
        hits += mean.low <= 1 <= mean.high
    assert 0.87 < hits / 200 < 0.99


def test_what_is_undefined_is_left_out() -> None:
    assert mean_of(np.array([1.0, np.nan, 3.0])).count == 2
    assert mean_of(np.array([1.0, np.nan, 3.0])).value == 2
    none, one = mean_of(np.array([np.nan])), mean_of(np.array([4.0]))
    assert none.count == 0
    assert np.isnan(none.value)
    assert one.value == 4
    assert np.isnan(one.low)
    assert difference_of(np.array([1.0, np.nan]), np.array([np.nan, 2.0])).count == 0


@pytest.mark.parametrize("count", [5, 9])
def test_few_pairs_are_counted_out(count: int) -> None:
    rng = np.random.default_rng(count)
    one, two = rng.normal(0.4, 1, (2, count))
    gaps = one - two
    flipped = [
        abs((np.array(signs) * gaps).mean()) for signs in itertools.product((1, -1), repeat=count)
    ]
    expected = np.mean([f >= abs(gaps.mean()) - 1e-12 for f in flipped])
    found = difference_of(one, two)
    assert found.p == pytest.approx(expected)
    assert found.value == pytest.approx(gaps.mean())


def test_many_pairs_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(0.3, 1, 40)
    two = rng.normal(0, 1, 40)
    expected = stats.permutation_test(
        (one, two), lambda a, b: np.mean(a - b), permutation_type="samples",
        n_resamples=20_000, rng=np.random.default_rng(1),
    ).pvalue  # fmt: skip
    assert difference_of(one, two).p == pytest.approx(expected, abs=0.01)


def test_equal_methods_are_rarely_called_different() -> None:
    rng = np.random.default_rng(0)
    ps = [difference_of(*rng.normal(0, 1, (2, 10)), seed=k).p for k in range(200)]
    assert np.mean(np.array(ps) < 0.05) < 0.1
    assert difference_of(np.zeros(8), np.zeros(8)).p == 1


def test_holm_by_hand() -> None:
    # 0.01·4, max(0.04, 0.02·3), max(0.06, 0.03·2), max(0.06, 0.9·1)
    assert np.allclose(holm([0.03, 0.01, 0.9, 0.02]), [0.06, 0.04, 0.9, 0.06])
    with_nan = holm([0.02, np.nan, 0.6])
    assert np.allclose(with_nan, [0.04, np.nan, 0.6], equal_nan=True)
    assert holm([0.9, 0.8]).max() == 1
