"""Quantised, adapted, half-precision and channels-first models get the maps of plain twins."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from contract_checks import parts, run, small
from kerascope.hooks.weights import kernel_of

GRADIENTS = (
    "gradient", "gradient_x_input", "smooth_grad", "integrated_gradients", "expected_gradients",
    "guided_ig", "full_grad", "guided_backprop", "deep_lift",
)  # fmt: skip
MAPS = ("grad_cam", "layer_cam", "score_cam", "ablation_cam", "eigen_cam")
COVERS = ("occlusion", "rise", "lime", "kernel_shap")
WEIGHTS = ("lrp", "excitation_backprop", "deep_taylor")
HALF = ("gradient", "grad_cam", "lrp", "occlusion")
if keras.backend.backend() == "jax":  # compiles every op of every method anew: one of each kind
    GRADIENTS, MAPS, COVERS = ("gradient", "deep_lift"), ("grad_cam",), ("occlusion",)
    HALF = ("gradient", "grad_cam")


def plain() -> Any:
    """Return the net that twins are made of."""
    i = keras.Input((12, 16, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv1")(i)
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(16, activation="relu", name="hidden")(x)
    return keras.Model(i, keras.layers.Dense(3, activation="softmax", name="head")(x))


def twin(model: Any) -> Any:
    """Return the plain net with the numbers that `model` multiplies with."""
    other = plain()
    for name in ("conv1", "conv2", "hidden", "head"):
        layer = model.get_layer(name)
        other.get_layer(name).set_weights([kernel_of(layer), layer.bias.numpy()])
    return other


@functools.cache
def quantised() -> tuple[Any, Any]:
    model = plain()
    zoo._shake(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that convolutions have no int8
        model.quantize("int8")
    return model, twin(model)


@functools.cache
def adapted() -> tuple[Any, Any]:
    model = plain()
    for name in ("conv1", "conv2", "hidden", "head"):
        model.get_layer(name).enable_lora(2)
    zoo._shake(model)  # a fresh adapter is zero
    other = twin(model)
    moved = model.get_layer("hidden")
    assert np.abs(moved._kernel.numpy() - other.get_layer("hidden").kernel.numpy()).max() > 0.1
    return model, other


@functools.cache
def half(policy: str) -> tuple[Any, Any]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = plain()
    finally:
        keras.config.set_dtype_policy(before)
    zoo._shake(model)
    other = plain()
    other.set_weights(model.get_weights())
    return model, other


def maps(name: str, model: Any, **fields: Any) -> np.ndarray:
    result = run(small(name, **fields), zoo.Case("twin", model, zoo.pictures()), target=1)
    return parts(result.values)[""]


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Return the smallest cosine of two samples' maps."""
    rows = [array.reshape(len(array), -1).astype(np.float64) for array in (a, b)]
    lengths = [np.linalg.norm(row, axis=1) for row in rows]
    assert min(length.min() for length in lengths) > 0
    return float(((rows[0] * rows[1]).sum(axis=1) / (lengths[0] * lengths[1])).min())


def off(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference, as a share of the largest value."""
    return float(np.abs(a - b).max() / np.abs(b).max())


@pytest.mark.parametrize("name", [*GRADIENTS, *MAPS, *COVERS])
def test_int8_is_explained_as_the_float_net_of_its_weights(name: str) -> None:
    model, other = quantised()
    assert model.get_layer("hidden").quantization_mode == "int8"
    # Under a small patch the score moves less than int8 rounds: that is what the model does.
    fields = {"patch": 8, "stride": 4} if name == "occlusion" else {}
    assert likeness(maps(name, model, **fields), maps(name, other, **fields)) > 0.99


@pytest.mark.parametrize("name", WEIGHTS)
def test_int8_is_refused_by_name_where_relevance_needs_weights(name: str) -> None:
    with pytest.raises(ks.Refused, match=r"layer 'hidden' is quantised to int8: .* before"):
        maps(name, quantised()[0])


@pytest.mark.parametrize("name", ["deep_lift", "deep_shap"])
def test_int8_is_refused_where_signs_of_weights_are_told_apart(name: str) -> None:
    with pytest.raises(ks.Refused, match="layer 'hidden' is quantised to int8"):
        maps(name, quantised()[0], rule="reveal_cancel")


@pytest.mark.parametrize("name", [*GRADIENTS, *MAPS, *COVERS, *WEIGHTS])
def test_adapters_are_explained_as_if_merged(name: str) -> None:
    model, other = adapted()
    assert off(maps(name, model), maps(name, other)) < 1e-4


@pytest.mark.parametrize("composite", ["epsilon_gamma_box", "epsilon_alpha2_beta1", "zero"])
def test_relevance_goes_through_adapters_by_every_rule(composite: str) -> None:
    model, other = adapted()
    found, wanted = (maps("lrp", net, composite=composite) for net in (model, other))
    assert off(found, wanted) < 1e-4


def test_kernels_are_shown_as_they_act() -> None:
    for model, other in (adapted(), quantised()):
        shown, wanted = (ks.filters(net).statistics for net in (model, other))
        assert [found.name for found in shown] == ["conv1", "conv2", "hidden", "head"]
        for found, right in zip(shown, wanted, strict=True):
            assert np.allclose(found.norms, right.norms, rtol=1e-4)


@pytest.mark.parametrize(("policy", "least"), [("mixed_float16", 0.999), ("mixed_bfloat16", 0.98)])
@pytest.mark.parametrize("name", HALF)
def test_half_precision_gives_the_map_of_float32(name: str, policy: str, least: float) -> None:
    model, other = half(policy)
    assert likeness(maps(name, model), maps(name, other)) > least


# --- channels first ------------------------------------------------------------------------------


def layout(first: bool) -> Any:
    kind = {"data_format": "channels_first" if first else "channels_last"}
    i = keras.Input((3, 12, 16) if first else (12, 16, 3))
    x = keras.layers.Conv2D(4, 3, name="conv1", **kind)(i)
    x = keras.layers.BatchNormalization(axis=1 if first else -1)(x)
    x = keras.layers.MaxPooling2D(2, **kind)(keras.layers.ReLU()(x))
    x = keras.layers.Conv2D(5, 3, activation="relu", name="conv2", **kind)(x)
    x = keras.layers.GlobalAveragePooling2D(**kind)(x)
    model = keras.Model(i, keras.layers.Dense(3, activation="softmax", name="head")(x))
    zoo._shake(model)
    return model


# The noise of smooth_grad falls elsewhere in another layout.
@pytest.mark.parametrize(
    "name", [name for name in (*GRADIENTS, *MAPS, *COVERS, *WEIGHTS) if name != "smooth_grad"]
)
def test_channels_first_gives_the_map_of_channels_last(name: str) -> None:
    reason = zoo.runs_here("channels_first")
    if reason:
        pytest.skip(reason)
    models, x = [layout(first) for first in (True, False)], zoo.pictures()
    found = run(small(name), zoo.Case("", models[0], np.moveaxis(x, -1, 1)), target=1)
    wanted = run(small(name), zoo.Case("", models[1], x), target=1)
    assert off(found.heatmap(), wanted.heatmap()) < 1e-4
