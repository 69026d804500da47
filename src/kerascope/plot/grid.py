"""Figures: samples with their targets, and sheets that set several results side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadInput
from kerascope.plot.canvas import CELL, canvas, draw_bar
from kerascope.plot.colour import ALPHA, fit
from kerascope.plot.draw import draw_input, draw_map
from kerascope.plot.figures import Figure
from kerascope.plot.found import areas_of, is_scene
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.lanes import series_figure
from kerascope.plot.maps import CLIP, Kind, Map, as_drawn, limit_of, maps_of, portion, target_count
from kerascope.plot.parts import beside_of, beside_picture, draw_portion
from kerascope.plot.picture import picture_of
from kerascope.plot.predictions import prediction_words
from kerascope.plot.scene import draw_legend, painted_areas
from kerascope.plot.slices import deep_figure, mosaic_ratio
from kerascope.plot.tables import table_figure
from kerascope.plot.text import is_text, text_figure, text_limit
from kerascope.plot.words import grade_words, layer_words, portion_words, sample_name, sentence
from kerascope.wording import one_line, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution

_ROWS = 12  # of a table, up to which each stands alone with all its targets


# What has no room in a cell: figures of their own, where all maps are of one input of that kind.
_WIDE = {Kind.SERIES: series_figure, Kind.VOLUME: deep_figure, Kind.VIDEO: deep_figure}
_ROOM = 0.3  # inches below a line, for the longer words of areas and boxes


def figure(
    result: Attribution,
    *,
    samples: Iterable[int] | None = None,
    shared_scale: bool = True,
    alpha: float = ALPHA,
    reduce: str | None = None,
    clip: float = CLIP,
) -> Figure:
    """Return a figure: a row per sample (and input) with prediction, picture and a map per target.

    samples: indices of the samples to show; by default all.
    shared_scale: one colour scale for all maps of an input; False gives every map its own.
    alpha: how much of the picture the full colour covers, 0 … 1.
    reduce: how channels become one value, see `Attribution.heatmap`.
    clip: percentile of the sizes that gets the full colour.
    Raises `BadInput` for a sample that is not there or an empty result.
    """
    rows = _rows(maps_of(result, samples=samples, reduce=reduce))
    several = target_count(result) > 1 and len(rows) <= _ROWS
    if all(row[0].kind is Kind.TABLE for row in rows) and not several:
        return table_figure(result.take([row[0].sample for row in rows]))
    if all(is_text(result, row[0]) for row in rows):
        maps = [item for row in rows for item in row]
        shared = text_limit(result, maps)
        limits_ = [shared if shared_scale else text_limit(result, [m]) for m in maps]
        return text_figure(result, maps, limits=limits_)
    inputs = dict.fromkeys(row[0].input for row in rows)
    groups = {
        name: [as_drawn(result, m) for row in rows for m in row if m.input == name]
        for name in inputs
    }
    limits = {name: limit_of(maps, clip=clip) for name, maps in groups.items()}
    wide = _WIDE.get(rows[0][0].kind) if len(inputs) == 1 else None
    if wide is not None:
        flat = [item for row in rows for item in row]
        each = [
            limits[item.input] if shared_scale else limit_of([as_drawn(result, item)], clip=clip)
            for item in flat
        ]
        return wide(result, flat, limits=each, alpha=alpha)
    # The rows of several inputs alternate, so each row has its bar; it is the same for each input.
    bars = "below" if not shared_scale else "side" if len(inputs) > 1 else "whole"
    heights = [_height(result, row[0]) for row in rows]
    beside = [beside_of(result, row[0]) for row in rows]
    first = 2 if areas_of(result, rows[0][0].sample) else 1
    columns = first + target_count(result)
    page = canvas(heights, columns + max(map(len, beside)), bars=bars, first=first)
    for line, row in enumerate(rows):
        _head(page.cells[line][0], result, row[0], portion_words(result, row[0]))
        draw_portion(page.cells[line][0], result, row[0])
        if first > 1:
            _areas(page.cells[line][1], result, row[0])
        for cell in page.cells[line][columns:]:
            blank(cell)
        for cell, part in zip(page.cells[line][columns:], beside[line], strict=False):
            cell.imshow(fit(beside_picture(result, row[0], part)), interpolation="nearest")
            title(cell, part.words)
        for column, item in enumerate(row):
            cell = page.cells[line][column + first]
            drawn = as_drawn(result, item)
            limit = limits[item.input] if shared_scale else limit_of([drawn], clip=clip)
            draw_map(cell, result, item, limit=limit, alpha=alpha)
            title(cell, item.explained)
            said = one_line(sentence(result, item, graded=False, whole=False))
            _below(cell, [*textwrap.wrap(said, 44, max_lines=4), grade_words(result, item)])
            if not shared_scale:
                draw_bar(page.below[line][column], [drawn], limit, lying=True)
        for cell in page.below[line][columns - 1 :] if page.below else ():
            blank(cell)
    for axes, row in zip(page.side, rows, strict=False):
        draw_bar(axes, groups[row[0].input], limits[row[0].input], lying=False)
    page.figure.suptitle(_heading(result), fontsize=10, color=INK, parse_math=False)
    return page.figure


def sheet(
    results: Sequence[Attribution],
    *,
    samples: Iterable[int] | None = None,
    shared_scale: bool = True,
    alpha: float = ALPHA,
    reduce: str | None = None,
    clip: float = CLIP,
) -> Figure:
    """Return a figure with a column per result, such as layers from shallow to deep, or methods.

    Each sample and target has a row; of several inputs the first is shown. Units differ between
    methods and layers, so a scale is shared down each column, never across; shared_scale=False
    gives every map its own.
    Raises `BadInput` when the results are not of the same samples and number of targets.
    """
    results = list(results)
    check_together(results)
    chosen = None if samples is None else list(samples)
    columns = [_of_first_input(maps_of(r, samples=chosen, reduce=reduce)) for r in results]
    shown = [[as_drawn(r, m) for m in maps] for r, maps in zip(results, columns, strict=True)]
    limits = [limit_of(maps, clip=clip) for maps in shown]
    heights = [_height(results[0], item) for item in columns[0]]
    page = canvas(heights, 1 + len(results), bars="foot" if shared_scale else "below")
    for line, items in enumerate(zip(*columns, strict=True)):
        _head(page.cells[line][0], results[0], items[0], items[0].explained)
        for column, (result, item) in enumerate(zip(results, items, strict=True)):
            cell = page.cells[line][column + 1]
            drawn = as_drawn(result, item)
            limit = limits[column] if shared_scale else limit_of([drawn], clip=clip)
            draw_map(cell, result, item, limit=limit, alpha=alpha)
            own = _own_words(result, item, results[0], items[0])
            _below(cell, [*own, grade_words(result, item)])
            if line == 0:
                title(cell, _column_title(result, results))
            if not shared_scale:
                draw_bar(page.below[line][column], [drawn], limit, lying=True)
    for axes, maps, limit in zip(page.foot, shown, limits, strict=False):
        draw_bar(axes, maps, limit, lying=True)
    return page.figure


def _own_words(result: Attribution, item: Map, first: Attribution, head: Map) -> list[str]:
    """Return what another model predicts, and what is explained, where the row's head says else."""
    predicted = prediction_words(result, item.sample)
    known = (prediction_words(first, head.sample), head.explained)
    said = [words for words in (predicted, item.explained) if words not in known]
    return [part for words in said for part in textwrap.wrap(words, 44, max_lines=2)]


