"""Draw one map, or what it lies on, into one set of axes; a drawing for each kind of input."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.colour import fit, overlay, paint
from kerascope.plot.columns import column_bars, column_list
from kerascope.plot.maps import Kind, Map, Meaning, as_rgb, fitted, input_of, picture_of
from kerascope.plot.text import in_cell, is_text
from kerascope.plot.words import broken_words, empty_words, one_line, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

INK = "#1f2430"
_LINE = "#8a90a0"
_SLICES = 9
_LABELLED = 24  # with more bars than these, only some carry their index
_LONGEST = 640  # pixels of a picture inside a figure


def title(axes: Any, text: str, *, width: int = 34, **style: Any) -> None:
    """Put one or two lines above the axes; nothing in them is read as mathematics."""
    lines = textwrap.wrap(one_line(text), width, max_lines=2, placeholder=" …")
    style = {"fontsize": 8.5, "color": INK, "pad": 5} | style
    axes.set_title("\n".join(lines), parse_math=False, **style)


def blank(axes: Any) -> None:
    """Take ticks and frame away."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_input(axes: Any, result: Attribution, item: Map) -> None:
    """Draw what a map lies on: the picture, slices, curve or numbers."""
    if item.kind is Kind.PICTURE:
        picture = picture_of(result, item.sample, item.input)
        blank(axes)
        if picture is not None:
            axes.imshow(fit(picture, longest=_LONGEST), interpolation="nearest")
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
    if item.kind is Kind.VOLUME:
        blank(axes)
        axes.imshow(_mosaic(_volume_pictures(result, item)), interpolation="nearest")
    elif item.kind is Kind.SERIES:
        _line(axes, result, item)
        _frame(axes)
    else:
        _bars(axes, data.ravel(), np.full((data.size, 3), 0.62))
        axes.set_ylabel("id" if item.kind is Kind.TOKENS else "value", fontsize=7, color=INK)


def draw_map(axes: Any, result: Attribution, item: Map, *, limit: float, alpha: float) -> None:
    """Draw a map over what it lies on; an empty one, or one with gaps, says so in words."""
    if item.kind is Kind.PICTURE:
        blank(axes)
        picture = picture_of(result, item.sample, item.input)
        picture = None if picture is None else fit(picture, longest=_LONGEST)
        axes.imshow(map_picture(picture, item, limit=limit, alpha=alpha), interpolation="nearest")
    elif item.kind is Kind.VOLUME:
        blank(axes)
        axes.imshow(_volume(result, item, limit=limit, alpha=alpha), interpolation="nearest")
    elif item.kind is Kind.SERIES:
        _series(axes, result, item, limit=limit, alpha=alpha)
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
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": _LINE, "alpha": 0.92}
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=8, color=INK,
        bbox=box, parse_math=False,
    )  # fmt: skip


def _frame(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_LINE)
    axes.tick_params(labelsize=7, colors=INK, length=2)


def _bars(axes: Any, values: Array, colours: Array) -> None:
    places = np.arange(len(values))
    axes.bar(places, values, color=colours, edgecolor=_LINE, linewidth=0.4, width=0.8)
    axes.axhline(0, color=_LINE, linewidth=0.8)
    step = -(-len(values) // _LABELLED)
    axes.set_xticks(places[::step], [str(place) for place in places[::step]])
    axes.set_xlim(-0.7, len(values) - 0.3)
    _frame(axes)


def _line(axes: Any, result: Attribution, item: Map) -> None:
    known = result.input_axes[item.input]
    data = np.asarray(input_of(result, item.input), np.float64)[item.sample]
    if "channel" in known:
        data = np.moveaxis(data, known.index("channel") - 1, -1)
    curves = data.reshape(len(data), -1)
    axes.plot(np.arange(len(data)), curves, color=INK, linewidth=0.9, alpha=0.9)
    axes.set_xlim(-0.5, len(data) - 0.5)


def _series(axes: Any, result: Attribution, item: Map, *, limit: float, alpha: float) -> None:
    _line(axes, result, item)
    low, high = axes.get_ylim()
    band = paint(
        fitted(item.values[None], (1, len(item.values))), limit=limit, meaning=item.meaning
    )
    axes.imshow(
        band, extent=(-0.5, len(item.values) - 0.5, low, high), aspect="auto", alpha=alpha,
        interpolation="nearest", zorder=0,
    )  # fmt: skip
    axes.set_ylim(low, high)
    _frame(axes)


def mosaic_ratio(item: Map) -> float:
    """Return height over width of the slices of a volume set in rows."""
    count = len(_slices(len(item.values)))
    columns = int(np.ceil(np.sqrt(count)))
    return -(-count // columns) * item.values.shape[1] / (columns * item.values.shape[2])


def _slices(depth: int) -> Array:
    return np.unique(np.linspace(0, depth - 1, min(depth, _SLICES)).round().astype(int))


def _volume_pictures(result: Attribution, item: Map) -> list[Array]:
    """Return the chosen slices of the input as pictures, all on one grey scale."""
    known = result.input_axes[item.input]
    data = np.asarray(input_of(result, item.input))[item.sample]
    if "channel" in known:
        data = np.moveaxis(data, known.index("channel") - 1, -1)
    data = data if data.ndim == 4 else data[..., None]
    flat = as_rgb(data.reshape(data.shape[0] * data.shape[1], *data.shape[2:]))
    return list(flat.reshape(*data.shape[:3], 3)[_slices(data.shape[0])])


def _volume(result: Attribution, item: Map, *, limit: float, alpha: float) -> Array:
    chosen = item.values[_slices(len(item.values))]
    pictures = _volume_pictures(result, item)
    return _mosaic(
        [
            overlay(picture, values, limit=limit, meaning=item.meaning, alpha=alpha)
            for picture, values in zip(pictures, chosen, strict=True)
        ]
    )


def _mosaic(pictures: list[Array]) -> Array:
    """Return pictures of one size in rows with white lines between, the first at the upper left."""
    columns = int(np.ceil(np.sqrt(len(pictures))))
    gap = max(1, pictures[0].shape[1] // 24)
    padded = [np.pad(p, ((gap, gap), (gap, gap), (0, 0)), constant_values=255) for p in pictures]
    padded += [np.full_like(padded[0], 255)] * (-len(pictures) % columns)
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    return np.concatenate(rows)
