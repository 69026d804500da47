"""Train one net for every planted cue: `python -m kerascope.planted.train`.

A net ships only if it decides by its cue: right with it, at chance without it, and right again when
all else is drawn anew. `facts.json` beside the nets holds these numbers. A few minutes on a CPU;
with TensorFlow on one machine, the same seed gives the same weights.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.backend import choose
from kerascope.files import write_whole
from kerascope.planted.scenes import CUES, SIZE, make_planted

FOLDER = Path(__file__).parent / "data"
_SCENES, _EPOCHS, _BATCH, _TESTS = 6000, 14, 32, 1000
_TRAIN_SEED, _TEST_SEED = 3_000_000, 4_000_000  # plus --seed; no other seed is near
_RIGHT, _CHANCE = 0.97, 0.6  # least with the cue, most without it
_PLACED = ("position",)  # cues that a mean over positions would lose


def build_net(cue: str) -> Any:
    """Return the untrained net: four convolutions, a mean over positions, two dense layers."""
    import keras
    from keras import layers

    x = picture = keras.Input((SIZE, SIZE, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(x)
    for number, (filters, stride) in enumerate(((16, 1), (24, 2), (32, 2), (32, 1)), start=1):
        x = layers.Conv2D(
            filters, 3, strides=stride, padding="same", use_bias=False, name=f"conv{number}"
        )(x)
        # few steps per epoch: the usual momentum of 0.99 would lag behind the weights
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
    if cue in _PLACED:
        x = layers.Flatten(name="flat")(layers.Conv2D(4, 1, activation="relu", name="few")(x))
    else:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(16, activation="relu", name="hidden")(x)
    return keras.Model(picture, layers.Dense(2, activation="softmax", name="head")(x), name=cue)


def train_net(cue: str, *, seed: int) -> Any:
    """Return a trained net, not compiled."""
    import keras

    keras.utils.set_random_seed(seed)
    scenes = make_planted(cue, _SCENES, seed=_TRAIN_SEED + seed)
    net = build_net(cue)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, _EPOCHS * _SCENES // _BATCH)
    net.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    images = scenes.images.astype(np.float32)
    net.fit(images, scenes.labels, batch_size=_BATCH, epochs=_EPOCHS, verbose=0)
    bare = build_net(cue)
    bare.set_weights(net.get_weights())
    return bare


def measure(net: Any, *, seed: int) -> dict[str, float]:
    """Return accuracies with the cue, without it, and with all else drawn anew."""
    worlds: dict[str, dict[str, bool]] = {"own": {}, "without": {"without": True},
                                          "other": {"other": True}}  # fmt: skip
    found = {}
    for world, settings in worlds.items():
        scenes = make_planted(net.name, _TESTS, seed=_TEST_SEED + seed, **settings)
        said = net.predict(scenes.images.astype(np.float32), batch_size=100, verbose=0)
        found[world] = round(float(np.mean(said.argmax(axis=1) == scenes.labels)), 4)
    return found


def decides_by_cue(accuracy: dict[str, float]) -> bool:
    """Tell whether accuracies say that a net decides by its cue, and nothing else."""
    return min(accuracy["own"], accuracy["other"]) >= _RIGHT and accuracy["without"] <= _CHANCE


def main() -> None:
    """Train, measure and write the nets; stop at one that does not use its cue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("cues", nargs="*", default=list(CUES))
    options = parser.parse_args()
    choose()
    options.folder.mkdir(parents=True, exist_ok=True)
    facts_file = options.folder / "facts.json"
    facts = json.loads(facts_file.read_text(encoding="utf-8")) if facts_file.exists() else {}
    for cue in options.cues:
        net = train_net(cue, seed=options.seed)
        facts[cue] = {"seed": options.seed, "accuracy": measure(net, seed=options.seed)}
        print(cue, facts[cue]["accuracy"], flush=True)
        if not decides_by_cue(facts[cue]["accuracy"]):
            raise SystemExit(f"the net for '{cue}' does not decide by its cue: try another seed")
        net.save(options.folder / f"{cue}.keras")
        words = json.dumps({k: facts[k] for k in CUES if k in facts}, indent=2)
        write_whole(facts_file, f"{words}\n".encode())


if __name__ == "__main__":
    main()