def check_together(results: Sequence[Attribution]) -> None:
    """Raise `BadInput` unless there are results, all of the same samples and number of targets."""
    if not results:
        raise BadInput("there is no result to draw")
    first = results[0]
    for other in results[1:]:
        if len(other) != len(first) or (other.names and other.names != first.names):
            raise BadInput(
                f"results of different samples cannot stand side by side: {len(first)} samples "
                f"{list(first.names)[:3]} and {len(other)} samples {list(other.names)[:3]}"
            )
        if target_count(other) != target_count(first):
            raise BadInput(
                f"results of {target_count(first)} and {target_count(other)} targets per sample "
                "cannot stand side by side"
            )


def _rows(maps: list[Map]) -> list[list[Map]]:
    """Return the maps by sample and input."""
    if not maps:
        raise BadInput("there is no sample to draw")
    rows: list[list[Map]] = []
    for item in maps:
        if item.target == 0:
            rows.append([])
        rows[-1].append(item)
    return rows


def _of_first_input(maps: list[Map]) -> list[Map]:
    return [item for row in _rows(maps) for item in row if item.input == maps[0].input]


def _height(result: Attribution, item: Map) -> float:
    if item.kind in (Kind.VOLUME, Kind.VIDEO):
        ratio = mosaic_ratio(item)
    elif item.kind is Kind.PICTURE:
        picture = picture_of(result, item.sample, item.input)
        rows, columns = item.values.shape if picture is None else picture.shape[:2]
        ratio = rows / columns
    else:
        ratio = 0.7
    return CELL * min(max(ratio, 0.4), 1.6) + (_ROOM if is_scene(result) else 0)


def _head(axes: Any, result: Attribution, item: Map, *lines: str) -> None:
    """Draw what the maps of a row lie on, the prediction above and names below."""
    draw_input(axes, result, item)
    title(axes, prediction_words(result, item.sample), fontweight="bold")
    said = [part for line in lines for part in textwrap.wrap(line, 44, max_lines=2)]
    names = [short(sample_name(result, item.sample), 44), *said]
    _below(axes, names, pad=4 if portion(result, item) is None else 14)


def _areas(axes: Any, result: Attribution, item: Map) -> None:
    """Draw what a segmentation predicts where."""
    blank(axes)
    if item.kind is Kind.PICTURE:
        picture = picture_of(result, item.sample, item.input)
        axes.imshow(painted_areas(result, item.sample, picture), interpolation="nearest")
        title(axes, "predicted areas")
        draw_legend(axes, result, item.sample)


def _below(axes: Any, lines: Sequence[str], *, pad: int = 4) -> None:
    """Put lines below the axes, `pad` points away."""
    text = "\n".join(filter(None, lines))
    axes.set_xlabel(text, fontsize=7.5, color="#5a6070", labelpad=pad, loc="left", parse_math=False)


def _heading(result: Attribution) -> str:
    layer = layer_words(result)
    return short(result.method.title + (f" at layer {layer}" if layer else ""), 60)


def _column_title(result: Attribution, results: list[Attribution]) -> str:
    one_method = all(other.method.title == result.method.title for other in results)
    layer = layer_words(result)
    if one_method and layer:
        return layer
    return f"{result.method.title} at {layer}" if layer else result.method.title
