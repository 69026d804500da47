"""Planted causes of other kinds than classes: the default method finds them, with numbers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.several import several_of
from mixed_nets import COLUMN, COLUMNS, PIXEL, WORD, WORDS, mixed

DIGITS = (load_digits().images[..., None] / 16).astype("float32")
FLAT = DIGITS.reshape(len(DIGITS), -1)
MIDDLE = FLAT.mean(axis=0)
AXES = np.linalg.svd(FLAT - MIDDLE, full_matrices=False)[2][:12].T


def autoencoder() -> keras.Model:
    """Return the projection on twelve principal components, as two layers."""
    i = keras.Input((8, 8, 1))
    code = layers.Dense(12, name="encode")(layers.Flatten()(i))
    model = keras.Model(i, layers.Reshape((8, 8, 1))(layers.Dense(64, name="decode")(code)))
    model.get_layer("encode").set_weights([AXES, -MIDDLE @ AXES])
    model.get_layer("decode").set_weights([AXES.T, MIDDLE])
    return model


def spoilt(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return digits with a bright square where none has ink, and where it is: (sample, y, x)."""
    x, where = DIGITS[:count].copy(), np.zeros((count, 8, 8), bool)
    for sample in range(count):
        corner = (slice(6, 8), slice(0, 2)) if sample % 2 else (slice(0, 2), slice(0, 2))
        x[(sample, *corner)] = 1
        where[(sample, *corner)] = True
    return x, where


@pytest.mark.parametrize(
    ("method", "options", "least"),
    [(None, {}, 0.95), ("occlusion", {"patch": 1, "stride": 1, "baseline": 0.0}, 0.95)],
)
def test_the_pixels_that_make_a_picture_an_anomaly(
    method: str | None, options: dict, least: float
) -> None:
    x, where = spoilt()
    view = HookedModel(autoencoder(), compiled=False, batch_size=64)
    maps = ks.explain(view, x, method, target="reconstruction", **options).single_map()
    top = maps.reshape(len(x), -1).argmax(axis=1)
    found = where.reshape(len(x), -1)[np.arange(len(x)), top].mean()
    inside = np.maximum(maps, 0)[where].sum() / np.maximum(maps, 0).sum()
    print(f"{method}: strongest pixel {found:.0%}, evidence {inside:.0%} on {where.mean():.0%}")
    assert found >= least
    assert inside >= 0.5


def test_pixel_column_and_word_among_distractors() -> None:
    rng = np.random.default_rng(4)
    count = 40
    image = rng.uniform(0, 1, (count, 6, 8, 3)).astype("float32")
    facts = rng.normal(40, 10, (count, 3)).astype("float32")
    facts[:, COLUMN] = rng.uniform(0.5, 2, count)
    texts = [" ".join(rng.permutation(["fine", "new", "dull", "broken"])) for _ in range(count)]
    image[(slice(None), *PIXEL, 0)] += 0.5
    model = mixed()
    table = ks.load_table(facts, columns=COLUMNS, background=np.zeros((2, 3)))
    inputs = several_of({"image": image, "facts": table, "text": texts}, model, vocabulary=WORDS)
    maps = ks.explain(HookedModel(model, compiled=False, batch_size=64), inputs).maps()
    places = maps["image"].reshape(count, -1).argmax(axis=1)
    assert (places == np.ravel_multi_index(PIXEL, (6, 8))).all()
    assert (maps["facts"].argmax(axis=1) == COLUMN).all()
    words = inputs.inputs["text"][np.arange(count), maps["text"].argmax(axis=1)]
    assert (words == WORD).all()


def test_the_part_that_makes_two_pictures_alike() -> None:
    """The encoder reads brightness in its right half only; the likeness must lie there."""
    i = keras.Input((8, 8, 1))
    features = layers.Dense(6, use_bias=False, name="embedding")(layers.Flatten()(i))
    model = keras.Model(i, features)
    weights = np.random.default_rng(3).normal(0, 1, (8, 8, 6)).astype("float32")
    weights[:, :4] = 0
    model.get_layer("embedding").set_weights([weights.reshape(64, 6)])
    x, other = DIGITS[:20], DIGITS[20:40]
    view = HookedModel(model, compiled=False, batch_size=64)
    found = ks.explain(view, x, "integrated_gradients", target=ks.Similarity(other), baseline=0.01)
    assert not found.single_map()[:, :, :4].any()
    assert np.abs(found.single_map()[:, :, 4:]).sum() > 0
