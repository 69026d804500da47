"""Nets for comparing backward rules with zennit: like VGG, like ResNet, with and without BatchNorm.

The weights are drawn once for both sides; each side builds its own net.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

Array = np.ndarray
NETS = ("vgg", "vgg_bn", "resnet", "resnet_bn")
CLASSES, K = 5, 1
# zennit leaves a merged normalisation with this ε beside a variance of one.
EPSILON = 1e-7


class Weights:
    """Draws the weights of one net, always the same, in the order of its layers."""

    def __init__(self, name: str) -> None:
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def conv(self, size: int, before: int, after: int) -> tuple[Array, Array]:
        """Return kernel (y, x, in, out) and bias."""
        kernel = self.rng.normal(size=(size, size, before, after)) * (2 / size**2 / before) ** 0.5
        return kernel.astype(np.float32), (0.1 * self.rng.normal(size=after)).astype(np.float32)

    def norm(self, n: int) -> tuple[Array, ...]:
        """Return gamma (some of it negative), beta, mean and variance."""
        gamma = self.rng.uniform(0.5, 1.5, n) * np.where(self.rng.random(n) < 0.2, -1, 1)
        rest = 0.2 * self.rng.normal(size=n), 0.2 * self.rng.normal(size=n)
        return tuple(v.astype(np.float32) for v in (gamma, *rest, self.rng.uniform(0.5, 1.5, n)))

    def dense(self, before: int, after: int) -> tuple[Array, Array]:
        """Return kernel (in, out) and bias."""
        kernel = self.rng.normal(size=(before, after)) * (2 / before) ** 0.5
        return kernel.astype(np.float32), (0.1 * self.rng.normal(size=after)).astype(np.float32)


def pictures() -> Array:
    """Return two pictures (sample, y, x, channel), of both signs."""
    return np.random.default_rng(0).normal(size=(2, 12, 16, 3)).astype(np.float32)


def background() -> Array:
    """Return three baselines."""
    return np.random.default_rng(1).normal(size=(3, 12, 16, 3)).astype(np.float32)


def keras_net(name: str) -> Any:
    """Return the Keras model of a net, without a softmax."""
    import keras

    kl, draw, norms = keras.layers, Weights(name), name.endswith("_bn")
    made: list[tuple[Any, Any]] = []

    def conv(x: Any, size: int, after: int, *, relu: bool = True) -> Any:
        kernel = draw.conv(size, x.shape[-1], after)
        fused = "relu" if relu and not norms else None
        layer = kl.Conv2D(after, size, padding="same", activation=fused)
        made.append((layer, kernel))
        x = layer(x)
        if norms:
            norm = kl.BatchNormalization(epsilon=EPSILON)
            made.append((norm, draw.norm(after)))
            x = norm(x)
            x = kl.ReLU()(x) if relu else x
        return x

    def dense(x: Any, after: int, activation: str | None) -> Any:
        layer = kl.Dense(after, activation)
        made.append((layer, draw.dense(x.shape[-1], after)))
        return layer(x)

    x = inputs = keras.Input((12, 16, 3))
    x = conv(x, 3, 6)
    if name.startswith("vgg"):
        x = kl.MaxPooling2D()(conv(x, 3, 8))
        x = kl.MaxPooling2D()(conv(x, 3, 8))
        x = dense(kl.GlobalAveragePooling2D()(x), 10, "relu")
    else:
        for _ in range(2):
            y = conv(conv(x, 3, 6), 3, 6, relu=False)
            x = kl.ReLU()(kl.Add()([y, x]))
        x = kl.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, dense(x, CLASSES, None))
    for layer, weights in made:
        layer.set_weights(weights)
    return model


def plain_torch_net(name: str) -> Any:
    """Return the torch twin without anything of zennit's, for the other libraries."""
    import torch

    class Sum(torch.nn.Module):
        """The sum over the last axis."""

        def forward(self, x: Any) -> Any:
            return x.sum(dim=-1)

    return torch_net(name, Sum)


def torch_net(name: str, total: Any = None) -> Any:
    """Return the torch twin of a net; residual sums are modules: zennit's `Sum`, or `total`."""
    import torch
    from torch import nn

    if total is None:
        from zennit.layer import Sum as total

    draw, norms = Weights(name), name.endswith("_bn")

    def load(module: Any, *values: Array) -> Any:
        names = ("weight", "bias", "running_mean", "running_var")
        state = {n: torch.tensor(np.ascontiguousarray(v)) for n, v in zip(names, values)}  # noqa: B905
        module.load_state_dict(state, strict=False)
        return module

    def conv(size: int, before: int, after: int, *, relu: bool = True) -> list[Any]:
        kernel, bias = draw.conv(size, before, after)
        new = nn.Conv2d(before, after, size, padding="same")
        modules = [load(new, kernel.transpose(3, 2, 0, 1), bias)]
        if norms:
            modules.append(load(nn.BatchNorm2d(after, eps=EPSILON), *draw.norm(after)))
        return [*modules, nn.ReLU()] if relu else modules

    def dense(before: int, after: int) -> Any:
        kernel, bias = draw.dense(before, after)
        return load(nn.Linear(before, after), kernel.T, bias)

    class Block(nn.Module):
        """relu(f(x) + x)."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(*conv(3, 6, 6), *conv(3, 6, 6, relu=False))
            self.sum, self.relu = total(), nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.sum(torch.stack([self.inner(x), x], dim=-1)))

    stem = conv(3, 3, 6)
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if name.startswith("vgg"):
        middle = [*conv(3, 6, 8), nn.MaxPool2d(2), *conv(3, 8, 8), nn.MaxPool2d(2)]
        return nn.Sequential(
            *stem, *middle, *pool, dense(8, 10), nn.ReLU(), dense(10, CLASSES)
        ).eval()
    return nn.Sequential(*stem, Block(), Block(), *pool, dense(6, CLASSES)).eval()
