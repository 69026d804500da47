"""Tiny convolutional nets in NumPy, float64, with a backward pass by hand; their Keras twins.

No framework takes part in what the oracles compute. Arrays are (sample, y, x, channel).
`methods/test_numpy_net.py` checks the backward pass by finite differences, and the Keras twins
against the forward pass.
"""

from __future__ import annotations

import dataclasses
import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Conv:
    """Convolution; kernel (y, x, in, out), odd. `same` pads with zeros, for stride 1."""

    kernel: Array
    bias: Array
    stride: int = 1
    same: bool = False

    def _offsets(self, shape: tuple[int, ...]) -> list[tuple[Array, tuple[slice, ...]]]:
        """Return, for every kernel position, its matrix and the input positions that it reads."""
        height, width, s = self.kernel.shape[0], self.kernel.shape[1], self.stride
        rows, columns = (shape[1] - height) // s + 1, (shape[2] - width) // s + 1
        return [
            (self.kernel[i, j], np.s_[:, i : i + s * rows : s, j : j + s * columns : s])
            for i in range(height)
            for j in range(width)
        ]

    def _edge(self) -> int:
        return self.kernel.shape[0] // 2 if self.same else 0

    def forward(self, x: Array) -> Array:
        e = self._edge()
        padded = np.pad(x, ((0, 0), (e, e), (e, e), (0, 0)))
        return (
            sum(padded[where] @ matrix for matrix, where in self._offsets(padded.shape)) + self.bias
        )

    def backward(self, x: Array, g: Array) -> Array:
        e = self._edge()
        back = np.zeros((x.shape[0], x.shape[1] + 2 * e, x.shape[2] + 2 * e, x.shape[3]))
        for matrix, where in self._offsets(back.shape):
            back[where] += g @ matrix.T
        return back[:, e : e + x.shape[1], e : e + x.shape[2]]


@dataclasses.dataclass(frozen=True, eq=False)
class Norm:
    """Batch normalisation at inference: a scale and a shift per channel."""

    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    epsilon: float = 1e-3

    @property
    def scale(self) -> Array:
        return self.gamma / np.sqrt(self.variance + self.epsilon)

    @property
    def bias(self) -> Array:
        return self.beta - self.mean * self.scale

    def forward(self, x: Array) -> Array:
        return x * self.scale + self.bias

    def backward(self, x: Array, g: Array) -> Array:
        return g * self.scale


@dataclasses.dataclass(frozen=True, eq=False)
class Act:
    """ReLU or softplus."""

    kind: str

    def forward(self, x: Array) -> Array:
        return np.maximum(x, 0) if self.kind == "relu" else np.logaddexp(0, x)

    def backward(self, x: Array, g: Array) -> Array:
        return g * (x > 0 if self.kind == "relu" else 1 / (1 + np.exp(-x)))


class Pool:
    """Global average pooling."""

    def forward(self, x: Array) -> Array:
        return x.mean(axis=(1, 2))

    def backward(self, x: Array, g: Array) -> Array:
        return np.broadcast_to(g[:, None, None] / (x.shape[1] * x.shape[2]), x.shape)


