"""Guided backpropagation, deconvnet, RectGrad, Guided Grad-CAM: oracles, and what is seen."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
import zoo
from kerascope.backend import framework
from kerascope.hooks import HookedModel

FAMILY = ["guided_backprop", "deconvnet", "rect_grad", "guided_grad_cam"]
RECTIFYING = FAMILY[:3]


@pytest.mark.parametrize("name", FAMILY)
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("name", RECTIFYING)
def test_linear_model(name: str) -> None:
    """Without a rectifier they are the gradient, and say so."""
    result = checks.explain("linear", name)
    expected = np.broadcast_to(checks.linear_weights(), result.values.shape)
    checks.check_equal(result.values, expected)
    assert any("no rectifier" in note for note in result.notes)


def test_guided_is_the_gradient_where_all_is_positive() -> None:
    """Where every gradient is positive, nothing is dropped."""
    net = checks.numpy_net.net("pooled")
    layers = tuple(
        checks.dataclasses.replace(layer, kernel=np.abs(layer.kernel))
        if hasattr(layer, "kernel")
        else layer
        for layer in net.layers
    )
    positive = checks.dataclasses.replace(net, layers=layers)
    model = checks.twin(positive)
    plain = checks.explain("pooled", "gradient", model=model).values
    checks.check_equal(checks.explain("pooled", "guided_backprop", model=model).values, plain)


def test_guided_is_the_product_with_enlarged_grad_cam() -> None:
    guided = checks.explain("pooled", "guided_backprop").values
    cam = checks.explain("pooled", "grad_cam").heatmap()
    found = checks.explain("pooled", "guided_grad_cam")
    checks.check_equal(found.values, guided * cam[..., None])
    assert found.layer == checks.explain("pooled", "grad_cam").layer


# --- every form of a rectifier is seen --------------------------------------------------------


class OwnReLU(keras.layers.Layer):
    """Calls the ReLU of keras.ops itself."""

    def call(self, x: Any) -> Any:
        return keras.ops.relu(x)


class Clipped(keras.layers.Layer):
    """Writes a ReLU as a maximum."""

    def call(self, x: Any) -> Any:
        return keras.ops.maximum(x, 0)


def _net(place: str) -> Any:
    """Return the same net with its ReLU written in different ways."""
    keras.utils.set_random_seed(1)
    i = keras.Input((6, 8, 2))
    fused = {"fused": "relu", "layer as activation": keras.layers.ReLU()}.get(place)
    x = keras.layers.Conv2D(4, 3, activation=fused, name="conv")(i)
    after: dict[str, Any] = {
        "layer": keras.layers.ReLU(),
        "activation layer": keras.layers.Activation("relu"),
        "clipped layer": keras.layers.ReLU(max_value=1e6),
        "leaky with slope zero": keras.layers.LeakyReLU(negative_slope=0.0),
        "prelu": keras.layers.PReLU(),
        "own layer": OwnReLU(),
        "maximum": Clipped(),
        "graph node": keras.ops.relu,
        "nested": keras.Sequential([keras.layers.ReLU()]),
        "distributed": keras.layers.TimeDistributed(keras.layers.ReLU()),
    }
    if place in after:
        x = after[place](x)
    x = keras.layers.Conv2D(3, 3, name="last", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(i, keras.layers.Dense(3, name="head")(x))
    rng = np.random.default_rng(2)
    for name in ("conv", "last", "head"):
        layer = model.get_layer(name)
        layer.set_weights([rng.normal(0, 0.4, w.shape) for w in layer.get_weights()])
    return model


PLACES = [
    "layer as activation", "layer", "activation layer", "clipped layer", "leaky with slope zero",
    "prelu", "own layer", "maximum", "graph node", "nested", "distributed",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet"])
def test_every_form_of_a_rectifier(name: str, place: str) -> None:
    x = zoo.pictures(2, 6, 8, 2)
    results = [
        ks.explain(HookedModel(_net(form), compiled=False), x, name, target=1)
        for form in ("fused", place)
    ]
    checks.check_equal(results[1].values, results[0].values)
    assert not results[1].notes


def test_keras_is_as_before() -> None:
    module = framework()
    before = {name: vars(module.nn)[name] for name in ("relu", "gelu", "max_pool")}
    relu = keras.activations.relu
    checks.explain("deep", "guided_backprop")
    with pytest.raises(ZeroDivisionError):
        checks.explain("deep", "guided_backprop", target=lambda outputs: 1 / 0)
    assert {name: vars(module.nn)[name] for name in before} == before
    assert keras.activations.relu is relu


# --- what is not seen is named ----------------------------------------------------------------


class Foreign(keras.layers.Layer):
    """Uses a ReLU of the framework's own, written out by hand: no rule can see it."""

    def call(self, x: Any) -> Any:
        return (x + abs(x)) / 2


