"""Collect rows with a Keras net, and die by SIGKILL a moment after some parts are written."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np

from kerascope.audit.collect import collect
from kerascope.audit.collected import Collected

SAMPLES, PART = 40, 4


def net() -> keras.Model:
    """Return a small net whose weights are the same in every process."""
    keras.utils.set_random_seed(3)
    picture = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="look")(picture)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(picture, keras.layers.Dense(3, name="head")(x), name="victim")


def run(folder: Path) -> Collected:
    """Collect rows with Grad-CAM maps."""
    x = np.random.default_rng(0).normal(size=(SAMPLES, 12, 12, 3)).astype("float32")
    labels = [i % 3 for i in range(SAMPLES)]
    return collect(net(), x, folder, "grad_cam", labels=labels, part_size=PART, batch_size=2)


def die(folder: Path, parts: int, delay: float) -> None:
    """Kill this process when some parts are there and a moment has passed."""
    while len(list(folder.glob("part-*.parquet"))) < parts:
        time.sleep(0.0005)
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    place, number, moment = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    threading.Thread(target=die, args=(place, number, moment), daemon=True).start()
    run(place)
