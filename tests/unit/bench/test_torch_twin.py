"""The PyTorch twin that peers are measured on gives what the Keras model gives, or says so."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("the torch backend only", allow_module_level=True)

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import torch_twin

    return torch_twin


def net(*, activation: str = "softmax") -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    i = keras.Input((13, 10, 3))
    x = layers.Conv2D(8, (3, 5), strides=2, padding="same", use_bias=False)(i)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Add()([x, layers.Conv2D(8, 1, activation="relu")(y)])
    x = layers.DepthwiseConv2D(3, strides=2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(i, layers.Dense(4, activation=activation)(x))
    generator = np.random.default_rng(0)
    for weight in model.weights:
        drawn = generator.uniform(0.5, 1.5, weight.shape) * generator.choice([-1, 1], weight.shape)
        weight.assign(np.abs(drawn) if "variance" in weight.path else drawn * 0.5)
    return model


X = np.random.default_rng(1).normal(size=(2, 13, 10, 3)).astype("float32")


def test_twin_gives_the_same(twins: Any) -> None:
    model = net()
    found = twins.twin(model, X)(twins.tensor(X)).softmax(-1).detach().numpy()
    np.testing.assert_allclose(found, model.predict(X, verbose=0), atol=1e-5)
    assert np.ptp(found) > 0.1


def test_twin_that_differs_is_refused(twins: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(twins._LAYERS, "ReLU", lambda _: twins.nn.Identity())
    with pytest.raises(ValueError, match="the twin is off by"):
        twins.twin(net(), X)


def test_what_the_twin_does_not_know_is_named(twins: Any) -> None:
    with pytest.raises(ValueError, match="no activation 'gelu'"):
        twins.twin(net(activation="gelu"), X)
