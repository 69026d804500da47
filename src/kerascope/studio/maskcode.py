"""What a brush has painted over a picture, out of the short text that the page makes of it.

In base64url: which of `_SIDES` the cells are of, then how many cells are free, painted, free, …,
row by row, seven bits a byte, the low ones first; the eighth says that more follow.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

import numpy as np

from kerascope.errors import BadInput
from kerascope.types import Array

_SIDES = (None, 128, 64, 32)  # cells along the longer side; None: one for every pixel
LONGEST = 1500  # characters


def painted(text: str, size: tuple[int, int]) -> Array:
    """Return a mask (height, width) float32 of a picture of `size`, 1 where it is painted.

    Raises `BadInput` for a text that is none of such a picture, or paints nothing.
    """
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        rows, columns = _cells(size, _SIDES[content[0]])
        runs = list(_numbers(content[1:]))
    except (binascii.Error, ValueError, IndexError) as error:
        raise BadInput(f"the mask '{text[:40]}' is cut off or damaged") from error
    ends = np.cumsum([0, *runs])
    if len(text) > LONGEST or ends[-1] > rows * columns:
        raise BadInput(f"the mask '{text[:40]}' is not of a picture of {size[1]} × {size[0]}")
    cells = np.zeros(rows * columns, np.float32)
    for start, stop in zip(ends[1::2], ends[2::2], strict=False):
        cells[start:stop] = 1
    if not cells.any():
        raise BadInput("nothing is painted: the mask is empty")
    at = [
        ((np.arange(n) + 0.5) * m / n).astype(int)
        for n, m in zip(size, (rows, columns), strict=True)
    ]
    return cells.reshape(rows, columns)[np.ix_(*at)]


def _cells(size: tuple[int, int], side: int | None) -> tuple[int, int]:
    share = 1.0 if side is None else min(1.0, side / max(size))
    height, width = (max(1, int(length * share + 0.5)) for length in size)
    return height, width


def _numbers(content: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in content:
        if shift > 28:
            raise ValueError("a number of more than 32 bits")
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("the last number is cut off")
