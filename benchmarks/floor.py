"""Measure methods against their pass-count floor: `python benchmarks/floor.py [MODEL.keras]`.

floor = (passes that the method declares) × (best time per sample of such a pass on this backend, in
the same run). A gradient pass is timed as the plain gradient at the inputs of one compiled call, a
forward pass as compiled scores. The model defaults to an untrained MobileNetV2.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.method import make_method
from kerascope.targets import resolve_targets

BATCHES = (1, 4, 8, 16)
METHODS = {
    "gradient": {},
    "gradient_x_input": {},
    "grad_cam": {},
    "hires_cam": {},
    "eigen_cam": {},
    "smooth_grad": {"samples": 16},
    "integrated_gradients": {"steps": 16, "tolerance": None},
    "expected_gradients": {"samples": 20},
    "occlusion": {"patch": 56, "stride": 56},
    "score_cam": {"top_k": 16},
}


def best(call: Callable[[], object], repeats: int = 5) -> float:
    """Return the best of several timings of `call`, in seconds, after one warm-up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Time passes and methods and print their ratios."""
    if len(sys.argv) > 1:
        model = keras.models.load_model(sys.argv[1], compile=False)
    else:
        model = keras.applications.MobileNetV2(weights=None)
    shape = tuple(model.input_shape[1:])
    x = np.random.default_rng(0).uniform(-1, 1, (max(BATCHES), *shape)).astype("float32")
    unit: dict[str, tuple[float, int]] = {}
    for size in BATCHES:
        view = HookedModel(model, batch_size=size)
        given = view.read(x[:size])
        targets = resolve_targets(0, view.spec(), size)
        for kind, call in {
            "gradient": lambda v=view, g=given, t=targets: v.gradients(g, t),
            "forward": lambda v=view, g=given, t=targets: v.scores(g, t),
        }.items():
            took = best(call) / size
            if kind not in unit or took < unit[kind][0]:
                unit[kind] = (took, size)
    table = Table(
        "method",
        "samples",
        "passes (forward, gradient)",
        "floor ms",
        "measured ms",
        "ratio",
        box=None,
    )
    for name, fields in METHODS.items():
        method = make_method(name, fields)
        declared = method.passes({"": shape}, 1, 16)
        one_pass = method.one_pass
        samples = unit["gradient" if declared.gradient else "forward"][1] if one_pass else 1
        floor = samples * (
            declared.forward * unit["forward"][0] + declared.gradient * unit["gradient"][0]
        )
        batch = samples if one_pass else unit["gradient" if declared.gradient else "forward"][1]
        took = best(partial(ks.explain, model, x[:samples], method, target=0, batch_size=batch), 3)
        passes = f"{declared.forward}, {declared.gradient}"
        table.add_row(
            name,
            str(samples),
            passes,
            f"{floor * 1e3:.0f}",
            f"{took * 1e3:.0f}",
            f"{took / floor:.2f}",
        )
    console = Console()
    console.print(
        f"{keras.backend.backend()}, {model.name}, "
        + ", ".join(
            f"{kind} pass {took * 1e3:.1f} ms a sample at batch {size}"
            for kind, (took, size) in unit.items()
        )
    )
    console.print(table)


if __name__ == "__main__":
    main()
