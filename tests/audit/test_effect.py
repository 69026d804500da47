"""Effects of interventions: intervals, p-values, and many hypotheses, against worked values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from audit.causes import rng
from kerascope.audit.interventions.effect import Effect, adjusted, effect_of, margins, newcombe
from once import once

pytestmark = once


def effect(
    treated: np.ndarray, control: np.ndarray, donors: np.ndarray, controls: np.ndarray
) -> Effect:
    before = np.zeros(len(treated)), np.zeros(len(control))
    return effect_of(treated, control, before, donors, controls)


class TestInterval:
    @pytest.mark.parametrize(
        ("a", "m", "b", "n", "low", "high"),
        [
            (56, 70, 48, 80, 0.0524, 0.3339),
            (9, 10, 3, 10, 0.1705, 0.8090),
            (6, 7, 2, 7, 0.0582, 0.8062),
            (5, 56, 0, 29, -0.0381, 0.1926),
            (0, 10, 0, 20, -0.1611, 0.2775),
            (0, 10, 0, 10, -0.2775, 0.2775),
            (10, 10, 0, 20, 0.6791, 1.0),
            (10, 10, 0, 10, 0.6075, 1.0),
        ],
    )
    def test_newcombe_as_published(
        self, a: int, m: int, b: int, n: int, low: float, high: float
    ) -> None:
        """Newcombe 1998, table II, contrasts a to h, method 10."""
        assert newcombe(a / m, b / n, m, n) == pytest.approx((low, high), abs=6e-5)

    def test_by_the_equations(self) -> None:
        """The roots of Wilson's quadratic, found numerically."""
        for (a, m), (b, n) in itertools.product([(0, 5), (3, 9), (17, 40)], repeat=2):
            (l1, u1), (l2, u2) = (wilson(a / m, m), wilson(b / n, n))
            p, q = a / m, b / n
            wanted = (
                p - q - np.sqrt((p - l1) ** 2 + (u2 - q) ** 2),
                p - q + np.sqrt((u1 - p) ** 2 + (q - l2) ** 2),
            )
            assert newcombe(p, q, m, n) == pytest.approx(wanted, abs=1e-6)

    def test_counts_donors_and_not_trials(self) -> None:
        donors, few = np.arange(120) % 6, np.arange(120) % 3
        found = effect(np.ones(120), -np.ones(120), donors, few)
        assert found.interval == pytest.approx(newcombe(1.0, 0.0, 6, 3))
        assert (found.trials, found.donors, found.controls) == (120, 6, 3)

    def test_covers_the_truth_where_donors_decide(self) -> None:
        """Each donor turns all or none of its ten receivers: the truth is .6 less .2."""
        draw, hits, runs = rng(1), 0, 400
        for _ in range(runs):
            a, b = draw.random(15) < 0.6, draw.random(20) < 0.2
            found = effect(
                np.where(np.repeat(a, 10), 1.0, -1.0), np.where(np.repeat(b, 10), 1.0, -1.0),
                np.repeat(np.arange(15), 10), np.repeat(np.arange(20), 10),
            )  # fmt: skip
            hits += found.interval[0] <= 0.4 <= found.interval[1]
        assert hits / runs >= 0.92  # of 95 %, less 3 standard errors of 400 runs


def wilson(p: float, n: int) -> tuple[float, float]:
    """Return both shares whose score test of p lies at z = 1.96, by bisection."""
    z = 1.959964

    def far(share: float) -> float:
        return abs(p - share) - z * np.sqrt(share * (1 - share) / n)

    found = []
    for end in (0.0, 1.0):
        outside, inside = end, p
        if far(outside) <= 0:
            found.append(end)
            continue
        for _ in range(80):
            middle = (outside + inside) / 2
            outside, inside = (middle, inside) if far(middle) > 0 else (outside, middle)
        found.append(inside)
    return found[0], found[1]


