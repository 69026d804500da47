"""Words of a target, read back: the class they are of."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from kerascope.targets.spoken import class_of


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("logit of 'dog' (3.1)", (1, "")),
        ("probability of 'dog' (0.3)", (1, "")),
        ("score of class 7 (0.3)", (7, "")),
        ("logit of 'dog' of output 'kind' (1)", (1, "kind")),
        ("mean logit of class 1 over 6 positions (0.3)", (1, "")),
        ("mean logit of 'dog' over 6 positions of output 'kind' (0.3)", (1, "kind")),
        ("mean logit of 'dog' over its predicted area (0.3)", (None, "")),
        ("value of output 2 (−3)", (2, "")),
        ("value of output 'price' (3)", (None, "")),
        ("logit of 'wolf' (1)", (None, "")),
        ("logit of 'dog' minus logit of 'fox' (1)", (None, "")),
        ("activation of unit 3 of layer 'x' (1)", (None, "")),
    ],
)
def test_class_of_words(words: str, expected: tuple[int | None, str]) -> None:
    assert class_of(words, ("tabby", "dog", "fox")) == expected


@pytest.mark.parametrize("shape", ["flat_functional", "logits_head", "two_outputs", "segmentation"])
def test_what_a_class_is_called_is_read_back(shape: str) -> None:
    """The page finds the map of a bar by it."""
    case = zoo.SHAPES[shape]()
    for index in (0, 1):
        result = ks.explain(case.model, case.x, "gradient", target=index)
        found = [class_of(words, result.labels)[0] for words in result.explained]
        assert found == [index] * len(found), result.explained


def test_values_of_a_model_trained_on_numbers_are_read_back() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(loss="mse")
    result = ks.explain(model, np.ones((1, 4), "float32"), "gradient", target=2)
    assert result.explained[0].startswith("value of output 2")
    assert class_of(result.explained[0], result.labels) == (2, "")
