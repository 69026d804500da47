"""Models on which Keras and others fail with the headings of docs/troubleshooting.md.

Each function returns what the lines of the page need, and the action that fails with the words of
the heading, or None where only an older library says them. Those of files: `troubled_files.py`.
"""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

Names = dict[str, Any]
Trouble = tuple[Names, Callable[[], Any] | None]
ALL: dict[str, Case] = {}
TENSORFLOW, JAX, TORCH = "tensorflow", "jax", "torch"

_rng = np.random.default_rng(0)
X = _rng.uniform(0, 1, (2, 16, 16, 3)).astype("float32")


@dataclasses.dataclass(frozen=True)
class Case:
    """How a heading is provoked, and on which backends."""

    provoke: Callable[..., Trouble]
    backends: tuple[str, ...]

    def __call__(self, folder: Path) -> Trouble:
        takes = inspect.signature(self.provoke).parameters
        return self.provoke(folder) if takes else self.provoke()


def says(*headings: str, on: tuple[str, ...] = (TENSORFLOW, JAX, TORCH)) -> Callable[[Any], Any]:
    """Register what provokes a heading."""

    def register(provoke: Any) -> Any:
        for heading in headings:
            ALL[heading] = Case(provoke, on)
        return provoke

    return register


def head(features: Any) -> Any:
    pooled = layers.GlobalAveragePooling2D()(features)
    return layers.Dense(3, activation="softmax", name="says")(pooled)


def flat(name: str = "conv") -> Any:
    """Return a small convolutional net."""
    i = keras.Input((16, 16, 3))
    return keras.Model(i, head(layers.Conv2D(8, 3, activation="relu", name=name)(i)))


def nested(name: str = "conv") -> Any:
    """Return a net whose convolution is inside a model of its own."""
    i = keras.Input((16, 16, 3))
    base = keras.Model(i, layers.Conv2D(8, 3, activation="relu", name=name)(i), name="base")
    o = keras.Input((16, 16, 3))
    return keras.Model(o, head(base(o)))


def unbuilt() -> Any:
    """Return a Sequential that has seen no batch."""
    return keras.Sequential(
        [layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(3)],
        name="sequential",
    )


def called() -> Any:
    """Return a Sequential without an Input that has seen a batch."""
    model = unbuilt()
    model(X)
    return model


@says("Graph disconnected: cannot obtain value for tensor")
def graph_disconnected() -> Trouble:
    return {"model": nested()}, None


@says("Output with path `0` is not connected to `inputs`")
def not_connected() -> Trouble:
    model = nested()
    inner = model.get_layer("base").get_layer("conv")
    return {"model": model}, lambda: keras.Model(model.inputs, [inner.output, model.output])


@says(
    "The layer sequential has never been called and thus has no defined output",
    on=(TENSORFLOW, JAX),
)
@says("'Sequential' object has no attribute 'output'", on=(TORCH,))
def no_output() -> Trouble:
    model = called()
    return {"model": model}, lambda: model.output


@says("Sequential model 'sequential' has no defined inputs yet", on=(TENSORFLOW, JAX))
def no_inputs() -> Trouble:
    model = unbuilt()
    return {"model": model}, lambda: model.inputs


@says("You tried to call `count_params` on layer 'sequential', but the layer isn't built")
def not_built() -> Trouble:
    model = unbuilt()
    return {"model": model}, model.count_params


@says("No such layer: conv. Existing layers are: …")
def no_such_layer() -> Trouble:
    model = nested()
    return {"model": model}, lambda: model.get_layer("conv")


@says("KeyError: 'block5_conv3'")
def key_error() -> Trouble:
    model = nested("block5_conv3")
    return {"model": model}, lambda: {layer.name: layer for layer in model.layers}["block5_conv3"]


@says('has multiple inbound nodes, hence the notion of "layer output" is ill-defined')
def shared() -> Trouble:
    conv = layers.Conv2D(8, 3, activation="relu", name="shared")
    i, j = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    model = keras.Model([i, j], head(layers.Concatenate()([conv(i), conv(j)])))
    return {"model": model, "x": {"left": X, "right": X[::-1]}}, None


@says("Unable to determine penultimate `Conv` layer", on=(TENSORFLOW,))
def no_penultimate() -> Trouble:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on where SciPy keeps things now
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.utils.scores import CategoricalScore

    i = keras.Input((16, 16, 3))
    model = keras.Model(i, head(layers.Dense(8, activation="relu")(i)))  # positions, no Conv
    return {"model": model}, lambda: Gradcam(model)(CategoricalScore([0, 0]), X)


def _symbol() -> tuple[Names, Any]:
    model = flat()
    return {"model": model}, model.get_layer("conv").output


@says("A KerasTensor cannot be used as input to a TensorFlow function", on=(TENSORFLOW,))
def symbol_in_tensorflow() -> Trouble:
    import tensorflow as tf

    names, symbol = _symbol()
    return names, lambda: tf.reduce_mean(symbol)


@says("'KerasTensor' object has no attribute 'numpy'")
def symbol_numpy() -> Trouble:
    names, symbol = _symbol()
    return names, lambda: symbol.numpy()


@says("A KerasTensor is symbolic: it's a placeholder for a shape an a dtype")
def symbol_array() -> Trouble:
    names, symbol = _symbol()
    return names, lambda: np.asarray(symbol)


