"""RISE: its oracle, its expectation on a linear model, honest errors, stopping, bad input."""

from __future__ import annotations

import dataclasses
import signal
from typing import Any

import numpy as np
import pytest

import contract_checks
import kerascope as ks
import method_checks as checks
import oracles_rise
import zoo
from kerascope.methods import RISE
from kerascope.methods.random_masks import GridMasks
from kerascope.run import reporting

ESTIMATORS = ["regression", "centred", "paper"]
CELL = (2, 3)


def explain(**fields: Any) -> ks.Attribution:
    """Explain the picture of the linear net."""
    return checks.explain("linear", "rise", **{"cell": CELL} | fields)


def linear_expectation(probability: float = 0.5) -> np.ndarray:
    weights, x = checks.linear_weights(), checks.numpy_net.net("linear").pictures
    return np.stack(
        [oracles_rise.expected_linear((weights * one).sum(axis=-1), CELL, probability) for one in x]
    )


def of_columns(weights: np.ndarray) -> Any:
    """Return a plain function of tables: a score linear in the columns."""
    return lambda batch: np.stack([batch @ weights, batch @ -weights], axis=1)


@pytest.mark.parametrize("name", ["rise"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


def test_masks_are_the_papers() -> None:
    drawn = oracles_rise.drawn(3, (9, 13), (2, 4), 0.4)
    masks = GridMasks((9, 13), (2, 4), 0.4)
    for index, wanted in enumerate(drawn):
        key = np.array([0, ((2**31 - 1) << 32) | index], np.uint64)
        uniform, shift = masks.draw(np.random.Generator(np.random.Philox(key=key)))
        checks.check_equal(masks.masks(uniform[None], shift[None])[0], wanted, 1e-6)


def test_basis_holds_the_masks() -> None:
    """Coordinates are uncorrelated, have the variances claimed, and 99 % of all there is."""
    masks = GridMasks((12, 10), (3, 2), 0.3)
    generator = np.random.default_rng(5)
    uniform, shifts = (
        np.stack(a) for a in zip(*(masks.draw(generator) for _ in range(20000)), strict=True)
    )
    found = masks.coordinates(uniform, shifts)
    covariance = found.T @ found / len(found)
    variances = np.sort(masks.variances, axis=None)[::-1][: masks.components]
    assert np.abs(covariance - np.diag(variances)).max() < 0.05 * variances[0]
    shown = masks.masks(uniform, shifts) - 0.3
    total = np.square(shown).mean(axis=0).sum()
    assert 0.98 < variances.sum() / total < 1.01
    weights = np.zeros(masks.components)
    weights[1] = 1.0
    empirical = np.tensordot(found[:, 1], shown, 1) / len(found)
    assert np.abs(masks.spread(weights) - empirical).max() < 0.05 * np.abs(empirical).max()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("probability", [0.5, 0.3])
def test_expectation_on_a_linear_model(estimator: str, probability: float) -> None:
    """E[f·M(λ)]/p − E[f] = Σ w(μ)·x(μ)·Cov(M(μ), M(λ))/p; the paper's has the mean score on top."""
    result = explain(estimator=estimator, masks=2000, probability=probability)
    wanted = linear_expectation(probability)
    found = result.values.astype(np.float64)
    if estimator == "paper":
        net = checks.numpy_net.net("linear")
        nothing = net.scores(0 * net.pictures, checks.K)
        everything = net.scores(net.pictures, checks.K)
        wanted = wanted + (nothing + probability * (everything - nothing))[:, None, None]
    error = np.abs(found - wanted).max() / np.abs(wanted).max()
    assert error < {"regression": 0.02, "centred": 0.15, "paper": 0.15}[estimator]
    z = np.abs(found - wanted) / result.extras["standard_error"]
    assert z.max() < 6


def test_regression_is_exact_on_a_linear_table() -> None:
    """Columns are covered one by one: (1 − p)·w·x, from few masks."""
    weights = np.linspace(-1, 2, 7)
    x = np.random.default_rng(2).normal(size=(3, 7)).astype(np.float32)
    result = ks.explain(of_columns(weights), x, "rise", target=0, masks=60, probability=0.4)
    checks.check_equal(result.values, 0.6 * weights * x, 1e-5)
    assert result.extras["standard_error"].max() < 1e-4


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_standard_error_is_honest(estimator: str) -> None:
    """Over seeds, maps scatter as much as they say: on a net that is not linear in the masks."""
    results = [
        checks.explain("deep", "rise", masks=160, cell=2, seed=seed, estimator=estimator)
        for seed in range(24)
    ]
    scatter = np.var([r.values for r in results], axis=0).mean(axis=(1, 2))
    said = np.mean([r.extras["standard_error"] ** 2 for r in results], axis=0).mean(axis=(1, 2))
    assert (np.sqrt(scatter / said) > 0.7).all()
    assert (np.sqrt(scatter / said) < 1.4).all()


def test_regression_is_nearer_than_the_centred_average() -> None:
    long = checks.explain("deep", "rise", masks=6000, cell=2, seed=9, estimator="centred").values
    errors = {
        estimator: np.square(
            checks.explain("deep", "rise", masks=400, cell=2, estimator=estimator).values - long
        ).mean()
        for estimator in ("regression", "centred")
    }
    assert errors["regression"] < errors["centred"] / 4


def test_masks_of_all_samples_and_targets_are_the_same() -> None:
    case = zoo.SHAPES["flat_functional"]()
    method = RISE(masks=70, cell=4)
    twice = contract_checks.run(method, case, x=np.repeat(case.x[:1], 2, axis=0), target=0)
    assert np.array_equal(twice.values[0], twice.values[1])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_stops_at_the_precision(estimator: str) -> None:
    x = np.random.default_rng(2).normal(size=(2, 5)).astype(np.float32)
    function = lambda batch: np.sin(batch).sum(axis=1) + np.prod(batch + 0.5, axis=1)  # noqa: E731
    fields = {"masks": 20000, "estimator": estimator}
    result = ks.explain(function, x, "rise", precision=0.1, **fields)
    used = result.extras["masks"]
    assert (used < 20000).all()
    share = result.extras["standard_error"].max(axis=1) / np.abs(result.values).max(axis=1)
    assert (share <= 0.1).all()
    for i in range(2):  # one sample does not decide for another, nor does the size of chunks
        alone = ks.explain(function, x[i : i + 1], "rise", precision=0.1, batch_size=7, **fields)
        assert alone.extras["masks"] == used[i]
        assert contract_checks.distance(alone.values, result.values[i : i + 1]) <= 1e-5


def test_stop_gives_what_is_done() -> None:
    """A stop in the middle leaves the map of the masks so far, with its standard error."""
    x = np.random.default_rng(2).normal(size=(2, 5)).astype(np.float32)
    calls = []

    def function(batch: np.ndarray) -> np.ndarray:
        calls.append(len(batch))
        if sum(calls) > 200 >= sum(calls[:-1]):
            signal.raise_signal(signal.SIGINT)
        return np.square(batch).sum(axis=1)

    result = ks.explain(function, x, "rise", masks=5000, batch_size=15)
    used = result.extras["masks"][0]
    assert 50 < used < 200
    assert used % 2 == 0, "half a pair was used"
    assert np.isfinite(result.extras["standard_error"]).all()
    assert any("stopped after" in note for note in result.notes)
    whole = ks.explain(lambda b: np.square(b).sum(axis=1), x, "rise", masks=int(used))
    assert contract_checks.distance(result.values, whole.values) <= 1e-5


def test_progress_counts_masks() -> None:
    seen: list[tuple[str, int, int]] = []
    with reporting(lambda *one: seen.append(one)):
        explain(masks=64, batch_size=16)
    assert seen[-1] == ("masks", 128, 128)


def test_several_inputs_share_the_regression() -> None:
    """Both inputs' masks are drawn apart, and either map has the values of its own input."""
    first, second = np.array([1.0, -2.0, 3.0]), np.array([2.0, 1.0])
    x = {"a": np.ones((1, 3), np.float32), "b": np.ones((1, 2), np.float32)}
    result = ks.explain(lambda d: d["a"] @ first + d["b"] @ second, x, "rise", masks=100)
    checks.check_equal(result.values["a"][0], first / 2, 1e-5)
    checks.check_equal(result.values["b"][0], second / 2, 1e-5)
    assert set(result.extras) >= {"standard_error:a", "standard_error:b", "masks", "mean_score"}


@pytest.mark.parametrize("size", [(40,), (9, 1), (12, 7), (6, 7, 8)])
def test_any_number_of_axes(size: tuple[int, ...]) -> None:
    """Series, pictures and volumes: where the score reads one place, the map is highest there."""
    place = tuple(n // 2 for n in size)
    x = np.ones((1, *size, 2), np.float32)
    result = ks.explain(
        lambda batch: batch[(slice(None), *place)].sum(axis=-1), x, "rise", masks=500
    )
    assert result.values.shape == (1, *size)
    top = np.unravel_index(np.argmax(result.values[0]), size)
    assert all(abs(a - b) <= max(1, n // 8) for a, b, n in zip(top, place, size, strict=True))


def test_tokens_are_covered_whole() -> None:
    ids = np.array([[3, 5, 2, 7]])
    seen = []

    def function(batch: np.ndarray) -> np.ndarray:
        seen.append(batch)
        return (batch[:, 1] == 5).astype(np.float32)

    result = ks.explain(function, ids, "rise", masks=80, baseline=9)
    checks.check_equal(result.values[0], np.array([0, 0.5, 0, 0]), 1e-5)
    shown = np.concatenate(seen)
    assert shown.dtype == ids.dtype
    assert (np.isin(shown, [9]) | (shown == ids)).all()


def test_too_many_cells_fall_back_with_a_note() -> None:
    x = np.ones((1, 600), np.float32)
    result = ks.explain(lambda b: b[:, 0], x, "rise", masks=100)
    assert any("too many for a regression" in note for note in result.notes)
    same = ks.explain(lambda b: b[:, 0], x, "rise", masks=100, estimator="centred")
    assert np.array_equal(result.values, same.values)


def test_imprecise_maps_are_noted() -> None:
    poor = checks.explain("deep", "rise", masks=8, cell=2, estimator="centred")
    assert any("the standard error is up to" in note for note in poor.notes)


def test_a_score_that_nothing_moves_gives_an_empty_map() -> None:
    x = np.ones((1, 6), np.float32)
    for estimator in ("regression", "centred"):
        result = ks.explain(lambda b: 0 * b[:, 0] + 3, x, "rise", masks=50, estimator=estimator)
        assert np.abs(result.values).max() < 1e-9
        assert np.isfinite(result.extras["standard_error"]).all()


def test_a_background_is_averaged_over() -> None:
    x = np.full((1, 4), 5.0, np.float32)
    background = np.array([[1.0] * 4, [3.0] * 4], np.float32)
    result = ks.explain(lambda b: b.sum(axis=1), x, "rise", masks=2000, baseline=background)
    checks.check_equal(result.values[0], np.full(4, (5.0 - 2.0) / 2), 0.05)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"masks": 0}, "masks=0 must be at least 4"),
        ({"probability": 0.0}, "probability=0.0 must be between 0 and 1"),
        ({"probability": 1.0}, "probability=1.0 must be between 0 and 1"),
        ({"cell": 0}, "cell=0 must be a whole number"),
        ({"cell": 7}, "cell=7 must be smaller than the input, which is 5 × 7"),
        ({"cell": (2, 2, 2)}, "3 numbers for 2 spatial axes"),
        ({"estimator": "best"}, "not one of regression, centred, paper"),
        ({"precision": 0.0}, "precision=0.0 must be between 0 and 1"),
        ({"baseline": "grey"}, "baseline 'grey' is not known"),
    ],
)
def test_bad_fields(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        explain(**fields)


def test_the_oracle_bites() -> None:
    """Another probability is another map."""
    paper = checks.PAPERS["rise"][0]
    wrong = dataclasses.replace(paper, fields={**paper.fields, "probability": 0.5})
    result = checks.explain(wrong.net, "rise", **wrong.fields)
    assert checks.difference(result.values, paper.expected) > 0.01
