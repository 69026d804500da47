"""Highlighted text: every word on the colour of its value, with the numbers."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import FancyBboxPatch

from kerascope.errors import BadInput
from kerascope.plot.colour import paint
from kerascope.plot.figures import Figure
from kerascope.plot.maps import Kind, Map, Meaning, word_values
from kerascope.plot.predictions import prediction_words
from kerascope.plot.words import ENDS, sample_name, sentence
from kerascope.wording import number

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_INK, _FAINT = "#1f2430", "#5a6070"
_WIDTH = 560.0  # points of a line in a figure of its own
_LINE = 2.35  # height of a line, in sizes of its letters
_NUMBERED = 60  # words up to which each carries its number; of more, the strongest
_STRONGEST = 20
_MOST = 2000  # words that are drawn
_STYLE = (
    "display:inline-block;text-align:center;border-radius:4px;padding:1px 4px;margin:2px 1px;"
    "line-height:1.25;vertical-align:top"
)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part of a text: a word with its value, or what stands between words (value None).

    said: the value in words, "" of a word without its number. glued: no space stands before it.
    """

    text: str
    value: float | None = None
    said: str = ""
    glued: bool = False


def pieces_of(result: Attribution, item: Map, *, plain: bool = False) -> list[Piece]:
    """Return a text in parts, whole: words with values, and all that is between them.

    plain: without the values.
    """
    tokens = result.tokens(item.sample, item.input)
    if tokens is None:
        raise BadInput(f"input '{item.input}' holds no text whose words are known: use load_texts")
    values = word_values(result, item)
    order = np.argsort(-np.abs(values), kind="stable")
    strongest = float(np.abs(values).max(initial=0))
    strong = set(order[: _NUMBERED if len(values) <= _NUMBERED else _STRONGEST].tolist())
    pieces: list[Piece] = []
    at = 0
    for word, (start, stop) in enumerate(tokens.word_spans[:_MOST]):
        pieces += _between(tokens.text, at, start)
        glued = start > 0 and not tokens.text[start - 1].isspace()
        value = None if plain else float(values[word])
        said = _said(value, strongest) if value is not None and word in strong else ""
        pieces.append(Piece(tokens.text[start:stop], value, said, glued))
        at = max(at, stop)
    rest = len(tokens.word_spans) - _MOST
    return [*pieces, *(_between(tokens.text, at, len(tokens.text)) if rest <= 0 else ()),
            *([Piece(f"… {rest} more words")] if rest > 0 else ())]  # fmt: skip


def is_text(result: Attribution, item: Map) -> bool:
    """Tell whether a map is of a text whose words are known."""
    return item.kind is Kind.TOKENS and result.tokens(item.sample, item.input) is not None


def text_limit(result: Attribution, items: Sequence[Map]) -> float:
    """Return the size of the strongest word of some texts, which gets the full colour; 1 if 0."""
    return (
        max((float(np.abs(word_values(result, m)).max(initial=0)) for m in items), default=0) or 1.0
    )


def _between(text: str, start: int, stop: int) -> list[Piece]:
    parts = text[start:stop].split()
    first = bool(start) and start < stop and not text[start].isspace()
    return [Piece(part, glued=first and not k) for k, part in enumerate(parts)]


def _said(value: float, strongest: float) -> str:
    """Return a value in words; what is a rounding error beside the strongest is 0."""
    return number(value) if abs(value) > 1e-5 * strongest else "0"


def ink_on(colour: Array) -> str:
    """Return the ink, dark or white, that has the better contrast on a colour (3,) uint8."""
    linear = np.where(
        colour / 255 <= 0.04045, colour / 255 / 12.92, ((colour / 255 + 0.055) / 1.055) ** 2.4
    )
    return _INK if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.215 else "#ffffff"


# --- as a figure ---------------------------------------------------------------------------------


@functools.cache
def _width(text: str, size: float) -> float:
    """Return the width of a text in points."""
    font = get_font(findfont(FontProperties()))
    font.set_size(size, 72)
    with warnings.catch_warnings():  # a character that the font lacks is as wide as its box
        warnings.simplefilter("ignore")
        font.set_text(text)
    return font.get_width_height()[0] / 64


