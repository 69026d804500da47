"""Feature maps as grids, and the pictures on which a channel is strongest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from kerascope.plot.colour import fit, overlay
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.maps import Meaning
from kerascope.resize import linear
from kerascope.wording import number

if TYPE_CHECKING:
    from kerascope.types import Array

_CELL = 1.25  # inches
COLUMNS = 8  # maps in a row


def feature_figure(
    maps: Array,
    *,
    channels: Sequence[int] | Array,
    numbers: Array | None,
    words: str,
    picture: Array | None = None,
    shared_scale: bool = True,
    columns: int = COLUMNS,
) -> Figure:
    """Return a grid of the maps (channel, *positions) with their channels' numbers.

    numbers: what the maps are sorted by, written below each. picture: drawn first. columns: maps in
    a row, at most. Maps of one or no axis are drawn as one picture or as bars.
    """
    if maps.ndim < 3:
        return _flat(maps, channels, words)
    if maps.ndim > 3:  # a volume: its strongest slice
        strongest = np.abs(maps).reshape(*maps.shape[:2], -1).sum(axis=(0, 2)).argmax()
        maps, words = maps[:, strongest], f"{words}, slice {strongest}"
    signed = bool(maps.min() < 0)
    limit = float(np.percentile(np.abs(maps), 99.8)) or float(np.abs(maps).max()) or 1.0
    cells = len(maps) + (picture is not None)
    columns = min(columns, cells)
    lines = -(-cells // columns)
    ratio = min(max(maps.shape[1] / maps.shape[2], 0.4), 2.0)
    size = (_CELL * columns + (1.5 if shared_scale else 0), (_CELL * ratio + 0.3) * lines + 0.55)
    figure = Figure(figsize=size, dpi=110, layout="constrained", facecolor="white")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid:
        blank(axes)
    if picture is not None:
        small = fit(picture, longest=240)  # squeezed as the maps are
        aspect = maps.shape[1] / maps.shape[2] * small.shape[1] / small.shape[0]
        grid[0].imshow(small, aspect=aspect)
        grid = grid[1:]
    drawn = list(grid[: len(maps)])
    for k, (axes, item) in enumerate(zip(drawn, maps, strict=True)):
        most = limit if shared_scale else float(np.abs(item).max()) or 1.0
        _draw(axes, item, most, signed=signed, aspect="equal")
        value = "" if numbers is None else f": {number(float(numbers[k]))}"
        title(axes, f"{channels[k]}{value}", fontsize=7, pad=2)
    for axes in grid[len(maps) :]:
        axes.set_visible(False)
    if shared_scale:
        _bar(figure, drawn, limit, signed=signed)
    scale = "" if shared_scale else "; each map has its own scale"
    figure.suptitle(words + scale, fontsize=9, color=INK, parse_math=False)
    return figure


def _draw(axes: Any, values: Array, limit: float, *, signed: bool, aspect: str) -> None:
    axes.imshow(
        values, cmap="RdBu_r" if signed else "viridis", vmin=-limit if signed else 0, vmax=limit,
        interpolation="nearest", aspect=aspect,
    )  # fmt: skip


def _bar(figure: Figure, axes: list[Any], limit: float, *, signed: bool) -> None:
    norm = Normalize(-limit if signed else 0, limit)
    mappable = ScalarMappable(norm, colormaps["RdBu_r" if signed else "viridis"])
    bar = figure.colorbar(mappable, ax=axes, fraction=0.03, aspect=30)
    bar.ax.tick_params(labelsize=7, colors=INK, length=2)
    bar.outline.set_visible(False)  # type: ignore[operator]


def _flat(maps: Array, channels: Sequence[int] | Array, words: str) -> Figure:
    """Return values per channel as bars, or per channel and step as one picture."""
    figure = Figure(figsize=(8.5, 4.0), dpi=110, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    if maps.ndim == 1:
        axes.bar(np.arange(len(maps)), maps, color="#2a6fb5", width=0.85)
        axes.axhline(0, color="#8a90a0", linewidth=0.8)
        step = -(-len(maps) // 32)
        names = [str(channel) for channel in channels]
        axes.set_xticks(np.arange(len(maps))[::step], names[::step])
        axes.set_xlabel("channel", fontsize=8, color=INK)
    else:
        limit, signed = float(np.abs(maps).max()) or 1.0, bool(maps.min() < 0)
        _draw(axes, maps, limit, signed=signed, aspect="auto")
        step = -(-len(maps) // 24)
        names = [str(channel) for channel in channels]
        axes.set_yticks(np.arange(len(maps))[::step], names[::step])
        axes.set_ylabel("channel", fontsize=8, color=INK)
        axes.set_xlabel("position", fontsize=8, color=INK)
        _bar(figure, [axes], limit, signed=signed)
    axes.tick_params(labelsize=7, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    title(axes, words, width=110, loc="left")
    return figure


def top_figure(
    maps: Array,
    values: Array,
    names: Sequence[str],
    display: Sequence[Array] | None,
    *,
    words: str,
) -> Figure:
    """Return the pictures in order with the maps (sample, *positions) over them, on one scale."""
    columns = min(5, len(values))
    lines = -(-len(values) // columns)
    figure = Figure(
        figsize=(2.1 * columns, 2.3 * lines + 0.4), dpi=110, layout="constrained",
        facecolor="white",
    )  # fmt: skip
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    limit = float(np.abs(maps).max()) or 1.0
    for k, axes in enumerate(grid):
        blank(axes)
        if k >= len(values):
            axes.set_visible(False)
            continue
        if display is not None:
            picture = fit(display[k], longest=360)
            if maps.ndim == 3:
                positive = linear(np.maximum(maps[k], 0), picture.shape[:2])
                picture = overlay(picture, positive, limit=limit, meaning=Meaning.POSITIVE)
            axes.imshow(picture, interpolation="nearest")
        elif maps.ndim == 3:
            axes.imshow(maps[k], cmap="viridis", vmin=min(0, maps.min()), vmax=limit)
        else:
            axes.plot(np.atleast_1d(maps[k]).ravel(), color=INK, linewidth=0.9, marker=".")
        title(axes, f"{names[k]}  {number(float(values[k]))}", width=30, fontsize=7.5)
    figure.suptitle(words, fontsize=9, color=INK, parse_math=False)
    return figure
