"""What each layer does to a window: which cells it reads, and how it runs on those cells alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from kerascope.incremental.calls import Call, Rule
from kerascope.incremental.kernels import MAX, SLIDING, convolution, of, padded, pooling
from kerascope.incremental.spans import Step

ELEMENTWISE = frozenset(
    (
        "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "tanh",
        "sigmoid", "hard_sigmoid", "softplus", "softsign", "exponential", "linear", "mish",
        "log_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "hard_shrink", "soft_shrink",
        "tanh_shrink", "threshold", "squareplus", "sparse_plus", "sparse_sigmoid", "negative",
        "abs", "square", "exp", "log", "sqrt", "rsqrt", "clip", "identity",
    )
)  # fmt: skip
_ALONG_CHANNELS = frozenset({"softmax", "log_softmax", "sparsemax"})
HEADS = frozenset({"softmax", "log_softmax", "sigmoid"})
_BINARY = frozenset({"add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum"})
# What a class derived from a known layer may have of its own.
_HARMLESS = frozenset({"__init__", "build", "get_config", "from_config", "compute_output_shape"})


def has_rule(layer: Any) -> bool:
    """Tell whether a layer is one that a rule is for; a subclass with a call of its own is not."""
    return any(_is(layer, known) for known, _ in _MAKERS)


def _is(layer: Any, known: Any) -> bool:
    """Tell whether a layer is of a known class, or derived from it and computes the same."""
    if not isinstance(layer, known):
        return False
    order = type(layer).__mro__
    own = {name for cls in order[: order.index(known)] for name in vars(cls)}
    return not any(callable(getattr(known, name, None)) for name in own - _HARMLESS)


def rule_of(call: Call) -> Rule | str:
    """Return the rule of a recorded call, or the reason why there is none."""
    if getattr(call.layer, "quantization_mode", None) is not None:
        return "is quantised"
    flat = keras.tree.flatten((call.args, call.kwargs))
    if any(value is True for value in flat) or call.kwargs.get("mask") is not None:
        return "runs as in training, or with a mask"
    if any(len(shape) != len(call.output) for shape in call.given):
        return "changes the number of axes"
    if not isinstance(call.layer, layers.Layer):
        return _operation(call)
    for known, make in _MAKERS:
        if _is(call.layer, known):
            return make(call)
    return "has no rule for a window"


def head_like(layer: Any) -> bool:
    """Tell whether a layer ends in a softmax or sigmoid, as the head of a model does."""
    if isinstance(layer, layers.Softmax):
        return True
    function = getattr(layer, "activation", None)
    if isinstance(function, layers.Layer):
        return head_like(function)
    name = getattr(function, "__name__", "") or _snake(type(layer).__name__)
    return name in HEADS


def _alone(call: Call) -> Rule | str:
    """Return the rule of a layer that computes every cell from that cell of its maps."""
    if any(call.spatial(shape) != call.spatial(call.output) for shape in call.given):
        return "merges maps of different sizes"
    return Rule((Step(),) * call.rank, call.replay)


def _elementwise(function: Any, call: Call) -> str:
    """Return why an activation function is not computed cell by cell, or nothing."""
    if isinstance(function, layers.Layer):
        inner = dataclasses.replace(call, layer=function, given=(call.output,), places=(0,))
        rule = rule_of(inner)
        if isinstance(rule, str):
            return rule
        return "" if set(rule.steps) == {Step()} else "has an activation that mixes cells"
    name = getattr(function, "__name__", "")
    if function not in (getattr(keras.activations, name, None), getattr(keras.ops, name, None)):
        return f"has an activation of its own, {name or function!r}"
    last = call.channel == len(call.output) - 1
    if name in ELEMENTWISE or (name in _ALONG_CHANNELS and last):
        return ""
    return f"has the activation {name}, which mixes cells"


def _activation(call: Call) -> Rule | str:
    return _elementwise(call.layer.activation, call) or _alone(call)


def _activated(call: Call) -> Rule | str:
    return _elementwise(call.layer.activation, call) or convolution(call)


def _along_channels(call: Call) -> Rule | str:
    """Return the rule of a layer with an `axis`, which must be the channels."""
    axis = call.layer.axis
    wanted = [axis] if isinstance(axis, int) else list(axis or ())
    if [a % len(call.output) for a in wanted] != [call.channel]:
        return "mixes cells: its axis is not that of the channels"
    return _alone(call)


def _scaled(call: Call) -> Rule | str:
    """Return the rule of a layer that scales and shifts by numbers of its own."""
    names = ("scale", "offset", "mean", "variance", "alpha")
    for value in (getattr(call.layer, name, None) for name in names):
        shape = () if value is None else np.shape(value)
        full = (1,) * (len(call.output) - len(shape)) + tuple(shape)
        if any(n != 1 for n in call.spatial(full)):
            return "holds a number of its own for every position"
    return _alone(call)


def _joined(call: Call) -> Rule | str:
    if call.layer.axis % len(call.output) != call.channel:
        return "joins maps along another axis than the channels"
    return _alone(call)


def _dense(call: Call) -> Rule | str:
    if call.channel != len(call.output) - 1:
        return "mixes cells: channels come first"
    rule = _elementwise(call.layer.activation, call) or _alone(call)
    if isinstance(rule, str):
        return rule
    return dataclasses.replace(rule, work=float(call.given[0][-1] * call.output[-1]))


def _operation(call: Call) -> Rule | str:
    """Return the rule of an operation in a Functional graph: arithmetic on maps and numbers."""
    name = _snake(type(call.layer).__name__)
    flat = keras.tree.flatten((call.args, call.kwargs))
    others = [v for i, v in enumerate(flat) if i not in call.places]
    if any(np.ndim(v) > 0 for v in others if not isinstance(v, str)):
        return "computes with an array of its own"
    if name in ELEMENTWISE and len(call.places) == 1:
        return _alone(call)
    return _alone(call) if name in _BINARY else "has no rule for a window"


def _snake(name: str) -> str:
    return "".join(("_" if c.isupper() and i else "") + c.lower() for i, c in enumerate(name))


_MERGING = (
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum
)  # fmt: skip
_PER_CELL = (
    layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Dropout, layers.Identity,
    layers.ActivityRegularization, layers.GaussianNoise, layers.GaussianDropout,
    layers.AlphaDropout, *of("SpatialDropout"),
)  # fmt: skip
_PER_CHANNEL = (
    layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization,
    layers.RMSNormalization, layers.Softmax,
)  # fmt: skip
_MAKERS: tuple[tuple[Any, Callable[[Call], Rule | str]], ...] = (
    *((layer, _activated) for layer in SLIDING),
    *((layer, pooling) for layer in (*MAX, *of("AveragePooling"))),
    *((layer, padded) for layer in of("ZeroPadding", "Cropping")),
    *((layer, _alone) for layer in (*_MERGING, *_PER_CELL)),
    *((layer, _along_channels) for layer in _PER_CHANNEL),
    *((layer, _scaled) for layer in (layers.Rescaling, layers.Normalization, layers.PReLU)),
    (layers.Activation, _activation),
    (layers.Concatenate, _joined),
    (layers.Dense, _dense),
)
