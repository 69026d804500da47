"""Complexity: hand-computed values, extremes, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.errors import BadMethod
from kerascope.metrics import EffectiveComplexity, Entropy, Sparseness
from once import once

pytestmark = once


def test_entropy_by_hand() -> None:
    maps = np.array([[1.0, -1, 2, 0], [1, 1, 1, 1], [0, 0, -3, 0], [0, 0, 0, 0]])
    found = Entropy().measure(subjects.of_maps(maps))
    shares = np.array([0.25, 0.25, 0.5])
    np.testing.assert_allclose(found[0], -(shares * np.log(shares)).sum())
    np.testing.assert_allclose(found[1:3], [np.log(4), 0], atol=1e-15)
    assert np.isnan(found[3])


def test_gini_by_hand() -> None:
    maps = np.array([[1.0, -1, 1, 1], [0, 0, -3, 0], [1, 2, 3, 4], [0, 0, 0, 0]])
    found = Sparseness().measure(subjects.of_maps(maps))
    # mean absolute difference of all pairs, by twice the mean
    pairs = np.abs(maps[2][:, None] - maps[2]).mean() / (2 * 2.5)
    np.testing.assert_allclose(found[:3], [0, 3 / 4, pairs], atol=1e-15)
    assert np.isnan(found[3])


def _linear(weights: np.ndarray) -> tuple[subjects.Subject, np.ndarray]:
    x = np.ones((1, len(weights)), np.float32)
    score = lambda rows: np.stack([rows @ weights, rows @ -weights], axis=1)  # noqa: E731
    return score, x


def test_effective_complexity_is_how_many_it_takes() -> None:
    """Of a score that three of ten positions make, a map that knows them needs three."""
    weights = np.array([0, 0, 4.0, 0, 3, 0, 0, 3, 0, 0])
    score, x = _linear(weights)
    metric = EffectiveComplexity(steps=10, baseline=0.0, tolerance=0.01)
    for maps, expected in [(weights, 0.3), (-weights, 0.3), (1 / (1 + weights), 1.0)]:
        subject = subjects.of_function(score, x, maps[None])
        assert metric.measure(subject)[0] == pytest.approx(expected)


def test_effective_complexity_stops_where_the_rest_is_within_tolerance() -> None:
    weights = np.array([8.0, 4, 2, 1])  # (15 − shown)² / 15²: .218, .04, .0044, 0
    score, x = _linear(weights)
    subject = subjects.of_function(score, x, weights[None])
    for tolerance, expected in [(0.5, 0.25), (0.1, 0.5), (0.01, 0.75), (0.001, 1.0)]:
        metric = EffectiveComplexity(steps=4, baseline=0.0, tolerance=tolerance)
        assert metric.measure(subject)[0] == pytest.approx(expected)


def test_effective_complexity_averages_over_a_background() -> None:
    weights = np.array([1.0, 3.0])
    score, x = _linear(weights)
    background = np.array([[0, 0], [4, 0]], np.float32)
    subject = subjects.of_function(score, x, np.array([[0.0, 1.0]]))
    # all covered: (−4)² and 0², mean 8; the second shown: (−1)² and 3², mean 5
    for tolerance, expected in [(5.1 / 8, 0.5), (4.9 / 8, 1.0)]:
        metric = EffectiveComplexity(steps=2, baseline=_data(background), tolerance=tolerance)
        assert metric.measure(subject)[0] == pytest.approx(expected)


def _data(array: np.ndarray) -> object:
    from kerascope.method import Data

    return Data(array)


def test_effective_complexity_is_undefined_without_an_effect_or_an_order() -> None:
    score, x = _linear(np.zeros(4))
    assert np.isnan(EffectiveComplexity().measure(subjects.of_function(score, x, np.eye(4)[:1])))
    score, x = _linear(np.ones(4))
    flat = subjects.of_function(score, x, np.ones((1, 4)))
    assert np.isnan(EffectiveComplexity(baseline=0.0).measure(flat))


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(BadMethod, match="steps=0"):
        EffectiveComplexity(steps=0)
    with pytest.raises(BadMethod, match="tolerance=1"):
        EffectiveComplexity(tolerance=1)
    with pytest.raises(BadMethod, match="baseline 'fog' is not known"):
        EffectiveComplexity(baseline="fog")
