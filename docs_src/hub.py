"""KerasHub tasks: a picture classifier and a text classifier, built from configurations.

Nothing is downloaded: the weights are drawn, and trained for seconds on generated data. With a
preset, `ks.load_model("hub:vit_base_patch16_224_imagenet")` stands for the first half of this file.

Run it: `python docs_src/hub.py [FOLDER]` writes pictures there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import keras_hub
import numpy as np

import kerascope as ks

SIZE, PATCH = 32, 8
SAID = "the a film plot was is great fine slow and very scene bor ##ing ##ed"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SAID.split()]


def squares(
    count: int, seed: int = 0, *, empty: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures 0…255 with a red or blue square, or none where `empty`; class, and cell."""
    rng = np.random.default_rng(seed)
    pictures = rng.normal(60, 12, (count, SIZE, SIZE, 3))
    kinds = rng.integers(0 if empty else 1, 3, count)  # nothing, red, blue
    cells = rng.integers(0, SIZE // PATCH, (count, 2))
    for picture, kind, (row, column) in zip(pictures, kinds, cells * PATCH, strict=True):
        if kind:
            picture[row : row + PATCH, column : column + PATCH, (0, 0, 2)[kind]] += 140
    return np.clip(pictures, 0, 255).astype("float32"), kinds, cells


def image_classifier() -> Any:
    """Return a ViT that tells red squares, blue ones and none, with the converter of pictures."""
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.ViTBackbone(
        image_shape=(SIZE, SIZE, 3), patch_size=PATCH, num_layers=2, num_heads=2, hidden_dim=16,
        mlp_dim=32,
    )  # fmt: skip
    converter = keras_hub.layers.ViTImageConverter(
        image_size=(SIZE, SIZE), scale=1 / 127.5, offset=-1
    )
    task = keras_hub.models.ViTImageClassifier(
        backbone=backbone,
        num_classes=3,
        preprocessor=keras_hub.models.ViTImageClassifierPreprocessor(image_converter=converter),
    )
    pictures, kinds, _ = squares(512)
    _train(task, converter(pictures), kinds, 0.003)
    return task


def reviews(count: int) -> tuple[list[str], np.ndarray]:
    """Return generated reviews, and whether "boring" or "bored" is said.

    Some words are unknown to the tokenizer: what stands for "no word" must be known to the net. And
    texts differ in length: "boring" is two word pieces, so their number alone would tell the class.
    """
    rng = np.random.default_rng(1)
    words = np.array([*SAID.split()[:12], *["xyzzy"] * 6], dtype=object)
    dull, texts = rng.random(count) < 0.5, []
    for bad in dull:
        text = rng.choice(words, rng.integers(3, 10))
        if bad:
            text[rng.integers(len(text))] = rng.choice(["boring", "bored"])
        texts.append(" ".join(text))
    return texts, dull.astype(int)


def text_classifier() -> Any:
    """Return a BERT that tells dull reviews from others, with its tokenizer of word pieces."""
    keras.utils.set_random_seed(0)
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=VOCABULARY, lowercase=True)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(VOCABULARY), num_layers=1, num_heads=2, hidden_dim=16,
        intermediate_dim=32, max_sequence_length=12,
    )  # fmt: skip
    task = keras_hub.models.BertTextClassifier(
        backbone=backbone,
        num_classes=2,
        preprocessor=keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=12),
    )
    texts, dull = reviews(1024)
    _train(task, task.preprocessor(texts), dull, 0.001)
    return task


def _train(task: Any, x: Any, y: np.ndarray, rate: float) -> None:
    """Train on inputs that were preprocessed before."""
    before, task.preprocessor = task.preprocessor, None
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    task.compile(keras.optimizers.Adam(rate), loss)
    task.fit(x, y, epochs=12, batch_size=32, verbose=0)
    task.preprocessor = before


METHODS: dict[str, dict[str, Any]] = {
    "attention_rollout": {},
    "integrated_gradients": {"steps": 16, "baseline": "mean"},
    "occlusion": {"patch": PATCH, "stride": PATCH},
}


def main(folder: Path) -> None:
    """Explain both tasks; print what the pictures say."""
    from PIL import Image

    from kerascope.plot import alt_text, save_png

    folder.mkdir(parents=True, exist_ok=True)
    task = image_classifier()
    pixels, kinds, cells = squares(16, seed=1, empty=False)
    # Raw pixels: the task's own converter is found, and said.
    pictures = ks.load_images([Image.fromarray(p.astype("uint8")) for p in pixels], task)
    print(pictures.notes[-1])
    for method, fields in METHODS.items():
        result = ks.explain(task, pictures, method, target=kinds.tolist(), **fields)
        side = SIZE // PATCH
        shares = result.heatmap().reshape(-1, side, PATCH, side, PATCH).sum(axis=(2, 4))
        strongest = shares.reshape(len(shares), -1).argmax(axis=1)
        found = int((strongest == cells @ [side, 1]).sum())
        print(f"{method}: strongest in the square for {found} of {len(cells)} pictures")
        save_png(result[:4], folder / f"{method}.png")

    words = text_classifier()
    texts = ["The film was boring and very slow"]
    result = ks.explain(words, texts, target=1, baseline="unk")  # integrated gradients
    save_png(result, folder / "words.png")
    print(alt_text(result, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "hub-out"))
