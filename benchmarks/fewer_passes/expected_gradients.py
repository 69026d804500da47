"""Expected gradients: every baseline × stratified places on its path, against drawing both.

`python benchmarks/fewer_passes/expected_gradients.py` measures the map's error by the number of
gradient passes against 32 places on each of 14 paths, and prints how many passes the plain scheme
(a random baseline and a random place each time, as shap's GradientExplainer) needs for the same.
"""

from __future__ import annotations

from typing import Any

import curves
import numpy as np

import kerascope as ks
from kerascope.targets import resolve_targets

BACKGROUND = [
    "captum_siamese.jpg", "captum_swan.jpg", "captum_zebra.jpg", "coral_bird.bmp", "coral_cat.bmp",
    "coral_dragonfly.bmp", "coral_parrot.jpg", "coral_pets.jpg", "coral_sunflower.bmp",
    "gradcam_dog_cat_both.png", "pair_doberman.png", "tfjs_cat.jpg", "tfkv_bear.jpg",
    "tfkv_goldfish.jpg",
]  # fmt: skip
PICTURES = ["coral_hot_dog.jpg", "kvis_ouzel1.jpg", "captum_elephant.jpg", "coral_owl.jpg"]
# net: its preprocessing, photographs
CASES = {
    "resnet8": ("none", PICTURES),
    "xception": ("tf", PICTURES[:2]),
    "mobilenet_v1": ("auto", PICTURES[:1]),
}
PLACES = (1, 2, 4, 8)  # on each path
LONG = 32
PLAIN = (16, 32, 64, 128, 256, 512, 1024)


def plain(view: Any, x: np.ndarray, base: np.ndarray) -> dict[int, np.ndarray]:
    """Return maps of a random baseline and place per pass, by the number of passes."""
    inputs = view.read(x)
    name = next(iter(inputs))
    targets = resolve_targets(None, view.spec(), 1)
    view.scores(inputs, targets)
    targets = targets.pin(view.last["scores_of"])
    rng, total, done, found = np.random.default_rng(17), np.zeros(x.shape[1:]), 0, {}
    while done < PLAIN[-1]:
        size = 16
        rows = base[rng.integers(len(base), size=size)]
        way = inputs[name] - rows
        at = rows + rng.random((size, *(1,) * (x.ndim - 1)), np.float32) * way
        repeated = {name: np.repeat(inputs[name], size, axis=0)}
        gradients = view.gradients(
            repeated, targets.take(np.zeros(size, int)), at={name: at}, pad=16
        )
        total += (gradients.inputs[name][:, 0] * way).sum(axis=0, dtype=np.float64)
        done += size
        if done in PLAIN:
            found[done] = (total / done).sum(axis=-1)
    return found


def main() -> None:
    """Measure, save, print."""
    rows: list[curves.Row] = []
    factors: dict[int, list[float]] = {n: [] for n in PLACES}
    for net, (preprocess, pictures) in CASES.items():
        view = curves.net(net)
        for picture in pictures:
            paths = [curves.REAL / "images" / name for name in (picture, *BACKGROUND)]
            x, base = np.split(
                np.asarray(ks.load_images(paths, view.model, preprocess=preprocess).inputs), [1]
            )
            maps = {
                n: ks.explain(
                    view, x, "expected_gradients", background=base, samples=n * len(base)
                ).heatmap()[0]
                for n in (*PLACES, LONG)
            }
            ours = {n * len(base): curves.relative_error(maps[n], maps[LONG]) for n in PLACES}
            drawn = {
                n: curves.relative_error(found, maps[LONG])
                for n, found in plain(view, x, base).items()
            }
            rows += [
                curves.Row("every baseline, stratified", net, picture, ours),
                curves.Row("both at random", net, picture, drawn),
            ]
            for n, each in factors.items():
                passes = n * len(base)
                each.append(curves.passes_for(drawn, ours[passes]) / passes)
    curves.save("expected_gradients", rows, "‖map − long run‖ / ‖long run‖")
    for n, each in factors.items():
        print(f"{n} × baselines: factors {np.round(each, 1)}, median {np.median(each):.1f}")


if __name__ == "__main__":
    main()
