"""Pictures for the browser: decoded within bounds and written anew, so that only pixels get out."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from kerascope.loading.pictures import read_picture, shown
from kerascope.studio.kept import Kept, key_of
from kerascope.studio.shelf import Sample

THUMB = 192  # pixels of the longest side: 96 on a screen of two pixels each
PICTURE = 1024
_VERSION = 1


def picture_file(sample: Sample, side: int, kept: Kept) -> tuple[bytes, str]:
    """Return a sample's picture as WebP, its long side at most `side` pixels, and its mark.

    Raises `BadImage` for what is no picture, damaged or too large.
    """
    mark = key_of(["picture", _VERSION, side, str(sample.path.resolve()), sample.mark()])
    content = kept.get(mark)
    if content is None:
        content = _webp(sample.path, side)
        kept.put(mark, content)
    return content, mark[:32]


def _webp(path: Path, side: int) -> bytes:
    pixels = shown(read_picture(path), side)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=80 if side <= THUMB else 90, method=2)
    return file.getvalue()
