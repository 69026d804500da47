"""Long things of a document, each once: pictures as data URIs, maps as 16-bit integers."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.export import data_uri

if TYPE_CHECKING:
    from kerascope.types import Array

LEVELS = 32767  # of a map's size, on either side of zero


class Blobs:
    """Blobs by name; equal contents have one name, in every document."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def text(self, content: str) -> str:
        """Keep a text; return its name."""
        name = "b" + hashlib.sha256(content.encode()).hexdigest()[:16]
        self.held[name] = content
        return name

    def picture(self, pixels: Array) -> str:
        """Keep a uint8 RGB picture as a data URI; return its name."""
        return self.text(data_uri(pixels))

    def array(self, values: Array) -> dict[str, Any]:
        """Keep numbers as integers of 16 bits, and return how to read them.

        What is read differs from `values` by at most half of `scale`, a 65534th of the largest
        size. Values must be finite.
        """
        numbers = np.asarray(values, np.float32)
        largest = float(np.abs(numbers).max(initial=0))
        scale = largest / LEVELS
        whole = np.rint(numbers / scale) if scale else np.zeros(numbers.shape)
        plain = whole.astype("<i2").tobytes()
        tight = zlib.compress(plain, 9)
        packed = len(tight) < len(plain)
        content = base64.b64encode(tight if packed else plain).decode()
        return {
            "blob": self.text(content),
            "shape": list(numbers.shape),
            "scale": scale,
            "packed": "deflate" if packed else "none",
        }


def read_array(found: dict[str, Any], blobs: dict[str, str]) -> Array:
    """Return the float32 numbers that `Blobs.array` kept."""
    content = base64.b64decode(blobs[found["blob"]])
    plain = zlib.decompress(content) if found["packed"] == "deflate" else content
    whole = np.frombuffer(plain, "<i2").astype(np.float32)
    return (whole * np.float32(found["scale"])).reshape(found["shape"])