class ForeignModel(keras.Model):
    """The same in a model's own call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = keras.layers.Conv2D(4, 3, activation="relu", name="conv")
        self.head = keras.layers.Dense(3, name="head")

    def call(self, x: Any) -> Any:
        x = self.conv(x)
        x = x - 0.1
        return self.head(keras.ops.mean((x + abs(x)) / 2, axis=(1, 2)))


def test_hidden_operations_are_named() -> None:
    i = keras.Input((6, 8, 2))
    x = keras.layers.Conv2D(4, 3, activation="relu")(i)
    x = Foreign(name="foreign")(x)
    model = keras.Model(i, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    result = ks.explain(HookedModel(model, compiled=False), zoo.pictures(1, 6, 8, 2), FAMILY[0])
    assert any("Foreign 'foreign'" in note for note in result.notes), result.notes
    model = ForeignModel()
    model(zoo.pictures(1, 6, 8, 2))
    result = ks.explain(HookedModel(model, compiled=False), zoo.pictures(1, 6, 8, 2), FAMILY[0])
    assert any("ForeignModel" in note for note in result.notes), result.notes


@pytest.mark.parametrize("shape", ["subclassed_model", "layer_holding_layers", "softmax_from_ops"])
def test_nothing_hidden_is_named_where_there_is_nothing(shape: str) -> None:
    case = zoo.SHAPES[shape]()
    result = ks.explain(HookedModel(case.model, compiled=False), case.x, "guided_backprop")
    assert not result.notes


def test_smooth_functions_are_named() -> None:
    case = zoo.SHAPES["vit"]()
    result = ks.explain(HookedModel(case.model), case.x, "deconvnet")
    assert any("gelu" in note for note in result.notes)


def test_another_thread_sees_nothing() -> None:
    """A ReLU in another thread, in the middle of a guided pass, keeps its own gradient."""
    import threading

    from kerascope import backend

    other: list[float] = []

    def plain() -> None:
        one = {"x": keras.ops.convert_to_tensor(np.ones((1,), np.float32))}
        fall = lambda x: ([-keras.ops.relu(x["x"])], {})  # noqa: E731
        _, pullback = backend.active().vjp(fall, one)
        other.append(float(keras.ops.convert_to_numpy(pullback(0)["x"])[0]))

    def target(outputs: Any) -> Any:
        thread = threading.Thread(target=plain)
        thread.start()
        thread.join()
        return outputs[:, 0]

    checks.explain("deep", "guided_backprop", target=target)
    assert set(other) == {-1.0}


# --- class activation maps of modified gradients ----------------------------------------------

CAMS = ["grad_cam", "grad_cam_plus_plus", "x_grad_cam", "hires_cam", "layer_cam"]


@pytest.mark.parametrize("name", CAMS)
def test_modifier_changes_the_gradient_at_the_layer(name: str) -> None:
    """The map is the method's formula on the gradient that comes back through the rectifiers."""
    net = checks.numpy_net.net("deep")
    maps = net.upto(net.pictures, net.top)[:, None]
    for modifier, back in (
        ("guided", lambda z, g: (z > 0) * (g > 0) * g),
        ("relu", lambda z, g: (g > 0) * g),
    ):
        above = checks.dataclasses.replace(net, layers=net.layers[net.top :])
        g = checks.oracles_rules.rectified(above, maps[:, 0], checks.K, back)
        # the layer's own rectifier is fused: the gradient at its output has not met it yet
        expected = checks.make(name).combine(maps, g[:, None])[:, 0]
        found = checks.explain("deep", name, modifier=modifier)
        checks.check_equal(found.extras["signed"], expected)
    plain = checks.explain("deep", name).extras["signed"]
    assert checks.difference(found.extras["signed"], plain) > 1e-3


def test_unknown_modifier() -> None:
    with pytest.raises(ks.BadMethod, match="'guided' or 'relu'"):
        checks.explain("deep", "grad_cam", modifier="guide")
