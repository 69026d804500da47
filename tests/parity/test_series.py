"""Agreement with captum on a convolutional forecaster, on a torch twin with the same weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from parity import make_references
from parity import series_cases as cases

# method and its fields, by the other library's result
SAME = {
    "integrated": (
        "integrated_gradients", {"steps": cases.STEPS, "spacing": "uniform", "tolerance": None}
    ),
    "ablation": ("feature_ablation", {"segments": "channel-2"}),
    "shapley": ("kernel_shap", {"segments": "channel-2", "samples": 64}),
}  # fmt: skip


@pytest.fixture(scope="module")
def others() -> dict[str, np.ndarray]:
    return make_references.load("series")


def forecaster() -> keras.Model:
    i = keras.Input((cases.LENGTH, cases.CHANNELS))
    x = layers.Conv1D(cases.UNITS, 3, padding="same", activation="tanh")(i)
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(i, layers.Dense(cases.AHEAD, use_bias=False)(x))
    model.set_weights(list(cases.weights()))
    return model


@pytest.mark.parametrize("which", SAME)
def test_values(others: dict[str, np.ndarray], which: str) -> None:
    name, fields = SAME[which]
    found = ks.explain(
        forecaster(), cases.inputs(), name, target=ks.Horizon(2), baseline="last", **fields
    )
    assert np.allclose(found.scores, others["scores"][:, 1], atol=1e-5)
    assert np.abs(found.values - others[which]).max() < 1e-4 * np.abs(others[which]).max()