class Flat:
    """Rows of all values, channels last."""

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), -1)

    def backward(self, x: Array, g: Array) -> Array:
        return g.reshape(x.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class Dense:
    """Fully connected; kernel (in, out)."""

    kernel: Array
    bias: Array

    def forward(self, x: Array) -> Array:
        return x @ self.kernel + self.bias

    def backward(self, x: Array, g: Array) -> Array:
        return g @ self.kernel.T


@dataclasses.dataclass(frozen=True, eq=False)
class Net:
    """A chain of layers that ends in logits; `pictures` are two samples for it."""

    name: str
    layers: tuple[Any, ...]
    pictures: Array

    @property
    def top(self) -> int:
        """Number of layers up to the last maps."""
        return next(i for i, layer in enumerate(self.layers) if isinstance(layer, (Pool, Flat)))

    def upto(self, x: Array, stop: int) -> Array:
        """Return what the first `stop` layers give."""
        for layer in self.layers[:stop]:
            x = layer.forward(x)
        return x

    def scores(self, value: Array, k: int, start: int = 0) -> Array:
        """Return the logits of class `k` for values at the input of layer `start`."""
        for layer in self.layers[start:]:
            value = layer.forward(value)
        return value[:, k]

    def gradients(self, value: Array, k: int, start: int = 0) -> list[Array]:
        """Return the derivatives of the logit by layer `start`'s input and every later output."""
        values = [value]
        for layer in self.layers[start:]:
            values.append(layer.forward(values[-1]))
        found = [np.zeros_like(values[-1])]
        found[0][:, k] = 1
        for layer, x in zip(self.layers[start:][::-1], values[-2::-1], strict=True):
            found.append(layer.backward(x, found[-1]))
        return found[::-1]

    def gradient(self, value: Array, k: int, start: int = 0) -> Array:
        """Return the derivative of the logit by the input of layer `start`."""
        return self.gradients(value, k, start)[0]


def keras_model(net: Net, *, softmax: bool = True) -> Any:
    """Return the Keras twin; activations are fused into the layers before, as people write them."""
    import keras

    kl = keras.layers
    x = inputs = keras.Input(net.pictures.shape[1:])
    pairs = list(zip(net.layers, (*net.layers[1:], None), strict=True))
    for i, (layer, after) in enumerate(pairs):
        act = after.kind if isinstance(after, Act) else None
        name, keep = f"layer{i}", None
        if isinstance(layer, Conv):
            pad = "same" if layer.same else "valid"
            size = layer.kernel.shape
            new = kl.Conv2D(size[3], size[:2], layer.stride, pad, activation=act, name=name)
            keep = [layer.kernel, layer.bias]
        elif isinstance(layer, Norm):
            new = kl.BatchNormalization(epsilon=layer.epsilon, name=name)
            keep = [layer.gamma, layer.beta, layer.mean, layer.variance]
        elif isinstance(layer, Dense):
            last = "softmax" if after is None and softmax else act
            new, keep = kl.Dense(layer.kernel.shape[1], last, name=name), [layer.kernel, layer.bias]
        elif isinstance(layer, Act):
            if isinstance(net.layers[i - 1], (Conv, Dense)):
                continue
            new = kl.Activation(layer.kind, name=name)
        else:
            new = (kl.GlobalAveragePooling2D if isinstance(layer, Pool) else kl.Flatten)(name=name)
        x = new(x)
        if keep is not None:
            new.set_weights(keep)
    return keras.Model(inputs, x, name=net.name)


def keras_layer(net: Net, stop: int) -> str:
    """Return the name of the Keras layer that gives what the first `stop` layers give."""
    fused = isinstance(net.layers[stop - 1], Act) and isinstance(
        net.layers[stop - 2], (Conv, Dense)
    )
    return f"layer{stop - 2 if fused else stop - 1}"


class Maker:
    """Draws the weights of one net."""

    def __init__(self, name: str) -> None:
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def normal(self, *shape: int, scale: float = 1.0) -> Array:
        return (self.rng.normal(size=shape) * scale).astype(np.float32).astype(np.float64)

    def conv(self, before: int, after: int, *, bias: bool = True, **options: Any) -> Conv:
        kernel = self.normal(3, 3, before, after, scale=(2 / (9 * before)) ** 0.5)
        return Conv(kernel, self.normal(after, scale=0.3 * bias), **options)

    def norm(self, n: int) -> Norm:
        variance = np.exp(self.normal(n, scale=0.3)).astype(np.float32).astype(np.float64)
        return Norm(
            1 + self.normal(n, scale=0.2),
            self.normal(n, scale=0.3),
            self.normal(n, scale=0.3),
            variance,
        )

    def dense(self, before: int, after: int, scale: float = 2.0) -> Dense:
        return Dense(
            self.normal(before, after, scale=scale / before**0.5), self.normal(after, scale=0.3)
        )


def _smooth(m: Maker) -> tuple[Any, ...]:
    return (
        m.conv(4, 5),
        Act("softplus"),
        m.conv(5, 6),
        Act("softplus"),
        Flat(),
        m.dense(5 * 8 * 6, 3),
    )


def _pooled(m: Maker) -> tuple[Any, ...]:
    return (
        m.conv(3, 5),
        Act("relu"),
        m.conv(5, 6, stride=2),
        Act("relu"),
        Pool(),
        m.dense(6, 3, 6.0),
    )


def _deep(m: Maker) -> tuple[Any, ...]:
    stem = m.conv(3, 4, bias=False), m.norm(4), Act("relu"), m.conv(4, 5), Act("relu")
    return *stem, Flat(), m.dense(4 * 6 * 5, 8), Act("relu"), m.dense(8, 3)


def _whole(m: Maker) -> tuple[Any, ...]:
    stem = m.conv(3, 5, same=True), Act("relu"), m.conv(5, 6, same=True), Act("relu")
    return *stem, Flat(), m.dense(7 * 9 * 6, 3)


def _single(m: Maker) -> tuple[Any, ...]:
    stem = m.conv(1, 1), Act("relu"), m.conv(1, 1), Act("relu")
    return *stem, Flat(), m.dense(4 * 6, 3)


def _linear(m: Maker) -> tuple[Any, ...]:
    return Flat(), m.dense(5 * 7 * 3, 3)


def _homogeneous(m: Maker) -> tuple[Any, ...]:
    stem = m.conv(3, 4, bias=False), Act("relu"), m.conv(4, 5, bias=False), Act("relu")
    dense = m.dense(3 * 5 * 5, 3)
    return *stem, Flat(), dataclasses.replace(dense, bias=0 * dense.bias)


def _raw(m: Maker) -> tuple[Any, ...]:
    return m.conv(3, 5), Act("relu"), m.conv(5, 6), Flat(), m.dense(4 * 5 * 6, 3)


# name: (layers, shape of a picture); H ≠ W throughout
_NETS: dict[str, tuple[Callable[[Maker], tuple[Any, ...]], tuple[int, int, int]]] = {
    "smooth": (_smooth, (9, 12, 4)),  # smooth everywhere: integrals converge fast
    "pooled": (_pooled, (11, 8, 3)),  # pooling and one linear layer behind 4 × 2 maps
    "deep": (_deep, (8, 10, 3)),  # batch normalisation, biases everywhere, two dense layers
    "whole": (_whole, (7, 9, 3)),  # maps as large as the input
    "single": (_single, (8, 10, 1)),  # one channel everywhere
    "linear": (_linear, (5, 7, 3)),
    "homogeneous": (_homogeneous, (7, 9, 3)),  # ReLU without any bias: f(a·x) = a·f(x)
    "raw": (_raw, (8, 9, 3)),  # the last maps have no ReLU: negative activations
}


@functools.cache
def net(name: str) -> Net:
    """Return a net by name, always with the same weights and pictures."""
    make, shape = _NETS[name]
    maker = Maker(name)
    return Net(name, make(maker), maker.normal(2, *shape))
