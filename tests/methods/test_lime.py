"""LIME: its oracle, planted weights, designs, R², standard errors, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kerascope as ks
import method_checks as checks
import numpy_net
import oracles_lime as oracles
from kerascope.methods.lime import DESIGNS, LIME, hadamard_rows
from kerascope.run import Run
from oracles_shapley import NINE

Array = np.ndarray
ONES = np.ones((1, 12), np.float32)


def columns(function: Any, players: int = 12, **fields: Any) -> ks.Attribution:
    """Explain a function of columns that are one where shown and zero where not."""
    x = np.ones((1, players), np.float32)
    return ks.explain(
        lambda batch: function(batch.astype(np.float64))[:, None], x, "lime", baseline=0.0,
        target=0, **fields,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["lime"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


def test_r2_and_intercept_are_those_of_the_fit() -> None:
    net = numpy_net.net("deep")
    found = checks.explain("deep", "lime", segments=NINE, baseline=0.5, ridge=0.5)
    z = oracles.every(9)
    near = np.array([oracles.nearness(one, 0.25) for one in z])
    for i, picture in enumerate(net.pictures):
        y = oracles.scores(net, picture, 0, z, NINE, 0.5)
        w, b = oracles.ridge(z, y, near, 0.5)
        assert found.extras["intercept"][i] == pytest.approx(b, rel=1e-4)
        assert found.extras["r2"][i] == pytest.approx(oracles.r_squared(z, y, near, w, b), rel=1e-4)
    assert (found.extras["standard_error"] == 0).all(), "all coalitions leave nothing to chance"


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("players", [3, 12, 33])
def test_planted_weights(design: str, players: int) -> None:
    """Of a function that is linear in segments; R² is 1, and nothing is said of the fit."""
    weights = np.random.default_rng(players).normal(size=players)
    found = columns(lambda x: x @ weights + 2, players, design=design, ridge=1e-6)
    checks.check_equal(found.values[0], weights, 1e-4)
    assert found.extras["r2"][0] == pytest.approx(1, abs=1e-6)
    assert found.extras["intercept"][0] == pytest.approx(2, abs=1e-3)
    assert not any("fit" in note for note in found.notes)


def test_ridge_shrinks() -> None:
    weights = np.arange(1.0, 13)
    little, much = (columns(lambda x: x @ weights, ridge=r).values[0] for r in (1e-6, 100.0))
    assert (much < 0.7 * little).all()


def test_linear_model() -> None:
    """w·(x − x′) summed over the segment."""
    net, w = numpy_net.net("linear"), checks.linear_weights()
    labels = np.arange(35).reshape(5, 7) // 3
    share = (w * (net.pictures - 0.3)).sum(axis=-1)
    expected = np.stack([np.bincount(labels.ravel(), one.ravel())[labels] for one in share])
    found = checks.explain("linear", "lime", segments=labels, baseline=0.3)
    checks.check_equal(found.values, expected, 1e-4)


def chaos(x: Array) -> Array:
    """Return what no linear model explains."""
    return np.sin(1e3 * (x @ np.sqrt(np.arange(2.0, 14))))


def test_a_random_game_is_fitted_poorly() -> None:
    found = columns(chaos)
    assert found.extras["r2"][0] < 0.15
    assert any(note.startswith("poor fit: the linear model explains") for note in found.notes)


def test_a_poor_fit_is_told_once_for_all_samples() -> None:
    x = np.array([[1.0] * 12, [0.0] * 12, [2.0] * 12], np.float32)
    found = ks.explain(lambda b: chaos(b)[:, None], x, "lime", baseline=0.0, target=0)
    assert sum("poor fit of 2 of 3 samples" in note for note in found.notes) == 1


def test_too_few_coalitions_are_told() -> None:
    found = columns(lambda x: x @ np.arange(12.0), samples=8)
    assert any("8 coalitions are too few to tell 12 segments apart" in n for n in found.notes)
    assert "standard_error" not in found.extras


# --- designs -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 300), st.integers(0, 100))
def test_rows_of_a_hadamard_design(players: int, pairs: int, seed: int) -> None:
    """Whole blocks with their complements are orthogonal; a shorter design begins a longer one."""
    rows = hadamard_rows(pairs, players, np.random.default_rng(seed))
    assert rows.shape == (pairs, players)
    order = 1 << (players - 1).bit_length()
    sign = np.where(rows[: pairs // order * order], 1, -1)
    assert (sign.T @ sign == len(sign) * np.eye(players)).all()
    more = hadamard_rows(pairs + 50, players, np.random.default_rng(seed))
    assert (more[:pairs] == rows).all()


@pytest.mark.parametrize("design", DESIGNS)
def test_every_coalition_is_equally_likely(design: str) -> None:
    method, seen = LIME(samples=6, design=design), np.zeros(16)
    for seed in range(2000):
        drawn = method.draw(4, np.random.default_rng(seed))
        np.add.at(seen, (drawn << np.arange(4)).sum(axis=1), 1)
    assert seen.sum() == 12_000
    assert np.abs(seen / seen.mean() - 1).max() < 0.15


@pytest.mark.parametrize("design", ["hadamard", "paired"])
def test_complements_come_together(design: str) -> None:
    for samples in (9, 64, 5000):
        drawn = LIME(samples=samples, design=design).draw(10, np.random.default_rng(0))
        assert (drawn[::2] ^ drawn[1::2]).all()
        assert len(drawn) == min(samples // 2 * 2, 1024)
    assert len(np.unique(drawn, axis=0)) == 1024, "all coalitions once"


def test_pairs_of_segments_are_not_mistaken_for_one() -> None:
    """Effects of pairs alone give a fold-over design nothing, where the kernel is flat."""

    def pairs(x: Array) -> Array:
        sign = 2 * x - 1
        return sign[:, 0] * sign[:, 1] + sign[:, 2] * sign[:, 3]

    random, hadamard = (
        np.abs(columns(pairs, 16, samples=256, design=d, kernel_width=50.0).values).max()
        for d in ("random", "hadamard")
    )
    assert hadamard < 1e-4
    assert random > 0.1


def game(x: Array) -> Array:
    """A saturating function of twelve columns, with interactions."""
    rng = np.random.default_rng(4)
    return 4 * np.tanh(x @ rng.normal(size=12)) + (x @ rng.normal(size=12)) ** 2 / 4


def estimates(design: str, samples: int, seeds: int) -> tuple[Array, Array]:
    """Return the values and standard errors of many seeds."""
    method = LIME(samples=samples, design=design)
    fits = []
    for seed in range(seeds):
        shown = method.draw(12, np.random.default_rng(seed))
        fits.append(method.fit(shown, game(shown.astype(float))[:, None], game(ONES)))
    return (np.stack([f.values[:, 0] for f in fits]), np.stack([f.errors[:, 0] for f in fits]))


def limit() -> Array:
    """Return the weights that all coalitions give."""
    z = oracles.every(12)
    near = np.array([oracles.nearness(one, 0.25) for one in z])
    return oracles.ridge(z, game(z.astype(float)), near, 1e-6)[0]


@pytest.mark.parametrize("design", DESIGNS)
def test_estimates_are_centred_and_their_errors_true(design: str) -> None:
    values, errors = estimates(design, 128, 200)
    wanted, spread = limit(), values.std(axis=0)
    # Least squares are a ratio, which is biased for few coalitions: by less than half its spread.
    assert (np.abs(values.mean(axis=0) - wanted) < 5 * spread / 200**0.5 + 0.5 * spread).all()
    ratio = (((values - wanted) / errors) ** 2).mean() ** 0.5
    assert 0.6 < ratio < 1.3, "standard errors are not those of the values"


def test_hadamard_beats_the_others() -> None:
    wanted = limit()
    error = {d: ((estimates(d, 128, 60)[0] - wanted) ** 2).mean() for d in DESIGNS}
    assert error["hadamard"] < 0.8 * min(error["paired"], error["random"])


# --- bad input, stopping -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"samples": 1}, "samples=1 must be at least 2"),
        ({"design": "hadamar"}, "design='hadamar' is not known; did you mean 'hadamard'"),
        ({"kernel_width": 0}, "kernel_width=0 must be above 0"),
        ({"ridge": -1.0}, "ridge=-1.0 must be above 0"),
        ({"segments": "kmeans"}, "segments='kmeans' is not known"),
        ({"segments": np.zeros((8, 10), int)}, "one label only"),
    ],
)
def test_bad_fields(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        checks.explain("deep", "lime", **fields)


def test_segments_of_different_number() -> None:
    """Two pictures with different numbers of segments give together what they give alone."""
    labels = np.stack([NINE, np.minimum(NINE, 6)])
    fields = {"samples": 100, "baseline": 0.5}
    both = checks.explain("deep", "lime", segments=labels, **fields)
    alone = checks.explain(
        "deep", "lime", x=numpy_net.net("deep").pictures[:1], segments=labels[0], **fields
    )
    checks.check_equal(both.values[0], alone.values[0])
    assert both.extras["segment_values"].shape == (2, 9)
    assert (both.extras["segment_values"][1, 7:] == 0).all()


def test_a_stop_gives_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, rows, runs = np.arange(20.0), [], []
    created = Run.__init__

    def keep(self: Run, *args: Any, **options: Any) -> None:
        created(self, *args, **options)
        runs.append(self)

    def function(x: Array) -> Array:
        rows.append(len(x))
        if sum(rows) > 150:
            runs[-1].stop.set()
        return x @ weights

    monkeypatch.setattr(Run, "__init__", keep)
    found = columns(function, 20, batch_size=10)
    assert sum(rows) < 180
    assert any("stopped after 150 of 512 coalitions" in note for note in found.notes)
    checks.check_equal(found.values[0], weights, 1e-3)
