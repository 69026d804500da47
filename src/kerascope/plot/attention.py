"""Pictures of attention: heads over a picture, tokens against tokens, words, distances."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.ticker import MaxNLocator

from kerascope.plot.colour import MAP_NAMES, fit, overlay, paint, table
from kerascope.plot.export import png_of
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.maps import CLIP, Meaning
from kerascope.wording import number, short

if TYPE_CHECKING:
    from kerascope.types import Array

_CELL = 1.5  # inches of one head's map
_MOST_WORDS = 48  # tokens whose names fit beside a matrix
_ROW_OF = 6  # layers side by side, where each has one map
_ROW = 88  # characters of a line of highlighted words
_DPI = 110
_MOST_PIXELS = 2400  # along a side of a sheet


def limit_of(maps: Sequence[Array]) -> float:
    """Return the size of a value with the full colour: a high percentile of all maps together."""
    sizes = np.concatenate([np.abs(values).ravel() for values in maps])
    return float(np.percentile(sizes, CLIP)) or float(sizes.max()) or 1.0


def map_picture(picture: Array | None, values: Array, *, limit: float, meaning: Meaning) -> Array:
    """Return a grid of patches over its picture, uint8 RGB; every patch in one colour.

    picture: (y, x, 3) uint8, or None for the colours alone. values: (row, column).
    """
    if picture is None:
        return fit(paint(values, limit=limit, meaning=meaning))
    shown = fit(picture, longest=320)
    rows, columns = (
        np.minimum((np.arange(full) * count) // full, count - 1)
        for full, count in zip(shown.shape[:2], values.shape, strict=True)
    )
    return overlay(shown, values[np.ix_(rows, columns)], limit=limit, meaning=meaning)


def heads_figure(
    picture: Array | None, maps: Mapping[str, Array], *, heading: str, shared_scale: bool = True
) -> Figure:
    """Return a figure with a row per layer and a column per head; one head per layer fills rows.

    maps: by layer, (head, row, column). shared_scale: one scale for all; False: one per map.
    """
    single = all(len(heads) == 1 for heads in maps.values())
    columns = min(_ROW_OF, len(maps)) if single else max(len(heads) for heads in maps.values())
    rows = -(-len(maps) // columns) if single else len(maps)
    shape = next(iter(maps.values()))[0].shape if picture is None else picture.shape[:2]
    height = _CELL * min(max(shape[0] / shape[1], 0.4), 2.0)
    size = (max(_CELL * columns + 1.2, 4.2), (height + (0.3 if single else 0.12)) * rows + 0.8)
    fig = Figure(figsize=size, dpi=_DPI, layout="constrained", facecolor="white")
    fig.suptitle(_wrapped(heading, size[0]), fontsize=9, color=INK, parse_math=False)
    cells = fig.subplots(rows, columns, squeeze=False)
    for axes in cells.ravel():
        blank(axes)
    whole = limit_of(list(maps.values()))
    for i, (name, heads) in enumerate(maps.items()):
        row = cells.ravel()[i : i + 1] if single else cells[i]
        for head, (axes, values) in enumerate(zip(row, heads, strict=False)):
            limit = whole if shared_scale else limit_of([values])
            drawn = map_picture(picture, values, limit=limit, meaning=Meaning.MAGNITUDE)
            axes.imshow(drawn, interpolation="nearest")
            if single or i == 0:
                title(axes, short(name, 24) if single else f"head {head}", fontsize=7.5, pad=3)
        if not single:
            row[0].set_ylabel(short(name, 24), fontsize=7, color=INK, parse_math=False)
    if shared_scale:
        _bar(fig, cells.ravel().tolist(), Meaning.MAGNITUDE, whole, "weight")
    return fig


def _wrapped(text: str, inches: float) -> str:
    """Break the lines of a heading so that they fit a figure of this width."""
    width = int(inches * 13)
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())


def _bar(
    fig: Figure, cells: list[Any], meaning: Meaning, limit: float, what: str, colours: Any = None
) -> None:
    low = -limit if meaning is Meaning.SIGNED else 0.0
    mappable = ScalarMappable(Normalize(low, limit), colours or MAP_NAMES[meaning])
    bar = fig.colorbar(mappable, ax=cells, fraction=0.04, pad=0.02, aspect=30, shrink=0.8)
    bar.set_ticks([low, limit], labels=[number(low), number(limit)])
    bar.set_label(what, fontsize=7.5, color=INK)
    bar.ax.tick_params(labelsize=7, colors=INK, length=2)
    bar.outline.set_visible(False)  # type: ignore[operator]


def map_figure(
    picture: Array | None,
    maps: Array,
    *,
    names: Sequence[str],
    heading: str,
    meaning: Meaning,
    what: str,
) -> Figure:
    """Return a figure of a picture and one map per target beside it.

    maps: (target, row, column). what: the words at the colour bar.
    """
    first = 0 if picture is None else 1
    shape = maps.shape[1:] if picture is None else picture.shape[:2]
    height = 2.6 * min(max(shape[0] / shape[1], 0.4), 2.0)
    size = (2.6 * (len(maps) + first) + 0.9, height + 0.9)
    fig = Figure(figsize=size, dpi=_DPI, layout="constrained", facecolor="white")
    fig.suptitle(_wrapped(heading, size[0]), fontsize=9, color=INK, parse_math=False)
    cells = fig.subplots(1, len(maps) + first, squeeze=False)[0]
    limit = limit_of(list(maps))
    if picture is not None:
        blank(cells[0])
        cells[0].imshow(fit(picture), interpolation="nearest")
    for axes, values, name in zip(cells[first:], maps, names, strict=True):
        blank(axes)
        drawn = map_picture(picture, values, limit=limit, meaning=meaning)
        axes.imshow(drawn, interpolation="nearest")
        title(axes, name)
    _bar(fig, cells.tolist(), meaning, limit, what)
    return fig


def matrix_figure(
    matrices: Mapping[str, Array], *, words: Sequence[str] | None, heading: str
) -> Figure:
    """Return a figure of tokens against tokens: who attends (down) to whom (across).

    matrices: by name, (query, key). words: of the keys; of the queries too where they are as many.
    """
    columns = min(4, len(matrices))
    rows = -(-len(matrices) // columns)
    large = words is not None and len(words) <= _MOST_WORDS
    side = min(max(0.16 * len(words or ()) + 1.2, 2.4), 7.0) if large else 2.4
    size = (side * columns + 0.9, side * rows + 0.6)
    fig = Figure(figsize=size, dpi=_DPI, layout="constrained", facecolor="white")
    fig.suptitle(_wrapped(heading, size[0]), fontsize=9, color=INK, parse_math=False)
    cells = fig.subplots(rows, columns, squeeze=False).ravel()
    limit = max(float(matrix.max()) for matrix in matrices.values()) or 1.0
    for axes in cells[len(matrices) :]:
        blank(axes)
    for axes, (name, matrix) in zip(cells, matrices.items(), strict=False):
        axes.imshow(matrix, cmap=MAP_NAMES[Meaning.MAGNITUDE], vmin=0, vmax=limit, aspect="equal")
        title(axes, name, fontsize=7.5)
        axes.tick_params(labelsize=6.5, colors=INK, length=1)
        axes.set_xlabel("attended to", fontsize=7, color=INK)
        axes.set_ylabel("attends", fontsize=7, color=INK)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True, nbins=8, min_n_ticks=1))
        if large and words is not None:
            _named(axes, words, matrix.shape)
    _bar(fig, cells.tolist(), Meaning.MAGNITUDE, limit, "weight")
    return fig


def _named(axes: Any, words: Sequence[str], shape: tuple[int, ...]) -> None:
    labels = [short(word, 14) for word in words]
    if len(labels) == shape[1]:
        axes.set_xticks(range(len(labels)), labels, rotation=90, parse_math=False)
    if len(labels) == shape[0]:
        axes.set_yticks(range(len(labels)), labels, parse_math=False)


def words_figure(
    words: Sequence[str],
    rows: Mapping[str, Array],
    *,
    heading: str,
    meaning: Meaning,
    what: str,
) -> Figure:
    """Return a figure of a text once per row, every word in the colour of its value.

    rows: by name, (word,) values; one scale for all.
    """
    limit = limit_of(list(rows.values()))
    lines = _lines(words)
    height = (0.3 * len(lines) + 0.35) * len(rows) + 0.5
    size = (7.6, height)
    fig = Figure(figsize=size, dpi=_DPI, layout="constrained", facecolor="white")
    fig.suptitle(_wrapped(heading, size[0]), fontsize=9, color=INK, parse_math=False)
    cells = fig.subplots(len(rows), 1, squeeze=False).ravel()
    for axes, (name, values) in zip(cells, rows.items(), strict=True):
        blank(axes)
        title(axes, name, fontsize=8, loc="left")
        axes.set_xlim(0, _ROW + 2)
        axes.set_ylim(len(lines), 0)
        # Signed colours for any meaning: a word that does not count stays white, and readable.
        colours = paint(np.asarray(values), limit=limit, meaning=Meaning.SIGNED)
        for y, line in enumerate(lines):
            for x, place in line:
                colour = colours[place] / 255
                ink = "white" if colour @ (0.299, 0.587, 0.114) < 0.5 else INK
                axes.text(
                    x, y + 0.5, short(words[place], _ROW), fontsize=8, family="monospace",
                    color=ink, va="center", parse_math=False,
                    bbox={"boxstyle": "round,pad=0.18", "facecolor": colour, "edgecolor": "none"},
                )  # fmt: skip
    half = ListedColormap(table(Meaning.SIGNED)[128:] / 255)
    shown = None if meaning is Meaning.SIGNED else half
    _bar(fig, cells.tolist(), meaning, limit, what, shown)
    return fig


def _lines(words: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Return where words go: (column, index of the word), line by line."""
    lines: list[list[tuple[int, int]]] = [[]]
    column = 0
    for place, word in enumerate(words):
        width = len(short(word, _ROW)) + 2
        if column + width > _ROW and lines[-1]:
            lines.append([])
            column = 0
        lines[-1].append((column, place))
        column += width
    return lines


