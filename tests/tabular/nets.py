"""Small Dense nets over tables, with weights from NumPy, so that they are alike on each backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from tabular.plain import NAMES, rows, weights

__all__ = ["NAMES", "filled", "linear", "mixed", "net", "people", "rows", "scores", "table"]


def table(count: int = 60, seed: int = 3) -> dict[str, np.ndarray]:
    """The same as a dict of columns."""
    return dict(zip(NAMES, rows(count, seed=seed).T, strict=True))


def filled(model: Any, seed: int = 0) -> Any:
    """Give a built model weights that do not depend on the backend."""
    found = [layer for layer in model.layers if isinstance(layer, layers.Dense | layers.Embedding)]
    values = iter(weights([w.shape for layer in found for w in layer.weights], seed))
    for layer in found:
        layer.set_weights([next(values) for _ in layer.weights])
    return model


def net(classes: int = 1, columns: int = 4, activation: str | None = None) -> Any:
    """One array in, normalised first."""
    normal = layers.Normalization(mean=[0.1] * columns, variance=[1.3] * columns)
    parts = [
        keras.Input((columns,)),
        normal,
        layers.Dense(8, "tanh"),
        layers.Dense(classes, activation),
    ]
    return filled(keras.Sequential(parts))


def linear(worth: list[float]) -> Any:
    """A plain sum of columns."""
    model = keras.Sequential([keras.Input((len(worth),)), layers.Dense(1)])
    model.layers[-1].set_weights(
        [np.array(worth, np.float32)[:, None], np.array([0.5], np.float32)]
    )
    return model


def mixed() -> Any:
    """An input for each column: two numbers, a category read by an embedding, one encoded."""
    age, income = (keras.Input((1,), name=name) for name in ("age", "income"))
    sex = keras.Input((1,), name="sex", dtype="int32")
    region = keras.Input((1,), name="region", dtype="int32")
    hot = layers.CategoryEncoding(3, output_mode="one_hot")(region)
    joined = layers.Concatenate()([age, income, layers.Flatten()(layers.Embedding(2, 3)(sex)), hot])
    out = layers.Dense(1)(layers.Dense(6, "tanh")(joined))
    return filled(keras.Model([age, income, sex, region], out), seed=1)


def people(count: int = 40) -> dict[str, np.ndarray]:
    """Columns for `mixed`."""
    generator = np.random.default_rng(5)
    return {
        "age": generator.normal(size=count),
        "income": generator.normal(size=count),
        "sex": generator.integers(0, 2, count),
        "region": generator.integers(0, 3, count),
    }


def scores(model: Any) -> Any:
    """Return a model as a NumPy function of its array, (row,)."""
    return lambda x: np.asarray(
        keras.ops.convert_to_numpy(model(np.asarray(x, np.float32))), np.float64
    )[:, 0]
