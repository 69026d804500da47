"""Robustness: closed forms on maps whose change is known, noise, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.errors import BadMethod, Refused
from kerascope.metrics import (
    AvgSensitivity,
    Continuity,
    LocalLipschitz,
    MaxSensitivity,
    RelativeInputStability,
    RelativeOutputStability,
    RelativeRepresentationStability,
)

NOISY = [MaxSensitivity, AvgSensitivity, LocalLipschitz, RelativeInputStability,
         RelativeOutputStability]  # fmt: skip
RNG = np.random.default_rng(4)
X = RNG.normal(2, 1, (3, 6)).astype(np.float32)
W = RNG.normal(0, 1, (6, 2))


def _scores(x: np.ndarray) -> np.ndarray:
    return x @ W


def _seen(explain: object, x: np.ndarray = X) -> tuple[subjects.Subject, list[np.ndarray]]:
    """Return a subject, and a list of the inputs that are explained."""
    seen: list[np.ndarray] = []

    def kept(rows: np.ndarray) -> np.ndarray:
        seen.append(rows)
        return explain(rows)

    subject = subjects.of_function(_scores, x, kept)
    seen.clear()
    return subject, seen


@pytest.mark.parametrize("metric", [*NOISY, Continuity], ids=lambda m: m.name)
def test_a_map_that_never_changes_is_best(metric: type) -> None:
    x = np.random.default_rng(0).normal(size=(2, 8, 1)).astype(np.float32)
    w = np.random.default_rng(1).normal(size=(8, 2))
    fixed = np.random.default_rng(2).normal(size=(2, 8))
    subject = subjects.of_function(lambda r: r[..., 0] @ w, x, lambda r: fixed)
    np.testing.assert_array_equal(metric().measure(subject), 0)


def test_noise_stays_within_the_radius_of_each_samples_range() -> None:
    scaled = X * np.array([[1], [10], [100]], np.float32)
    subject, seen = _seen(lambda rows: rows, scaled)
    MaxSensitivity(samples=200, radius=0.05).measure(subject)
    assert len(seen) == 200
    change = np.abs(np.array(seen, np.float64) - scaled).max(axis=(0, 2))
    span = np.ptp(scaled, axis=1)
    assert (change <= 0.0501 * span).all()
    assert (change > 0.049 * span).all()


def test_draws_do_not_hang_on_the_other_samples() -> None:
    many, seen = _seen(lambda rows: rows)
    MaxSensitivity(samples=2).measure(many)
    one, alone = _seen(lambda rows: rows, X[:1])
    MaxSensitivity(samples=2).measure(one)
    np.testing.assert_array_equal(np.array(seen)[:, :1], np.array(alone))


def test_sensitivity_by_hand() -> None:
    subject, seen = _seen(lambda rows: rows**2)
    found = MaxSensitivity(samples=7).measure(subject)
    mean = AvgSensitivity(samples=7).measure(subject)
    noisy, plain = np.array(seen[:7], np.float64), X.astype(np.float64) ** 2
    change = np.linalg.norm(noisy**2 - plain, axis=2) / np.linalg.norm(plain, axis=1)
    np.testing.assert_allclose(found, change.max(axis=0), rtol=1e-5)
    np.testing.assert_allclose(mean, change.mean(axis=0), rtol=1e-5)


def test_lipschitz_of_a_multiple_of_the_input_is_the_factor() -> None:
    subject, _ = _seen(lambda rows: -3 * rows)
    np.testing.assert_allclose(LocalLipschitz(normalise=False).measure(subject), 3, rtol=1e-4)
    norm = np.linalg.norm(3 * X, axis=1)
    np.testing.assert_allclose(LocalLipschitz().measure(subject), 3 / norm, rtol=1e-4)


def test_relative_stability_of_a_multiple_of_the_input_is_one() -> None:
    """Then the map changes by the same share at each position as the input does."""
    subject, _ = _seen(lambda rows: 5 * rows)
    np.testing.assert_allclose(RelativeInputStability().measure(subject), 1, rtol=1e-4)


def test_relative_output_stability_by_hand() -> None:
    subject, seen = _seen(lambda rows: rows**2)
    found = RelativeOutputStability(samples=5, radius=0.01).measure(subject)
    noisy, plain = np.array(seen, np.float64), X.astype(np.float64)
    above = np.linalg.norm((noisy**2 - plain**2) / plain**2, axis=2)
    below = np.linalg.norm(_scores(noisy) - _scores(plain), axis=2)
    np.testing.assert_allclose(found, (above / below).max(axis=0), rtol=1e-3)


def test_draws_that_change_the_prediction_do_not_count() -> None:
    """The second sample lies on the border: some draws cross it, and change the map."""
    x = np.array([[5.0, 0], [1.0, 0]], np.float32)
    seen: list[np.ndarray] = []

    def explain(rows: np.ndarray) -> np.ndarray:
        seen.append(rows)
        return np.where(rows[:, :1] > 1, 100.0, 1.0) * np.ones(2)  # jumps with the prediction

    subject = subjects.of_function(
        lambda r: np.stack([r[:, 0] > 1, r[:, 0] <= 1], 1) * 1.0, x, explain
    )
    found = RelativeInputStability(samples=20).measure(subject)
    assert (np.array(seen)[1:, 1, 0] > 1).any()
    np.testing.assert_array_equal(found, 0)
    said = lambda r: np.isin(r[:, :1], [5, 1]) == [True, False]  # noqa: E731 — any noise changes it
    near = subjects.of_function(said, x, lambda r: r)
    assert np.isnan(RelativeInputStability().measure(near)).all()


def test_representation_stability_by_hand() -> None:
    """The layer before the last is the input, doubled: its relative change is the input's."""
    import keras

    i = keras.Input((6,))
    double = keras.layers.Rescaling(2.0, name="double")(i)
    model = keras.Model(i, keras.layers.Dense(2, name="head")(double))
    subject = subjects.of_model(model, X, "gradient_x_input", target=0)
    rrs = RelativeRepresentationStability(samples=4).measure(subject)
    ris = RelativeInputStability(samples=4).measure(subject)
    assert np.isfinite(rrs).all()
    np.testing.assert_allclose(rrs, ris, rtol=1e-3)
    named = RelativeRepresentationStability(samples=4, layer="double").measure(subject)
    np.testing.assert_array_equal(named, rrs)


