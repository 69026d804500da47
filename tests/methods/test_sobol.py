"""Sobol total indices: their oracle, closed forms, symmetry, errors, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
import numpy_net
import oracles_lime as oracles
from kerascope.methods.sobol import SEQUENCES, Sobol
from kerascope.run import Run
from oracles_shapley import NINE

Array = np.ndarray


def columns(function: Any, players: int, **fields: Any) -> ks.Attribution:
    """Explain a function of columns that are uniform between zero and one."""
    x = np.ones((1, players), np.float32)
    return ks.explain(
        lambda batch: function(batch.astype(np.float64))[:, None], x, "sobol", baseline=0.0,
        target=0, **fields,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["sobol"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_linear_function(sequence: str) -> None:
    """Σ aᵢxᵢ: index aᵢ² / Σ a², variance Σ a² / 12."""
    a = np.array([1.0, -2, 3, 0, 0.5, 4])
    found = columns(lambda x: x @ a, 6, designs=1024, sequence=sequence)
    tolerance = {"sobol": 0.01, "halton": 0.03, "random": 0.08}[sequence]
    checks.check_equal(found.values[0], a**2 / (a**2).sum(), tolerance)
    assert found.values[0, 3] == 0
    assert found.extras["variance"][0] == pytest.approx((a**2).sum() / 12, rel=tolerance)


def test_additive_function() -> None:
    """x² has variance 4/45, exp(x) (e² − 1)/2 − (e − 1)², sin(2πx) 1/2; indices sum to one."""
    found = columns(
        lambda x: x[:, 0] ** 2 + np.exp(x[:, 1]) + np.sin(2 * np.pi * x[:, 2]), 3, designs=2048
    )
    each = np.array([4 / 45, (np.e**2 - 1) / 2 - (np.e - 1) ** 2, 0.5])
    checks.check_equal(found.values[0], each / each.sum(), 0.01)


def test_product() -> None:
    """∏ xᵢ: variance (1/3)ⁿ − (1/4)ⁿ, and without i it is E Var = (1/12)(1/3)ⁿ⁻¹."""
    found = columns(lambda x: np.prod(x, axis=1), 3, designs=4096)
    checks.check_equal(found.values[0], np.full(3, (1 / 108) / (1 / 27 - 1 / 64)), 0.02)


def test_g_function() -> None:
    """Sobol's g-function: ∏ (|4xᵢ − 2| + aᵢ) / (1 + aᵢ); Vᵢ = 1 / (3 (1 + aᵢ)²)."""
    a = np.array([0.0, 1, 4.5, 9, 99, 99])
    found = columns(lambda x: np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=1), 6, designs=8192)
    part = 1 / (3 * (1 + a) ** 2)
    total = part * np.prod(1 + part) / (1 + part) / (np.prod(1 + part) - 1)
    checks.check_equal(found.values[0], total, 0.01)


def test_quasi_random_places_beat_random_ones() -> None:
    a = np.arange(1.0, 9)
    wanted = a**2 / (a**2).sum()
    error = {
        s: np.mean(
            [
                (columns(lambda x: x @ a, 8, designs=64, sequence=s, seed=k).values[0] - wanted)
                ** 2
                for k in range(12)
            ]
        )
        for s in SEQUENCES
    }
    assert error["sobol"] < 0.25 * error["random"]
    assert error["halton"] < error["random"]


def test_players_are_alike() -> None:
    """Columns of a symmetric function get the same; permuted columns get permuted indices."""
    found = columns(lambda x: np.tanh(x.sum(axis=1)), 5, designs=4096).values[0]
    assert np.ptp(found) < 0.02
    order, a = np.array([3, 1, 4, 0, 2]), np.array([1.0, 2, 3, 4, 5])
    fields = {"designs": 4096}
    plain = columns(lambda x: np.prod(1 + x * a, axis=1), 5, **fields).values[0]
    moved = columns(lambda x: np.prod(1 + x * a[order], axis=1), 5, **fields).values[0]
    checks.check_equal(moved, plain[order], 0.03)


def test_sequences_agree_with_the_formula_on_their_places() -> None:
    """The same places, with masks for the whole picture, through the oracle's estimator."""
    net = numpy_net.net("deep")
    found = checks.explain("deep", "sobol", segments=NINE, baseline=0.5, designs=8)
    for i, picture in enumerate(net.pictures):
        a, b = Sobol(designs=8).draw(9, Run().generator(i))
        worth = lambda m, p=picture: oracles.scores(net, p, 0, m, NINE, 0.5)  # noqa: E731
        wanted = oracles.total_indices(worth, a.astype("f4"), b.astype("f4"))
        checks.check_equal(found.extras["segment_values"][i], wanted, 2e-4)


def test_errors_are_those_of_independent_places() -> None:
    a = np.arange(1.0, 6)
    function = lambda x: np.exp(x @ a / 5)  # noqa: E731
    wanted = columns(function, 5, designs=16384).values[0]
    ratios = {}
    for sequence in ("random", "sobol"):
        runs = [
            columns(function, 5, designs=128, sequence=sequence, seed=seed) for seed in range(40)
        ]
        z = [(r.values[0] - wanted) / r.extras["standard_error"][0] for r in runs]
        ratios[sequence] = np.mean(np.square(z)) ** 0.5
    assert 0.75 < ratios["random"] < 1.3
    assert ratios["sobol"] < 0.6, "a bound that spreading the places stays below"


def test_a_score_that_nothing_moves() -> None:
    found = columns(lambda x: 3 + 0 * x[:, 0], 4)
    assert (found.values == 0).all()
    assert any("did not change" in note for note in found.notes)


def test_tokens_are_shown_or_not() -> None:
    """A sum over tokens that are there: all have the same index, from masks of half ones."""
    ids = np.arange(1, 9)[None]
    seen = []

    def function(batch: Array) -> Array:
        seen.append(batch)
        return (batch > 0).sum(axis=1)[:, None]

    found = ks.explain(function, ids, "sobol", designs=512, target=0)
    assert np.isin(np.concatenate(seen), [0, *ids[0]]).all()
    checks.check_equal(found.values[0], np.full(8, 1 / 8), 0.15)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"designs": 1}, "designs=1 must be at least 2"),
        ({"sequence": "sobel"}, "sequence='sobel' is not known; did you mean 'sobol'"),
        ({"segments": np.zeros((8, 10), int)}, "one label only"),
        ({"baseline": "grey"}, "baseline 'grey' is not known"),
    ],
)
def test_bad_fields(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        checks.explain("deep", "sobol", **fields)


@pytest.mark.parametrize(("rows", "words"), [(60, "stopped after 60 of"), (3, "no values")])
def test_a_stop_gives_what_is_done(rows: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done, runs = [], []
    created = Run.__init__

    def keep(self: Run, *args: Any, **options: Any) -> None:
        created(self, *args, **options)
        runs.append(self)

    def function(x: Array) -> Array:
        done.append(len(x))
        if sum(done) > rows:
            runs[-1].stop.set()
        return x @ np.arange(6.0)

    monkeypatch.setattr(Run, "__init__", keep)
    found = columns(function, 6, batch_size=2)
    assert sum(done) < rows + 6
    assert any(words in note for note in found.notes)
    assert (found.values.max() > 0.3) == (rows == 60)
