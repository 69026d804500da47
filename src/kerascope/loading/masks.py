"""Masks in picture files: where in a picture a class is explained."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from kerascope.errors import BadInput
from kerascope.loading.pictures import cropped, read_picture
from kerascope.types import Array

_SKEW = 0.02  # by which a mask's proportions may differ from the picture's


def read_mask(
    path: str | os.PathLike[str], size: tuple[int, int], shown: tuple[int, ...], fit: str | None
) -> Array:
    """Return a mask as weights (height, width), 0 … 1, of the model's input `size`.

    Inside is what is brighter than half of its brightest. It has the size of the input, or the
    picture's proportions; shown: (height, width) of the picture as it is shown. fit: how pictures
    were brought to the size, "squeeze" or "crop".
    Raises `BadInput` where it fits neither, or is black; `BadImage` where it is no picture.
    """
    name = Path(path).name
    picture = read_picture(path).convert("L")
    if picture.size != (size[1], size[0]):
        if fit == "crop":
            picture = cropped(picture, *size)
        ratio, wanted = picture.width / picture.height, shown[1] / shown[0]
        if abs(ratio / wanted - 1) > _SKEW:
            raise BadInput(
                f"mask '{name}' is {picture.width} × {picture.height} (width × height); it must "
                f"have the proportions of the picture, {shown[1]} × {shown[0]}, or the size of the "
                f"model's input, {size[1]} × {size[0]}"
            )
    values = np.asarray(picture, np.uint8)
    if not values.any():
        raise BadInput(f"mask '{name}' is black everywhere: it holds no place")
    inside = Image.fromarray(np.where(values > values.max() / 2, 255, 0).astype(np.uint8))
    small = inside.resize((size[1], size[0]), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255
