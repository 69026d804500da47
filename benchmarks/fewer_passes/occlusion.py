"""Dense occlusion, coarse to fine: positions for a correlation of .99 with the map of all of them.

`python benchmarks/fewer_passes/occlusion.py`. Patch of 32 pixels at stride 4, 2401 positions, on
photographs and a net that the settings were not chosen on. The simple alternative is a coarser
stride everywhere, interpolated alike. Errors are 1 − correlation over the map at stride 4.
"""

from __future__ import annotations

import numpy as np
from curves import Row, correlation, net, photographs, save

import kerascope as ks
from kerascope.methods.positions import Positions, coarse_to_fine, interpolate

PICTURES = ("tfkv_goldfish.jpg", "coral_owl.jpg", "captum_swan.jpg", "kvis_ouzel1.jpg")
TOLERANCES = (0.2, 0.1, 0.06, 0.04, 0.02, 0.01)
STRIDES = (12, 10, 8, 6, 5, 4, 3, 2)  # in steps of the dense grid


def main() -> None:
    """Measure the whole map once, then what each scheme would have given of it."""
    rows = []
    for name in ("mobilenet_v1", "mobilenet_v2"):
        view = net(name)
        loaded = photographs(view, PICTURES)
        made = Positions((224, 224), (32, 32), (4, 4))
        for i, picture in enumerate(PICTURES):
            found = ks.explain(view, loaded[i : i + 1], "occlusion", patch=32, stride=4)
            exact = found.values[0].reshape(-1, 1)
            fine, coarse = {}, {}
            for tolerance in TOLERANCES:
                got = coarse_to_fine(
                    made, lambda p, e=exact: e[p], tolerance, np.random.default_rng(0)
                )
                fine[len(got.measured)] = 1 - correlation(got.values, exact)
            for step in STRIDES:
                along = np.unique(np.append(np.arange(0, 49, step), 48))
                places = (along[:, None] * 49 + along).ravel()
                coarse[len(places)] = 1 - correlation(
                    interpolate(made, places, exact[places]), exact
                )
            rows += [
                Row("coarse to fine", name, picture, fine),
                Row("coarser stride", name, picture, coarse),
            ]
    save("occlusion", rows, "1 − correlation with all 2401 positions")


if __name__ == "__main__":
    main()
