"""Outputs with classes of their own have names of their own, from the target to the page."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import zoo
from kerascope.errors import BadInput, BadTarget
from kerascope.facts import facts_of
from kerascope.report.document import document_of

NAMES = {"kind": ("cat", "dog", "other"), "colour": ("blue", "red", "other")}


@pytest.fixture(scope="module")
def net() -> Any:
    keras.utils.set_random_seed(0)
    given = keras.Input((12, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(given))
    heads = {name: layers.Dense(3, activation="softmax", name=name)(x) for name in NAMES}
    return ks.load_model(keras.Model(given, heads), labels=NAMES)


def test_a_class_is_found_in_the_output_that_has_it(net: Any) -> None:
    x = zoo.pictures(2)
    found = ks.explain(net, x, "gradient", target="red")
    same = ks.explain(net, x, "gradient", target=ks.Class(1, output="colour"))
    np.testing.assert_array_equal(found.values, same.values)
    assert found.explained[0].startswith("logit of 'red' of output 'colour'")
    named = ks.explain(net, x, "gradient", target="kind:other")
    assert named.explained[0].startswith("logit of 'other' of output 'kind'")
    with pytest.raises(BadTarget, match="several outputs: say 'colour:other', 'kind:other'"):
        ks.explain(net, x, "gradient", target="other")
    with pytest.raises(BadTarget, match="class 'blue' not found; known: cat"):
        ks.explain(net, x, "gradient", target="kind:blue")


def test_every_output_says_its_own_classes(net: Any, tmp_path: Any) -> None:
    found = ks.explain(net, zoo.pictures(1), "gradient", target="red")
    found.save(tmp_path / "a.safetensors")
    again = ks.Attribution.load(tmp_path / "a.safetensors")
    assert again.labels == NAMES
    document = document_of([again])
    heads = document["predictions"][0]["outputs"]
    said = {head["name"]: {bar["label"] for bar in head["bars"]} for head in heads}
    assert said == {name: set(names) for name, names in NAMES.items()}
    target = document["maps"][0]["target"]
    assert (target["output"], target["index"]) == ("colour", 1)


def test_counts_and_outputs_are_checked(net: Any) -> None:
    with pytest.raises(BadInput, match="output 'color' not found; did you mean 'colour'"):
        ks.load_model(net, labels={"color": ["blue"]})
    with pytest.raises(BadInput, match="2 class names were given for output 'kind', which has 3"):
        ks.load_model(net, labels={"kind": ["cat", "dog"]})
    assert facts_of(net).labels == NAMES
