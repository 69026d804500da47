"""Bring pictures out: PNG files with their making inside, and HTML for notebooks."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image, features

from kerascope.files import write_whole
from kerascope.plot.colour import ALPHA, fit
from kerascope.plot.draw import draw_input, draw_map, map_picture
from kerascope.plot.figures import Figure
from kerascope.plot.grid import figure, sheet
from kerascope.plot.maps import Kind, Map, limit_of, maps_of
from kerascope.plot.picture import picture_of
from kerascope.plot.predictions import prediction_words
from kerascope.plot.stamp import KEYWORD, stamp_json
from kerascope.plot.text import is_text, legend_html, text_html, text_limit
from kerascope.plot.words import describe, sample_name

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.attribution import Attribution
    from kerascope.types import Array

_SHOWN = 4  # samples in a notebook cell
_STYLE = "font:13px/1.4 system-ui,sans-serif;max-width:60rem"


def save_png(
    result: Attribution | Sequence[Attribution],
    path: str | os.PathLike[str],
    *,
    dpi: int = 110,
    **options: Any,
) -> Path:
    """Write the figure of a result, or the sheet of several, as a PNG that says what made it.

    The text chunk "kerascope" holds provenance and what is explained, as JSON; there is no folder,
    user name or camera data. options: see `figure` and `sheet`.
    Raises `BadFile` when the place cannot be written; an existing file stays whole then.
    """
    several = isinstance(result, Sequence)
    whole = sheet(result, **options) if isinstance(result, Sequence) else figure(result, **options)
    stamped = stamp_json(list(result) if several else result)  # type: ignore[arg-type]
    return write_whole(path, png_of(whole, dpi=dpi, text={KEYWORD: stamped}))


def png_of(whole: Figure, *, dpi: int = 110, text: dict[str, str] | None = None) -> bytes:
    """Return a figure as the bytes of a PNG with text chunks."""
    buffer = io.BytesIO()
    whole.savefig(buffer, format="png", dpi=dpi, metadata={"Software": "Kerascope", **(text or {})})
    return buffer.getvalue()


def data_uri(picture: Array) -> str:
    """Return a uint8 RGB picture as a data URI: WebP where Pillow has it, else PNG; pixels only."""
    buffer = io.BytesIO()
    kind = "webp" if features.check("webp") else "png"
    Image.fromarray(picture).save(buffer, format=kind.upper(), quality=86)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()


def drawn(result: Attribution, item: Map, *, limit: float | None) -> Array:
    """Return the drawing of one map as a uint8 RGB picture; with no limit, of what it lies on."""
    fig = Figure(figsize=(3.6, 2.4), dpi=120, layout="constrained", facecolor="white")
    canvas, axes = FigureCanvasAgg(fig), fig.add_subplot()
    if limit is None:
        draw_input(axes, result, item)
    else:
        draw_map(axes, result, item, limit=limit, alpha=ALPHA)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def notebook_html(result: Attribution, *, longest: int = 220) -> str:
    """Return a result as small HTML for notebooks: prediction, picture, maps with alt text.

    Shows the first four samples and says so when there are more; everything named is escaped.
    """
    shown = range(min(len(result), _SHOWN))
    maps = maps_of(result, samples=shown)
    rest = f"<p>first {_SHOWN} of {len(result)} samples</p>" if len(result) > _SHOWN else ""
    if all(is_text(result, item) for item in maps):
        limit = text_limit(result, maps)
        body = "".join(text_html(result, item, limit=limit) for item in maps)
        body += legend_html(maps, limit)
    elif all(item.kind is Kind.PICTURE for item in maps):
        body = "".join(
            _row(result, [m for m in maps if m.sample == i], maps, longest) for i in shown
        )
    else:
        body = _one_image(result, list(shown), maps)
    return f'<div style="{_STYLE}"><p><b>{escape(repr(result))}</b></p>{body}{rest}</div>'


def _row(result: Attribution, items: list[Map], maps: list[Map], longest: int) -> str:
    sample = items[0].sample
    head = f"{sample_name(result, sample)}: {prediction_words(result, sample)}"
    cells = []
    for item in items:
        picture = picture_of(result, sample, item.input)
        picture = None if picture is None else fit(picture, longest=longest)
        if picture is not None and item.target == 0:
            cells.append(_cell(picture, sample_name(result, sample), "picture"))
        limit = limit_of([m for m in maps if m.input == item.input])
        painted = map_picture(picture, item, limit=limit, alpha=ALPHA)
        cells.append(_cell(painted, describe(result, item), item.explained))
    return (
        f"<p>{escape(head)}</p>"
        f'<div style="display:flex;gap:8px;flex-wrap:wrap">{"".join(cells)}</div>'
    )


def _cell(picture: Array, alt: str, caption: str) -> str:
    image = f'<img src="{data_uri(picture)}" alt="{escape(alt)}" style="max-width:100%">'
    return (
        f'<figure style="margin:0;max-width:{picture.shape[1]}px">{image}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _one_image(result: Attribution, shown: list[int], maps: list[Map]) -> str:
    png = base64.b64encode(png_of(figure(result, samples=shown), dpi=80)).decode()
    alt = " ".join(describe(result, item) for item in maps)
    return f'<img src="data:image/png;base64,{png}" alt="{escape(alt)}" style="max-width:100%">'
