"""Small nets and edited model files for the tests of loading."""

from __future__ import annotations

import json
import zipfile

import keras
import numpy as np

FORMATS = ("keras", "h5")


def small(activation=None, name="small"):
    """Return a net of two layers."""
    inputs = keras.Input((4, 4, 1), name="picture")
    x = keras.layers.Conv2D(2, 2, activation=activation, name="conv")(inputs)
    outputs = keras.layers.Dense(3, name="head")(keras.layers.Flatten(name="flat")(x))
    return keras.Model(inputs, outputs, name=name)


def predict(model):
    return np.asarray(keras.ops.convert_to_numpy(model(np.ones((1, 4, 4, 1), np.float32))))


def edited(source, target, edit, *, drop=(), add=()):
    """Copy a .keras file with its configuration changed by `edit`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.namelist():
            if item == "config.json":
                config = json.loads(old.read(item))
                edit(config)
                new.writestr(item, json.dumps(config))
            elif item not in drop:
                new.writestr(item, old.read(item))
        for item, content in add:
            new.writestr(item, content)
    return target
