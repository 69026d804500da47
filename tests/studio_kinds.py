"""Small nets of every family that a studio takes, with files for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

import mixed_nets
import series_nets
import text_nets
from tabular.nets import NAMES, net, rows

SAID = ("The film was boring.", "A great <b>film</b>!", "A great, boring scene", "plot was dull")


def strings() -> keras.Model:
    """Return the classifier that hangs on "boring", behind a TextVectorization of its own."""
    inner = text_nets.classifier("conv")
    layer = keras.layers.TextVectorization(
        vocabulary=list(text_nets.WORDS[2:]), output_sequence_length=10
    )
    given = keras.Input((1,), dtype="string")
    return keras.Model(given, inner(layer(given)))


def write_text(folder: Path) -> None:
    strings().save(folder / "text.keras")
    (folder / "texts.txt").write_text("\n".join(SAID) + "\n")


def write_table(folder: Path) -> None:
    net(2, activation="softmax").save(folder / "table.keras")
    head = ",".join([*NAMES, "truth"])
    lines = [",".join(f"{v:.4f}" for v in row) + f",{i % 2}" for i, row in enumerate(rows(30))]
    (folder / "rows.csv").write_text("\n".join([head, *lines]) + "\n")
    (folder / "labels.txt").write_text("ill\nwell\n")


def write_series(folder: Path) -> None:
    series_nets.forecaster("conv").save(folder / "series.keras")
    x, _, _ = series_nets.bumps(2, seed=9)
    long = np.concatenate([x[0], x[1]])[:60]
    lines = [f"day {i // 24} {i % 24}:00," + ",".join(map(str, row)) for i, row in enumerate(long)]
    head = "hour," + ",".join(series_nets.CHANNELS)
    (folder / "power.csv").write_text("\n".join([head, *lines]) + "\n")


def write_volume(folder: Path) -> None:
    series_nets.classifier("conv3d").save(folder / "volume.keras")
    np.save(folder / "scan.npy", series_nets.blobs(2, seed=9)[0])


def write_several(folder: Path) -> None:
    mixed_nets.mixed("sigmoid").save(folder / "several.keras")
    held: dict[str, Any] = mixed_nets.mixed_inputs(2)
    (folder / "scan").mkdir()
    for i, image in enumerate(held["image"]):
        pixels = np.round(255 * image).astype("uint8")
        Image.fromarray(pixels).save(folder / "scan" / f"{i}.png")
    lines = [",".join(map(str, row)) for row in held["facts"]]
    (folder / "facts.csv").write_text("\n".join([",".join(mixed_nets.COLUMNS), *lines]) + "\n")
    (folder / "notes.txt").write_text("\n".join(held["text"]) + "\n")
    (folder / "words.txt").write_text("\n".join(mixed_nets.WORDS) + "\n")


def write_columns(folder: Path) -> None:
    """Write a model with one input for every column."""
    age, income = (keras.Input((1,), name=name) for name in ("age", "income"))
    joined = keras.layers.Concatenate()([age, income])
    keras.Model({"age": age, "income": income}, keras.layers.Dense(1)(joined)).save(
        folder / "columns.keras"
    )


def embedder() -> keras.Model:
    """Return a net of pictures of 12 × 16 that ends in an embedding of three numbers."""
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input((12, 16, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )


def write_embedder(folder: Path) -> None:
    """Write the net, and three pictures."""
    embedder().save(folder / "embedder.keras")
    rng = np.random.default_rng(3)
    (folder / "photos").mkdir()
    for name in "abc":
        pixels = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{name}.png")
