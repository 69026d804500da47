"""Samples as small pictures for the eye, from their files or arrays, one at a time."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from kerascope.audit.source import Source
from kerascope.errors import KerascopeError
from kerascope.loading.pictures import is_picture, plain_picture, read_picture
from kerascope.loading.reader import Reader
from kerascope.types import Array

SIDE = 96  # pixels of a thumbnail's longer side
_PROBES = 16  # samples that the range of values is taken of


class Pictures:
    """The samples of a data set as the model sees them, before preprocessing.

    settings: of the rows; they say how files were brought to the model's size.
    """

    def __init__(self, source: Source, settings: Mapping[str, Any]) -> None:
        self.source = source
        size = settings.get("size")
        self.reader = Reader.of(
            None, size=None if size is None else tuple(size), fit=settings.get("fit", "squeeze")
        )
        self._span: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.source)

    def rgb(self, sample: int) -> Array | None:
        """Return a sample as (y, x, 3) uint8; None where it is no picture or cannot be read.

        Samples of an iterable that was gone through are gone.
        """
        source = self.source
        if source.paths is not None and source.root is not None:
            path = source.paths[sample]
            with contextlib.suppress(KerascopeError, OSError):
                return self._framed(read_picture(source.root / path)) if path else None
            return None
        if not hasattr(source.given, "__getitem__"):
            return None
        given = source.given[sample]
        if is_picture(given):
            with contextlib.suppress(KerascopeError):
                return self._framed(plain_picture(given, f"sample {sample}"))
            return None
        pixels = _like_picture(given)
        return None if pixels is None else self._bytes(pixels)

    def _framed(self, picture: Image.Image) -> Array:
        return np.clip(self.reader.pixels(self.reader.framed(picture)).round(), 0, 255).astype("u1")

    def _bytes(self, pixels: Array) -> Array:
        """Return array values as bytes, all samples on one scale."""
        if pixels.dtype != np.uint8:
            low, high = self._range()
            pixels = (np.nan_to_num(pixels.astype(np.float32)) - low) / max(high - low, 1e-12) * 255
            pixels = np.clip(pixels.round(), 0, 255).astype(np.uint8)
        return pixels if pixels.shape[-1] == 3 else pixels[..., :1].repeat(3, axis=-1)

    def _range(self) -> tuple[float, float]:
        """Return the values that are black and white: 0…1, −1…1, 0…255, or what there is."""
        if self._span is None:
            step = max(1, len(self.source) // _PROBES)
            taken = [_like_picture(self.source.given[i]) for i in range(0, len(self.source), step)]
            values = [np.nan_to_num(p) for p in taken if p is not None]
            low = min((float(v.min()) for v in values), default=0.0)
            high = max((float(v.max()) for v in values), default=255.0)
            usual = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
            fits = ((a, b) for a, b in usual if a <= low and high <= b)
            self._span = next(fits, (low, high))
        return self._span


def _like_picture(given: Any) -> Array | None:
    """Return (y, x, channel) of the first array that looks like a picture, in either layout."""
    for value in given.values() if isinstance(given, Mapping) else [given]:
        array = np.asarray(value)
        if array.ndim == 3 and array.shape[-1] in (1, 3, 4):
            return array[..., :3]
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            return np.moveaxis(array, 0, -1)[..., :3]
    return None


def thumbnail(pixels: Array, *, side: int = SIDE) -> bytes:
    """Return (y, x, 3) uint8 as a WebP whose longer side is at most `side`, without metadata."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((side, side), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80, method=4)
    return buffer.getvalue()


def data_uri(content: bytes) -> str:
    """Return a WebP as the text that stands for it in a page."""
    return "data:image/webp;base64," + base64.b64encode(content).decode()
