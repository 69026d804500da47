"""What a grade measures, against hand-made functions and an independent slow version."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.errors import BadModel
from kerascope.grading.checks import SHARES, removal, stability, weights
from once import once

pytestmark = once

SIZE = 10
WHERE = np.zeros((SIZE, SIZE))
WHERE[2:4, 6:8] = 1.0  # one cell of the five by five


def _pictures(count: int = 3) -> np.ndarray:
    x = np.random.default_rng(3).uniform(0, 0.2, (count, SIZE, SIZE, 1)).astype(np.float32)
    return x + WHERE[None, :, :, None].astype(np.float32)


def _scores(x: np.ndarray) -> np.ndarray:
    """Score class 0 by what stands in one cell."""
    bright = (x[..., 0] * WHERE).sum(axis=(1, 2))
    return np.stack([bright, -bright], axis=1)


def _subject(maps: np.ndarray, **options: Any) -> Any:
    return subjects.of_function(_scores, _pictures(len(maps)), maps, **options)


def _noise(seed: int = 0, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, SIZE, SIZE))


def test_a_perfect_map_is_best_and_its_reverse_worst() -> None:
    perfect = np.repeat(WHERE[None], 3, axis=0) + 1e-3 * _noise()
    good, bad = removal(_subject(perfect)), removal(_subject(-perfect))
    assert (good.own > 0.8).all()
    np.testing.assert_allclose(bad.own, -good.own, atol=1e-6)
    assert (good.cells > 0.9).all()
    assert np.isfinite(bad.cells).all()
    assert (bad.cells < 0.2).all()


def test_maps_that_know_nothing_are_middling() -> None:
    found = [removal(_subject(_noise(seed, 8))) for seed in range(6)]
    values = np.concatenate([each.own for each in found])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(len(values))
    assert len({tuple(each.random) for each in found}) == 1, "the same map for every method"


def _scored(picture: Any, cover: Any, scores: list[float], shown: Any) -> float:
    """Return, and note, the score with some positions shown."""
    mask = np.zeros(SIZE * SIZE, bool)
    mask[list(shown)] = True
    scores.append(float(_scores(np.where(mask.reshape(SIZE, SIZE, 1), picture, cover)[None])[0, 0]))
    return scores[-1]


def test_removal_equals_a_slow_version() -> None:
    maps = _noise(5)
    subject = _subject(maps)
    found = removal(subject)
    x = _pictures()
    for i in range(3):
        cover = x[i].mean(axis=(0, 1))
        order = np.argsort(-maps[i].ravel(), kind="stable")
        gaps, scores = [], list[float]()
        scored = functools.partial(_scored, x[i], cover, scores)
        for share in SHARES:
            k = round(share * SIZE * SIZE)
            gaps.append(scored(order[:k]) - scored(order[-k:]))
        whole, nothing = scored(order), scored([])
        costs = []
        for row in range(5):
            for column in range(5):
                cell = np.zeros((SIZE, SIZE), bool)
                cell[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = True
                costs.append(max(0.0, whole - scored(np.flatnonzero(~cell.ravel()))))
        assert nothing <= whole
        # the range also holds the scores of the control maps, which lie between in this net
        np.testing.assert_allclose(found.own[i], np.mean(gaps) / np.ptp(scores), atol=1e-5)
        positive = np.maximum(maps[i], 0).reshape(5, 2, 5, 2).sum(axis=(1, 3)).ravel()
        share = positive / positive.sum()
        weight = np.array(costs) / np.sum(costs)
        expected = min(1.0, share @ costs / (weight @ costs))
        np.testing.assert_allclose(found.cells[i], expected, atol=1e-5)
    assert found.passes == 2 + 3 * 2 * len(SHARES) + 25


def test_nothing_to_measure_is_undefined() -> None:
    constant = removal(_subject(np.ones((2, SIZE, SIZE))))
    assert np.isnan(constant.own).all()
    flat = subjects.of_function(lambda x: np.zeros((len(x), 2)), _pictures(2), _noise(0, 2))
    found = removal(flat)
    assert np.isnan(found.own).all()
    assert np.isnan(found.cells).all()
    against = removal(_subject(-np.abs(_noise(1, 2))))
    assert np.isnan(against.cells).all(), "nothing speaks for the score"


def test_a_score_that_is_not_finite_is_an_error() -> None:
    bright = lambda x: np.where(x.max(axis=(1, 2)) > 0.9, 1.0, np.nan)  # noqa: E731
    broken = subjects.of_function(
        lambda x: bright(x) * np.ones((len(x), 2)), _pictures(2), _noise(0, 2)
    )
    with pytest.raises(BadModel, match="NaN or infinity"):
        removal(broken)


def test_few_positions_and_tokens() -> None:
    rows = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    found = removal(subjects.of_function(lambda r: r[:, :2], rows, rows.astype(float)))
    assert np.isfinite(found.own).all()
    ids = subjects.of_zoo("token_ids", "gradient_x_input")
    found = removal(ids)
    assert found.own.shape == (2,)
    assert found.passes <= 2 + 30 + 25


def test_stability() -> None:
    gentle = subjects.of_function(_scores, _pictures(), lambda x: np.asarray(x)[..., 0] ** 2)
    assert (stability(gentle) > 0.99).all()
    draws = iter(range(100))
    wild = subjects.of_function(_scores, _pictures(), lambda x: _noise(next(draws), len(x)))
    assert (np.abs(stability(wild)) < 0.5).all()
    constant = subjects.of_function(_scores, _pictures(), lambda x: np.ones(x.shape[:3]))
    assert np.isnan(stability(constant)).all()
    x = _pictures()
    lost = lambda given: _noise(1, 3) * float((np.asarray(given) == x).all())  # noqa: E731
    assert (stability(subjects.of_function(_scores, x, lost)) == 0).all(), "it vanishes: worst"


def test_stability_of_a_sample_does_not_hang_on_others() -> None:
    x = _pictures()
    x[0] = 0.5  # no range: nothing to noise
    found = stability(subjects.of_function(_scores, x, lambda x: np.asarray(x)[..., 0] + _noise()))
    assert np.isnan(found[0])
    assert np.isfinite(found[1:]).all()


def test_noise_stays_within_the_range() -> None:
    seen: list[Any] = []

    def roots(x: np.ndarray) -> np.ndarray:
        seen.append(np.asarray(x).min())
        return np.sqrt(np.asarray(x)[..., 0]).astype(float)

    x = _pictures()
    x[:, 0, 0] = 0.0
    assert np.isfinite(stability(subjects.of_function(_scores, x, roots))).all()
    assert min(seen) == 0


def test_what_moves_by_rounding_alone_is_undefined() -> None:
    still = lambda x: 5 + 1e-7 * _scores(x).astype(np.float32)  # noqa: E731
    found = removal(subjects.of_function(still, _pictures(), _noise()))
    assert np.isnan(found.own).all()


def test_stability_of_ids_is_undefined_without_draws() -> None:
    assert np.isnan(stability(subjects.of_zoo("token_ids", "gradient_x_input"))).all()


def test_weights_tell_the_model_from_the_picture() -> None:
    trained = subjects.of_zoo("flat_functional", "gradient_x_input")
    before = [np.array(v.numpy(), copy=True) for v in trained.view.model.variables]
    learned = weights(trained)
    blind = dataclasses.replace(trained)
    shown = {name: np.abs(array).sum(axis=-1) for name, array in trained.x.items()}
    blind.maps, blind.explain = shown, lambda x, rows, **_: shown
    np.testing.assert_allclose(weights(blind), 1)
    assert learned < 0.8
    for old, variable in zip(before, trained.view.model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
