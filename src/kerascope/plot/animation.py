"""Pictures after one another as an animated WebP or GIF, by Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, features

from kerascope.errors import BadFile, MissingDependency

if TYPE_CHECKING:
    from kerascope.types import Array

_HOLD = 1500  # milliseconds that the last picture stays


def animated(frames: Array, kind: str, *, seconds: float = 4.0) -> bytes:
    """Return (frame, y, x, 3) uint8 pictures as the bytes of a film that repeats.

    kind: "webp" or "gif". seconds: without the last picture, which stays a while longer.
    Raises `BadFile` for another kind, `MissingDependency` where Pillow lacks WebP.
    """
    if kind not in ("webp", "gif"):
        raise BadFile(f"an animation is a .webp or a .gif, not '.{kind}'")
    if kind == "webp" and not features.check("webp"):
        raise MissingDependency("this Pillow has no WebP; write a .gif, or pip install -U pillow")
    pictures = [Image.fromarray(frame) for frame in frames]
    each = max(20, round(1000 * seconds / max(1, len(pictures) - 1)))
    times = [each] * (len(pictures) - 1) + [_HOLD]
    buffer = io.BytesIO()
    options = {"quality": 80} if kind == "webp" else {}
    pictures[0].save(
        buffer, format=kind.upper(), save_all=True, append_images=pictures[1:], duration=times,
        loop=0, **options,
    )  # fmt: skip
    return buffer.getvalue()
