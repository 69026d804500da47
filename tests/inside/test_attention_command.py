"""`kerascope attention`: what it writes, what it says, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerascope as ks
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a vision transformer, a net without attention, a text model and pictures."""
    folder = tmp_path_factory.mktemp("attention")
    i = keras.Input((16, 16, 3))
    x = layers.Reshape((16, 4))(layers.Conv2D(4, 4, strides=4, name="patches")(i))
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3, name="attend")(x, x)])
    x = layers.GlobalAveragePooling1D()(x)
    keras.Model(i, layers.Dense(3, activation="softmax")(x)).save(folder / "vit.keras")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(i))
    keras.Model(i, layers.Dense(3, activation="softmax")(x)).save(folder / "plain.keras")
    i = keras.Input((5,), dtype="int32")
    x = layers.Embedding(9, 4)(i)
    x = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 3, name="attend")(x, x))
    keras.Model(i, layers.Dense(3, activation="softmax")(x)).save(folder / "text.keras")
    np.save(folder / "ids.npy", np.array([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], np.int32))
    (folder / "words.txt").write_text("a dog bites a man\na man bites a dog\n")
    generator = np.random.default_rng(0)
    for name in ("a.jpg", "b.png"):
        Image.fromarray(generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(folder / name)
    return folder


def test_writes_pictures_data_and_a_page(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "attention", files / "vit.keras", files / "a.jpg", files / "b.png", "-o", tmp_path,
        "-k", "raw", "-k", "chefer", "-t", "top-2", "--preprocess", "unit",
    )  # fmt: skip
    assert code == 0, err
    kinds = ("raw", "chefer")
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.html",
        *(f"attention-{kind}.safetensors" for kind in kinds),
        *(f"{name}-attention-{kind}.png" for kind in kinds for name in ("a", "b")),
    }
    assert "not an attribution" in out
    page = (tmp_path / "report.html").read_text()
    assert "Attention (not an attribution)" in page
    assert "Mean attention distance" in page
    assert page.count("<img") >= 4
    stored = ks.Attention.load(tmp_path / "attention-raw.safetensors")
    assert stored.values.shape == (2, 1, 2, 16, 16)


def test_says_json_and_nothing_else(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, _ = cli(
        "attention", files / "vit.keras", files / "a.jpg", "-o", tmp_path, "-k", "raw",
        "--query", "3", "--json", "--preprocess", "unit",
    )  # fmt: skip
    assert code == 0
    said = json.loads(out)
    (row,) = said["results"]
    assert row["layers"] == ["attend"]
    assert row["tokens"]["grid"] == [4, 4]
    assert np.shape(row["distances"]["attend"]) == (2,)


def test_words_of_a_sequence(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        "attention", files / "text.keras", files / "ids.npy", "-o", tmp_path, "-k", "rollout",
        "--words", files / "words.txt",
    )  # fmt: skip
    assert code == 0, err
    stored = ks.Attention.load(tmp_path / "attention-rollout.safetensors")
    assert stored.words[1] == ("a", "man", "bites", "a", "dog")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plain.keras", "a.jpg"), "no attention was found"),
        (("vit.keras", "a.jpg", "-k", "chefre"), "did you mean 'chefer'"),
        (("vit.keras", "a.jpg", "--layer", "b"), "no attention in layer 'b'"),
        (("vit.keras", "a.jpg", "-k", "raw", "--query", "99"), "query=99 is out of range"),
        (("vit.keras", "no.jpg"), "no.jpg"),
        (("text.keras", "ids.npy", "--words", "no.txt"), "cannot read the words in 'no.txt'"),
    ],
)
def test_bad_input_is_one_line(
    cli: Runner, files: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    given = [files / a if Path(a).suffix else a for a in arguments]
    code, _, err = cli("attention", *given, "-o", tmp_path, "--preprocess", "unit")
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1
