"""Integrated gradients by spacing, and SmoothGrad with and without pairs, by gradient passes.

`python benchmarks/fewer_passes/paths.py` measures the map's error against 512 midpoints, and 1024
independent noisy copies. A forward pass of the path's probes counts as a third of a gradient.
"""

from __future__ import annotations

from typing import Any

import curves
import numpy as np

import kerascope as ks
from kerascope.targets import resolve_targets

# net: its preprocessing, photographs
CASES = {
    "resnet8": ("none", ["tfjs_cat.jpg", "coral_bird.bmp", "kvis_ouzel1.jpg", "tfkv_bear.jpg"]),
    "xception": ("tf", ["gradcam_dog_cat_both.png"]),
    "mobilenet_v1": ("auto", ["coral_hot_dog.jpg"]),
}
STEPS = (8, 16, 32, 64, 128)
LONG = {
    "integrated_gradients": {"steps": 512, "spacing": "uniform"},
    "smooth_grad": {"samples": 1024},
}
PROBES = 3  # nine forward passes, of which two are made by every spacing


def heat(view: Any, x: Any, method: str, **fields: Any) -> np.ndarray:
    """Return the map of the only sample."""
    if method == "integrated_gradients":
        fields["tolerance"] = None
    return ks.explain(view, x, method, **fields).heatmap()[0]


def integrated(view: Any, x: Any, steps: int, scheme: str) -> np.ndarray:
    """Return integrated gradients of n steps."""
    if scheme == "left":
        return left(view, x, steps)
    return heat(view, x, "integrated_gradients", steps=steps, spacing=scheme)


def left(view: Any, x: Any, steps: int) -> np.ndarray:
    """Return the left Riemann sum, as many libraries have it."""
    inputs = view.read(x)
    ((name, array),) = inputs.items()
    targets = resolve_targets(None, view.spec(), 1)
    view.scores(inputs, targets)
    targets = targets.pin(view.last["scores_of"])
    alphas = (np.arange(steps) / steps).astype(np.float32)
    total = np.zeros(array.shape[1:])
    for part in np.array_split(alphas, -(-steps // 16)):
        rows = part.reshape(-1, *(1,) * (array.ndim - 1)) * array
        found = view.gradients({name: rows}, targets.take(np.zeros(len(rows), int)), pad=16)
        total += found.inputs[name][:, 0].sum(axis=0, dtype=np.float64)
    return (total / steps * array[0]).sum(axis=-1)


def main() -> None:
    """Measure, save, print."""
    rows: list[curves.Row] = []
    for net, (preprocess, pictures) in CASES.items():
        view = curves.net(net)
        for picture in pictures:
            x = ks.load_images(
                [curves.REAL / "images" / picture], view.model, preprocess=preprocess
            )
            long = {name: heat(view, x, name, seed=9, **f) for name, f in LONG.items()}
            exact = long["integrated_gradients"]
            for scheme in ("left", "uniform", "gauss", "adaptive"):
                extra = PROBES if scheme == "adaptive" else 0
                curve = {
                    n + extra: curves.relative_error(integrated(view, x, n, scheme), exact)
                    for n in STEPS
                }
                rows.append(curves.Row(f"IG {scheme}", net, picture, curve))
            for pairs in (False, True):
                curve = {
                    n: np.mean([
                        1 - curves.correlation(
                            heat(view, x, "smooth_grad", samples=n, pairs=pairs, seed=s),
                            long["smooth_grad"],
                        )
                        for s in range(2)
                    ])
                    for n in STEPS
                }  # fmt: skip
                rows.append(curves.Row(f"SmoothGrad pairs={pairs}", net, picture, curve))
    curves.save("paths", rows, "IG: ‖map − long‖ / ‖long‖; SmoothGrad: 1 − correlation")
    for plain, best, passes in (
        ("IG left", "IG adaptive", 50),
        ("IG uniform", "IG adaptive", 50),
        ("IG left", "IG gauss", 50),
        ("SmoothGrad pairs=False", "SmoothGrad pairs=True", 64),
    ):
        factors = []
        for row in (r for r in rows if r.scheme == plain):
            key = (best, row.net, row.picture)
            other = next(r for r in rows if (r.scheme, r.net, r.picture) == key)
            known = np.log([list(row.curve), list(row.curve.values())])
            error = float(np.exp(np.interp(np.log(passes), *known)))
            factors.append(passes / curves.passes_for(other.curve, error))
        said = f"{np.round(factors, 2)}, median {np.median(factors):.2f}"
        print(f"{best} against {plain} at {passes}: {said}")


if __name__ == "__main__":
    main()
