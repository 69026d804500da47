"""Agreement with captum on several inputs: path maps, whole inputs as players, likeness."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from kerascope.hooks import HookedModel
from parity import kind_nets as nets
from parity import make_references

OPTIONS = {"steps": nets.STEPS, "spacing": "gauss", "tolerance": None}


@pytest.fixture(scope="module")
def captum() -> dict[str, np.ndarray]:
    return make_references.load("kinds")


def encoder() -> keras.Model:
    i = keras.Input((6,))
    layer = layers.Dense(4, activation="tanh", use_bias=False, name="embedding")
    model = keras.Model(i, layer(i))
    layer.set_weights([nets.ENCODE])
    return model


def whole() -> keras.Model:
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    facts, encode = keras.Input((3,), name="facts"), encoder()
    known = layers.Dense(4, activation="tanh", use_bias=False, name="known")
    alike = layers.Dot(1, normalize=True)([encode(left), encode(right)])
    total = layers.Add()([alike, layers.Dot(1)([encode(left), known(facts)])])
    model = keras.Model({"left": left, "right": right, "facts": facts}, total)
    known.set_weights([nets.KNOWN])
    return model


def test_all_inputs_of_one_model(captum: dict[str, np.ndarray]) -> None:
    x = {"left": nets.LEFT, "right": nets.RIGHT, "facts": nets.FACTS}
    base = {name: row[None] for name, row in nets.BASE.items()}
    found = ks.explain(
        HookedModel(whole(), compiled=False), x, "integrated_gradients", target="value",
        baseline=base, shares=True, **OPTIONS,
    )  # fmt: skip
    assert np.allclose(found.scores, captum["scores"], atol=1e-5)
    for name, values in found.maps().items():
        assert np.allclose(values, captum[f"path {name}"], atol=1e-5)
        assert np.allclose(found.input_values[name], captum[f"player {name}"], atol=1e-5)


def test_likeness_to_another_input(captum: dict[str, np.ndarray]) -> None:
    found = ks.explain(
        HookedModel(encoder(), compiled=False), nets.LEFT, "integrated_gradients",
        target=ks.Similarity(nets.RIGHT), baseline=nets.BASE["left"], **OPTIONS,
    )  # fmt: skip
    assert np.allclose(found.values, captum["one"], atol=1e-5)