def lines_of(pieces: Sequence[Piece], width: float, size: float) -> list[list[tuple[float, Piece]]]:
    """Return pieces by line with their left ends, in points; wide words have a line each."""
    lines: list[list[tuple[float, Piece]]] = [[]]
    at = 0.0
    for piece in pieces:
        wide = _wide(piece, size)
        gap = 0.0 if not lines[-1] else 1.0 if piece.glued else 0.42 * size
        if lines[-1] and at + gap + wide > width:
            lines.append([])
            at, gap = 0.0, 0.0
        lines[-1].append((at + gap, piece))
        at += gap + wide
    return lines


def _wide(piece: Piece, size: float) -> float:
    own = _width(piece.text, size)
    if piece.value is None:
        return own
    return max(own, _width(piece.said, 0.62 * size) if piece.said else 0) + 0.5 * size


def draw_text(
    axes: Any, pieces: Sequence[Piece], meaning: Meaning, *, limit: float, width: float,
    size: float, top: float = 0.0,
) -> float:  # fmt: skip
    """Draw a text into axes whose unit is the point, from `top` down; return where it ends."""
    lines = lines_of(pieces, width, size)
    step = _LINE * size
    for k, line in enumerate(lines):
        for left, piece in line:
            _draw_piece(axes, piece, left, top - k * step, size, limit, meaning)
    return top - len(lines) * step


def _draw_piece(
    axes: Any, piece: Piece, left: float, top: float, size: float, limit: float, meaning: Meaning
) -> None:
    style = {"va": "baseline", "parse_math": False, "clip_on": True}
    line = top - 1.05 * size
    if piece.value is None:
        axes.text(left, line, piece.text, fontsize=size, color=_FAINT, **style)
        return
    wide = _wide(piece, size)
    colour = paint(np.array(piece.value, np.float32), limit=limit, meaning=meaning)
    axes.add_patch(
        FancyBboxPatch(
            (left, top - 2.1 * size), wide, 2.1 * size, linewidth=0, facecolor=colour / 255,
            boxstyle=f"round,pad=0,rounding_size={0.25 * size}",
        )
    )  # fmt: skip
    ink, middle = ink_on(colour), left + wide / 2
    axes.text(middle, line, piece.text, fontsize=size, color=ink, ha="center", **style)
    if piece.said:
        axes.text(
            middle, top - 1.85 * size, piece.said, fontsize=0.62 * size, color=ink,
            ha="center", **style,
        )  # fmt: skip


def in_cell(axes: Any, result: Attribution, item: Map, *, limit: float | None) -> None:
    """Draw a text into a cell of a figure, as large as fits; with no limit, the plain text."""
    box = axes.get_position()
    figure = axes.get_figure()
    width = max(80.0, box.width * figure.get_figwidth() * 72 * 0.98)
    height = max(40.0, box.height * figure.get_figheight() * 72)
    pieces = pieces_of(result, item, plain=limit is None)
    sizes = (9.0, 8.0, 7.0, 6.0, 5.0, 4.0)
    fits = (s for s in sizes if _LINE * s * len(lines_of(pieces, width, s)) <= height)
    axes.set_xlim(0, width)
    axes.set_ylim(-height, 0)
    size = next(fits, sizes[-1])
    draw_text(axes, pieces, item.meaning, limit=limit or 1.0, width=width, size=size)


def text_figure(result: Attribution, items: Sequence[Map], *, limits: Sequence[float]) -> Figure:
    """Return a figure of texts, one below the other: prediction, highlighted text, words, legend.

    limits: the size of the value with the full colour, for every map.
    """
    size, blocks = 10.0, []
    for item in items:
        lines = lines_of(pieces_of(result, item), _WIDTH, size)
        said = _wrapped(sentence(result, item), 8.0)
        blocks.append((_LINE * size * len(lines), said))
    total = sum(height + 46 + 11 * len(said) for height, said in blocks) + 52
    whole = Figure(figsize=((_WIDTH + 40) / 72, total / 72), dpi=110, facecolor="white")
    axes = whole.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-20, _WIDTH + 20)
    axes.set_ylim(-total, 0)
    write = functools.partial(axes.text, va="baseline", parse_math=False)
    write(0, -20, result.method.title, fontsize=11, color=_INK, fontweight="bold")
    top = -38.0
    for item, limit, (_, said) in zip(items, limits, blocks, strict=True):
        head = prediction_words(result, item.sample)
        write(0, top - 8, _fit(head, 9.0), fontsize=9, color=_INK, fontweight="bold")
        write(0, top - 20, _fit(item.explained, 8.0), fontsize=8, color=_FAINT)
        top = draw_text(
            axes, pieces_of(result, item), item.meaning,
            limit=limit, width=_WIDTH, size=size, top=top - 27,
        )  # fmt: skip
        for line in said:
            top -= 11
            write(0, top, line, fontsize=8, color=_FAINT)
        top -= 19
    _legend(axes, items, limits, -total + 12)
    return whole


