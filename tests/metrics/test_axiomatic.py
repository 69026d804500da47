"""Axioms: nets and maps that keep them or break them by a known amount."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.errors import BadMethod, Refused
from kerascope.metrics import Completeness, InputInvariance, NonSensitivity


def test_completeness_is_the_gap_by_the_score() -> None:
    x = np.array([[1.0, 2], [3, 4]], np.float32)
    subject = subjects.of_function(lambda r: r @ np.array([[2.0, 0], [1, 1]]), x, x)
    subject.gaps = np.array([1.0, -5])
    np.testing.assert_allclose(Completeness().measure(subject), [1 / 4, 5 / 10])


def test_completeness_of_real_methods() -> None:
    exact = subjects.of_zoo("logits_head", "integrated_gradients", steps=512, tolerance=None)
    rough = subjects.of_zoo("logits_head", "integrated_gradients", steps=2, tolerance=None)
    assert Completeness().measure(exact).max() < 0.01
    assert (Completeness().measure(rough) > Completeness().measure(exact)).all()
    with pytest.raises(Refused, match="claims none"):
        Completeness().measure(subjects.of_zoo("logits_head", "gradient"))


def test_completeness_is_of_the_logit_that_is_explained() -> None:
    """Also where other metrics look at probabilities."""
    fields = {"steps": 4, "tolerance": None}
    logit = subjects.of_zoo("flat_functional", "integrated_gradients", **fields)
    other = subjects.of_zoo(
        "flat_functional", "integrated_gradients", score="probability", **fields
    )
    np.testing.assert_array_equal(Completeness().measure(logit), Completeness().measure(other))


def test_a_score_of_zero_has_no_share() -> None:
    x = np.array([[0.0, 0]], np.float32)
    subject = subjects.of_function(lambda r: r, x, x)
    subject.gaps = np.array([1.0])
    assert np.isnan(Completeness().measure(subject))


WEIGHTS = np.array([0.0, 2, 0, -1, 0, 0.5])


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        (WEIGHTS, 0.0),
        (np.abs(WEIGHTS) * 7, 0.0),
        ((WEIGHTS == 0) * 1.0, 1.0),  # the reverse
        (np.ones(6), 0.5),  # values where there is no effect
        (np.array([0, 2.0, 0, 0, 0, 0]), 2 / 6),  # no values where there is one
        (np.zeros(6), np.nan),
    ],
)
def test_non_sensitivity_by_hand(maps: np.ndarray, expected: float) -> None:
    x = np.ones((1, 6), np.float32)
    subject = subjects.of_function(lambda r: (r @ WEIGHTS)[:, None] * [1, 0], x, maps[None])
    found = NonSensitivity(segments="single", baseline=0.0).measure(subject)
    np.testing.assert_allclose(found, expected)


def test_non_sensitivity_of_cells() -> None:
    x = np.ones((1, 4, 4, 1), np.float32)
    read = np.zeros((4, 4))
    read[0, 0] = read[3, 3] = 1  # two of four cells
    maps = np.zeros((1, 4, 4))
    maps[0, 1, 1], maps[0, 0, 3] = 1, 1  # one of them, and one beside
    subject = subjects.of_function(
        lambda r: (r[..., 0] * read).sum((1, 2))[:, None] * [1, 0], x, maps
    )
    found = NonSensitivity(segments="grid-4", baseline=0.0).measure(subject)
    np.testing.assert_allclose(found, 2 / 4)


def test_non_sensitivity_looks_at_the_whole_background() -> None:
    """What one baseline leaves as it is, another may change."""
    from kerascope.method import Data

    x = np.ones((1, 2), np.float32)
    subject = subjects.of_function(lambda r: r @ np.eye(2), x, np.array([[1.0, 1.0]]))
    one = Data(np.array([[1, 0]], np.float32))
    two = Data(np.array([[1, 0], [0, 0]], np.float32))
    values = [NonSensitivity(segments="single", baseline=b).measure(subject)[0] for b in (one, two)]
    assert values == [1.0, 0.5]


def _net(*, first: Any = None, bias: bool = True, padding: str = "valid") -> Any:
    keras.utils.set_random_seed(3)
    i = keras.Input((8, 8, 2))
    x = first(i) if first else i
    x = keras.layers.Conv2D(
        4, 3, activation="relu", use_bias=bias, padding=padding, name="conv",
        bias_initializer="random_normal" if bias else None,
    )(x)  # fmt: skip
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(i, keras.layers.Dense(3, activation="softmax", name="head")(x))


X = np.random.default_rng(7).normal(size=(3, 8, 8, 2)).astype(np.float32)


@pytest.mark.parametrize("first", [None, keras.layers.Rescaling(0.5, offset=-1)])
def test_the_gradient_is_invariant_and_its_product_with_the_input_is_not(first: Any) -> None:
    model = _net(first=first)
    before = [np.array(w) for w in model.get_weights()]
    invariant = InputInvariance().measure(subjects.of_model(model, X, "gradient"))
    assert invariant.max() < 1e-4
    changed = InputInvariance().measure(subjects.of_model(model, X, "gradient_x_input"))
    assert changed.min() > 0.1
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_reference_that_moves_along_is_invariant() -> None:
    """Integrated gradients: not from zero, but from the sample's own mean."""
    subject = subjects.of_model(_net(), X, "integrated_gradients", baseline="zero", steps=16)
    moving = subjects.of_model(_net(), X, "integrated_gradients", baseline="mean", steps=16)
    assert InputInvariance().measure(subject).min() > 0.1
    assert InputInvariance().measure(moving).max() < 1e-3


def test_dense_first_layers_take_it_back_too() -> None:
    i = keras.Input((5,))
    x = keras.layers.Dense(4, activation="tanh", name="first")(i)
    model = keras.Model(i, keras.layers.Dense(3, name="head")(x))
    x = np.random.default_rng(1).normal(size=(2, 5)).astype(np.float32)
    assert InputInvariance().measure(subjects.of_model(model, x, "gradient")).max() < 1e-4


def test_what_cannot_take_the_shift_back_is_refused() -> None:
    refused = [
        (_net(bias=False), "'conv', has no bias"),
        (_net(padding="same"), "does not move 'conv' the same everywhere"),
        (_net(first=keras.layers.Activation("tanh")), "does not move 'conv' the same everywhere"),
    ]
    for model, why in refused:
        with pytest.raises(Refused, match=why):
            InputInvariance().measure(subjects.of_model(model, X, "gradient"))
    with pytest.raises(Refused, match="one input of numbers"):
        InputInvariance().measure(subjects.of_zoo("token_ids", "gradient_x_input"))


def test_a_net_that_also_reads_the_input_elsewhere_is_refused() -> None:
    i = keras.Input((8, 8, 2))
    conv = keras.layers.Conv2D(4, 3, name="conv")(i)
    both = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(x) for x in (conv, i)])
    model = keras.Model(i, keras.layers.Dense(3, name="head")(both))
    with pytest.raises(Refused, match="does not take a shift back"):
        InputInvariance().measure(subjects.of_model(model, X, "gradient"))


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadMethod, match="segments='slic-20' must be"):
        NonSensitivity(segments="slic-20")
    with pytest.raises(BadMethod, match="tolerance=-1"):
        NonSensitivity(tolerance=-1)
    with pytest.raises(BadMethod, match="shift=0"):
        InputInvariance(shift=0)
