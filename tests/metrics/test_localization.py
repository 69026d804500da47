"""Localization: hand-computed values, extremes, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.errors import BadInput, BadMethod
from kerascope.metrics import (
    EnergyPointingGame,
    LocalizationAuc,
    Metric,
    PointingGame,
    RelevanceMass,
    RelevanceRank,
    TopKIntersection,
)
from kerascope.metrics.masks import masks_of
from once import once

pytestmark = once

NEAR = PointingGame(tolerance=0)
ALL = [NEAR, EnergyPointingGame(), RelevanceMass(), RelevanceRank(), TopKIntersection(share=0.2),
       LocalizationAuc()]  # fmt: skip
MASK = np.zeros((5, 6), bool)
MASK[1:4, 2:4] = True


def value(metric: Metric, values: np.ndarray, mask: np.ndarray = MASK) -> float:
    return float(metric.measure(subjects.of_maps(values[None], mask[None]))[0])


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_extremes(metric: Metric) -> None:
    """The mask itself is the best map, its opposite the worst."""
    rng = np.random.default_rng(0)
    perfect = MASK * (1 + rng.random(MASK.shape))
    reverse = ~MASK * (1 + rng.random(MASK.shape))
    assert value(metric, perfect) == pytest.approx(1)
    assert value(metric, reverse) == pytest.approx(0)


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_a_mask_of_nothing_or_everything_is_undefined(metric: Metric) -> None:
    some = np.random.default_rng(1).random(MASK.shape)
    assert np.isnan(value(metric, some, np.zeros_like(MASK)))
    assert np.isnan(value(metric, some, np.ones_like(MASK)))


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_a_zero_map_has_no_value(metric: Metric) -> None:
    found = value(metric, np.zeros(MASK.shape))
    middle = isinstance(metric, LocalizationAuc)
    assert found == 0.5 if middle else np.isnan(found)


def test_a_map_against_has_no_positive_share() -> None:
    against = -np.random.default_rng(1).random(MASK.shape) - 0.1
    assert np.isnan(value(NEAR, against))
    assert np.isnan(value(EnergyPointingGame(), against))
    assert 0 < value(RelevanceMass(), against) < 1


def test_shares_by_hand() -> None:
    values = np.zeros(MASK.shape)
    values[1, 2], values[2, 3], values[0, 0], values[4, 5] = 3, -2, 1, -4
    assert value(EnergyPointingGame(), values) == pytest.approx(3 / 4)
    assert value(RelevanceMass(), values) == pytest.approx(5 / 10)


def test_pointing_counts_the_distance_to_the_object() -> None:
    values = np.zeros(MASK.shape)
    values[1, 4] = 1  # one position from the mask
    assert value(PointingGame(tolerance=0), values) == 0
    assert value(PointingGame(tolerance=1), values) == 1
    values[:] = 0
    values[0, 4] = 1  # diagonally: the square root of two
    assert value(PointingGame(tolerance=1.4), values) == 0
    assert value(PointingGame(tolerance=1.5), values) == 1


def test_equal_peaks_count_by_share() -> None:
    values = np.zeros(MASK.shape)
    values[1, 2] = values[0, 0] = values[4, 5] = values[2, 2] = 7
    assert value(NEAR, values) == 0.5


def test_nothing_can_miss_within_the_papers_tolerance_on_a_tiny_picture() -> None:
    assert np.isnan(value(PointingGame(), np.random.default_rng(0).random(MASK.shape)))


def test_ranks_by_hand() -> None:
    values = np.arange(30.0).reshape(5, 6)  # the six highest are 24 … 29, all in the last row
    mask = np.zeros((5, 6), bool)
    mask[4, :2] = mask[3, 4:] = mask[0, :2] = True
    assert value(RelevanceRank(), values, mask) == pytest.approx(2 / 6)
    assert value(TopKIntersection(share=0.1), values, mask) == 0  # 27, 28, 29
    assert value(TopKIntersection(share=8 / 30), values, mask) == pytest.approx(4 / 8)


def test_ties_give_the_mean_over_their_orders() -> None:
    values = np.zeros((1, 8))
    values[0, :2] = 5  # K = 4: two of six zeros are chosen; two of them lie on the mask
    mask = np.array([[True, False, True, True, True, False, False, False]])
    assert value(RelevanceRank(), values, mask) == pytest.approx((1 + 2 * 3 / 6) / 4)


def test_auc_is_how_often_inside_beats_outside() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(0, 6, MASK.shape).astype(float)  # many ties
    inside, outside = values[MASK], values[~MASK]
    wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
    assert value(LocalizationAuc(), values) == pytest.approx(wins)


def test_any_number_of_axes() -> None:
    rng = np.random.default_rng(3)
    for shape in [(7,), (3, 4, 5)]:
        mask = rng.random(shape) > 0.5
        for metric in ALL:
            assert value(metric, mask * 1.0, mask) == pytest.approx(1)


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(BadMethod, match=r"tolerance=-1 must not be negative"):
        PointingGame(tolerance=-1)
    with pytest.raises(BadMethod, match=r"share=0 must lie"):
        TopKIntersection(share=0)


def test_boxes_are_joined_one_or_several_for_a_sample() -> None:
    several = [[(0, 0, 2, 2), (3, 3, 4, 5)], (1, 1, 3, 2), [np.array([0, 4, 4, 5])]]
    found = masks_of(None, several, (5, 4), 3)
    assert found is not None
    expected = np.zeros((3, 5, 4), bool)
    expected[0, 0:2, 0:2] = expected[0, 3:5, 3:4] = True
    expected[1, 1:2, 1:3] = expected[2, 4:5, 0:4] = True
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(BadInput, match="is one box"):
        masks_of(None, (0, 0, 2, 2), (5, 4), 1)