def _legend(axes: Any, items: Sequence[Map], limits: Sequence[float], bottom: float) -> None:
    meaning = _meaning(items)
    low, high = ENDS[meaning]
    same = len(set(limits)) == 1
    first = f"{low} {number(-limits[0]) if meaning is Meaning.SIGNED else '0'}" if same else low
    last = f"{high} {number(limits[0])}" if same else f"{high} (each text its own scale)"
    left = _width(first, 8.0) + 8
    ramp = np.linspace(-1 if meaning is Meaning.SIGNED else 0, 1, 128, dtype=np.float32)
    colours = paint(ramp[None], limit=1, meaning=meaning)
    axes.imshow(colours, extent=(left, left + 140, bottom, bottom + 9), aspect="auto")
    style = {"fontsize": 8, "color": _FAINT, "va": "baseline", "parse_math": False}
    axes.text(0, bottom + 1, first, **style)
    axes.text(left + 148, bottom + 1, last, **style)
    axes.set_xlim(-20, _WIDTH + 20)
    axes.set_ylim(axes.get_ylim()[0], 0)


def _fit(text: str, size: float) -> str:
    line = " ".join(text.split())
    while line and _width(line, size) > _WIDTH:
        line = line[:-2].rstrip() + "…"
    return line


def _wrapped(text: str, size: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer, size) > _WIDTH:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


# --- as HTML -------------------------------------------------------------------------------------


def text_html(result: Attribution, item: Map, *, limit: float) -> str:
    """Return a text as HTML: words on their colours with their numbers as text; all is escaped."""
    body = "".join(_word_html(piece, limit, item.meaning) for piece in pieces_of(result, item))
    name = escape(sample_name(result, item.sample))
    return (
        f'<section aria-label="{name}"><p><b>{escape(prediction_words(result, item.sample))}</b>'
        f"<br>{escape(item.explained)}</p><p>{body}</p><p>{escape(sentence(result, item))}.</p>"
        "</section>"
    )


def legend_html(items: Sequence[Map], limit: float) -> str:
    """Return what the colours of texts say, as HTML."""
    meaning = _meaning(items)
    low, high = ENDS[meaning]
    first = f"{low} {number(-limit) if meaning is Meaning.SIGNED else '0'}"
    steps = np.linspace(-1 if meaning is Meaning.SIGNED else 0, 1, 9, dtype=np.float32)
    ramp = ",".join(_css(c) for c in paint(steps, limit=1, meaning=meaning))
    strip = (
        f"display:inline-block;width:9em;height:.7em;background:linear-gradient(to right,{ramp})"
    )
    return (
        f'<p style="font-size:85%">{escape(first)} <span aria-hidden="true" style="{strip}">'
        f"</span> {escape(high)} {escape(number(limit))}</p>"
    )


def _meaning(items: Sequence[Map]) -> Meaning:
    signed = any(item.meaning is Meaning.SIGNED for item in items)
    return Meaning.SIGNED if signed else items[0].meaning


def _word_html(piece: Piece, limit: float, meaning: Meaning) -> str:
    space = "" if piece.glued else " "
    if piece.value is None:
        return f'{space}<span style="{_STYLE};padding:1px 0">{escape(piece.text)}</span>'
    colour = paint(np.array(piece.value, np.float32), limit=limit, meaning=meaning)
    said = piece.said or number(piece.value)
    small = f'<br><small style="font-size:70%">{escape(said)}</small>' if piece.said else ""
    return (
        f'{space}<span title="{escape(said)}" style="{_STYLE};background:{_css(colour)};'
        f'color:{ink_on(colour)}">{escape(piece.text)}{small}</span>'
    )


def _css(colour: Array) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour)
