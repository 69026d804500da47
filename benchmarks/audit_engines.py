"""Throughput of an audit on the local engine and on Ray, against the bare model's forward pass.

    python benchmarks/audit_engines.py MODEL [--samples 256] [--methods grad_cam] [--workers 1 2]

The floor is the model's compiled forward pass over a batch that lies in memory. Times of the
engines are of reading JPEG files, passes, rows and writing, without the start (loading, tracing),
which stands beside them. All are measured in turns, and the best counts. The local engine has all
cores, one worker of Ray has one; scaling efficiency is the throughput of n workers over n times
that of one. "wait:30" in place of a model is a function that waits 30 ms a sample: what is lost
then is lost by the engines, also on a machine that others use.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PART = 16


def pictures(folder: Path, count: int) -> Path:
    for i in range(count):
        coarse = np.random.default_rng(i).integers(0, 256, (9, 12, 3), dtype=np.uint8)
        path = folder / f"{i:06d}.jpg"
        Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(path)
    return folder


def floor(model: Any, batch: int) -> float:
    """Return the best seconds per sample of the compiled forward pass."""
    import keras

    from kerascope import backend

    run = backend.active().compiled(lambda x: model(x, training=False), model)
    x = keras.ops.convert_to_tensor(np.zeros((batch, *model.input_shape[1:]), "float32"))
    seconds = []
    for _ in range(8):
        began = time.perf_counter()
        with backend.active().inference():
            keras.ops.convert_to_numpy(run(x))
        seconds.append((time.perf_counter() - began) / batch)
    return min(seconds[2:])


class Waiting:
    """A function of a batch that takes a given time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, x: Any) -> Any:
        time.sleep(self.seconds * len(x))
        return np.ones((len(x), 2), "float32")


def measured(model: Any, data: Path, engine: Any, skip: int, **how: Any) -> tuple[float, float]:
    """Return seconds per sample after `skip` parts, and seconds until those were there."""
    import kerascope as ks
    from kerascope.audit.collect import collect

    told: list[tuple[float, int]] = []
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as rows,
        ks.reporting(lambda *news: told.append((time.perf_counter(), news[1]))),
    ):
        collect(model, data, rows, part_size=PART, engine=engine, **how)
    first = next((t, n) for t, n in told if n >= skip * PART)
    last = told[-1]
    return (last[0] - first[0]) / (last[1] - first[1]), first[0] - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--methods", nargs="*", default=["grad_cam"])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()

    import keras

    import kerascope as ks
    from kerascope.engines import Local, Ray

    wait = float(given.model[5:]) / 1000 if given.model.startswith("wait:") else None
    model: Any = ks.load_model(given.model) if wait is None else Waiting(wait)
    how: dict[str, Any] = {"methods": given.methods, "batch_size": given.batch}
    if wait is not None:
        how |= {"methods": None, "size": 224, "preprocess": "unit"}
    name, cores = keras.backend.backend(), os.cpu_count()
    print(f"{Path(given.model).name}, {name}, {cores} cores, batches of {given.batch}, "
          f"{given.samples} JPEG of 320 x 240, methods {given.methods or 'none'}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        data = pictures(Path(folder), given.samples)
        runs = [("local", Local(ahead=2 * given.batch), 2)] + [
            (f"ray, {n} of 1 core", Ray(address="local", concurrency=n), 2 * n)
            for n in given.workers
        ]
        floors: list[float] = []
        best: dict[str, list[float]] = {words: [] for words, _, _ in runs}
        starts: dict[str, float] = {}
        for _ in range(given.repeats):
            for words, engine, skip in runs:
                floors.append(wait or floor(model, given.batch))
                seconds, starts[words] = measured(model, data, engine, skip, **how)
                best[words].append(seconds)
    told("forward floor", floors, min(floors))
    for words, seconds in best.items():
        told(words, seconds, min(floors), f", {starts[words]:.0f} s to start")
    one = best.get("ray, 1 of 1 core")
    for n in given.workers:
        if one and n > 1:
            joint = min(one) / min(best[f"ray, {n} of 1 core"])
            print(f"scaling efficiency of {n} workers: {joint / n:.0%}")


def told(words: str, seconds: list[float], bare: float, more: str = "") -> None:
    """Print the best time, what it is in floors, and the range."""
    least, most = 1000 * min(seconds), 1000 * max(seconds)
    print(f"{words}: {least:.1f} ms a sample (to {most:.1f}), {1000 / least:.1f} a second, "
          f"{least / bare / 1000:.2f} floors{more}")  # fmt: skip


if __name__ == "__main__":
    main()
