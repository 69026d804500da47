"""Explaining during training: probes of every kind that a loader returns."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks

WORDS = ["", "[UNK]", "a", "film", "good", "bad"]
ROWS = np.random.default_rng(0).normal(size=(6, 10, 2)).astype("float32")


def net(inputs: Any, x: Any) -> Any:
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def series() -> tuple[Any, Any, Any]:
    i = keras.Input((10, 2))
    model = net(i, layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(i)))
    return model, ROWS, ks.load_series(ROWS, model)


def texts() -> tuple[Any, Any, Any]:
    i = keras.Input((4,), dtype="int32")
    model = net(i, layers.GlobalMaxPooling1D()(layers.Embedding(6, 3)(i)))
    read = ks.load_texts(["a good film", "a bad film"] * 3, model, vocabulary=WORDS)
    return model, read.inputs, read


def table() -> tuple[Any, Any, Any]:
    i = keras.Input((2,))
    read = ks.load_table(ROWS[:, 0], model := net(i, layers.Dense(3)(i)), columns=["age", "pay"])
    return model, ROWS[:, 0], read


def several() -> tuple[Any, Any, Any]:
    one, two = keras.Input((10, 2), name="rows"), keras.Input((2,), name="facts")
    model = net({"rows": one, "facts": two}, layers.Concatenate()([layers.Flatten()(one), two]))
    facts = ks.load_table(ROWS[:, 0], columns=["age", "pay"])
    return model, {"rows": ROWS, "facts": ROWS[:, 0]}, {"rows": ROWS, "facts": facts}


@pytest.mark.parametrize("made", [series, texts, table, several])
def test_probes_of_a_loader_are_explained_as_arrays_are(made: Any) -> None:
    """A budget asks for the shapes of the probes before the first explanation."""
    model, x, probes = made()
    labels = [0, 1] * 3
    watch = ks.callbacks.ExplainDuringTraining(
        probes, "gradient_x_input", labels=labels, budget=1e9, film=None
    )
    model.fit(x, np.array(labels), epochs=2, verbose=0, callbacks=[watch])
    assert not watch.notes
    assert [frame.epoch for frame in watch.film.frames] == [1, 2]
    assert len(watch.document["samples"]) == 6


def test_strings_are_refused_before_the_training() -> None:
    with pytest.raises(ks.errors.BadInput, match=r"a .* film' does not exist; .*load_texts"):
        ks.callbacks.ExplainDuringTraining(["a good film", "a bad film"])
    with pytest.raises(ks.errors.BadInput, match=r"a .* film' does not exist; .*load_texts"):
        ks.callbacks.ExplainDuringTraining("not a boring film")
