"""Draw what maximises targets: a sheet of pictures, curves or bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.plot.colour import fit
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title

if TYPE_CHECKING:
    from kerascope.types import Array

_CELL = 2.3  # inches


def maximized_figure(shown: Array, words: Sequence[str], *, columns: int, notes: str) -> Figure:
    """Return a sheet: (k, y, x, 3) uint8 pictures, (k, position, channel) curves or (k, feature).

    words: what each is, written above it. notes: written above all.
    """
    columns = min(columns, len(shown))
    lines = -(-len(shown) // columns)
    ratio = shown.shape[1] / shown.shape[2] if shown.ndim == 4 else 0.7
    size = (_CELL * columns + 0.2, (_CELL * min(max(ratio, 0.4), 2.0) + 0.42) * lines + 0.35)
    figure = Figure(figsize=size, dpi=110, layout="constrained", facecolor="white")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for k, axes in enumerate(grid):
        if k >= len(shown):
            axes.set_visible(False)
            continue
        if shown.ndim == 4:
            blank(axes)
            axes.imshow(fit(shown[k], longest=420), interpolation="nearest")
        elif shown.ndim == 3:
            axes.plot(shown[k], linewidth=1.1)
            axes.tick_params(labelsize=6, colors=INK)
        else:
            axes.bar(np.arange(len(shown[k])), shown[k], color="#2a6fb5")
            axes.axhline(0, color="#8a90a0", linewidth=0.8)
            axes.tick_params(labelsize=6, colors=INK)
        title(axes, words[k], fontsize=7.5, pad=3)
    figure.suptitle(notes, fontsize=9, color=INK, parse_math=False)
    return figure
