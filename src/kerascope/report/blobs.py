"""Long things of a document, each once: pictures as data URIs, maps as 16-bit integers."""

from __future__ import annotations

import base64
import collections
import hashlib
import threading
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.export import data_uri

if TYPE_CHECKING:
    from kerascope.types import Array

LEVELS = 32767  # of a map's size, on either side of zero
_KEPT = 256  # pictures whose data URI is kept: a studio and a film show the same ones again
_SMALL = 8192  # bytes up to which both ways of packing are tried; beyond it, what is best for noise


class TooLong(Exception):
    """More was kept than there was room for."""


class Blobs:
    """Blobs by name; equal contents have one name, in every document.

    room: bytes that they may take together; keeping more raises `TooLong`.
    """

    def __init__(self, room: int | None = None) -> None:
        self.held: dict[str, str] = {}
        self.room = room
        self._taken = 0

    def text(self, content: str) -> str:
        """Keep a text; return its name."""
        name = "b" + hashlib.sha256(content.encode()).hexdigest()[:16]
        if name not in self.held:
            self.held[name] = content
            self._taken += len(content)
        if self.room is not None and self._taken > self.room:
            raise TooLong
        return name

    def picture(self, pixels: Array) -> str:
        """Keep a uint8 RGB picture as a data URI; return its name."""
        return self.text(_uri(pixels))

    def array(self, values: Array, *, step: float = 0.0) -> dict[str, Any]:
        """Keep numbers as integers of 16 bits, and return how to read them.

        step: the least difference that counts. What is read differs from `values` by at most half
            of `scale`: a 65534th of the largest size, or half a step where that is more. Values
            must be finite.
        """
        numbers = np.asarray(values, np.float32)
        scale = max(float(np.abs(numbers).max(initial=0)) / LEVELS, step)
        whole = np.rint(numbers / scale) if scale else np.zeros(numbers.shape)
        plain = whole.astype("<i2").tobytes()
        ways = {"none": plain, "deflate-shuffled": zlib.compress(_shuffled(plain), 6)}
        if len(plain) <= _SMALL:
            ways["deflate"] = zlib.compress(plain, 6)
        packed = min(ways, key=lambda way: len(ways[way]))
        return {
            "blob": self.text(base64.b64encode(ways[packed]).decode()),
            "shape": list(numbers.shape),
            "scale": scale,
            "packed": packed,
        }


_uris: collections.OrderedDict[bytes, str] = collections.OrderedDict()
_uris_lock = threading.Lock()


def _uri(pixels: Array) -> str:
    """Return a picture as a data URI, encoded once as long as it is among the latest."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    name = digest.digest()
    with _uris_lock:
        if name in _uris:
            _uris.move_to_end(name)
            return _uris[name]
    found = data_uri(pixels)
    with _uris_lock:
        _uris[name] = found
        while len(_uris) > _KEPT:
            _uris.popitem(last=False)
    return found


def _shuffled(plain: bytes) -> bytes:
    """Return the high bytes of all integers, then the low ones: the former hardly change."""
    pairs = np.frombuffer(plain, np.uint8).reshape(-1, 2)
    return pairs[:, ::-1].T.tobytes()


def read_array(found: dict[str, Any], blobs: dict[str, str]) -> Array:
    """Return the float32 numbers that `Blobs.array` kept."""
    content = base64.b64decode(blobs[found["blob"]])
    plain = content if found["packed"] == "none" else zlib.decompress(content)
    if found["packed"] == "deflate-shuffled":
        plain = np.frombuffer(plain, np.uint8).reshape(2, -1)[::-1].T.tobytes()
    whole = np.frombuffer(plain, "<i2").astype(np.float32)
    return (whole * np.float32(found["scale"])).reshape(found["shape"])
