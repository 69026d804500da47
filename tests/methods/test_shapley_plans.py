"""Plans of coalitions on games that are tables: exact, centred, with true standard errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles_shapley as oracles
from kerascope.methods.kernel_shap import KernelSHAP, Regression, allocate, choose
from kerascope.methods.shapley_family import Permutations, Plan

Array = np.ndarray


def table(players: int, seed: int = 0) -> Array:
    """Return the worths of a random game by the bits of coalitions; nobody's is zero."""
    return np.append(0.0, np.random.default_rng(seed).normal(size=2**players - 1))


def look(worths: Array, coalitions: Array) -> Array:
    return worths[(coalitions.astype(np.int64) << np.arange(coalitions.shape[1])).sum(axis=1)]


def solve(plan: Plan, worths: Array) -> tuple[Array, Array | None]:
    values, error = plan.values(look(worths, plan.coalitions)[:, None], worths[-1:])
    return values[:, 0], None if error is None else error[:, 0]


def exact(worths: Array) -> Array:
    players = int(math.log2(len(worths)))
    worth = lambda c: float(worths[sum(1 << i for i in c)])  # noqa: E731
    return np.array(oracles.shapley_values(worth, players))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(0, 100), st.integers(0, 30))
def test_all_coalitions_give_the_shapley_values(players: int, seed: int, more: int) -> None:
    worths = table(players, seed)
    plan = Regression(players, 2**players - 2 + more, np.random.default_rng(seed))
    assert len(plan.coalitions) == 2**players - 2
    values, error = solve(plan, worths)
    assert np.allclose(values, exact(worths), atol=1e-10)
    assert error is not None
    assert (error == 0).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(2, 300), st.integers(0, 100))
def test_values_of_any_plan_share_the_change(players: int, samples: int, seed: int) -> None:
    """Within `samples`, never everybody or nobody, and the sum is the change exactly."""
    generator = np.random.default_rng(seed)
    plan = KernelSHAP(samples=samples).plan(players, generator)
    count = len(plan.coalitions)
    assert count <= samples
    sizes = plan.coalitions.sum(axis=1)
    assert ((sizes > 0) & (sizes < players)).all()
    values, _ = plan.values(generator.normal(size=(count, 2)), np.array([1.5, -2.0]))
    assert np.allclose(values.sum(axis=0), [1.5, -2.0], atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.integers(0, 1000))
def test_pairs_are_shared_among_sizes(players: int, pairs: int) -> None:
    there, drawn = allocate(players, pairs)
    assert (drawn <= there).all()
    assert (drawn >= 0).all()
    assert drawn.sum() == min(pairs, there.sum())
    assert there.sum() == 2 ** (players - 1) - 1
    if pairs >= 2.5 * players:
        assert (drawn > 0).all(), "a size that is never drawn makes values wrong"


@pytest.mark.parametrize(("size", "count"), [(2, 3), (2, 6), (3, 2), (3, 5)])
def test_inclusion_probabilities_are_equal(size: int, count: int) -> None:
    """Of 6 players: every coalition of a size is drawn equally often, none twice in a draw."""
    generator, seen, draws = np.random.default_rng(0), np.zeros(64), 3000
    for _ in range(draws):
        drawn = choose(6, size, count, generator)
        assert (drawn.sum(axis=1) == size).all()
        if size == 3:
            drawn = np.where(drawn[:, :1], drawn, ~drawn)
        index = (drawn.astype(int) << np.arange(6)).sum(axis=1)
        assert len(set(index)) == count
        seen[index] += 1
    there = 10 if size == 3 else 15
    expected = draws * count / there
    assert (seen > 0).sum() == there
    # Chi-square with there − 1 degrees of freedom; drawing without replacement only lowers it.
    assert ((seen[seen > 0] - expected) ** 2 / expected).sum() < 2 * there + 12


def test_players_of_a_size_appear_equally_often() -> None:
    appearances = choose(20, 5, 40, np.random.default_rng(0)).sum(axis=0)
    assert np.ptp(appearances) <= 2


@pytest.mark.parametrize("plan", [Regression, Permutations])
@pytest.mark.parametrize("samples", [60, 150])
def test_estimates_are_centred_and_their_errors_true(plan: Any, samples: int) -> None:
    """Over many seeds: the mean is the exact value, and deviations have the size of the error.

    Least squares are a ratio, which is biased for few worths: by less than half its spread.
    """
    rng = np.random.default_rng(1)
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    worths = np.tanh(bits @ rng.normal(size=8)) * (1 + bits[:, 0]) + bits[:, 1] * bits[:, 2]
    wanted = exact(worths - worths[0])
    found = [
        solve(plan(8, samples, np.random.default_rng(s)), worths - worths[0]) for s in range(300)
    ]
    values = np.stack([value for value, _ in found])
    spread = values.std(axis=0)
    slack = 0.5 * spread if plan is Regression else 0
    assert (np.abs(values.mean(axis=0) - wanted) < 5 * spread / 300**0.5 + slack).all()
    if found[0][1] is None:
        assert plan is Permutations
        assert samples == 60, "four pairs are too few to tell"
        return
    errors = np.stack([error for _, error in found if error is not None])
    ratio = (((values - wanted) / np.maximum(errors, 1e-12)) ** 2).mean() ** 0.5
    assert 0.7 < ratio < 1.4, "standard errors are not those of the values"


def test_regression_beats_permutations() -> None:
    """At equal worths, on a game with interactions."""
    rng = np.random.default_rng(3)
    bits = np.arange(1024)[:, None] >> np.arange(10) & 1
    worths = np.tanh(bits @ rng.normal(size=10) * 0.7) * 3 + (bits @ rng.normal(size=10)) ** 2 / 9
    wanted = exact(worths - worths[0])
    error = {
        kind: np.mean(
            [
                (
                    (solve(kind(10, 200, np.random.default_rng(s)), worths - worths[0])[0] - wanted)
                    ** 2
                )
                for s in range(40)
            ]
        )
        for kind in (Regression, Permutations)
    }
    assert error[Regression] < 0.7 * error[Permutations]


def test_too_few_for_a_regression_are_permutations() -> None:
    few = KernelSHAP(samples=49).plan(10, np.random.default_rng(0))
    enough = KernelSHAP(samples=50).plan(10, np.random.default_rng(0))
    assert isinstance(few, Permutations)
    assert "antithetic permutations" in few.notes[0]
    assert isinstance(enough, Regression)
    assert enough.notes == []


def test_too_few_for_a_permutation_are_blocks() -> None:
    plan = Permutations(10, 7, np.random.default_rng(0))
    assert plan.blocks == 4
    assert len(plan.coalitions) == 6
    assert "4 blocks" in plan.notes[0]
    values, error = solve(plan, table(10))
    assert error is None
    assert len(set(np.round(values, 9))) == 4
    assert values.sum() == pytest.approx(table(10)[-1])
