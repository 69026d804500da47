"""Where the object is in picture files: boxes in JSON, or masks as pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from kerascope.errors import BadFile, BadInput
from kerascope.loading.images import Images
from kerascope.loading.pictures import read_picture, squeezed
from kerascope.loading.sources import picture_items

if TYPE_CHECKING:
    from kerascope.types import Array

_CHANNELS = 4  # at most, of a picture; what comes last and is larger is a width
_HALF = 127  # grey: brighter is on the object


def masks_in_files(
    source: Any, pictures: Any, *, boxes: str | None, folder: str | None
) -> Array | None:
    """Return (sample, y, x) masks at the pictures' input size; None where neither is given.

    pictures: what the source was read as. boxes: a JSON file: picture's file name to [x0, y0, x1,
        y1] in its own pixels, or a list.
    folder: of PNGs named as the pictures, brighter than half on the object.
    Raises `BadFile` or `BadInput` that names the file.
    """
    if boxes is None and folder is None:
        return None
    found = picture_items(source) if isinstance(pictures, Images) else None
    if found is None:
        raise BadInput("boxes and masks are of picture files; the input is none")
    files = [Path(file) for file in found[0]]
    size = _size(pictures)
    known = None if boxes is None else _read(boxes)
    return np.stack([
        _boxed(file, known, size) if known is not None else _masked(file, Path(folder or ""), size)
        for file in files
    ])  # fmt: skip


def _size(pictures: Images) -> tuple[int, int]:
    shape = pictures.inputs.shape
    height, width = shape[1:3] if shape[-1] <= _CHANNELS else shape[2:]
    return int(height), int(width)


def _read(path: str) -> dict[str, Any]:
    try:
        known = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(f"cannot read the boxes in '{Path(path).name}': {error}") from error
    if not isinstance(known, dict):
        raise BadFile(
            f"'{Path(path).name}' must hold an object: file name to [x0, y0, x1, y1] or a list"
        )
    return known


def _boxed(file: Path, known: dict[str, Any], size: tuple[int, int]) -> Array:
    given = known.get(file.name, known.get(file.stem))
    if given is None:
        raise BadInput(f"the boxes name no picture '{file.name}'")
    width, height = _own_size(file)
    mask = np.zeros(size, bool)
    try:
        each = np.asarray(given, float).reshape(-1, 4)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the boxes of '{file.name}' are not [x0, y0, x1, y1]: {given}") from error
    for x0, y0, x1, y1 in each:
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise BadInput(
                f"box [{x0:g}, {y0:g}, {x1:g}, {y1:g}] does not lie in '{file.name}', which is "
                f"{width} × {height}"
            )
        left, right = (round(x * size[1] / width) for x in (x0, x1))
        top, bottom = (round(y * size[0] / height) for y in (y0, y1))
        left, top = min(left, size[1] - 1), min(top, size[0] - 1)
        mask[top : max(bottom, top + 1), left : max(right, left + 1)] = True
    return mask


def _masked(file: Path, folder: Path, size: tuple[int, int]) -> Array:
    path = folder / f"{file.stem}.png"
    if not path.is_file():
        raise BadFile(f"folder '{folder.name}' holds no mask '{path.name}'")
    pixels = np.asarray(read_picture(path).convert("L"))
    half = _HALF if pixels.max() > 1 else 0  # 0 and 1 are a mask too
    mask = np.asarray(squeezed(Image.fromarray((pixels > half) * np.uint8(255)), *size)) > _HALF
    if mask.all() or not mask.any():
        what = "covers everything" if mask.all() else "is empty"
        raise BadInput(
            f"mask '{path.name}' {what}: it must be white on the object, black beside it"
        )
    return mask


def _own_size(file: Path) -> tuple[int, int]:
    picture = read_picture(file)
    return int(picture.width), int(picture.height)
