"""Draw what metrics say of methods: dots with intervals, one panel per metric."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, title

if TYPE_CHECKING:
    from kerascope.types import Array

_LETTERS = 13  # of a heading, to the inch
_METHOD, _CONTROL, _WEAK = "#2a6fb5", "#9aa0ac", "#c2562f"


def evaluation_figure(
    values: Array,
    methods: Sequence[str],
    controls: Sequence[str],
    titles: Sequence[str],
    higher: Sequence[bool],
    marked: Sequence[Sequence[bool]],
    *,
    samples: int,
) -> Figure:
    """Return a panel per metric of (metric, method, (mean, low, high)) values.

    marked: methods that are not really better than every control are drawn in another colour.
    """
    columns = min(4, len(titles))
    lines = -(-len(titles) // columns)
    size = (2.0 + 2.3 * columns, (0.28 * len(methods) + 0.75) * lines + 0.5)
    figure = Figure(figsize=size, dpi=110, layout="constrained", facecolor="white")
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    places = np.arange(len(methods))[::-1]
    for k, axes in enumerate(grid):
        if k >= len(titles):
            axes.set_visible(False)
            continue
        for place, method, (mean, low, high), weak in zip(
            places, methods, values[k], marked[k], strict=True
        ):
            if not np.isfinite(mean):
                continue
            colour = _CONTROL if method in controls else _WEAK if weak else _METHOD
            if np.isfinite(low):
                axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
            axes.plot([mean], [place], "o", color=colour, markersize=4.5)
        axes.set_yticks(places, methods, fontsize=7, color=INK)
        axes.tick_params(axis="x", labelsize=6.5, colors=INK)
        axes.grid(axis="x", color="#e3e6ec", linewidth=0.6)
        axes.set_ylim(-0.6, len(methods) - 0.4)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        way = "→ better" if higher[k] else "← better"
        title(axes, f"{titles[k]}  ({way})", fontsize=8, pad=4)
    words = f"means over {samples} samples with 95 % intervals; grey: controls"
    if any(any(row) for row in marked):
        words += "; orange: not really better than every control"
    wrapped = textwrap.fill(words, int(_LETTERS * size[0]))
    figure.suptitle(wrapped, fontsize=8.5, color=INK, parse_math=False)
    return figure


def table_figure(
    values: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    controls: Sequence[str],
    name: str,
    *,
    higher: bool,
) -> Figure:
    """Return a table of (row, column) shares in colour; names of controls are grey."""
    size = (1.9 + 0.78 * len(columns), 0.24 * len(rows) + 1.0)
    figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.imshow(values, aspect="auto", cmap="viridis" if higher else "viridis_r", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(values):
        dark = value < 0.55 if higher else value > 0.45
        text = f"{value:.2f}" if np.isfinite(value) else "–"
        colour = "white" if dark else "#101420"
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    axes.set_xticks(range(len(columns)), [c.replace("_", " ") for c in columns], fontsize=7)
    axes.set_yticks(range(len(rows)), rows, fontsize=7, color=INK)
    axes.xaxis.tick_top()
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(_CONTROL if row in controls else INK)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    words = f"{name}: {'higher' if higher else 'lower'} is better; grey: controls"
    figure.suptitle(words, fontsize=8.5, color=INK, parse_math=False)
    return figure
