"""Files for `bad_inputs`: small models of every kind, data for them, and everything wrong."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import series_nets
import text_nets
import zoo
from tabular.nets import mixed, net, table


def write(folder: Path) -> None:
    """Write all files into `folder`."""
    _models(folder)
    _pictures(folder)
    _tables(folder)
    _odd(folder)


def _models(folder: Path) -> None:
    for name, shape in {
        "m": "flat_functional", "vit": "vit", "seg": "segmentation", "box": "box_head",
        "two": "image_and_vector", "outs": "two_outputs", "custom": "layer_holding_layers",
        "open": "rescaling_and_nested_base", "four": "four_channels", "price": "regression_head",
        "yes": "single_sigmoid", "int8": "quantised_int8",
    }.items():  # fmt: skip
        zoo.SHAPES[shape]().model.save(folder / f"{name}.keras")
    zoo.SHAPES["flat_functional"]().model.save_weights(folder / "m.weights.h5")
    net(2, activation="softmax").save(folder / "table.keras")
    mixed().save(folder / "mixed.keras")
    text_nets.classifier("conv").save(folder / "text.keras")
    series_nets.forecaster("conv").save(folder / "series.keras")
    series_nets.classifier("conv3d").save(folder / "volume.keras")
    sneaky = keras.layers.Lambda(lambda x: x, name="sneaky")
    keras.Sequential([keras.Input((12, 16, 3)), sneaky]).save(folder / "lambda.keras")
    broken = zoo.SHAPES["flat_functional"]().model
    kernel = broken.get_layer("conv2").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    broken.save(folder / "nan.keras")
    whole = (folder / "m.keras").read_bytes()
    (folder / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.keras").write_bytes(b"")
    (folder / "noise.keras").write_bytes(np.random.default_rng(0).bytes(4096))
    (folder / "zip.keras").write_bytes(b"")
    with zipfile.ZipFile(folder / "zip.keras", "w") as file:
        file.writestr("hello.txt", "no model")
    with zipfile.ZipFile(folder / "json.keras", "w") as file:
        file.writestr("config.json", "{")
        file.writestr("metadata.json", "{}")
        file.writestr("model.weights.h5", b"")
    (folder / "noise.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))


def _pictures(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)).save(folder / name)
    Image.fromarray(generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(folder / "c.jpg")
    Image.new("L", (16, 12), 0).save(folder / "black.png")
    Image.new("L", (16, 12), 255).save(folder / "mask.png")
    Image.new("F", (16, 12), 0.5).save(folder / "float.tif")
    (folder / "cut.jpg").write_bytes((folder / "c.jpg").read_bytes()[:300])
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "words.jpg").write_text("not a picture", encoding="utf-8")
    (folder / "empty.png").write_bytes(b"")
    (folder / "empty").mkdir()
    for place in ("photos/one/a.png", "photos/two/b.png", "single/one/a.png", "bad/one/a.png"):
        (folder / place).parent.mkdir(parents=True)
        (folder / place).write_bytes((folder / place.rpartition("/")[2]).read_bytes())
    (folder / "bad/two").mkdir()
    (folder / "bad/two/b.png").write_bytes(b"nothing")
    for place in (
        "classes/cat/a.png",
        "classes/dog/b.png",
        "onlycat/cat/a.png",
        "badclasses/cat/a.png",
    ):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes((folder / place.rpartition("/")[2]).read_bytes())
    (folder / "badclasses/dog").mkdir()
    (folder / "badclasses/dog/b.png").write_bytes(b"nothing")
    for place in ("many/one", "many/two"):
        (folder / place).mkdir(parents=True)
        for k in range(6):
            pixels = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / place / f"{k}.png")


def _tables(folder: Path) -> None:
    rows = table(30)
    names = list(rows)
    lines = [",".join(names), *(",".join(str(rows[n][i]) for n in names) for i in range(30))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    wide = [lines[0] + ",truth", *(f"{line},{i % 2}" for i, line in enumerate(lines[1:]))]
    (folder / "wide.csv").write_text("\n".join(wide) + "\n", encoding="utf-8")
    (folder / "heading.csv").write_text(lines[0] + "\n", encoding="utf-8")
    (folder / "empty.csv").write_bytes(b"")
    ragged = [*lines[:4], lines[4] + ",7,8"]
    (folder / "ragged.csv").write_text("\n".join(ragged), encoding="utf-8")
    words = [lines[0], "x" + lines[1][lines[1].index(",") :]]
    (folder / "words.csv").write_text("\n".join(words), encoding="utf-8")
    gap = [lines[0], lines[1][lines[1].index(",") :], *lines[2:]]
    (folder / "gap.csv").write_text("\n".join(gap), encoding="utf-8")
    (folder / "utf16.csv").write_bytes("\n".join(lines).encode("utf-16"))
    (folder / "noise.csv").write_bytes(np.random.default_rng(0).bytes(600))
    (folder / "twice.csv").write_text("a,a\n1,2\n", encoding="utf-8")
    (folder / "reviews.csv").write_text("review,class\nboring film,1\ngreat,0\n", encoding="utf-8")
    x, _, _ = series_nets.bumps(1, seed=9)
    steps = [",".join(map(str, row)) for row in x[0]]
    head = ",".join(series_nets.CHANNELS)
    (folder / "power.csv").write_text("\n".join([head, *steps]), encoding="utf-8")
    (folder / "short.csv").write_text("\n".join([head, *steps[:3]]), encoding="utf-8")
    (folder / "list.csv").write_text("path,label\nnone.png,one\n", encoding="utf-8")
    (folder / "listed.csv").write_text("path,label\na.png,one\nb.png,two\n", encoding="utf-8")
    (folder / "rows.parquet").write_bytes(b"PAR1" + bytes(40) + b"PAR1")


def _odd(folder: Path) -> None:
    generator = np.random.default_rng(0)
    np.save(folder / "x.npy", generator.normal(size=(2, 12, 16, 3)).astype("float32"))
    np.save(folder / "vector.npy", generator.normal(size=(2, 5)).astype("float32"))
    np.save(folder / "nan.npy", np.full((1, 12, 16, 3), np.nan, "float32"))
    np.save(folder / "none.npy", np.zeros((0, 12, 16, 3), "float32"))
    np.save(folder / "text.npy", np.array([["a", "b"]]))
    np.save(folder / "object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(folder / "wrong.npy", generator.normal(size=(2, 7, 7, 3)).astype("float32"))
    (folder / "cut.npy").write_bytes((folder / "x.npy").read_bytes()[:200])
    np.savez(folder / "x.npz", a=np.zeros((1, 12, 16, 3), "float32"), b=np.zeros((1, 2)))
    (folder / "three.txt").write_text("cat\ndog\ncow\n", encoding="utf-8")
    (folder / "two.txt").write_text("cat\ndog\n", encoding="utf-8")
    (folder / "same.txt").write_text("cat\ncat\ndog\n", encoding="utf-8")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "latin.txt").write_bytes("für\nœuvre\nKüche\n".encode("latin-1", "replace"))
    (folder / "vocabulary.txt").write_text("\n".join(text_nets.WORDS) + "\n", encoding="utf-8")
    (folder / "bad.json").write_text("{", encoding="utf-8")
    (folder / "boxes.json").write_text(json.dumps({"a.png": [1, 2, 3]}), encoding="utf-8")
    (folder / "outside.json").write_text(json.dumps({"a.png": [90, 90, 99, 99]}), encoding="utf-8")
    (folder / "strings.json").write_text(json.dumps({"a.png": "box"}), encoding="utf-8")
    (folder / "list.json").write_text("[1, 2]", encoding="utf-8")
    (folder / "cut.safetensors").write_bytes(b'\x40\0\0\0\0\0\0\0{"a":')
    (folder / "page.html").write_text("<html>hello</html>", encoding="utf-8")
    (folder / "peers.py").write_text("raise RuntimeError('no adapter')\n", encoding="utf-8")
    (folder / "file").write_text("in the way", encoding="utf-8")
    (folder / "peerless.py").write_text("x = 1\n", encoding="utf-8")
