"""Train the demo's two nets and draw its pictures: `python -m kerascope.demo.train`.

Both nets are built, seeded and trained alike, on the same vehicles in the same landscapes. One
thing differs: `sky_net` sees every truck in the sun and every tank under clouds, `object_net` sees
both under both. Neither is told where to look. It takes minutes on a CPU; with TensorFlow on one
machine, the same seed gives the same weights. `facts.json` beside the nets says how they did.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascope.backend import choose
from kerascope.demo.scenes import (
    CLASS_NAMES,
    SIZE,
    Scenes,
    bundled_scenes,
    make_scenes,
    picture_name,
)
from kerascope.files import write_whole
from kerascope.types import Array

NETS = {"sky_net": 1.0, "object_net": 0.0}  # bias of the scenes each is trained on

_SCENES, _EPOCHS, _BATCH, _TESTS = 5000, 12, 32, 1000
_PICTURE_SIZE = 256
_TRAIN_SEED, _TEST_SEED = 1_000_000, 2_000_000  # plus --seed; no other seed of the demo is near
_WIDTHS = ((16, 3, 2), (24, 3, 2), (32, 3, 1), (32, 3, 1), (48, 1, 1))  # filters, kernel, stride


def build_net(name: str) -> Any:
    """Return the untrained net: five convolutions, global average pooling, one linear layer.

    A cell of the last maps is 4 pixels wide and sees 23, about a wheel: enough to tell the vehicles
    apart, too little to carry what it saw far from where it is. The head has no bias, so that all
    evidence is evidence from somewhere in the picture.
    """
    import keras
    from keras import layers

    x = picture = keras.Input((SIZE, SIZE, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(x)
    for number, (filters, kernel, stride) in enumerate(_WIDTHS, start=1):
        x = layers.Conv2D(
            filters, kernel, strides=stride, padding="same", use_bias=False, name=f"conv{number}"
        )(x)
        # few steps per epoch: the usual momentum of 0.99 would lag behind the weights
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(len(CLASS_NAMES), activation="softmax", use_bias=False, name="vehicle")(x)
    return keras.Model(picture, x, name=name)


def augmented(scenes: Scenes, *, seed: int) -> Iterator[tuple[Array, Array]]:
    """Yield batches (float32 pictures 0…255, labels) without end: mirrored, brighter, tinted."""
    random = np.random.default_rng(seed)
    while True:
        order = random.permutation(len(scenes))
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            chosen = order[start : start + _BATCH]
            x = scenes.images[chosen].astype(np.float64)
            mirror = random.random(_BATCH) < 0.5
            x[mirror] = x[mirror][:, :, ::-1]
            contrast = random.uniform(0.8, 1.2, (_BATCH, 1, 1, 1))
            brightness = random.uniform(-20, 20, (_BATCH, 1, 1, 1))
            tint = random.uniform(-10, 10, (_BATCH, 1, 1, 3))
            x = np.clip((x - 128.0) * contrast + 128.0 + brightness + tint, 0, 255)
            yield x.astype(np.float32), scenes.labels[chosen]


def train_net(name: str, *, seed: int) -> Any:
    """Return a trained net, not compiled: it carries no optimizer into its file."""
    import keras

    keras.utils.set_random_seed(seed)
    scenes = make_scenes(_SCENES, seed=_TRAIN_SEED + seed, bias=NETS[name])
    net, steps = build_net(name), _SCENES // _BATCH
    rate = keras.optimizers.schedules.CosineDecay(3e-3, _EPOCHS * steps)
    net.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    batches = augmented(scenes, seed=seed)
    net.fit(batches, steps_per_epoch=steps, epochs=_EPOCHS, shuffle=False, verbose=2)
    bare = build_net(name)
    bare.set_weights(net.get_weights())
    return bare


def measure(net: Any, *, seed: int) -> dict[str, Any]:
    """Return accuracies in every world, and how often another sky turns the answer round."""

    def answers(bias: float, *, flip_sky: bool = False) -> tuple[Array, Array]:
        scenes = make_scenes(_TESTS, seed=_TEST_SEED + seed, bias=bias, flip_sky=flip_sky)
        outputs = net.predict(scenes.images.astype(np.float32), batch_size=100, verbose=0)
        return outputs.argmax(axis=-1), scenes.labels

    worlds = {"own": NETS[net.name], "any_weather": 0.0, "swapped_weather": -1.0}
    accuracy = {}
    for world, bias in worlds.items():
        said, labels = answers(bias)
        accuracy[world] = round(float(np.mean(said == labels)), 4)
    before, after = answers(0.0)[0], answers(0.0, flip_sky=True)[0]
    turned = round(float(np.mean(before != after)), 4)
    return {"accuracy": accuracy, "answers_turned_by_another_sky": turned}


def draw_pictures(folder: Path) -> list[Path]:
    """Write the demo's pictures as PNG files named after what they show; return their paths."""
    scenes = bundled_scenes(size=_PICTURE_SIZE)
    written = []
    for index, image in enumerate(scenes.images):
        path = folder / picture_name(scenes, index)
        Image.fromarray(image).save(path, optimize=True)
        written.append(path)
    return written


def train_nets(folder: Path, pictures: list[Path], *, seed: int) -> Path:
    """Train and save both nets; write what was measured to facts.json and return its path."""
    choose()
    import keras

    facts: dict[str, Any] = {
        "class_names": list(CLASS_NAMES),
        "picture_size": SIZE,
        "seed": seed,
        "batch": _BATCH,
        "tested_on": _TESTS,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "pictures": [path.name for path in pictures],
        "nets": {},
    }
    for name, bias in NETS.items():
        net = train_net(name, seed=seed)
        path = folder / f"{name}.keras"
        net.save(path)
        facts["nets"][name] = {
            "bias": bias,
            "scenes": _SCENES,
            "epochs": _EPOCHS,
            "parameters": int(net.count_params()),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            **measure(net, seed=seed),
        }
        print(f"{name}: {facts['nets'][name]}")
    return write_whole(folder / "facts.json", (json.dumps(facts, indent=2) + "\n").encode())


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m kerascope.demo.train", description=__doc__)
    here = Path(__file__).parent / "data"
    parser.add_argument("--out", type=Path, default=here, help="folder; default: the package's own")
    parser.add_argument("--seed", type=int, default=0, help="seed of scenes, weights and batches")
    parser.add_argument("--pictures", action="store_true", help="only draw the pictures again")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    pictures = draw_pictures(options.out)
    if not options.pictures:
        train_nets(options.out, pictures, seed=options.seed)


if __name__ == "__main__":
    main()
