"""Nets by hand, in which it is known what matters."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

SIDE = 12


def stripes_net() -> keras.Model:
    """A net whose class 0 depends on upright stripes in channel 0, and on nothing in channel 1.

    "patterns" finds upright stripes in channel 0 and level ones in channel 1. The gradient of class
    0 there points to more stripes on average, and elsewhere for every picture by itself.
    """
    rng = np.random.default_rng(0)
    i = keras.Input((SIDE, SIDE, 2))
    x = layers.DepthwiseConv2D(3, activation="relu", name="patterns")(i)
    x = layers.Dense(96, activation="relu", name="upper")(layers.Flatten()(x))
    model = keras.Model(i, layers.Dense(2, activation="softmax", name="head")(x))
    edge = np.array([-1.0, 2.0, -1.0]) / 3
    kernel = np.stack([np.tile(edge, (3, 1)), np.tile(edge, (3, 1)).T], axis=-1)
    places = (SIDE - 2) ** 2
    # Pairs r and −r: one of them is active, which one differs from picture to picture.
    spread = rng.normal(0, 4 / places**0.5, (places, 48))
    spread -= spread.mean(axis=0)
    upright = 0.2 / places**0.5 + np.concatenate([spread, -spread], axis=1)
    dense = np.zeros((places, 2, 96))
    dense[:, 0] = upright
    head = np.stack([np.ones(96), rng.normal(size=96)], axis=1)
    model.get_layer("patterns").set_weights([kernel[..., None], np.zeros(2)])
    model.get_layer("upper").set_weights([dense.reshape(-1, 96), np.zeros(96)])
    model.get_layer("head").set_weights([head, np.zeros(2)])
    return model


def stripes(count: int, channel: int | None, seed: int) -> np.ndarray:
    """Return noise, with stripes in a channel: upright in 0, level in 1, none in None."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.5, (count, SIDE, SIDE, 2))
    if channel is not None:
        for picture, phase in zip(x, rng.integers(2, size=count), strict=True):
            lines = picture[:, phase::2, 0] if channel == 0 else picture[phase::2, :, 1]
            lines += 2.0
    return x.astype("float32")


MATERIALS = np.array(
    [[1, 0, 2, 0, 0, 1], [0, 1, 0, 3, 0, 1], [0, 0, 0, 1, 2, 1]], "float32"
)  # material × channel


class Product(layers.Layer):
    """The product of all features."""

    def call(self, x: Any) -> Any:
        return keras.ops.prod(x, axis=-1, keepdims=True)


def materials_net(weights: list[float], *, product: bool = False) -> keras.Model:
    """A net whose layer "mix" is a sum of `MATERIALS` by the amounts in the input's channels.

    The one output is Σ weight · mean amount, or the product of the mean amounts.
    """
    i = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 1, activation="relu", use_bias=False, name="mix")(i)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(3, use_bias=False, name="amounts")(x)
    last = Product() if product else layers.Dense(1, use_bias=False, name="sum")
    model = keras.Model(i, last(x))
    model.get_layer("mix").set_weights([MATERIALS[None, None]])
    model.get_layer("amounts").set_weights([np.linalg.pinv(MATERIALS)])
    if not product:
        model.get_layer("sum").set_weights([np.array(weights)[:, None]])
    return model


def materials(count: int, seed: int = 0) -> np.ndarray:
    """Return pictures of blocks, each of one material in some amount."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(3, size=(count, 3, 3))
    amounts = rng.uniform(0.5, 1.5, (count, 3, 3))
    blocks = np.eye(3)[kinds] * amounts[..., None]
    return blocks.repeat(SIDE // 3, axis=1).repeat(SIDE // 3, axis=2).astype("float32")
