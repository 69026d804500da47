"""A row of named columns in a cell of a figure, and what all pictures of tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.maps import cells_of
from kerascope.wording import short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.plot.maps import Map

# Red and blue that the colour-blind tell apart.
FOR, AGAINST, GREY = "#c2453a", "#3b6fb6", "#8a90a0"
_INK = "#1f2430"
_CELL, _LISTED = 8, 16  # columns in a cell: as bars, as words


def tidy(axes: Any) -> None:
    """Take the frame away but for the bottom, in quiet colours."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(labelsize=8, colors=_INK, length=0)


def column_bars(axes: Any, result: Attribution, item: Map, *, limit: float) -> None:
    """Draw a row's values as bars by column, the largest on top, into a cell of a figure."""
    values, cells = item.values, cells_of(result, item.sample)
    order = np.argsort(-np.abs(values), kind="stable")[:_CELL]
    colours = [FOR if values[i] >= 0 else AGAINST for i in order]
    axes.barh(range(len(order)), values[order], color=colours, height=0.62)
    axes.axvline(0, color=GREY, linewidth=0.8)
    labels = [f"{short(result.columns[i].name, 16)} = {short(cells[i], 8)}" for i in order]
    axes.set_yticks(range(len(order)), labels, parse_math=False)
    axes.set_ylim(max(len(order), 4) - 0.4, -0.6)
    low, high = float(values.min()), float(values.max())
    axes.set_xlim(min(-limit if low < 0 else 0, low) * 1.05, max(limit, high) * 1.05)
    tidy(axes)
    axes.tick_params(labelsize=6.5)


def column_list(axes: Any, result: Attribution, item: Map) -> None:
    """Write what a row holds into a cell of a figure."""
    lines = [
        f"{short(column.name, 20)} = {short(words, 12)}"
        for column, words in zip(result.columns, cells_of(result, item.sample), strict=True)
    ]
    more = [f"… {len(lines) - _LISTED} more columns"] if len(lines) > _LISTED else []
    text = "\n".join([*lines[:_LISTED], *more])
    axes.text(0, 1, text, transform=axes.transAxes, va="top", fontsize=7.5, color=_INK,
              parse_math=False)  # fmt: skip
