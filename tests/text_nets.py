"""Small language nets with a planted cause: one word decides, or one place is copied."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import layers

SAID = "the a film plot was is dull boring great not slow and very scene"
WORDS = ("", "[UNK]", *SAID.split())
KEYWORD = "boring"
LETTERS = ("", *"abcdefgh")
COPIED = 1  # the place whose token comes next, at every later place
LENGTH = 6


def word(text: str) -> int:
    """Return the id of a word."""
    return WORDS.index(text)


def bodies() -> dict[str, Any]:
    """Return what turns embeddings into one vector, by kind of net."""
    return {
        "lstm": lambda x: layers.LSTM(8)(x),
        "gru": lambda x: layers.GRU(8)(x),
        "conv": lambda x: layers.GlobalMaxPooling1D()(
            layers.Conv1D(8, 3, padding="same", activation="relu")(x)
        ),
        "transformer": lambda x: layers.GlobalAveragePooling1D()(
            layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
        ),
    }


@functools.cache
def classifier(kind: str) -> keras.Model:
    """Return a classifier of ten tokens, trained on texts whose class is whether "boring" is in."""
    keras.utils.set_random_seed(3)
    ids = keras.Input((10,), dtype="int32", name="ids")
    x = bodies()[kind](layers.Embedding(len(WORDS), 8, name="embed")(ids))
    model = keras.Model(ids, layers.Dense(2, activation="softmax")(x))
    rng = np.random.default_rng(0)
    texts = rng.integers(2, len(WORDS), (512, 10))
    half = rng.random(512) < 0.5
    texts[texts == word(KEYWORD)] = word("film")
    texts[half, rng.integers(0, 10, 512)[half]] = word(KEYWORD)
    for text in texts:
        text[rng.integers(6, 11) :] = 0
    truth = (texts == word(KEYWORD)).any(axis=1).astype(int)
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    model.fit(texts, truth, epochs=8, batch_size=64, verbose=0)
    return model


class Places(keras.layers.Layer):
    """Add a learned vector to every place."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal", name="table")
        self.built = True

    def call(self, x: Any) -> Any:
        return x + self.table


@functools.cache
def language() -> keras.Model:
    """Return a causal language model of six letters that copies the second one for ever."""
    keras.utils.set_random_seed(1)
    count = len(LETTERS)
    ids = keras.Input((LENGTH,), dtype="int32")
    x = Places()(layers.Embedding(count, 16)(ids))
    x = layers.MultiHeadAttention(1, 16)(x, x, use_causal_mask=True)
    model = keras.Model(ids, layers.Dense(count, activation="softmax")(x))
    texts = np.random.default_rng(0).integers(1, count, (1024, LENGTH))
    weights = np.ones((1024, LENGTH))
    weights[:, :COPIED] = 0
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    truth = np.repeat(texts[:, COPIED : COPIED + 1], LENGTH, axis=1)
    model.fit(texts, truth, sample_weight=weights, epochs=8, batch_size=64, verbose=0)
    return model


def smooth() -> keras.Model:
    """Return an untrained net of a mean of embeddings, with the weights of `smooth_weights`."""
    table, first, second = smooth_weights()
    ids = keras.Input((5,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(*table.shape, name="embed")(ids))
    x = layers.Dense(first.shape[1], activation="tanh", use_bias=False)(x)
    model = keras.Model(ids, layers.Dense(2, use_bias=False)(x))
    model.set_weights([table, first, second])
    return model


def smooth_weights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return embeddings, and the weights of two layers, float32."""
    rng = np.random.default_rng(7)
    shapes = ((12, 6), (6, 8), (8, 2))
    table, first, second = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    return table, 2 * first, second


SMOOTH_IDS = np.array([[3, 7, 1, 4, 9], [2, 2, 8, 11, 5]])
COVER = 10  # the id that covers
STEPS = 32  # of a path from its embedding
