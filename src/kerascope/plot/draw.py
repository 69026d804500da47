"""Draw one map, or what it lies on, into one set of axes; a drawing for each kind of input."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.colour import fit, overlay, paint
from kerascope.plot.columns import column_bars, column_list
from kerascope.plot.ink import INK, LINE, blank, frame
from kerascope.plot.lanes import draw_lanes
from kerascope.plot.maps import Kind, Map, Meaning, input_of, through_time
from kerascope.plot.picture import picture_of
from kerascope.plot.scene import draw_boxes, draw_explained
from kerascope.plot.slices import draw_slices
from kerascope.plot.text import in_cell, is_text
from kerascope.plot.words import broken_words, empty_words
from kerascope.wording import short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_LABELLED = 24  # with more bars than these, only some carry their index
_LONGEST = 640  # pixels of a picture inside a figure


def draw_input(axes: Any, result: Attribution, item: Map) -> None:
    """Draw what a map lies on: the picture, slices, curve or numbers."""
    if item.kind is Kind.PICTURE:
        picture = picture_of(result, item.sample, item.input)
        blank(axes)
        if through_time(result, item):
            axes.set_ylabel("← time", fontsize=7, color=INK)
        if picture is not None:
            picture = fit(picture, longest=_LONGEST)
            axes.imshow(picture, interpolation="nearest")
            draw_boxes(axes, result, item.sample, picture.shape[:2])
        return
    if is_text(result, item):
        blank(axes)
        in_cell(axes, result, item, limit=None)
        return
    if item.kind is Kind.TABLE:
        blank(axes)
        column_list(axes, result, item)
        return
    data = np.asarray(input_of(result, item.input))[item.sample]
    if item.kind in (Kind.VOLUME, Kind.VIDEO):
        draw_slices(axes, result, item, limit=None)
    elif item.kind is Kind.SERIES:
        draw_lanes(axes, result, item, limit=None)
    else:
        _bars(axes, data.ravel(), np.full((data.size, 3), 0.62))
        axes.set_ylabel("id" if item.kind is Kind.TOKENS else "value", fontsize=7, color=INK)


def draw_map(axes: Any, result: Attribution, item: Map, *, limit: float, alpha: float) -> None:
    """Draw a map over what it lies on; an empty one, or one with gaps, says so in words."""
    if item.kind is Kind.PICTURE:
        blank(axes)
        picture = picture_of(result, item.sample, item.input)
        picture = None if picture is None else fit(picture, longest=_LONGEST)
        drawn = map_picture(picture, item, limit=limit, alpha=alpha)
        axes.imshow(drawn, interpolation="nearest")
        draw_explained(axes, result, item.sample, item.target, drawn.shape[:2])
    elif item.kind in (Kind.VOLUME, Kind.VIDEO):
        draw_slices(axes, result, item, limit=limit, alpha=alpha)
    elif item.kind is Kind.SERIES:
        draw_lanes(axes, result, item, limit=limit, alpha=alpha)
    elif is_text(result, item):
        blank(axes)
        in_cell(axes, result, item, limit=limit)
    elif item.kind is Kind.TABLE:
        column_bars(axes, result, item, limit=limit)
    else:
        _bars(axes, item.values, paint(item.values, limit=limit, meaning=item.meaning) / 255)
        bottom = -limit if item.meaning is Meaning.SIGNED else 0
        # Bars have room for their true length, unlike colours: none is cut at the limit.
        low, high = min(bottom, float(item.values.min())), max(limit, float(item.values.max()))
        axes.set_ylim(low * 1.05, high * 1.05)
    _say(axes, empty_words(result, item) if item.empty else "", broken_words(item))


def map_picture(
    picture: Array | None, item: Map, *, limit: float, alpha: float, outline: Array | None = None
) -> Array:
    """Return a map over its picture, at its size; in plain colours where there is none."""
    if picture is None:
        return fit(paint(item.values, limit=limit, meaning=item.meaning), longest=_LONGEST)
    return overlay(
        picture, item.values, limit=limit, meaning=item.meaning, alpha=alpha, outline=outline
    )


def _say(axes: Any, *lines: str) -> None:
    text = "\n".join(textwrap.fill(short(line, 110), 30) for line in lines if line)
    if not text:
        return
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": LINE, "alpha": 0.92}
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=8, color=INK,
        bbox=box, parse_math=False,
    )  # fmt: skip


def _bars(axes: Any, values: Array, colours: Array) -> None:
    places = np.arange(len(values))
    axes.bar(places, values, color=colours, edgecolor=LINE, linewidth=0.4, width=0.8)
    axes.axhline(0, color=LINE, linewidth=0.8)
    step = -(-len(values) // _LABELLED)
    axes.set_xticks(places[::step], [str(place) for place in places[::step]])
    axes.set_xlim(-0.7, len(values) - 0.3)
    frame(axes)
