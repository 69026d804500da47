"""`assert_looks_at`: passes and fails where it should, and says what it saw."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from kerascope.testing import assert_looks_at

CORNER = np.zeros((8, 10), bool)
CORNER[:4, :5] = True


def explained(weights: np.ndarray, count: int = 2) -> ks.Attribution:
    """Explain a net that is a weighted sum of its pixels."""
    model = keras.Sequential([keras.Input((8, 10, 1)), layers.Flatten(), layers.Dense(1)])
    model.layers[1].set_weights([weights.reshape(-1, 1), np.zeros(1)])
    x = np.ones((count, 8, 10, 1), np.float32)
    return ks.explain(model, x, "gradient_x_input", target=ks.Regression())


def test_a_model_that_looks_there_passes() -> None:
    weights = np.where(CORNER, 1.0, -2.0)  # what speaks against does not count
    assert_looks_at(explained(weights), CORNER, share=1.0)
    assert_looks_at(explained(weights), np.stack([CORNER, CORNER]))
    assert_looks_at(explained(weights), boxes=[(0, 0, 5, 4)] * 2)


def test_a_model_that_looks_elsewhere_fails_in_words() -> None:
    result = explained(np.where(CORNER, 1.0, 1.0))
    with pytest.raises(AssertionError, match=r"25% inside, which covers 25% of the input"):
        assert_looks_at(result, CORNER, share=0.6)
    assert_looks_at(result, CORNER, share=0.25)
    with pytest.raises(AssertionError, match="nothing speaks for it"):
        assert_looks_at(explained(-np.ones((8, 10))), CORNER)


def test_some_samples_may_fail() -> None:
    result = explained(np.where(CORNER, 1.0, 0.0))
    other = np.stack([CORNER, ~CORNER])
    with pytest.raises(AssertionError, match="for 1 of 2 samples"):
        assert_looks_at(result, other)
    assert_looks_at(result, other, at_least=0.5)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (None, "is not given"),
        (np.zeros((8, 10), bool), "is empty"),
        (np.ones((8, 10), bool), "covers everything"),
        (np.zeros((3, 3), bool), "masks have shape"),
    ],
)
def test_regions_that_tell_nothing_are_errors(mask: np.ndarray | None, words: str) -> None:
    with pytest.raises(ks.BadInput, match=words):
        assert_looks_at(explained(np.ones((8, 10))), mask)


def test_shares_out_of_range_and_several_targets_are_errors() -> None:
    result = explained(np.ones((8, 10)))
    with pytest.raises(ks.BadInput, match="share=0"):
        assert_looks_at(result, CORNER, share=0)
    model = keras.Sequential([keras.Input((8, 10, 1)), layers.Flatten(), layers.Dense(3)])
    several = ks.explain(model, np.ones((1, 8, 10, 1), np.float32), "gradient", target="top-2")
    with pytest.raises(ks.BadInput, match="several targets"):
        assert_looks_at(several, CORNER)
