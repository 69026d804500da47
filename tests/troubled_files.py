"""Files on which Keras fails with the headings of docs/troubleshooting.md; see `troubles.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
from keras import layers

from troubles import TENSORFLOW, Trouble, flat, head, says


@says("Unrecognized keyword arguments passed to DepthwiseConv2D: {'groups': 1}")
def depthwise(folder: Path) -> Trouble:
    import h5py

    i = keras.Input((16, 16, 3))
    path = folder / "model.h5"
    keras.Model(i, head(layers.DepthwiseConv2D(3, activation="relu")(i))).save(path)
    with h5py.File(path, "a") as file:  # what Keras 2 wrote
        config = file.attrs["model_config"]
        file.attrs["model_config"] = config.replace(
            '"depth_multiplier"', '"groups": 1, "depth_multiplier"'
        )
    return {}, lambda: keras.models.load_model(path)


class Mine(layers.Layer):
    """A layer that no file knows."""

    def call(self, x: Any) -> Any:
        return 2 * x


def _mine(folder: Path, name: str) -> Trouble:
    model = keras.Sequential([keras.Input((16, 16, 3)), Mine(), layers.Flatten(), layers.Dense(3)])
    model.save(folder / name)
    return {"Mine": Mine}, lambda: keras.models.load_model(folder / name)


@says("Could not locate class 'Mine'")
def custom(folder: Path) -> Trouble:
    return _mine(folder, "model.keras")


@says("Unknown layer: 'Mine'. Please ensure you are using a `keras.utils.custom_object_scope`")
def custom_h5(folder: Path) -> Trouble:
    return _mine(folder, "model.h5")


@says("Could not locate function 'my_loss'")
def custom_loss(folder: Path) -> Trouble:
    def my_loss(truth: Any, found: Any) -> Any:
        return keras.ops.mean(truth - found)

    model = flat()
    model.compile(loss=my_loss)
    model.save(folder / "model.keras")
    return {}, lambda: keras.models.load_model(folder / "model.keras")


@says("weight_decay is not a valid argument")
def weight_decay(folder: Path) -> Trouble:
    model = flat()
    model.compile(keras.optimizers.Adam(weight_decay=0.1), "mse")
    model.save(folder / "model.h5")
    return {}, None


@says("Requested the deserialization of a `Lambda` layer whose `function` is a Python lambda")
def lambda_layer(folder: Path) -> Trouble:
    path = folder / "model.keras"
    twice = layers.Lambda(lambda x: 2 * x, output_shape=(16, 16, 3))
    keras.Sequential([keras.Input((16, 16, 3)), twice, layers.Flatten(), layers.Dense(3)]).save(
        path
    )
    return {}, lambda: keras.models.load_model(path)


@says("Unable to synchronously open file (file signature not found)")
def renamed(folder: Path) -> Trouble:
    flat().save(folder / "made.keras")
    (folder / "made.keras").rename(folder / "model.h5")
    return {}, lambda: keras.models.load_model(folder / "model.h5")


@says("Please ensure the file is an accessible `.keras` zip file")
def hdf5_inside(folder: Path) -> Trouble:
    flat().save(folder / "made.h5")
    (folder / "made.h5").rename(folder / "model.keras")
    return {}, lambda: keras.models.load_model(folder / "model.keras")


@says("File format not supported: filepath=", on=(TENSORFLOW,))
def saved_model(folder: Path) -> Trouble:
    flat().export(folder / "saved_model", verbose=False)
    return {}, lambda: keras.models.load_model(folder / "saved_model")


@says("No model config found in the file")
def weights_only(folder: Path) -> Trouble:
    model = flat()
    model.save_weights(folder / "model.weights.h5")
    model.load_weights(folder / "model.weights.h5")
    return {"model": model}, lambda: keras.models.load_model(folder / "model.weights.h5")
