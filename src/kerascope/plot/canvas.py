"""The layout of a figure: cells in lines, with thin cells beside or below them for colour bars."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from kerascope.plot.colour import MAP_NAMES
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK
from kerascope.plot.maps import Map, Meaning
from kerascope.plot.words import ENDS
from kerascope.wording import number

CELL = 2.5  # inches
_TITLE = 0.95  # inches, for a title above and words below each line of cells
_BAR = 0.11  # inches
_BAR_WORDS = 0.32  # inches


@dataclasses.dataclass(frozen=True, eq=False)
class Canvas:
    """A figure with its cells.

    cells: axes by line and column.
    below: axes of the colour bar below every cell, by line and column; empty without such bars.
    side: axes of the colour bar beside every line; empty without.
    foot: axes of the colour bar below every column; empty without.
    """

    figure: Figure
    cells: list[list[Any]]
    below: list[list[Any]]
    side: list[Any]
    foot: list[Any]


def canvas(heights: Sequence[float], columns: int, *, bars: str, first: int = 1) -> Canvas:
    """Return an empty canvas whose lines have the given heights in inches.

    bars: where colour bars go: "below" each cell but the first, at the "side" of each line, on one
        "whole" side of all lines, or at the "foot" of each column but the first.
    first: columns from the left that hold no map and have no bar.
    """
    beside = bars in ("side", "whole")
    step = 2 if bars == "below" else 1
    rows: list[float] = []
    for height in heights:
        rows += [height, _BAR] if bars == "below" else [height]
    rows += [_BAR] if bars == "foot" else []
    thin = sum(1 for row in rows if row == _BAR)
    total = sum(rows) + _TITLE * len(heights) + _BAR_WORDS * thin + 0.3
    width = CELL * columns + (0.75 if beside else 0)
    fig = Figure(figsize=(width, total), dpi=110, layout="constrained", facecolor="white")
    ratios = [CELL] * columns + ([_BAR] if beside else [])
    grid = fig.add_gridspec(len(rows), len(ratios), height_ratios=rows, width_ratios=ratios)
    lines = range(len(heights))
    cells = [[fig.add_subplot(grid[step * line, c]) for c in range(columns)] for line in lines]
    below, side, foot = [], [], []
    if bars == "below":
        below = [
            [fig.add_subplot(grid[step * i + 1, c]) for c in range(first, columns)] for i in lines
        ]
    if bars == "side":
        side = [fig.add_subplot(grid[line, columns]) for line in lines]
    if bars == "whole":
        side = [fig.add_subplot(grid[: min(2, len(heights)), columns])]
    if bars == "foot":
        foot = [fig.add_subplot(grid[len(heights), c]) for c in range(first, columns)]
    return Canvas(fig, cells, below, side, foot)


def draw_bar(axes: Any, maps: Sequence[Map], limit: float, *, lying: bool) -> None:
    """Draw the colour bar of maps with a common limit into its axes, with words at its ends.

    The bar is signed as soon as one of the maps is.
    """
    meanings = {item.meaning for item in maps}
    meaning = Meaning.SIGNED if Meaning.SIGNED in meanings else next(iter(meanings))
    low = -limit if meaning is Meaning.SIGNED else 0.0
    mappable = ScalarMappable(Normalize(low, limit), colormaps[MAP_NAMES[meaning]])
    bar = axes.figure.colorbar(
        mappable, cax=axes, orientation="horizontal" if lying else "vertical"
    )
    first, last = ENDS[meaning]
    join = " " if lying else "\n"
    ticks = {low: f"{first}{join}{number(low)}", limit: f"{last}{join}{number(limit)}"}
    if meaning is Meaning.SIGNED and not lying:
        ticks[0.0] = "0"
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    if lying:
        for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
            label.set_horizontalalignment(side)
    axes.tick_params(labelsize=7, colors=INK, length=0 if lying else 2)
    bar.outline.set_visible(False)  # type: ignore[operator]
