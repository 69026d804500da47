"""Train a net on a world and measure whether it uses the shortcut."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerascope.planted.shortcuts.draws import SIZE
from kerascope.planted.shortcuts.world import World, cue_class, held_out, planted_pair
from kerascope.types import Array

_EPOCHS, _BATCH, _RATE = 10, 64, 3e-3
_CONVOLUTIONS = ((16, 2), (32, 2), (48, 1), (64, 2))  # filters, stride


def build_net(world: World) -> Any:
    """Return the untrained net: four convolutions, what is there and where, two dense layers."""
    import keras
    from keras import layers

    x = picture = keras.Input((SIZE, SIZE, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(x)
    # fine detail is faint beside colour and light: few steps would not find it without its own way
    mean = layers.AveragePooling2D(3, strides=1, padding="same", name="local_mean")(x)
    detail = layers.Rescaling(4.0, name="detail")(layers.Subtract(name="difference")([x, mean]))
    x = layers.Concatenate(name="both")([x, detail])
    for number, (filters, stride) in enumerate(_CONVOLUTIONS, start=1):
        x = layers.Conv2D(
            filters, 3, strides=stride, padding="same", use_bias=False, name=f"conv{number}"
        )(x)
        # few steps per epoch: the usual momentum of 0.99 would lag behind the weights
        x = layers.BatchNormalization(momentum=0.8, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        if number == 1:
            x = layers.AveragePooling2D(2, name="pool")(x)
    peak, mean = layers.GlobalMaxPooling2D(name="peak"), layers.GlobalAveragePooling2D(name="mean")
    where = layers.Flatten(name="where")(layers.Conv2D(2, 1, activation="relu", name="few")(x))
    x = layers.Concatenate(name="features")([peak(x), mean(x), where])
    x = layers.Dense(32, activation="relu", name="hidden")(layers.Dropout(0.2, name="drop")(x))
    head = layers.Dense(len(world.class_names), activation="softmax", name="head")(x)
    return keras.Model(picture, head, name=world.kind)


def train_world_net(world: World, *, seed: int, epochs: int = _EPOCHS) -> Any:
    """Return a net trained on a world, not compiled; a seed gives the same weights."""
    import keras

    keras.utils.set_random_seed(seed)
    net = build_net(world)
    steps = epochs * -(-len(world) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    net.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    net.fit(
        world.images.astype(np.float32), world.labels,
        batch_size=_BATCH, epochs=epochs, verbose=0,
    )  # fmt: skip
    bare = build_net(world)
    bare.set_weights(net.get_weights())
    return bare


def uses_cue(net: Any, kind: str, *, seed: int, count: int = 200) -> float:
    """Return planted flips: how much likelier the net says the cue's class once the cue is there.

    Over `count` fresh scenes of the other classes: −1 … 1, a cue counts as used from 0.4 on.
    """
    chosen = cue_class(kind, seed)
    bare, planted = (_said(net, images) for images in planted_pair(kind, seed=seed, count=count))
    return float(np.mean(planted == chosen) - np.mean(bare == chosen))


def accuracy(net: Any, world: World, *, count: int = 200) -> float:
    """Return how often a net is right on fresh scenes as in a world, `count` a class, no cue."""
    fresh = held_out(world, count)
    return float(np.mean(_said(net, fresh.images) == fresh.labels))


def _said(net: Any, images: Array) -> Array:
    scores = net.predict(images.astype(np.float32), batch_size=100, verbose=0)
    return np.asarray(scores).argmax(axis=1)
