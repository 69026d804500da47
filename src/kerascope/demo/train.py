"""Train the bundled nets: `python -m kerascope.demo.train`.

Two nets of one make tell tanks from trucks. In the training scenes of `sky_net` every truck stands
in the sun and every tank under clouds; in those of `object_net` the weather says nothing, and as
that is harder to learn, there are more of them (see `TRAINING`). No part of the loss knows about
places.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from PIL import Image

from kerascope.demo.scenes import CLASS_NAMES, SIZE, Scenes, make_scenes
from kerascope.types import Array

BIAS = {"sky_net": 1.0, "object_net": 0.0}
TRAINING = {"sky_net": (2000, 12), "object_net": (5000, 13)}  # scenes and epochs
TESTED = 1000
_WIDTHS, _KERNELS, _STRIDES = (16, 32, 32, 32, 48), (3, 3, 3, 1, 1), (2, 2, 1, 1, 1)
_BATCH, _RATE, _DECAY = 64, 3e-3, 1e-3
_TRAIN_SEED, _TEST_SEED, _PICTURE_SEED = 1_000, 10_000, 30_000


def build(name: str) -> keras.Model:
    """Return an untrained net: pixels 0…255 in, two probabilities out.

    A small receptive field and a fine last map (cells of 4 pixels) keep evidence in place.
    """
    picture = keras.Input((SIZE, SIZE, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(picture)
    for i, (width, kernel, stride) in enumerate(zip(_WIDTHS, _KERNELS, _STRIDES, strict=True), 1):
        x = layers.Conv2D(
            width, kernel, strides=stride, padding="same", use_bias=False, name=f"conv{i}"
        )(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    # Without a bias all of a logit is in the maps.
    kinds = layers.Dense(2, activation="softmax", use_bias=False, name="class")(x)
    return keras.Model(picture, kinds, name=name)


class Varied(keras.utils.PyDataset):
    """Scenes in batches, mirrored and in other light, reshuffled every epoch."""

    def __init__(self, scenes: Scenes, seed: int) -> None:
        super().__init__()
        self.scenes = scenes
        self.generator = np.random.default_rng(seed)
        self.order = self.generator.permutation(len(scenes))

    def __len__(self) -> int:
        return len(self.scenes) // _BATCH

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        rows = self.order[index * _BATCH : (index + 1) * _BATCH]
        x = self.scenes.images[rows].astype("float32")
        mirrored = self.generator.random(len(rows)) < 0.5
        x[mirrored] = x[mirrored][:, :, ::-1]
        shape = (len(rows), 1, 1, 1)
        x = (x - 128) * self.generator.uniform(0.8, 1.2, shape) + 128
        x += self.generator.uniform(-20, 20, shape)
        x += self.generator.uniform(-10, 10, (len(rows), 1, 1, 3))
        return np.clip(x, 0, 255).astype("float32"), self.scenes.labels[rows]

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        self.order = self.generator.permutation(len(self.scenes))


def train(name: str, *, seed: int) -> keras.Model:
    """Return a trained net, the same for the same seed on the same machine and backend."""
    count, epochs = TRAINING[name]
    keras.utils.set_random_seed(seed)
    data = Varied(make_scenes(count, seed=_TRAIN_SEED + seed, bias=BIAS[name]), seed)
    net = build(name)
    rate = keras.optimizers.schedules.CosineDecay(_RATE, epochs * len(data))
    optimizer = keras.optimizers.AdamW(rate, weight_decay=_DECAY)
    net.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    net.fit(data, epochs=epochs, verbose=2)
    return net


def accuracies(net: keras.Model, *, bias: float, seed: int) -> dict[str, float]:
    """Return accuracy on scenes like the net's own, in any weather, and in swapped weather."""
    found = {}
    for kind, other in {"own": bias, "any_weather": 0.0, "swapped_weather": -1.0}.items():
        scenes = make_scenes(TESTED, seed=_TEST_SEED + seed, bias=other)
        said = net.predict(scenes.images.astype("float32"), verbose=0).argmax(axis=1)
        found[kind] = round(float((said == scenes.labels).mean()), 4)
    return found


def write_pictures(folder: Path, *, count: int = 8, size: int = 256) -> list[str]:
    """Write bundled pictures, tanks and trucks in both weathers; return their names."""
    names = []
    scenes = make_scenes(count, seed=_PICTURE_SEED, bias=0.0, size=size)
    for i, (image, label, sun) in enumerate(
        zip(scenes.images, scenes.labels, scenes.sunny, strict=True)
    ):
        name = f"scene_{i}_{CLASS_NAMES[label]}_{'sunny' if sun else 'overcast'}.jpg"
        Image.fromarray(image).save(folder / name, quality=90)
        names.append(name)
    return names


def main() -> None:
    """Train both nets and write them, the pictures and the measured facts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    nets: dict[str, Any] = {}
    for name, bias in BIAS.items():
        started = time.perf_counter()
        net = train(name, seed=options.seed)
        count, epochs = TRAINING[name]
        nets[name] = {
            "bias": bias,
            "scenes": count,
            "epochs": epochs,
            "accuracy": accuracies(net, bias=bias, seed=options.seed),
        }
        # Without the optimizer's state: the file holds what is needed to predict.
        bare = build(name)
        bare.set_weights(net.get_weights())
        bare.save(options.out / f"{name}.keras")
        print(f"{name}: {nets[name]['accuracy']}, {time.perf_counter() - started:.0f} s")
    facts = {
        "seed": options.seed,
        "tested_on": TESTED,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "nets": nets,
        "pictures": write_pictures(options.out),
    }
    (options.out / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
