"""Why a region has its class: a small U-Net that reads a lamp in the sky to name a block below.

Its weights are set by hand, so that the cause is known: nothing in the block tells a tank from a
truck, the lamp does. Run it: `python docs_src/segmentation.py [FOLDER]` writes pictures and a page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kerascope as ks
from kerascope.facts import remember

LABELS = ("background", "tank", "truck")
SIZE = (32, 48)
LAMP = 5  # pixels of its side


def scenes(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, the class of every pixel, and where the lamp is.

    A grey block stands below. A red lamp above says that it is a tank, a green one a truck.
    """
    rng = np.random.default_rng(seed)
    pictures = rng.uniform(0.2, 0.4, (count, *SIZE, 3)).astype(np.float32)
    classes = np.zeros((count, *SIZE), np.int32)
    lamps = np.zeros((count, *SIZE), bool)
    for i in range(count):
        y, x = rng.integers(16, SIZE[0] - 12), rng.integers(0, SIZE[1] - 16)
        pictures[i, y : y + 12, x : x + 16] = 0.8
        classes[i, y : y + 12, x : x + 16] = 1 + i % 2
        top, left = rng.integers(0, 8 - LAMP), rng.integers(0, SIZE[1] - LAMP)
        pictures[i, top : top + LAMP, left : left + LAMP] = np.eye(3)[i % 2]
        lamps[i, top : top + LAMP, left : left + LAMP] = True
    return pictures, classes, lamps


def unet() -> keras.Model:
    """Return the net: colours, down to 4 × 6, what the whole picture holds, and up again."""
    layers = keras.layers
    i = keras.Input((*SIZE, 3), name="picture")
    colours = layers.Conv2D(3, 1, activation="relu", name="colours")(i)  # block, red, green
    x = layers.AveragePooling2D(2, name="down1")(colours)
    x = layers.AveragePooling2D(2, name="down2")(x)
    x = layers.AveragePooling2D(2, name="down3")(x)
    x = layers.Conv2D(2, 1, activation="relu", name="bottleneck")(x)
    whole = layers.GlobalAveragePooling2D(keepdims=True, name="whole")(x)
    up = layers.UpSampling2D(SIZE, name="up")(whole)
    x = layers.Concatenate(name="skip")([colours, up])
    x = layers.Conv2D(2, 1, activation="relu", name="both")(x)
    net = keras.Model(i, layers.Conv2D(3, 1, activation="softmax", name="classes")(x))
    lamp = LAMP**2 / np.prod(SIZE)  # share of the picture
    for name, kernel, bias in (
        ("colours", [[1, 1, -1], [1, -1, 1], [1, -1, -1]], [-1.9, -0.2, -0.2]),
        ("bottleneck", [[0, 0], [1, 0], [0, 1]], [0, 0]),
        # the block in sight, and much of one colour in the whole picture
        ("both", [[4, 4], [0, 0], [0, 0], [2.5 / lamp, 0], [0, 2.5 / lamp]], [-2.5, -2.5]),
        ("classes", [[0, 4, 0], [0, 0, 4]], [1, 0, 0]),
    ):
        weights = np.array(kernel, np.float32)[None, None]
        net.get_layer(name).set_weights([weights, np.array(bias, np.float32)])
    remember(net, labels=LABELS)
    return net


def on(where: np.ndarray, result: Any) -> np.ndarray:
    """Return the share of each map's positive evidence that lies where `where` is true."""
    maps = np.maximum(result.heatmap(), 0)
    return (maps * where).sum(axis=(1, 2)) / maps.sum(axis=(1, 2))


def main(folder: Path) -> None:
    """Explain the largest predicted area, a point, a mask, and write what comes of it."""
    net = unet()
    pictures, classes, lamps = scenes(6)
    result = ks.explain(net, pictures)  # Seg-Grad-CAM of the largest area but the background's
    print(result.explained[0])
    area = lamps.mean()
    print(
        f"on the lamp: {on(lamps, result).mean():.0%} of the evidence, in {area:.0%} of the image"
    )
    result.plot(samples=range(2)).savefig(folder / "areas.png")

    block = np.argwhere(classes[0] > 0).mean(axis=0)
    point = ks.Point((block[1], block[0]))
    found = ks.explain(net, pictures[:1], "integrated_gradients", target=point)
    print(found.explained[0])
    sky = np.zeros(SIZE)
    sky[:8] = 1
    there = ks.explain(net, pictures[:1], target=ks.Mask(sky, "background"))
    print(there.explained[0])
    ks.report([result], folder / "areas.html")


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    place.mkdir(parents=True, exist_ok=True)
    main(place)
