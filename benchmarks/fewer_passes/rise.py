"""RISE: regression on a mask basis against the mean-centred and the plain weighted average.

`python benchmarks/fewer_passes/rise.py` measures 1 − correlation with a long run (8192 masks of
another seed, by regression; its agreement with a second one is printed), by the number of masks,
and how many masks of the centred average give the regression's error. The logit is explained.
Settings (the share of the masks' variance that the basis spans, the prior of the ridge) were chosen
on MobileNetV1 with captum_elephant.jpg and captum_swan.jpg.
"""

from __future__ import annotations

from typing import Any

import curves
import numpy as np

import kerascope as ks

# net: its preprocessing, photographs
CASES = {
    "resnet8": ("none", ["tfjs_cat.jpg", "kvis_ouzel1.jpg", "coral_bird.bmp", "tfkv_bear.jpg"]),
    "xception": ("tf", ["gradcam_dog_cat_both.png", "tfjs_cat.jpg", "coral_pets.jpg"]),
    "mobilenet_v1": ("auto", ["coral_hot_dog.jpg", "pair_doberman.png"]),
}
MASKS = {
    "regression": (64, 128, 256, 512, 1024),
    "centred": (256, 512, 1024, 2048, 4096, 8192),
    "paper": (1024, 8192),
}
LONG = 8192


def main() -> None:
    """Measure, save, print."""
    rows, factors, calibration = [], {128: [], 256: [], 512: [], 1024: []}, []
    for net, (preprocess, pictures) in CASES.items():
        view = curves.net(net)
        for picture in pictures:
            x = ks.load_images(
                [curves.REAL / "images" / picture], view.model, preprocess=preprocess
            )
            long = [_explain(view, x, LONG, "regression", seed).values[0] for seed in (101, 102)]
            truth = sum(long) / 2
            print(
                f"{net} {picture}: long runs agree to {curves.correlation(*long):.5f}", flush=True
            )
            found = {}
            for kind, masks in MASKS.items():
                results = {n: _explain(view, x, n, kind) for n in masks}
                found[kind] = {
                    n: 1 - curves.correlation(r.values[0], truth) for n, r in results.items()
                }
                rows.append(curves.Row(kind, net, picture, found[kind]))
                if kind == "regression":
                    calibration += [_calibration(r, truth) for r in results.values()]
            for n, each in factors.items():
                each.append(curves.passes_for(found["centred"], found["regression"][n]) / n)
    curves.save("rise", rows, "1 − correlation with the long run")
    for n, each in factors.items():
        print(f"{n} masks: the centred average needs {np.round(each, 1)} times as many, "
              f"median {np.median(each):.1f}")  # fmt: skip
    print(f"error / standard error, root mean squares: {np.round(calibration, 2)}")


def _explain(view: Any, x: Any, masks: int, estimator: str, seed: int = 0) -> ks.Attribution:
    return ks.explain(view, x, "rise", masks=masks, estimator=estimator, seed=seed)


def _calibration(result: ks.Attribution, truth: np.ndarray) -> float:
    error = np.square(result.values[0] - truth).mean()
    return float(np.sqrt(error / np.square(result.extras["standard_error"][0]).mean()))


if __name__ == "__main__":
    main()
