"""Dense occlusion, coarse to fine: positions for a correlation of .99 with the map of all of them.

`python benchmarks/fewer_passes/occlusion.py`. Patch of 32 pixels at stride 4, 2401 positions, on
photographs that the settings were not chosen on. The simple alternative is a coarser stride
everywhere, interpolated alike. Errors are 1 − correlation: of the heat map, where every pixel has
the mean of the patches that cover it, and of the scores at the 2401 positions themselves.
"""

from __future__ import annotations

import numpy as np
from curves import Row, correlation, net, photographs, save

import kerascope as ks
from kerascope.methods.positions import Found, Positions, coarse_to_fine, interpolate

PICTURES = ("tfkv_goldfish.jpg", "coral_owl.jpg", "captum_swan.jpg", "kvis_ouzel1.jpg")
TOLERANCES = (0.2, 0.1, 0.06, 0.04, 0.02, 0.01)
STRIDES = (12, 10, 8, 6, 5, 4, 3, 2)  # in steps of the dense grid


def every(made: Positions, exact: np.ndarray, step: int) -> Found:
    """Return what every `step`-th position along each axis gives."""
    along = np.unique(np.append(np.arange(0, 49, step), 48))
    places = (along[:, None] * 49 + along).ravel()
    return Found(interpolate(made, places, exact[places]), places, 0.0)


def heat(made: Positions, values: np.ndarray) -> np.ndarray:
    """Return the heat map of values at all positions."""
    return made.over_cover(values.T.reshape(1, *made.grid))


def main() -> None:
    """Measure the whole map once, then what each scheme would have given of it."""
    rows = []
    for name in ("mobilenet_v1", "mobilenet_v2"):
        view = net(name)
        loaded = photographs(view, PICTURES)
        made = Positions((224, 224), (32, 32), (4, 4))
        for i, picture in enumerate(PICTURES):
            whole = ks.explain(view, loaded[i : i + 1], "occlusion", patch=32, stride=4)
            exact = whole.values[0].reshape(-1, 1)
            schemes = {
                "coarse to fine": [
                    coarse_to_fine(made, lambda p, e=exact: e[p], t, np.random.default_rng(0))
                    for t in TOLERANCES
                ],
                "coarser stride": [every(made, exact, step) for step in STRIDES],
            }
            for what, of in {"heat map": heat, "scores": lambda _, v: v}.items():
                goal = of(made, exact)
                for scheme, found in schemes.items():
                    curve = {
                        len(f.measured): 1 - correlation(of(made, f.values), goal) for f in found
                    }
                    rows.append(Row(f"{scheme}, {what}", name, picture, curve))
    save("occlusion", rows, "1 − correlation with all 2401 positions")


if __name__ == "__main__":
    main()
