"""Cover a part of a picture: what the erase test measures."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from kerascope.baselines import blur, inpaint
from kerascope.errors import BadInput
from kerascope.resize import linear
from kerascope.types import Array

HOW = ("blur", "inpaint", "grey")
MOST = 1024  # rows and columns of a mask
_BLUR = 8  # σ of the blur is the longest side divided by this, as in the baseline of that name
_GREY = 127.5


def mask_of(given: dict[str, Any]) -> Array:
    """Return a (y, x) float32 mask, 1 = covered, of {"shape": [h, w], "bytes": base64}.

    Raises `BadInput` unless there is one byte for every pixel, and one of them not zero.
    """
    height, width = given["shape"]
    try:
        content = base64.b64decode(given["bytes"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("mask.bytes is not base64") from error
    if len(content) != height * width:
        raise BadInput(
            f"mask.bytes holds {len(content)} bytes; {height}×{width} pixels need {height * width}"
        )
    mask = np.frombuffer(content, np.uint8).reshape(height, width).astype(np.float32) / 255
    if not mask.any():
        raise BadInput("the mask covers nothing")
    return mask


def covered(pixels: Array, given: dict[str, Any], how: str) -> tuple[Array, float]:
    """Return (y, x, channel) pixels 0 … 255 with the mask's part covered, and the share covered.

    how: "blur" (Gaussian, σ = an eighth of the longest side), "inpaint" (filled in from around it)
        or "grey".
    """
    mask = np.clip(linear(mask_of(given), pixels.shape[:2]), 0, 1)
    if how == "blur":
        cover = blur(pixels, max(pixels.shape[:2]) / _BLUR, ("y", "x", "channel"))
    elif how == "inpaint":
        hidden = mask > 0  # the soft rim is no source: it shows what is to be hidden
        cover = inpaint(pixels[None], 1 - hidden[None, ..., None].astype(np.float32))[0]
    else:
        cover = np.full_like(pixels, _GREY)
    part = mask[..., None]
    mixed = pixels * (1 - part) + cover * part
    return mixed.astype(np.float32), float(mask.mean())
