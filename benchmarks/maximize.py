"""Measure steps of `maximize` against a bare pass: `KERAS_BACKEND=… python benchmarks/maximize.py`.

Arguments are names of `keras.applications` or paths of model files; by default MobileNetV2 with
random weights. A bare pass is one compiled forward and backward pass to the input, at the same
batch; both take turns, and medians are compared.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.inside.maximize import Fourier, MaCo, Pixel, Transforms, maximize
from kerascope.targets import resolve_targets

ROUNDS, STEPS = 3, 12


def loaded(name: str) -> Any:
    """Return a model by file or by name, with random weights."""
    return ks.load_model(name) if Path(name).is_file() else getattr(
        keras.applications, name
    )(weights=None)  # fmt: skip


def bare(model: Any, batch: int) -> list[float]:
    """Return the seconds of compiled forward and backward passes to the input."""
    view = HookedModel(model, batch_size=batch)
    shape = (batch, *model.input_shape[1:])
    x = view.read(np.random.default_rng(0).uniform(-1, 1, shape).astype("float32"))
    targets = resolve_targets(0, view.spec(), batch)
    times = []
    for _ in range(STEPS + 1):
        began = time.perf_counter()
        view.gradients(x, targets)
        times.append(time.perf_counter() - began)
    return times[1:]


def stepped(model: Any, batch: int, fields: dict[str, Any]) -> list[float]:
    """Return the seconds of steps; the first, which may trace, is left out."""
    at: list[float] = []
    with ks.reporting(lambda what, done, total: at.append(time.perf_counter())):  # noqa: ARG005
        maximize(model, 0, count=batch, steps=STEPS + 1, batch_size=batch, **fields)
    return list(np.diff(at))


def main() -> None:
    """Print steps per second and their share of the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["MobileNetV2"])
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    settings: dict[str, dict[str, Any]] = {
        "pixel, no transforms": {"parametrization": Pixel(), "transforms": Transforms.none()},
        "pixel": {"parametrization": Pixel()},
        "fourier": {"parametrization": Fourier()},
        "maco": {"parametrization": MaCo()},
    }
    for name in options.models:
        model = loaded(name)
        floor: list[float] = []
        found: dict[str, list[float]] = {key: [] for key in settings}
        for _ in range(ROUNDS):
            floor += bare(model, options.batch)
            for key, fields in settings.items():
                found[key] += stepped(model, options.batch, fields)
        print(f"{model.name}, {keras.backend.backend()}, batch {options.batch}")
        print(f"  {'bare pass':22}{1 / median(floor):8.2f} per second")
        for key, times in found.items():
            share = median(times) / median(floor)
            print(f"  {key:22}{1 / median(times):8.2f} per second  {share:5.2f} × the bare pass")


if __name__ == "__main__":
    main()
