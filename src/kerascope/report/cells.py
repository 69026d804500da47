"""Turn results into what the templates show: pictures, bars, legends, words."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import BadInput
from kerascope.plot.colour import ALPHA, fit, strip
from kerascope.plot.draw import map_picture
from kerascope.plot.export import data_uri, drawn
from kerascope.plot.maps import Kind, Map, Meaning
from kerascope.plot.picture import picture_of
from kerascope.plot.stamp import without_folders
from kerascope.plot.words import (
    ENDS,
    broken_words,
    describe,
    empty_words,
    grade_of,
    sample_name,
    sentence,
)
from kerascope.wording import number, percentage

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.report.sections import Figure
    from kerascope.types import Array
    from kerascope.verdict import Grade

LONGEST = 400  # pixels of a picture's longest side
SMALLEST = 240  # below it pictures grow by a whole factor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture inside the page."""

    src: str
    alt: str
    width: int
    height: int


_STARTS = {  # of files of each kind
    b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "webp", b"<": "svg+xml",
}  # fmt: skip


def file_picture(figure: Figure) -> Picture:
    """Return a picture from the bytes of its file; raise `BadInput` for other kinds of file."""
    kinds = [kind for start, kind in _STARTS.items() if figure.content.startswith(start)]
    if not kinds:
        raise BadInput(
            f"a figure is PNG, JPEG, GIF, WebP or SVG, not bytes that start {figure.content[:8]!r}"
        )
    words = base64.b64encode(figure.content).decode()
    src = f"data:image/{kinds[0]};base64,{words}"
    return Picture(src=src, alt=figure.alt, width=figure.width, height=figure.height)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Legend:
    """A colour bar with its ends in words and numbers."""

    src: str
    low: str
    high: str
    signed: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One map with its words."""

    picture: Picture
    explained: str
    gap: str
    message: str
    caption: str
    grade: Grade | None


def base_of(result: Attribution, item: Map) -> Array | None:
    """Return the picture that a map lies on at the size of the page, or None."""
    if item.kind is not Kind.PICTURE:
        return None
    picture = picture_of(result, item.sample, item.input)
    return None if picture is None else fit(picture, longest=LONGEST, smallest=SMALLEST)


def picture_cell(result: Attribution, item: Map, base: Array | None) -> Picture | None:
    """Return what the model was given, as a picture; None for a map without one."""
    if base is None and item.kind is Kind.PICTURE:
        return None
    array = drawn(result, item, limit=None) if base is None else base
    return _picture(array, f"{sample_name(result, item.sample)}, what the model was given")


def map_cell(
    result: Attribution,
    item: Map,
    *,
    base: Array | None,
    limit: float,
    outline: Array | None = None,
) -> Cell:
    """Return a map over its base picture with its alt text and words."""
    if item.kind is Kind.PICTURE:
        array = map_picture(base, item, limit=limit, alpha=ALPHA, outline=outline)
    else:
        array = drawn(result, item, limit=limit)
    lines = [empty_words(result, item) if item.empty else "", broken_words(item)]
    return Cell(
        picture=_picture(array, describe(result, item)),
        explained=item.explained,
        gap=gap_words(result, item.sample, item.target),
        message="; ".join(filter(None, lines)) if item.kind is Kind.PICTURE else "",
        caption=sentence(result, item),
        grade=grade_of(result, item),
    )


def _picture(array: Array, alt: str) -> Picture:
    height, width = array.shape[:2]
    return Picture(src=data_uri(array), alt=alt, width=width, height=height)


def legend_of(maps: Sequence[Map], limit: float) -> Legend:
    """Return the colour bar of maps on one scale; signed as soon as one of them is."""
    meanings = {item.meaning for item in maps}
    meaning = Meaning.SIGNED if Meaning.SIGNED in meanings else next(iter(meanings))
    low, high = ENDS[meaning]
    signed = meaning is Meaning.SIGNED
    return Legend(
        src=data_uri(strip(meaning, height=2)),
        low=f"{low} {number(-limit if signed else 0)}",
        high=f"{number(limit)} {high}",
        signed=signed,
    )


def gap_words(result: Attribution, sample: int, target: int) -> str:
    """Return the completeness gap relative to the score difference; "" for a method without."""
    if result.gap is None or result.relative_gap is None:
        return ""
    gap, share = (
        float(np.reshape(values[sample], -1)[target])
        for values in (np.asarray(result.gap), result.relative_gap)
    )
    if not np.isfinite(gap):
        return "completeness gap is not finite"
    return f"completeness gap {percentage(share) if np.isfinite(share) else number(gap)}"


def fields_of(result: Attribution) -> tuple[tuple[str, str], ...]:
    """Return the method's fields and their values in words, free of folders."""
    fields = without_folders(result.method.to_json()["fields"])
    return tuple((name, _value(value)) for name, value in fields.items())


def _value(value: object) -> str:
    if value is None:
        return "default"
    if isinstance(value, dict) and "data" in value:
        return f"array {str(value['data'])[:12]}…" + (
            f" ({value['file']})" if value["file"] else ""
        )
    if isinstance(value, list):
        return " × ".join(_value(item) for item in value)
    return number(value) if isinstance(value, float) else str(value)
