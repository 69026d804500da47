"""Measure incremental against naive occlusion: `KERAS_BACKEND=… python benchmarks/incremental.py`.

Arguments are names of `keras.applications` or paths of model files; by default VGG16, ResNet50,
MobileNetV2, InceptionV3 and DenseNet121, with random weights that keep activations alive. A patch
of 20 pixels moves by 10. Naive occlusion runs at its best batch of 8, 16 and 32, found in the
same run; then both ways take turns, and medians are compared. `--approximate PIXELS` caps the
growth of windows. "automatic" is what `plan` decides by itself, with its own measurement.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from kerascope import incremental
from kerascope.hooks import HookedModel
from kerascope.incremental.batches import Incremental, naive
from kerascope.incremental.cost import multiply_adds
from kerascope.incremental.graph import understood
from kerascope.incremental.program import follow
from kerascope.targets import resolve_targets

MODELS = ("VGG16", "ResNet50", "MobileNetV2", "InceptionV3", "DenseNet121")
PATCH, STRIDE = 20, 10
BATCHES = (8, 16, 32)


def alive(model: Any) -> Any:
    """Give a model weights that keep the spread of its activations, so that patches matter."""
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            inputs = np.prod(shape[:2] if "depthwise" in weight.path else shape[:-1])
            weight.assign(rng.normal(0, np.sqrt(2 / inputs), shape))
        elif not weight.path.endswith("gamma"):
            weight.assign(rng.normal(0, 0.1, shape))
    norms = [n for n in model.layers if isinstance(n, keras.layers.BatchNormalization)]
    for norm in norms:  # one pass in training mode then sets statistics that fit the weights
        norm.momentum = 0.0
    if norms:
        model(rng.uniform(-1, 1, (4, *model.input_shape[1:])).astype("float32"), training=True)
    return model


def load(name: str) -> Any:
    """Return a model by the name of an application, or from a file."""
    if hasattr(keras.applications, name):
        return alive(getattr(keras.applications, name)(weights=None, classifier_activation=None))
    return keras.models.load_model(name, compile=False)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(name: str, repeats: int, approximate: int | None) -> tuple[str, ...]:
    """Return a row of the table for one model."""
    model = load(name)
    hooked = HookedModel(model, batch_size=max(BATCHES))
    shape = tuple(model.input_shape[1:])
    picture = np.random.default_rng(1).uniform(-1, 1, (1, *shape)).astype("float32")
    x = hooked.read(picture)
    source, targets = next(iter(x)), resolve_targets((0, 1), hooked.spec(), 1)
    axes = [range(0, n - PATCH + STRIDE, STRIDE) for n in shape[:-1]]
    corners, cover = np.array(list(itertools.product(*axes))), np.zeros(shape, np.float32)
    corners = corners[np.random.default_rng(2).permutation(len(corners))]
    patch = (PATCH,) * len(axes)
    plan = incremental.plan(
        hooked, x, source, patch, targets, corners=corners, approximate=approximate, always=True
    )
    if isinstance(plan, str):
        return (name, "", "", "", "", "", plan)

    def whole(size: int) -> Any:
        return naive(plan, x, cover, corners[:size], targets)

    def windows() -> Any:
        return plan.scores(x, 0, cover, corners[: plan.rows], targets).values

    exact, found = whole(plan.rows), windows()
    plain = hooked.scores(x, targets).values
    times = {
        size: min(seconds(lambda n=size: whole(n)) / size for _ in range(2)) for size in BATCHES
    }
    best = min(times, key=times.__getitem__)
    pairs = [
        (seconds(lambda: whole(best)) / best, seconds(windows) / plan.rows) for _ in range(repeats)
    ]
    slow, fast = (median(part) * 1e3 for part in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    decided = incremental.plan(hooked, x, source, patch, targets, corners=corners)
    return (
        name,
        f"{slow:.1f} ({best})",
        f"{fast:.1f} ({plan.rows})",
        f"{ratio:.2f}",
        f"{bound(plan):.2f}",
        (
            f"{np.abs(found - exact).max():.1e}, {np.abs(plain - exact).max():.1e}, "
            f"{np.abs(exact).max():.1e}"
        ),
        "used" if isinstance(decided, Incremental) else decided,
    )


def bound(plan: Incremental) -> float:
    """Return the gain that multiply-adds allow, windows followed to the end, sizes by position."""
    order = understood(plan.graph)
    source = plan.program.source
    spans = follow(plan.graph, order, source, plan.candidates, plan.patch, plan.approximate)
    return multiply_adds(plan.graph, order, spans)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--approximate", type=int, default=None)
    given = parser.parse_args()
    columns = (
        "model", "naive ms (batch)", "incremental ms (batch)", "ratio", "multiply-adds allow",
        "largest error, drop, logit", "automatic",
    )  # fmt: skip
    table = Table(*columns, box=None)
    for name in given.models:
        table.add_row(*measure(name, given.repeats, given.approximate))
        keras.backend.clear_session()
    console = Console(width=160)
    capped = "" if given.approximate is None else f", growth capped at {given.approximate} pixels"
    console.print(
        f"{keras.backend.backend()}, patch {PATCH}, stride {STRIDE}{capped}; per position"
    )
    console.print(table)


if __name__ == "__main__":
    main()