def distance_figure(means: Mapping[str, Array], *, unit: str) -> Figure:
    """Return a figure of the mean attention distance of every head, a dot each, layer by layer.

    means: by layer, (head,).
    """
    fig = Figure(
        figsize=(max(3.6, 0.5 * len(means) + 2), 3.2), dpi=_DPI, layout="constrained",
        facecolor="white",
    )  # fmt: skip
    axes = fig.add_subplot()
    for place, heads in enumerate(means.values()):
        axes.plot([place] * len(heads), heads, "o", color="#31688e", alpha=0.75, markersize=5)
    axes.plot([float(np.mean(h)) for h in means.values()], color=INK, linewidth=1, label="mean")
    axes.set_xticks(
        range(len(means)), [textwrap.shorten(n, 22, placeholder="…") for n in means],
        rotation=35, ha="right", parse_math=False,
    )  # fmt: skip
    axes.set_ylabel(f"mean attention distance ({unit})", fontsize=8, color=INK)
    axes.set_ylim(0, 1.1 * max(float(np.max(heads)) for heads in means.values()))
    axes.tick_params(labelsize=7, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
    return fig


def png_figure(whole: Figure) -> tuple[bytes, int, int]:
    """Return a figure as a PNG, with its width and height on a page."""
    width, height = (round(inches * 96) for inches in whole.get_size_inches())
    # Twice the pixels for sharp screens, but for sheets of a hundred heads.
    dpi = min(2 * _DPI, _MOST_PIXELS / max(whole.get_size_inches()))
    return png_of(whole, dpi=int(dpi)), width, height


def figure_html(whole: Figure, alt: str) -> str:
    """Return a figure as an HTML image for notebooks."""
    png = base64.b64encode(png_of(whole, dpi=90)).decode()
    return f'<img src="data:image/png;base64,{png}" alt="{escape(alt)}" style="max-width:100%">'
