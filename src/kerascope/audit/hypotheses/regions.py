"""Regions of the picture that are the same for all pictures: sky, ground, surroundings, middle."""

from __future__ import annotations

import numpy as np

from kerascope.types import Array

OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
_RIM, _INNER = 0.14, 0.22  # of a side


def regions(height: int, width: int) -> dict[str, Array]:
    """Return bool (y, x) by name: thirds at the four sides, a rim, the middle."""
    y, x = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    rim = np.minimum(np.minimum(y, 1 - y)[:, None], np.minimum(x, 1 - x))
    wide = np.ones((height, width), bool)
    return {
        "top": wide & (y < 1 / 3)[:, None],
        "bottom": wide & (y > 2 / 3)[:, None],
        "left": wide & (x < 1 / 3),
        "right": wide & (x > 2 / 3),
        "surroundings": rim < _RIM,
        "wide surroundings": rim < _INNER,
        "centre": rim >= _INNER,
    }


def box_of(area: Array) -> tuple[float, float, float, float]:
    """Return (x0, y0, x1, y1) of a mask as fractions of the picture."""
    height, width = area.shape
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    return (
        float(columns[0] / width), float(rows[0] / height),
        float((columns[-1] + 1) / width), float((rows[-1] + 1) / height),
    )  # fmt: skip