class TestP:
    def test_is_that_of_all_arrangements_of_donors(self) -> None:
        """Five donors and six controls with three trials each: 462 arrangements of their means."""
        draw = rng(2)
        one, two = draw.normal(0.8, 1, 15), draw.normal(0, 1, 18)
        donors, controls = np.arange(15) // 3, np.arange(18) // 3
        means = np.concatenate([one.reshape(5, 3).mean(1), two.reshape(6, 3).mean(1)])
        ranks = means.argsort().argsort()
        sums = [ranks[list(k)].sum() for k in itertools.combinations(range(11), 5)]
        wanted = np.mean(np.array(sums) >= ranks[:5].sum())
        assert effect(one, two, donors, controls).p == pytest.approx(wanted)

    def test_is_of_what_was_gained(self) -> None:
        """A receiver that was nearly of the class does not count for its donor."""
        before = np.linspace(-5, 5, 12)
        found = effect_of(before, before, (before, before), np.arange(12), np.arange(12)[::-1])
        assert found.p >= 0.5
        assert found.effect == 0

    def test_a_donor_used_often_counts_once(self) -> None:
        controls = np.arange(500) % 4
        found = effect(np.full(500, 9.0), 0.1 * controls, np.zeros(500, int), controls)
        assert found.p == pytest.approx(0.2)  # 1 of 5 arrangements
        assert found.donors == 1

    def test_is_uniform_where_donors_differ_among_themselves_only(self) -> None:
        draw, runs = rng(3), 400
        level = np.zeros(runs)
        for i in range(runs):
            strength = draw.normal(0, 3, 24)
            margin = np.repeat(strength, 6) + draw.normal(0, 1, 144)
            donors = np.repeat(np.arange(24), 6)
            level[i] = effect(margin[:72], margin[72:], donors[:72], donors[72:]).p
        for at in (0.01, 0.05, 0.2):
            assert (level <= at).mean() <= at + 3 * np.sqrt(at * (1 - at) / runs)

    def test_equal_margins_say_nothing(self) -> None:
        found = effect(np.full(20, -1.0), np.full(20, -1.0), np.arange(20), np.arange(20))
        assert found.p >= 0.5

    def test_margins_that_are_no_numbers_say_nothing(self) -> None:
        found = effect(np.full(20, np.nan), np.full(20, np.nan), np.arange(20), np.arange(20))
        assert (found.p, found.effect) == (1.0, 0.0)


class TestMany:
    def test_as_the_slow_way(self) -> None:
        draw = rng(4)
        for n in (1, 2, 7, 40):
            p = np.round(draw.random(n) ** 3, 3)  # with ties
            harmonic = sum(1 / k for k in range(1, n + 1))
            order = p.argsort()
            for rank, i in enumerate(order):
                wanted = min(p[order[r]] * n * harmonic / (r + 1) for r in range(rank, n))
                assert adjusted(p)[i] == pytest.approx(min(1.0, wanted))

    def test_of_nothing(self) -> None:
        assert len(adjusted(np.array([]))) == 0

    def test_rate_under_dependence(self) -> None:
        """Half of 30 hypotheses true, all sharing one cause: false ones are at most a twentieth."""
        draw, shares = rng(5), []
        from scipy.stats import norm

        for _ in range(300):
            z = (
                0.8 * draw.normal()
                + 0.6 * draw.normal(size=30)
                + np.where(np.arange(30) < 15, 4, 0)
            )
            kept = adjusted(norm.sf(z)) <= 0.05
            shares.append(kept[15:].sum() / max(1, kept.sum()))
        assert np.mean(shares) <= 0.05


def test_margins_are_above_the_best_other() -> None:
    scores = np.array([[1.0, 5.0, 3.0], [2.0, -1.0, 2.5]])
    assert margins(scores, 0).tolist() == [-4.0, -0.5]
    assert margins(scores, 1).tolist() == [2.0, -3.5]
