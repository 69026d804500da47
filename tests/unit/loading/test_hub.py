"""KerasHub tasks through the real door: saved as presets, loaded by name, with what they bring.

Weights are random and nothing is downloaded: a preset may be a folder.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import kerascope as ks
from kerascope.facts import facts_of
from kerascope.loading import load_model

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its imports say of others
    hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed")

SMALL = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8}
WORDS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "was", "bor", "##ing", "great",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _seeded() -> None:
    keras.utils.set_random_seed(0)


def vit() -> Any:
    """Return a classifier of pictures 0…255 of 16×24, with its converter."""
    size = (16, 24)
    backbone = hub.models.ViTBackbone(image_shape=(*size, 3), patch_size=8, mlp_dim=16, **SMALL)
    converter = hub.layers.ViTImageConverter(image_size=size, scale=1 / 255)
    preprocessor = hub.models.ViTImageClassifierPreprocessor(image_converter=converter)
    return hub.models.ViTImageClassifier(
        backbone=backbone, num_classes=3, preprocessor=preprocessor
    )


def bert() -> Any:
    """Return a classifier of texts of at most ten tokens."""
    backbone = hub.models.BertBackbone(
        vocabulary_size=len(WORDS), intermediate_dim=16, max_sequence_length=10, **SMALL
    )
    preprocessor = hub.models.BertTextClassifierPreprocessor(
        hub.models.BertTokenizer(vocabulary=WORDS, lowercase=True), sequence_length=10
    )
    return hub.models.BertTextClassifier(
        backbone=backbone, num_classes=2, preprocessor=preprocessor
    )


def gpt2() -> Any:
    """Return a language model of a few letters."""
    table = {token: i for i, token in enumerate(["<|endoftext|>", *"abcdĠ", "ab"])}
    tokenizer = hub.models.GPT2Tokenizer(vocabulary=table, merges=["a b"])
    backbone = hub.models.GPT2Backbone(
        vocabulary_size=len(table), intermediate_dim=16, max_sequence_length=6, **SMALL
    )
    preprocessor = hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=6)
    return hub.models.GPT2CausalLM(backbone=backbone, preprocessor=preprocessor)


def through_preset(task: Any, folder: Path) -> Any:
    """Return the task, saved and loaded by the name of its preset."""
    task.save_to_preset(str(folder / "preset"))
    return load_model(f"hub:{folder / 'preset'}")


def test_a_picture_task_comes_with_its_own_preprocessing(tmp_path: Path) -> None:
    task = vit()
    loaded = through_preset(task, tmp_path)
    assert type(loaded).__name__ == "ViTImageClassifier"
    assert facts_of(loaded).preprocessing == "hub"
    grey = Image.fromarray(np.full((40, 60, 3), 51, np.uint8))
    pictures = ks.load_images([grey], loaded)
    assert pictures.inputs.shape == (1, 16, 24, 3)
    assert np.allclose(pictures.inputs, 0.2, atol=1e-5)
    assert pictures.notes[-1] == "preprocessing: hub (the model's own image converter)"
    found, known = (
        ks.explain(net, pictures, "integrated_gradients", target=1, steps=4)
        for net in (loaded, task)
    )
    assert np.ptp(found.values) > 0
    assert np.allclose(found.values, known.values, atol=1e-6)


def test_a_text_task_reads_strings_and_gives_words(tmp_path: Path) -> None:
    loaded = through_preset(bert(), tmp_path)
    assert type(loaded).__name__ == "BertTextClassifier"
    result = ks.explain(loaded, ["The film was boring"], target=1)
    assert result.method.name == "integrated_gradients"
    tokens = result.tokens(0)
    assert tokens.word_names == ("The", "film", "was", "boring")
    words = tokens.per_word(result.values[0])
    assert words.shape == (4,)
    # [CLS] the film was bor ##ing [SEP]: the pieces of a word are summed.
    assert np.isclose(words[3], result.values[0, 4:6].sum(), rtol=1e-5)
    assert np.ptp(words) > 0


def test_a_language_model_is_asked_for_its_next_token(tmp_path: Path) -> None:
    loaded = through_preset(gpt2(), tmp_path)
    assert type(loaded).__name__ == "GPT2CausalLM"
    result = ks.explain(loaded, ["ab cd"], target="a vs b")
    assert "after token" in result.explained[0]
    assert np.ptp(result.values) > 0


def test_a_preset_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(ks.BadModel, match="'hub:nothing_of_it' cannot be loaded: Unknown preset"):
        load_model("hub:nothing_of_it")
