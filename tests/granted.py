"""What pages of the documentation take for granted: the models, arrays and files they speak of.

Every page is run in a folder with `model.keras`, `labels.txt` and `photos/tank`, `photos/truck`.
What a page needs besides is here, by page and heading; weights are random where no cause is asked.
"""

from __future__ import annotations

import importlib.resources
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from PIL import Image

import kerascope as ks
import series_nets
import studio_kinds
import troubles
from kerascope.facts import remember
from tabular import nets as tables

Names = dict[str, Any]
GRANTED: dict[tuple[str, str], Callable[[Path], Names]] = {}


def granted(page: str, heading: str) -> Callable[[Any], Any]:
    """Register what makes the names that the blocks under a heading of a page take for granted."""

    def register(make: Callable[[Path], Names]) -> Callable[[Path], Names]:
        GRANTED[page, heading] = make
        return make

    return register


def names_for(page: str, heading: str, folder: Path) -> Names:
    """Return the names that are taken for granted under a heading, and write files for it."""
    make = GRANTED.get((page, heading))
    if make is None:
        return {}
    random.seed(0)  # of it, Keras draws the seeds of weights; `set_random_seed` loads TensorFlow
    return {"ks": ks, **make(folder)}


def write_demo(folder: Path) -> None:
    """Write the folder that the pages speak of: a net, its labels, photos by class."""
    data = importlib.resources.files("kerascope.demo") / "data"
    with importlib.resources.as_file(data) as demo:
        shutil.copy(demo / "object_net.keras", folder / "model.keras")
        for scene in sorted(demo.glob("scene_*.png")):
            kind = folder / "photos" / scene.stem.split("_")[2]
            kind.mkdir(parents=True, exist_ok=True)
            shutil.copy(scene, kind)
    (folder / "labels.txt").write_text("tank\ntruck\n", encoding="utf-8")


@granted("audit.md", "What has this model really learned?")
def audited(folder: Path) -> Names:
    masks = np.zeros((10, 256, 256), bool)
    masks[:, 100:] = True
    return {"model": ks.load_model("model.keras", labels="labels.txt"), "masks": masks}


@granted("backward-rules.md", "Backward rules: LRP, DeepLIFT, guided backpropagation")
def stemmed(folder: Path) -> Names:
    """Return a net with a nested stem, a depthwise convolution and a wide block4."""
    i = keras.Input((16, 16, 3))
    stem = keras.Model(i, layers.Conv2D(4, 3, activation="relu", name="conv")(i), name="stem")
    o = keras.Input((16, 16, 3))
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(stem(o))
    x = layers.Conv2D(48, 3, activation="relu", name="block4")(x)
    return {"model": keras.Model(o, troubles.head(x)), "x": troubles.X}


@granted("guides/can-i-trust-it.md", "Does this map agree with the model?")
def few_photos(folder: Path) -> Names:
    """Leave four of the photos: every one of them is graded and evaluated."""
    for photo in sorted(folder.glob("photos/*/*.png"))[2:8]:
        photo.unlink()
    return {}


@granted("kinds.md", "Several inputs of several kinds")
def several(folder: Path) -> Names:
    scan, facts = keras.Input((6, 8, 3), name="scan"), keras.Input((3,), name="facts")
    note = keras.Input((5,), dtype="int32", name="note")
    read = layers.Flatten()(layers.Embedding(6, 2)(note))
    seen = layers.Flatten()(layers.Rescaling(1 / 255)(scan))
    parts = [layers.Dense(2)(part) for part in (seen, facts, read)]
    risk = layers.Dense(1, activation="sigmoid", name="ill")(layers.Concatenate()(parts))
    studio_kinds.write_several(folder)
    (folder / "scan").rename(folder / "scans")
    return {"model": keras.Model({"scan": scan, "facts": facts, "note": note}, risk)}


@granted("report.md", "The report")
def birds(folder: Path) -> Names:
    model = troubles.flat()
    remember(model, labels=("jay", "wren", "robin"))
    return {"model": model, "images": troubles.X}


@granted("series.md", "Time series")
def power(folder: Path) -> Names:
    studio_kinds.write_series(folder)
    return {"model": series_nets.forecaster("conv")}


@granted("tabular.md", "Tables")
def patients(folder: Path) -> Names:
    head = ",".join([*tables.NAMES, "diagnosis"])
    for name, rows in (("patients.csv", tables.rows(50)), ("training.csv", tables.rows(20))):
        known = [",".join([*map(str, row), "ill" if row[0] > 0 else "well"]) for row in rows]
        (folder / name).write_text("\n".join([head, *known]) + "\n", encoding="utf-8")
    return {"model": tables.net(2, activation="softmax")}


@granted("text.md", "Text")
def film(folder: Path) -> Names:
    """Return a classifier of ids, of which "boring" is a class, and its words."""
    words = ["", "[UNK]", "the", "film", "was", "boring", "and", "plot", "great"]
    ids = keras.Input((12,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(len(words), 4)(ids))
    model = keras.Model(ids, layers.Dense(2, activation="softmax")(x))
    remember(model, labels=("lively", "boring"))
    return {"model": model, "words": words}


@granted("text.md", "Why this token next")
def writer(folder: Path) -> Names:
    """Return a causal language model of 500 words, a text and plain ids."""
    words = ["", "[UNK]", "Paris", "London", *(f"w{i}" for i in range(496))]
    ids = keras.Input((6,), dtype="int32")
    x = layers.GRU(4, return_sequences=True)(layers.Embedding(len(words), 4)(ids))
    model = keras.Model(ids, layers.Dense(len(words), activation="softmax")(x))
    texts = ks.load_texts(["w1 w2 London w3 w4"], model, vocabulary=words)
    return {"model": model, "texts": texts, "ids": np.array([[5, 6, 7, 8, 9, 10]])}


@granted("volumes.md", "Volumes and films")
def scans(folder: Path) -> Names:
    studio_kinds.write_volume(folder)
    frames = np.random.default_rng(0).integers(0, 255, (9, 20, 24), dtype=np.uint8)
    first, *others = map(Image.fromarray, frames)
    first.save(folder / "gesture.gif", save_all=True, append_images=others)
    return {
        "model": series_nets.classifier("conv3d"),
        "video_model": series_nets.classifier("conv_lstm"),
    }
