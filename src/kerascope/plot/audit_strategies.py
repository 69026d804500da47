"""Draw strategies: samples as points in a plane, and the mean map of each with its pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from kerascope.plot.attention import limit_of
from kerascope.plot.colour import MAP_NAMES, fit, paint
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.maps import Meaning
from kerascope.plot.whereabouts import concentration, place
from kerascope.plot.words import ENDS
from kerascope.wording import percentage, short

if TYPE_CHECKING:
    from kerascope.types import Array

# Okabe and Ito 2008: told apart with every common colour blindness; black is kept for marks.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a900",
            "#7b4aa0")  # fmt: skip
_REST = "#b9bec9"
_CELL = 1.25  # inches
_PIXELS = 220


def scatter_figure(
    xy: Array, groups: Sequence[int], names: Sequence[str], *, words: str,
    marked: Sequence[bool] | None = None, mark: str = "wrong",
) -> Figure:  # fmt: skip
    """Return points in a plane, in a colour for each of the eight largest groups.

    xy: (point, 2). groups: (point,) index into `names`, −1 for none. marked: drawn as crosses.
    """
    wide, high = np.ptp(xy, axis=0) if len(xy) else (1, 1)
    size = (6.4, 0.8 + 4.8 * float(np.clip(high / max(wide, 1e-12), 0.4, 1.2)))
    figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
    axes = figure.subplots()
    number = np.asarray(groups, int)
    crossed = np.zeros(len(number), bool) if marked is None else np.asarray(marked, bool)
    known, sizes = np.unique(number[number >= 0], return_counts=True)
    order = known[np.argsort(-sizes, kind="stable")]
    coloured = dict(zip(order.tolist(), _COLOURS, strict=False))
    colours = np.array([coloured.get(int(k), _REST) for k in number])
    for wrong, form, area in ((False, "o", 14), (True, "X", 30)):
        rows = crossed == wrong
        if rows.any():
            axes.scatter(
                xy[rows, 0], xy[rows, 1], s=area, c=colours[rows], marker=form, linewidths=0.4,
                edgecolors="#101420" if wrong else "white",
            )  # fmt: skip
    handles = [_dot(colour, names[k]) for k, colour in coloured.items()]
    if len(order) > len(_COLOURS) or (number < 0).any():
        handles.append(_dot(_REST, "others"))
    if crossed.any():
        handles.append(Line2D([], [], marker="X", color="white", markerfacecolor="white",
                              markeredgecolor="#101420", markersize=6, label=mark))  # fmt: skip
    figure.legend(handles=handles, loc="outside right upper", fontsize=7, frameon=False)
    blank(axes)
    axes.set_aspect("equal", adjustable="datalim")
    title(axes, words, width=84)
    return figure


def _dot(colour: str, name: str) -> Line2D:
    label = short(name, 26).replace("$", r"\$")
    return Line2D([], [], marker="o", color="white", markerfacecolor=colour, label=label,
                  markersize=6)  # fmt: skip


def scatter_alt(groups: Sequence[int], names: Sequence[str], *, words: str, marked: int) -> str:
    """Say what a scatter shows: how many points of which group, and how many are marked."""
    known, sizes = np.unique([k for k in groups if k >= 0], return_counts=True)
    listed = ", ".join(
        f"{size} of '{names[int(k)]}'"
        for k, size in sorted(zip(known, sizes, strict=True), key=lambda p: -p[1])[:8]
    )
    wrong = f" {marked} are crosses: predicted wrong." if marked else ""
    return f"Points in a plane, {words}: {listed or 'no groups'}.{wrong}"


def strategies_figure(
    means: Sequence[Array], shares: Sequence[float], pictures: Sequence[Sequence[Array]], *,
    words: str, names: Sequence[str] | None = None,
) -> Figure:  # fmt: skip
    """Return a row for each strategy: its mean map, then pictures that are nearest to it.

    means: (y, x) signed, all on one scale with zero in the middle. pictures: (y, x, 3) uint8.
    """
    columns = 1 + max((len(row) for row in pictures), default=0)
    lines = len(means)
    size = (max(4.2, _CELL * columns + 1.1), (_CELL + 0.28) * lines + 0.75)
    figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
    grid = figure.subplots(lines, columns, squeeze=False)
    limit = limit_of(list(means))
    for k, (line, mean, row) in enumerate(zip(grid, means, pictures, strict=True)):
        shape = row[0].shape[:2] if row else mean.shape
        blank(line[0])
        drawn = fit(paint(mean, limit=limit, meaning=Meaning.SIGNED), longest=_PIXELS)
        line[0].imshow(drawn, aspect=shape[0] / shape[1] * drawn.shape[1] / drawn.shape[0])
        name = f"strategy {k + 1}" if names is None else names[k]
        title(line[0], f"{name}: {percentage(shares[k])}", width=26, fontsize=7.5)
        for axes in line[1:]:
            blank(axes)
        for axes, picture in zip(line[1:], row, strict=False):
            axes.imshow(fit(picture, longest=_PIXELS), interpolation="nearest")
    mappable = ScalarMappable(Normalize(-limit, limit), MAP_NAMES[Meaning.SIGNED])
    bar = figure.colorbar(mappable, ax=grid.ravel().tolist(), fraction=0.03, pad=0.02, aspect=26)
    bar.set_ticks(
        [-limit, 0, limit], labels=[ENDS[Meaning.SIGNED][0], "0", ENDS[Meaning.SIGNED][1]]
    )
    bar.ax.tick_params(labelsize=7, colors=INK, length=2)
    bar.outline.set_visible(False)  # type: ignore[operator]
    heading = textwrap.fill(words, round(13 * size[0]))
    figure.suptitle(heading, fontsize=9, color=INK, parse_math=False)
    return figure


def strategies_alt(means: Sequence[Array], shares: Sequence[float], *, words: str) -> str:
    """Say where the mean map of every strategy is strongest."""
    listed = "; ".join(
        f"strategy {k + 1} ({percentage(share)}): {_evidence(mean)}"
        for k, (mean, share) in enumerate(zip(means, shares, strict=True))
    )
    return f"{words}. {listed}."


def _evidence(mean: Array) -> str:
    if mean.max() <= 0:
        return "no positive evidence"
    held, area, region = concentration(mean)
    where = place(np.where(region, np.maximum(mean, 0), 0).astype(np.float64))
    return (
        f"{percentage(held)} of the positive evidence lies in {percentage(area)} of the picture, "
        f"{where}"
    )
