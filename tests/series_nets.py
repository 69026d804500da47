"""Small nets of series, volumes and films with a planted cause: a bump, a slice, a frame."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import layers

STEPS, CHANNELS, AHEAD = 32, ("load", "wind", "sun"), 4
CAUSE = 1  # the channel whose bump decides
SIZE = (6, 10, 12)


def bumps(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return series (sample, step, channel), the forecasts to learn, and where each bump starts.

    Noise, with a bump three steps long in every channel; the forecast is the height of the bump in
    channel `CAUSE`, wherever it is, half of it after two steps.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.2, (count, STEPS, len(CHANNELS)))
    start = rng.integers(2, STEPS - 5, (count, len(CHANNELS)))
    height = rng.uniform(1, 3, (count, len(CHANNELS)))
    for i in range(count):
        for c in range(len(CHANNELS)):
            x[i, start[i, c] : start[i, c] + 3, c] += height[i, c]
    y = height[:, CAUSE, None] * np.array([1, 1, 0.5, 0.5])
    return x.astype("float32"), y.astype("float32"), start[:, CAUSE]


def bodies() -> dict[str, Any]:
    """Return what turns a series into a vector, by kind of net."""
    return {
        "conv": lambda x: layers.GlobalMaxPooling1D()(
            layers.Conv1D(8, 5, padding="same", activation="relu")(x)
        ),
        "gru": lambda x: layers.GlobalMaxPooling1D()(layers.GRU(8, return_sequences=True)(x)),
        "conv_recurrent": lambda x: layers.LSTM(10)(
            layers.MaxPooling1D(4)(layers.Conv1D(8, 5, padding="same", activation="relu")(x))
        ),
    }


@functools.cache
def forecaster(kind: str) -> keras.Model:
    """Return a forecaster of four steps, trained on `bumps`."""
    keras.utils.set_random_seed(1)
    i = keras.Input((STEPS, len(CHANNELS)), name="series")
    model = keras.Model(i, layers.Dense(AHEAD)(bodies()[kind](i)))
    x, y, _ = bumps(1024, seed=0)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(x, y, epochs=12, batch_size=64, verbose=0)
    return model


def blobs(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return volumes (sample, z, y, x, 1), their classes, and (z, y, x) where each blob starts.

    Noise; a bright blob one slice thick and 3 × 3 wide where the class is 1, a dark one where it
    is 0.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.15, (count, *SIZE, 1))
    truth = rng.integers(0, 2, count)
    place = np.stack(
        [rng.integers(0, n - k + 1, count) for n, k in zip(SIZE, (1, 3, 3), strict=True)], 1
    )
    for i, (z, r, c) in enumerate(place):
        x[i, z, r : r + 3, c : c + 3] += 1.0 if truth[i] else -1.0
    return x.astype("float32"), truth, place


def _frames(x: Any, *found: Any) -> Any:
    for layer in found:
        x = layers.TimeDistributed(layer)(x)
    return x


def deep_bodies() -> dict[str, Any]:
    """Return what turns a volume or film into a vector, by kind of net."""
    conv = {"padding": "same", "activation": "relu"}
    return {
        "conv3d": lambda x: layers.GlobalMaxPooling3D()(
            layers.Conv3D(6, 3, **conv)(layers.Conv3D(6, 3, **conv)(x))
        ),
        "conv_lstm": lambda x: layers.GlobalMaxPooling2D()(
            layers.ConvLSTM2D(6, 3, padding="same")(x)
        ),
        "time_distributed": lambda x: layers.GRU(8)(
            _frames(x, layers.Conv2D(6, 3, **conv), layers.GlobalMaxPooling2D())
        ),
    }


@functools.cache
def classifier(kind: str) -> keras.Model:
    """Return a classifier of volumes or films, trained on `blobs`."""
    keras.utils.set_random_seed(1)
    i = keras.Input((*SIZE, 1), name="volume")
    model = keras.Model(i, layers.Dense(2, activation="softmax")(deep_bodies()[kind](i)))
    x, y, _ = blobs(512, seed=0)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=8, batch_size=32, verbose=0)
    return model
