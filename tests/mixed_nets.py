"""Nets of several inputs of several kinds, with planted causes of known size."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

WORDS = ["[PAD]", "[UNK]", "dull", "fine", "broken", "new"]
COLUMNS = ("age", "weight", "dose")
PIXEL, COLUMN, WORD = (2, 5), 2, 4  # what the score hangs on


def mixed(head: str | None = None) -> keras.Model:
    """Return a sum of three parts: 2·(one pixel's red), 3·dose, and 1.5 for each "broken"."""
    image = keras.Input((6, 8, 3), name="image")
    facts = keras.Input((3,), name="facts")
    text = keras.Input((5,), dtype="int32", name="text")
    looked = layers.Dense(1, use_bias=False, name="look")(layers.Flatten()(image))
    dosed = layers.Dense(1, use_bias=False, name="dose")(facts)
    embed = layers.Embedding(len(WORDS), 2, name="embed")
    read = layers.Dense(1, use_bias=False, name="read")(layers.Flatten()(embed(text)))
    total = layers.Add(name="risk")([looked, dosed, read])
    if head:
        total = layers.Activation(head, name="chance")(total)
    model = keras.Model({"image": image, "facts": facts, "text": text}, total)
    look = np.zeros((6, 8, 3, 1), "float32")
    look[(*PIXEL, 0)] = 2
    model.get_layer("look").set_weights([look.reshape(-1, 1)])
    dose = np.zeros((3, 1), "float32")
    dose[COLUMN] = 3
    model.get_layer("dose").set_weights([dose])
    table = np.zeros((len(WORDS), 2), "float32")
    table[WORD] = 1
    embed.set_weights([table])
    model.get_layer("read").set_weights([np.full((10, 1), 0.75, "float32")])
    return model


def mixed_inputs(count: int = 2) -> dict[str, Any]:
    """Return pictures, columns and texts; the causes are 1, 1 and one word in every sample."""
    rng = np.random.default_rng(2)
    image = rng.uniform(0.2, 0.4, (count, 6, 8, 3)).astype("float32")
    image[(slice(None), *PIXEL, 0)] = 1
    facts = rng.uniform(30, 60, (count, 3)).astype("float32")
    facts[:, COLUMN] = 1
    texts = ["fine new broken dull", "broken fine dull new fine"][:count]
    return {"image": image, "facts": facts, "text": texts}


def pair(units: int = 3) -> keras.Model:
    """Return a Siamese net of two pictures: one encoder, and the cosine of both embeddings."""
    one = keras.Input((8, 8, 1))
    x = layers.Conv2D(units, 3, activation="relu", name="conv")(one)
    encoder = keras.Model(one, layers.GlobalAveragePooling2D()(x), name="encoder")
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    alike = layers.Dot(axes=1, normalize=True, name="alike")([encoder(left), encoder(right)])
    return keras.Model([left, right], alike)