def test_continuity_by_hand() -> None:
    x = np.random.default_rng(5).normal(size=(2, 7, 2)).astype(np.float32)
    subject = subjects.of_function(
        lambda r: r.sum((1, 2))[:, None] * [1, -1], x, lambda r: r[..., 0]
    )
    found = Continuity(shifts=(-2, 1), normalise=False).measure(subject)
    left = np.concatenate([x[:, 2:], x[:, -1:], x[:, -1:]], axis=1)
    right = np.concatenate([x[:, :1], x[:, :-1]], axis=1)
    ratios = [
        np.abs(m - x)[..., 0].sum(1) / np.linalg.norm((m - x).reshape(2, -1), axis=1)
        for m in (left, right)
    ]
    np.testing.assert_allclose(found, np.max(ratios, axis=0), rtol=1e-5)
    black = Continuity(shifts=(2,), normalise=False, fill=0).measure(subject)
    moved = np.concatenate([np.zeros_like(x[:, :2]), x[:, :-2]], axis=1) - x
    ratio = np.abs(moved)[..., 0].sum(1) / np.linalg.norm(moved.reshape(2, -1), axis=1)
    np.testing.assert_allclose(black, ratio, rtol=1e-5)


def test_continuity_moves_along_both_axes_of_pictures_in_any_layout() -> None:
    subject = subjects.of_zoo("flat_functional", "gradient_x_input")
    both = Continuity(shifts=(1,)).measure(subject)
    assert len(Continuity(shifts=(1,))._axes(subject)) == 2
    assert (both > 0).all()


def test_undefined_is_no_number() -> None:
    zero, _ = _seen(lambda rows: rows * 0)
    flat, _ = _seen(lambda rows: rows, np.ones((2, 6), np.float32))
    for metric in NOISY:
        assert np.isnan(metric().measure(zero)).all()
        assert np.isnan(metric().measure(flat)).all(), "a constant sample has no range"
    assert np.isnan(Continuity().measure(zero)).all()
    assert "no input has axes" in zero.notes[-1]


def test_tokens_are_never_noised() -> None:
    subject = subjects.of_zoo("token_ids", "gradient_x_input")
    for metric in [*NOISY, RelativeRepresentationStability, Continuity]:
        assert np.isnan(metric().measure(subject)).all()
    assert "holds ids, which cannot be noised" in subject.notes[0]


def test_only_numbers_are_noised_beside_another_input() -> None:
    subject = subjects.of_zoo("image_and_vector", "gradient_x_input")
    for metric in NOISY:
        assert (metric(samples=2).measure(subject) > 0).all()


def test_bad_settings_and_missing_methods_are_named() -> None:
    with pytest.raises(BadMethod, match="samples=0 must be at least 1"):
        MaxSensitivity(samples=0)
    with pytest.raises(BadMethod, match="radius=0 must be positive"):
        LocalLipschitz(radius=0)
    with pytest.raises(BadMethod, match=r"shifts=\(0,\)"):
        Continuity(shifts=(0,))
    with pytest.raises(BadMethod, match="fill='grey'"):
        Continuity(fill="grey")
    with pytest.raises(BadMethod, match="floor=0"):
        RelativeInputStability(floor=0)
    with pytest.raises(Refused, match="maps without a method"):
        MaxSensitivity().measure(subjects.of_function(_scores, X, X))
    with pytest.raises(Refused, match="no layers"):
        RelativeRepresentationStability().measure(_seen(lambda rows: rows)[0])
