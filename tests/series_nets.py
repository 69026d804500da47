"""Small nets of series, volumes and films with a planted cause: a bump, a slice, a frame.

python tests/series_nets.py      # trains anew (two minutes on two cores), writes the weights
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

WEIGHTS = Path(__file__).parent / "data" / "series_nets.safetensors"
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
        "conv_recurrent": lambda x: layers.GRU(16)(
            layers.MaxPooling1D(4)(layers.Conv1D(8, 5, padding="same", activation="relu")(x))
        ),
        "conv_lstm": lambda x: layers.Flatten()(
            layers.ConvLSTM1D(8, 3, padding="same")(layers.Reshape((8, 4, 3))(x))
        ),
    }


def series_model(kind: str) -> keras.Model:
    """Return an untrained forecaster of four steps."""
    i = keras.Input((STEPS, len(CHANNELS)), name="series")
    return keras.Model(i, layers.Dense(AHEAD)(bodies()[kind](i)))


@functools.cache
def forecaster(kind: str) -> keras.Model:
    """Return a forecaster of four steps, trained on `bumps`."""
    return with_weights(series_model(kind), kind)


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


def deep_model(kind: str) -> keras.Model:
    """Return an untrained classifier of volumes or films."""
    i = keras.Input((*SIZE, 1), name="volume")
    return keras.Model(i, layers.Dense(2, activation="softmax")(deep_bodies()[kind](i)))


@functools.cache
def classifier(kind: str) -> keras.Model:
    """Return a classifier of volumes or films, trained on `blobs`."""
    return with_weights(deep_model(kind), f"deep_{kind}")


def with_weights(model: keras.Model, name: str) -> keras.Model:
    """Return the model with the weights kept under a name."""
    from safetensors.numpy import load_file

    held = load_file(WEIGHTS)
    model.set_weights([held[f"{name}/{i}"] for i in range(len(model.weights))])
    return model


def main() -> None:
    """Train all nets and write their weights."""
    from safetensors.numpy import save_file

    found: dict[str, np.ndarray] = {}
    for name, model, (x, y, _), epochs, loss in (
        *((k, lambda k=k: series_model(k), bumps(2048, seed=0), 16, "mse") for k in bodies()),
        *(
            (f"deep_{k}", lambda k=k: deep_model(k), blobs(512, seed=0), 8,
             "sparse_categorical_crossentropy")
            for k in deep_bodies()
        ),
    ):  # fmt: skip
        keras.utils.set_random_seed(1)
        net = model()
        net.compile(keras.optimizers.Adam(0.01 if loss == "mse" else 0.02), loss)
        last = net.fit(x, y, epochs=epochs, batch_size=32, verbose=0).history["loss"][-1]
        print(f"{name}: loss {last:.4f}")
        found |= {f"{name}/{i}": weight for i, weight in enumerate(net.get_weights())}
    save_file(found, WEIGHTS)


if __name__ == "__main__":
    main()
