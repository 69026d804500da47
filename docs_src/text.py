"""Which words decide: a small classifier of generated reviews, and a language model that copies.

Run it: `python docs_src/text.py [FOLDER]` writes pictures and a notebook's HTML there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np

import kerascope as ks

SAID = "the a film plot was is not very and slow great fine boring scene"
WORDS = ["", "[UNK]", *SAID.split()]
LETTERS = ["", *"abcdefgh"]


def reviews(count: int, length: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return ids of generated reviews, and 1 where "boring" is said and "not" is not."""
    rng = np.random.default_rng(0)
    ids = rng.integers(2, len(WORDS), (count, length))
    ids[ids == WORDS.index("boring")] = WORDS.index("film")
    ids[ids == WORDS.index("not")] = WORDS.index("plot")
    for word in ("boring", "not"):
        said = rng.random(count) < 0.5
        ids[said, rng.integers(0, 6, count)[said]] = WORDS.index(word)
    for row in ids:
        row[rng.integers(8, length + 1) :] = 0  # padding
    boring = (ids == WORDS.index("boring")).any(axis=1)
    negated = (ids == WORDS.index("not")).any(axis=1)
    return ids, (boring & ~negated).astype(int)


def classifier() -> keras.Model:
    """Return an LSTM that tells dull reviews from lively ones."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((12,), dtype="int32")
    x = keras.layers.Embedding(len(WORDS), 8, mask_zero=True)(ids)
    x = keras.layers.LSTM(12)(x)
    model = keras.Model(ids, keras.layers.Dense(2, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(*reviews(2048), epochs=8, batch_size=64, verbose=0)
    return model


class Places(keras.layers.Layer):
    """Add a learned vector to every place."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make a vector for each place."""
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal")

    def call(self, x: object) -> object:
        """Return the embeddings with their places."""
        return x + self.table


def language_model() -> keras.Model:
    """Return a causal transformer of one head whose next letter is always the second one."""
    keras.utils.set_random_seed(1)
    ids = keras.Input((6,), dtype="int32")
    x = Places()(keras.layers.Embedding(len(LETTERS), 16)(ids))
    x = keras.layers.MultiHeadAttention(1, 16)(x, x, use_causal_mask=True)
    model = keras.Model(ids, keras.layers.Dense(len(LETTERS), activation="softmax")(x))
    texts = np.random.default_rng(0).integers(1, len(LETTERS), (1024, 6))
    weights = np.ones((1024, 6))
    weights[:, 0] = 0
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    truth = np.repeat(texts[:, 1:2], 6, axis=1)
    model.fit(texts, truth, sample_weight=weights, epochs=8, batch_size=64, verbose=0)
    return model


def main(folder: Path) -> None:
    """Explain both models; print what the pictures say."""
    from kerascope.plot import alt_text, notebook_html, save_png

    folder.mkdir(parents=True, exist_ok=True)
    model = classifier()
    texts = ks.load_texts(
        ["The film was boring, and the plot was slow.", "Not a boring scene; the plot was fine!"],
        model, vocabulary=WORDS,
    )  # fmt: skip
    result = ks.explain(model, texts, target=1)  # integrated gradients at the embedding
    save_png(result, folder / "words.png")
    (folder / "words.html").write_text(notebook_html(result), encoding="utf-8")
    for sample in range(len(result)):
        print(alt_text(result, sample))
    for note in result.notes:
        print("note:", note)

    by_words = ks.explain(model, texts, "kernel_shap", segments="word", target=1)
    save_png(by_words, folder / "kernel_shap.png")
    print(alt_text(by_words, 1))

    writer = language_model()
    prompt = ks.load_texts(["a c e g b d"], writer, vocabulary=LETTERS)
    why = ks.explain(writer, prompt, target=(ks.NextToken(), "c vs a"))
    save_png(why, folder / "next_token.png")
    print(alt_text(why, 0, 0))
    print(alt_text(why, 0, 1))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "text-out"))
