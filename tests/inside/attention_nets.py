"""Tiny nets that attend in every way people build, each with what the weights must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

Net = tuple[Any, np.ndarray, dict[str, tuple[int, ...]]]  # model, inputs, shapes by attention layer
NETS: dict[str, Callable[[], Net]] = {}


def net(build: Callable[[], Net]) -> Callable[[], Net]:
    """Register a builder under its name; weights are seeded, biases too."""

    def seeded() -> Net:
        keras.utils.set_random_seed(3)
        model, x, shapes = build()
        rng = np.random.default_rng(1)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(0, 0.7, variable.shape))
        return model, x, shapes

    NETS[build.__name__] = seeded
    return seeded


def series(samples: int = 2, steps: int = 6, width: int = 4) -> np.ndarray:
    """Return random sequences."""
    return np.random.default_rng(8).normal(0, 1, (samples, steps, width)).astype(np.float32)


def _head(i: Any, x: Any) -> Any:
    return keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


@net
def fused() -> Net:
    i = keras.Input((6, 4))
    return _head(i, layers.MultiHeadAttention(2, 3, name="a")(i, i)), series(), {"a": (2, 6, 6)}


@net
def causal() -> Net:
    i = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3, name="a")(i, i, use_causal_mask=True)
    return _head(i, x), series(), {"a": (2, 6, 6)}


@net
def unfused() -> Net:
    i = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3, dropout=0.3, name="a")(i, i, use_causal_mask=True)
    return _head(i, x), series(), {"a": (2, 6, 6)}


@net
def grouped() -> Net:
    i = keras.Input((6, 4))
    x = layers.GroupQueryAttention(3, 4, 2, name="a")(i, i)
    return _head(i, x), series(), {"a": (4, 6, 6)}


@net
def dot_and_additive() -> Net:
    i = keras.Input((6, 4))
    x = layers.Attention(use_scale=True, name="dot")([i, i])
    x = layers.Attention(score_mode="concat", name="concat")([x, i])
    x = layers.AdditiveAttention(name="additive")([x, i])
    return _head(i, x), series(), dict.fromkeys(("dot", "concat", "additive"), (1, 6, 6))


@net
def cross() -> Net:
    i = keras.Input((6, 4))
    pooled = layers.AveragePooling1D(2)(i)
    return (
        _head(i, layers.MultiHeadAttention(2, 3, name="a")(pooled, i)),
        series(),
        {"a": (2, 3, 6)},
    )


@net
def plane() -> Net:
    """Attention along two axes at once."""
    i = keras.Input((2, 3, 4))
    x = layers.MultiHeadAttention(2, 3, attention_axes=(1, 2), name="a")(i, i)
    x = np.random.default_rng(8).normal(0, 1, (2, 2, 3, 4)).astype(np.float32), x
    model = keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling2D()(x[1])))
    return model, x[0], {"a": (2, 6, 6)}


class CachedAttention(layers.MultiHeadAttention):
    """Shaped like KerasHub's attention with a cache: a `call` of its own, no scores returned."""

    def call(self, query: Any, value: Any, key: Any = None, cache: Any = None) -> Any:
        query, key = self._query_dense(query), self._key_dense(value)
        value = self._value_dense(value)
        output, _ = self._compute_attention(query=query, key=key, value=value)
        return self._output_dense(output)


@net
def cached() -> Net:
    i = keras.Input((6, 4))
    return _head(i, CachedAttention(2, 3, name="a")(i, i)), series(), {"a": (2, 6, 6)}


class Tuple(layers.Layer):
    """Returns (output, weights); `plain` makes the weights without any softmax of Keras."""

    def __init__(self, plain: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plain = plain

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

    def call(self, x: Any) -> Any:
        q = x @ self.kernel
        logits = q @ ops.transpose(q, (0, 2, 1))
        if not self.plain:
            weights = ops.softmax(logits, axis=-1)
            return weights @ x, weights
        powers = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
        weights = powers / ops.sum(powers, axis=-1, keepdims=True)
        return weights @ x, weights


@net
def returned() -> Net:
    i = keras.Input((6, 4))
    return _head(i, Tuple(name="a")(i)[0]), series(), {"a": (1, 6, 6)}


@net
def returned_without_softmax() -> Net:
    i = keras.Input((6, 4))
    return _head(i, Tuple(plain=True, name="a")(i)[0]), series(), {"a": (1, 6, 6)}


class PoolingAttention(layers.Layer):
    """The attention of tutorials on sequences: a softmax over time, a weighted sum."""

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 1), name="kernel")

    def call(self, x: Any) -> Any:
        weights = ops.softmax(ops.tanh(x @ self.kernel), axis=1)
        return ops.sum(x * weights, axis=1)


@net
def pooling() -> Net:
    i = keras.Input((6, 4))
    model = keras.Model(i, layers.Dense(3)(PoolingAttention(name="a")(i)))
    return model, series(), {"a": (1, 1, 6)}


@net
def from_plain_layers() -> Net:
    """Attention put together from Dot and Softmax layers."""
    i = keras.Input((6, 4))
    q, k = layers.Dense(3)(i), layers.Dense(3)(i)
    weights = layers.Softmax(name="a")(layers.Dot(axes=2)([q, k]))
    return _head(i, layers.Dot(axes=(2, 1))([weights, i])), series(), {"a": (1, 6, 6)}


class Block(layers.Layer):
    """A whole block that adds plain tensors, as KerasHub's do; nothing of it goes through Keras."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attend = layers.MultiHeadAttention(2, 3, name=f"attend_{self.name}")
        self.norm = layers.LayerNormalization()

    def build(self, shape: Any) -> None:
        self.attend.build(shape, shape)
        self.norm.build(shape)

    def call(self, x: Any) -> Any:
        y = self.norm(x)
        return x + self.attend(y, y)


@net
def blocks() -> Net:
    i = keras.Input((6, 4))
    x = Block(name="second")(Block(name="first")(i))
    return (
        _head(i, x),
        series(),
        {"first/attend_first": (2, 6, 6), "second/attend_second": (2, 6, 6)},
    )


class Windows(layers.Layer):
    """Attends within windows of four tokens that are folded into the samples, as Swin does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attend = layers.MultiHeadAttention(2, 3, name="attend")

    def build(self, shape: Any) -> None:
        self.attend.build((None, 4, shape[-1]), (None, 4, shape[-1]))

    def call(self, x: Any) -> Any:
        _, height, width, channels = x.shape
        x = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 4, channels))
        x = ops.reshape(self.attend(x, x), (-1, height // 2, width // 2, 2, 2, channels))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height, width, channels))


@net
def windows() -> Net:
    i = keras.Input((8, 12, 3))
    x = layers.Conv2D(4, 2, strides=2, name="patches")(i)
    x = layers.GlobalAveragePooling2D()(Windows(name="windows")(x))
    x = np.random.default_rng(8).normal(0, 1, (2, 8, 12, 3)).astype(np.float32), x
    return keras.Model(i, layers.Dense(3)(x[1])), x[0], {"windows/attend": (6, 2, 4, 4)}


@net
def words() -> Net:
    """A text classifier with padding: zero is no word."""
    i = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 4, mask_zero=True, name="embed")(i)
    x = layers.MultiHeadAttention(2, 3, name="a")(x, x)
    x = layers.GlobalAveragePooling1D()(x)
    ids = np.array([[3, 5, 9, 2, 0, 0, 0], [4, 4, 8, 1, 7, 6, 2]], np.int32)
    return keras.Model(i, layers.Dense(3, activation="softmax")(x)), ids, {"a": (2, 7, 7)}
