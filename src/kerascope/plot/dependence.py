"""Pictures of what columns do over a table: curves with a rug, interactions, importances.

A result `found` is one of `kerascope.tabular`, which stands above this room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from kerascope.columns import pick
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, title
from kerascope.plot.tables import AGAINST, FOR, GREY, tidy
from kerascope.wording import number, short

if TYPE_CHECKING:
    from kerascope.columns import Column
    from kerascope.types import Array

_MOST = 12  # columns in one figure
_CELL = (2.9, 2.2)  # inches


def dependence_figure(found: Any, column: str | None, *, centred: bool, most: int) -> Figure:
    """Return curves of one column or of those that matter most; most: rows' curves drawn."""
    places = _places(found, column)
    what = "centred ICE and partial dependence" if centred else "ICE and partial dependence"
    figure, cells = _cells(len(places), f"{what} of the {found.explained}", shared=True)
    for axes, i in zip(cells, places, strict=False):
        grid = found.grids[i]
        curves = found.curves[i] - (found.curves[i][:, :1] if centred else 0)
        step = max(1, -(-len(curves) // most))
        at = _positions(found.columns[i], grid)
        style = {"color": GREY, "linewidth": 0.5, "alpha": 0.45}
        axes.plot(at, curves[::step].T, **style)
        mark = "o" if found.columns[i].categories else None
        axes.plot(at, curves.mean(axis=0), color=FOR, linewidth=2.2, marker=mark, markersize=4)
        _foot(axes, found.columns[i], grid, found.data[i])
    return figure


def _places(found: Any, column: str | None) -> list[int]:
    if column is not None:
        return [found.names.index(c.name) for c in pick(found.columns, column)]
    order = np.argsort(-found.importance(), kind="stable")[:_MOST]
    return [int(i) for i in order]


def _cells(count: int, heading: str, *, shared: bool) -> tuple[Figure, list[Any]]:
    """Return a figure of cells, up to four in a line, with one scale for all scores."""
    across = min(count, 4)
    down = -(-count // across)
    size = (max(4.2, _CELL[0] * across), _CELL[1] * down + 0.4) if count > 1 else (5.4, 3.6)
    figure = Figure(figsize=size, dpi=110, layout="constrained", facecolor="white")
    axes = figure.subplots(down, across, sharey=shared, squeeze=False).ravel().tolist()
    for cell in axes[count:]:
        cell.set_visible(False)
    for cell in axes:
        tidy(cell)
        cell.spines["left"].set_visible(True)
        cell.spines["left"].set_color(GREY)
        cell.tick_params(labelsize=7, colors=INK, length=2)
    figure.suptitle(short(heading, 100), fontsize=9.5, color=INK, parse_math=False)
    return figure, axes


def _positions(column: Column, grid: Array) -> Array:
    return np.arange(len(grid)) if column.categories else grid


def _foot(axes: Any, column: Column, grid: Array, data: Array) -> None:
    """Name the axis, and draw a rug of the rows; of categories how many rows each has."""
    title(axes, column.name, width=30)
    if column.categories:
        counts = [int((data == code).sum()) for code in grid]
        words = [f"{short(column.words(c), 9)}\n{n}" for c, n in zip(grid, counts, strict=True)]
        axes.set_xticks(range(len(grid)), words, fontsize=6.5, parse_math=False)
        axes.set_xlim(-0.5, len(grid) - 0.5)
        return
    inside = data[(data >= grid.min()) & (data <= grid.max())]
    axes.plot(
        inside, np.full(len(inside), 0.015), "|", color=INK, markersize=5, alpha=0.25,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip
    axes.set_xlim(grid.min(), grid.max())
    axes.xaxis.set_major_locator(MaxNLocator(4))


def effects_figure(found: Any, column: str | None) -> Figure:
    """Return accumulated local effects of one column, or of those that matter most, and pairs."""
    places = _places(found, column)
    pairs = [] if column is not None else list(range(len(found.pairs)))
    figure, cells = _cells(
        len(places) + len(pairs),
        f"accumulated local effects on the {found.explained}",
        shared=False,
    )
    drawn = [found.values[i] for i in places]
    low, high = min(v.min() for v in drawn), max(v.max() for v in drawn)
    room = 0.06 * max(high - low, 1e-12)
    for axes, i in zip(cells, places, strict=False):
        edges = found.edges[i]
        at = _positions(found.columns[i], edges)
        axes.axhline(0, color=GREY, linewidth=0.8, zorder=0)
        if found.columns[i].categories:
            colours = [FOR if v >= 0 else AGAINST for v in found.values[i]]
            axes.bar(at, found.values[i], color=colours, width=0.6)
        else:
            axes.plot(at, found.values[i], color=FOR, linewidth=2)
        axes.set_ylim(low - room, high + room)
        _foot(axes, found.columns[i], edges, found.data[i])
    for axes, k in zip(cells[len(places) :], pairs, strict=False):
        _surface(figure, axes, found, k)
    return figure


def _surface(figure: Figure, axes: Any, found: Any, pair: int) -> None:
    """Draw what two columns add together, over the edges of both."""
    x, y = found.pair_edges[2 * pair], found.pair_edges[2 * pair + 1]
    surface = found.surfaces[pair]
    limit = float(np.abs(surface).max()) or 1.0
    mesh = axes.pcolormesh(
        x, y, surface.T, shading="gouraud", cmap="RdBu_r", norm=Normalize(-limit, limit)
    )
    axes.set_xlabel(short(found.pairs[pair][0], 26), fontsize=7.5, color=INK, parse_math=False)
    axes.set_ylabel(short(found.pairs[pair][1], 26), fontsize=7.5, color=INK, parse_math=False)
    title(axes, "together, beyond each alone", width=34)
    bar = figure.colorbar(mesh, ax=axes, aspect=24)
    bar.ax.tick_params(labelsize=6.5)
    bar.outline.set_visible(False)


def interactions_figure(found: Any) -> Figure:
    """Return H of every pair as a heat map, strongest columns first, and of each with the rest."""
    asked = ~np.isnan(found.pairwise).all(axis=1)
    order = [i for i in np.argsort(-found.total, kind="stable") if asked[i]]
    names = [short(found.names[i], 22) for i in order]
    size = len(order)
    width = 0.58 * size + 5.2
    figure = Figure(
        figsize=(width, 0.46 * size + 2.2), dpi=110, layout="constrained", facecolor="white"
    )
    heat, bars = figure.subplots(1, 2, width_ratios=[0.58 * size + 1, 2.6])
    part = found.pairwise[np.ix_(order, order)]
    strength = found.strength[np.ix_(order, order)]
    picture = heat.imshow(part, cmap="magma_r", vmin=0, vmax=max(1.0, float(np.nanmax(part))))
    for i in range(size):
        for j in range(size):
            if i != j:
                dark = part[i, j] > 0.55
                words = f"{part[i, j]:.2f}\n{number(float(strength[i, j]))}"
                heat.text(
                    j, i, words, ha="center", va="center", fontsize=6, linespacing=1.25,
                    color="white" if dark else INK,
                )  # fmt: skip
    heat.set_yticks(range(size), names, fontsize=7.5, parse_math=False)
    heat.set_xticks(range(size), names, fontsize=7.5, rotation=45, ha="right", parse_math=False)
    heat.tick_params(length=0, colors=INK)
    for spine in heat.spines.values():
        spine.set_visible(False)
    title(
        heat,
        "H of two columns (0: they add up), and below it how much in units of the score",
        width=74,
    )
    bar = figure.colorbar(picture, ax=heat, aspect=28, shrink=0.9)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    tidy(bars)
    bars.barh(range(size), found.total[order], color=FOR, height=0.6)
    bars.set_ylim(size - 0.5, -0.5)
    bars.set_yticks([])
    for line, i in enumerate(order):
        bars.text(
            found.total[i], line, f" {found.total[i]:.2f}", va="center", fontsize=7, color=INK
        )
    bars.margins(x=0.18)
    title(bars, "with all others", width=30)
    words = f"interactions on the {found.explained}, {found.rows} rows"
    figure.suptitle(short(words, 100), fontsize=9.5, color=INK, parse_math=False)
    return figure


def importance_figure(found: Any, *, most: int) -> Figure:
    """Return a bar for every column with its interval, most important first."""
    order = found.order()[:most]
    figure = Figure(
        figsize=(6.6, 0.3 * len(order) + 1.1), dpi=110, layout="constrained", facecolor="white"
    )
    axes = figure.add_subplot()
    tidy(axes)
    lines = np.arange(len(order))
    values, ends = found.values[order], found.intervals[order]
    axes.barh(lines, values, color=FOR, height=0.56, alpha=0.85)
    axes.hlines(lines, ends[:, 0], ends[:, 1], color=INK, linewidth=1.2)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(lines, [short(found.names[i], 26) for i in order], parse_math=False)
    axes.set_ylim(len(order) - 0.4, -0.6)
    what = {
        "error": "share of wrong classes", "cross-entropy": "cross-entropy",
        "squared": "squared error", "change": f"change of the {found.explained}",
    }[found.loss]  # fmt: skip
    rise = "mean" if found.loss == "change" else f"rise from {number(found.base)} of the"
    axes.set_xlabel(f"{rise} {what} when shuffled; 95 % over rows", fontsize=8, color=INK)
    title(axes, f"permutation importance, {found.rows} rows", width=84)
    return figure