def _gradient_of_a_copy(model: Any) -> Any:
    if keras.backend.backend() == TORCH:
        import torch

        x = torch.tensor(X, requires_grad=True)
        model(torch.tensor(X))[:, 0].sum().backward()
        return x.grad
    import tensorflow as tf

    with tf.GradientTape() as tape:
        score = model(X)[:, 0]
    return tape.gradient(score, tf.constant(X))


@says("'NoneType' object has no attribute 'shape'", on=(TENSORFLOW, TORCH))
def none() -> Trouble:
    model = flat()
    return {"model": model}, lambda: _gradient_of_a_copy(model).shape


@says(
    "Attempt to convert a value (None) with an unsupported type (<class 'NoneType'>) to a Tensor",
    on=(TENSORFLOW,),
)
def none_mean() -> Trouble:
    import tensorflow as tf

    model = flat()
    return {"model": model}, lambda: tf.reduce_mean(_gradient_of_a_copy(model), axis=(0, 1, 2))


@says("appears to not have been used in the graph", on=(TORCH,))
def unused() -> Trouble:
    import torch

    model, x = flat(), torch.tensor(X, requires_grad=True)
    return {"model": model}, lambda: torch.autograd.grad(model(torch.tensor(X)).sum(), x)


@says("No gradients provided for any variable")
def no_gradients() -> Trouble:
    picture = keras.Variable(X[:1])
    return {"model": flat()}, lambda: keras.optimizers.Adam().apply([None], [picture])


@says("tf.gradients is not supported when eager execution is enabled", on=(TENSORFLOW,))
def eager() -> Trouble:
    import tensorflow as tf

    model, x = flat(), tf.constant(X)
    return {"model": model}, lambda: tf.gradients(model(x), x)


@says("module 'keras.backend' has no attribute 'gradients'")
def backend() -> Trouble:
    return {"model": flat()}, lambda: keras.backend.gradients


@says("module 'tensorflow' has no attribute 'get_default_graph'", on=(TENSORFLOW,))
def default_graph() -> Trouble:
    import tensorflow as tf

    return {"model": flat()}, lambda: tf.get_default_graph()


@says(
    "tf.GradientTape.gradients() does not support graph control flow operations like tf.cond or "
    "tf.while",
    on=(TENSORFLOW,),
)
def control_flow() -> Trouble:
    import tensorflow as tf

    def loop() -> Any:
        tf.compat.v1.disable_control_flow_v2()
        try:
            with tf.Graph().as_default(), tf.GradientTape() as tape:
                start = tf.constant(1.0)
                tape.watch(start)
                end = tf.compat.v1.while_loop(lambda v: v < 10, lambda v: v * 2, [start])
                return tape.gradient(end, start)
        finally:
            tf.compat.v1.enable_control_flow_v2()

    lstm = keras.Sequential([keras.Input((6, 2)), layers.LSTM(4), layers.Dense(1)])
    return {"lstm": lstm, "series": X[:, :6, 0, :2]}, loop


@says("Gradient only defined for scalar-output functions", on=(JAX,))
def not_scalar() -> Trouble:
    import jax

    model = flat()
    model(X)
    return {"model": model}, lambda: jax.grad(lambda x: model(x))(X)


@says("grad can be implicitly created only for scalar outputs", on=(TORCH,))
def not_scalar_torch() -> Trouble:
    import torch

    model, x = flat(), torch.tensor(X, requires_grad=True)
    return {"model": model}, lambda: torch.autograd.grad(model(x), x)


@says("Can't call numpy() on Tensor that requires grad", on=(TORCH,))
def needs_detach() -> Trouble:
    model = flat()
    return {"model": model}, lambda: np.asarray(model(X))


@says("gradient registry has no entry for: shap_")
@says("The SHAP explanations do not sum up to the model's output")
def shap() -> Trouble:
    return {"model": flat(), "background": X[::-1].copy()}, None


@says("'KerasTensor' object has no attribute 'graph'")
def shap_graph() -> Trouble:
    names, symbol = _symbol()
    return names | {"background": X[::-1].copy()}, lambda: symbol.graph


@says("No softmax found", "This analysis method does not support softmax layers")
def innvestigate() -> Trouble:
    return {"model": flat()}, None


@says("is incompatible with the layer: expected shape=(None, 16, 16, 3), found shape=(16, 16, 3)")
def one_picture() -> Trouble:
    model = flat()
    return {"model": model}, lambda: model(X[0])


@says("expects 2 named input(s) with keys ['a', 'b'], but it received 1 input tensors")
def two_inputs() -> Trouble:
    i, j = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model = keras.Model([i, j], layers.Dense(3)(layers.Concatenate()([i, j])))
    a, b = X[:, 0, :4, 0], X[:, 0, :4, 1]
    return {"model": model, "a": a, "b": b}, lambda: model(a)


@says("RuntimeWarning: invalid value encountered in divide")
def nothing_speaks_for_it() -> Trouble:
    """A net whose only evidence speaks against its class: Grad-CAM's ReLU leaves nothing."""
    i = keras.Input((16, 16, 3))
    ones = {"kernel_initializer": "ones", "use_bias": False}
    against = layers.Dense(1, kernel_initializer=keras.initializers.Constant(-1))
    feature = layers.Conv2D(1, 3, activation="relu", **ones)(i)
    model = keras.Model(i, against(layers.GlobalAveragePooling2D()(feature)))
    heatmap = np.maximum(-np.asarray(X[0].sum(axis=-1)), 0)
    return {"model": model}, lambda: heatmap / heatmap.max()
