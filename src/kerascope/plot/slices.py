"""Draw volumes as three planes and a grid of slices, and films as a strip, with shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.canvas import draw_bar
from kerascope.plot.colour import fit, overlay
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.maps import Kind, Map, Meaning
from kerascope.plot.picture import frames_of
from kerascope.plot.predictions import prediction_words
from kerascope.plot.words import grade_words, sample_name, sentence
from kerascope.wording import one_line, percentage, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

MOST = 9  # slices of a volume, frames of a film
PLANES = (("z", "y", "x"), ("y", "z", "x"), ("x", "z", "y"))  # across which axis, rows, columns
_CELL = 2.1  # inches of a plane
_STRIP = 9.6  # inches of all frames together
_TILE = 240  # pixels of a slice's longest side


def strength(item: Map) -> Array:
    """Return what counts as evidence: above zero, or all sizes where there is no sign."""
    values = item.values.astype(np.float64)
    return np.abs(values) if item.meaning is Meaning.MAGNITUDE else np.maximum(values, 0)


def shares(item: Map, axis: int = 0) -> Array:
    """Return the share of the evidence that lies in each slice across an axis, 0 … 1."""
    others = tuple(a for a in range(item.values.ndim) if a != axis)
    sums = strength(item).sum(axis=others)
    return sums / (sums.sum() or 1.0)


def peak(item: Map) -> tuple[int, ...]:
    """Return the slice with most evidence across each axis; the middle ones where there is none."""
    if not strength(item).any():
        return tuple(n // 2 for n in item.values.shape)
    return tuple(int(shares(item, axis).argmax()) for axis in range(item.values.ndim))


def chosen(item: Map) -> Array:
    """Return the slices that are shown: even steps, and always the one with most evidence."""
    depth = len(item.values)
    even = np.unique(np.linspace(0, depth - 1, min(depth, MOST)).round().astype(int))
    strongest = peak(item)[0]
    if strongest not in even:
        even[np.abs(even - strongest).argmin()] = strongest
    return even


def mosaic_ratio(item: Map) -> float:
    """Return height over width of the slices of a volume set in rows."""
    count = len(chosen(item))
    columns = int(np.ceil(np.sqrt(count)))
    return -(-count // columns) * item.values.shape[1] / (columns * item.values.shape[2])


def draw_slices(
    axes: Any, result: Attribution, item: Map, *, limit: float | None, alpha: float = 1.0
) -> None:
    """Draw the chosen slices in rows, each with its number and its share of the evidence.

    With no limit the slices alone.
    """
    places = chosen(item)
    tiles = [_tile(result, item, 0, place, limit, alpha) for place in places]
    columns = int(np.ceil(np.sqrt(len(tiles))))
    _mosaic(axes, tiles, columns, _told(item, places, limit))


def _told(item: Map, places: Array, limit: float | None) -> list[str]:
    if limit is None or not strength(item).any():
        return [str(place + 1) for place in places]
    held = shares(item)
    return [f"{place + 1}: {percentage(held[place])}" for place in places]


def _tile(
    result: Attribution, item: Map, axis: int, place: int, limit: float | None, alpha: float
) -> Array:
    """Return one slice across an axis, with its map where there is a limit."""
    picture = np.take(frames_of(result, item.sample, item.input), place, axis=axis)
    picture = fit(picture, longest=_TILE, smallest=96)
    if limit is None:
        return picture
    values = np.take(item.values, place, axis=axis)
    return overlay(picture, values, limit=limit, meaning=item.meaning, alpha=alpha)


def _mosaic(axes: Any, tiles: list[Array], columns: int, words: list[str]) -> None:
    """Show tiles of one size in rows, the first at the upper left, each with words on it."""
    blank(axes)
    height, width = tiles[0].shape[:2]
    gap = max(2, width // 24)
    rows = -(-len(tiles) // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    whole = np.full((*size, 3), 255, np.uint8)
    for i, (tile, said) in enumerate(zip(tiles, words, strict=True)):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        whole[top : top + height, left : left + width] = tile
        box = {"boxstyle": "square,pad=0.2", "facecolor": "white", "edgecolor": "none"}
        axes.text(
            left + 0.02 * width, top + 0.02 * width, said, ha="left", va="top", fontsize=6.5,
            color=INK, bbox=box | {"alpha": 0.85}, parse_math=False,
        )  # fmt: skip
    axes.imshow(whole, interpolation="nearest")


def _draw_plane(
    axes: Any, result: Attribution, item: Map, axis: int, at: tuple[int, ...], limit: float,
    alpha: float,
) -> None:  # fmt: skip
    """Draw the plane across an axis, with dashed lines where the other two planes cut it."""
    blank(axes)
    tile = _tile(result, item, axis, at[axis], limit, alpha)
    axes.imshow(tile, interpolation="nearest")
    across, down, right = PLANES[axis]
    others = [a for a in range(3) if a != axis]
    rows, columns = (item.values.shape[a] for a in others)
    for place, count, size, line in (
        (at[others[0]], rows, tile.shape[0], axes.axhline),
        (at[others[1]], columns, tile.shape[1], axes.axvline),
    ):
        line((place + 0.5) / count * size - 0.5, color="white", linewidth=1.6, alpha=0.8)
        line(
            (place + 0.5) / count * size - 0.5, color=INK, linewidth=0.8, linestyle=(0, (4, 3)),
        )  # fmt: skip
    held = percentage(float(shares(item, axis)[at[axis]])) if strength(item).any() else "0 %"
    title(axes, f"{across} = {at[axis] + 1} of {item.values.shape[axis]}: {held}", width=40)
    axes.set_xlabel(f"{right} →", fontsize=7, color=INK, loc="left", labelpad=2)
    axes.set_ylabel(f"← {down}", fontsize=7, color=INK, loc="top", labelpad=2)


def deep_figure(
    result: Attribution, maps: Sequence[Map], *, limits: Sequence[float], alpha: float
) -> Figure:
    """Return a figure with two lines a map: its name and words, and its planes or frames."""
    heights = [_height(item) for item in maps]
    figure = Figure(
        figsize=(_STRIP + 0.4, sum(heights) + 0.95 * len(maps) + 0.8), dpi=110,
        layout="constrained", facecolor="white",
    )  # fmt: skip
    parts: Any = figure.subfigures(
        len(maps) + 1, 1, height_ratios=[*[h + 0.95 for h in heights], 0.5]
    )
    for part, item, limit in zip(parts, maps, limits, strict=False):
        head = f"{sample_name(result, item.sample)}, {prediction_words(result, item.sample)}"
        part.suptitle(
            f"{short(head, 60)}: {short(one_line(item.explained), 60)}", fontsize=8.5,
            color=INK, parse_math=False,
        )  # fmt: skip
        draw = _draw_film if item.kind is Kind.VIDEO else _draw_volume
        draw(part, result, item, limit, alpha)
        said = one_line(sentence(result, item, graded=False))
        words = "; ".join(filter(None, [said, grade_words(result, item)]))
        part.supxlabel(short(words, 170), fontsize=7.5, color="#5a6070", parse_math=False)
    draw_bar(parts[-1].add_axes((0.3, 0.55, 0.4, 0.22)), list(maps), max(limits), lying=True)
    return figure


def _height(item: Map) -> float:
    z, y, x = item.values.shape
    if item.kind is Kind.VIDEO:
        count = len(chosen(item))
        return min(3.2, max(0.9, _STRIP / count * y / x)) + 0.45
    return min(3.0, max(_CELL * y / x, _CELL * z / x, 1.2))


def _draw_volume(part: Any, result: Attribution, item: Map, limit: float, alpha: float) -> None:
    """Draw three planes through the strongest slices, and the grid of slices beside them."""
    cells = part.subplots(1, 4, width_ratios=[1, 1, 1, 1.4])
    at = peak(item)
    for axis in range(3):
        _draw_plane(cells[axis], result, item, axis, at, limit, alpha)
    draw_slices(cells[3], result, item, limit=limit, alpha=alpha)
    title(cells[3], "slices across z", width=40)


def _draw_film(part: Any, result: Attribution, item: Map, limit: float, alpha: float) -> None:
    """Draw frames in a row, and below them the share of every frame, also of those not drawn."""
    strip, bars = part.subplots(2, 1, height_ratios=[4, 1])
    places = chosen(item)
    tiles = [_tile(result, item, 0, place, limit, alpha) for place in places]
    _mosaic(strip, tiles, len(tiles), _told(item, places, limit))
    held = shares(item)
    colours = ["#b2182b" if i in set(places.tolist()) else "#c9ccd4" for i in range(len(held))]
    bars.bar(np.arange(len(held)), held, color=colours, width=0.85)
    bars.set_xlim(-0.5, len(held) - 0.5)
    bars.set_ylim(0, max(float(held.max()), 1e-9) * 1.1)
    blank(bars)
    bars.set_ylabel("share", fontsize=7, color=INK, rotation=0, ha="right", va="center")
