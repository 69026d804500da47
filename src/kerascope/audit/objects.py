"""Where the object is in a sample: a mask file, a mask, or boxes; coverage of a coarse grid."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from kerascope.audit.maps import lowered
from kerascope.errors import BadFile, BadInput
from kerascope.loading.pictures import SUFFIXES, read_picture
from kerascope.types import Array

T = TypeVar("T")
_HALF = 127  # grey: brighter is on the object


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Objects:
    """Masks or boxes by sample; some samples may have none.

    files: by sample a mask file. arrays: by sample (y, x), true on the object. boxes: by sample
    (x0, y0, x1, y1) in the sample's own pixels, or a list of such.
    """

    files: Sequence[Path | None] | None = None
    arrays: Any = None
    boxes: Any = None

    def mask(self, sample: int, size: tuple[int, int]) -> Array | None:
        """Return the (y, x) mask of a sample of `size` (y, x); None where there is none.

        Raises `BadInput` where it does not fit.
        """
        if self.files is not None:
            path = self.files[sample]
            return None if path is None else _from_file(path)
        if self.arrays is not None:
            given = self.arrays[sample]
            return None if given is None else _from_array(given, size)
        given = self.boxes[sample]
        return None if _absent(given) else _from_boxes(given, size)

    def has(self, sample: int) -> bool:
        """Say whether a sample has a mask or boxes."""
        if self.files is not None:
            return self.files[sample] is not None
        if self.arrays is not None:
            return self.arrays[sample] is not None
        return not _absent(self.boxes[sample])

    def words(self) -> str:
        """Return what these are, for the fingerprint of the data."""
        if self.files is not None:
            sizes = [0 if f is None or not f.is_file() else f.stat().st_size for f in self.files]
            return f"mask files {sizes}"
        kind = "masks" if self.arrays is not None else "boxes"
        given = self.arrays if self.boxes is None else self.boxes
        return f"{kind} {[] if kind == 'masks' else list(map(str, given))}"


def mask_files(folder: Path, paths: Sequence[str]) -> Objects:
    """Return the masks in a folder that are named as the samples, beside each other or flat.

    Raises `BadFile` when there is none for any.
    """
    if not folder.is_dir():
        raise BadFile(f"mask folder '{folder.name}' does not exist")
    known: dict[str, Path] = {}
    for place, below, files in os.walk(folder):
        below.sort()
        for path in (Path(place) / name for name in sorted(files)):
            if path.suffix.lower() in SUFFIXES:
                known[path.relative_to(folder).with_suffix("").as_posix()] = path
    found = _named(known, paths)
    if not any(found):
        raise BadFile(f"mask folder '{folder.name}' holds no mask that is named as a sample")
    return Objects(files=tuple(found))


def box_file(path: Path, paths: Sequence[str]) -> Objects:
    """Return the boxes of a JSON file, by the names of samples as `mask_files` takes them.

    Raises `BadFile` when it is no such file, or names no sample.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFile(f"file of boxes '{path.name}' does not exist") from None
    except (OSError, ValueError) as error:
        raise BadFile(f"file of boxes '{path.name}' cannot be read: {error}") from error
    if not isinstance(given, dict):
        raise BadFile(
            f"file of boxes '{path.name}' must hold an object: names of pictures, and for each "
            "[x0, y0, x1, y1] in pixels or a list of such"
        )
    names = {name: PurePosixPath(name) for name in given}
    for name, place in names.items():
        if not place.name:
            raise BadFile(f"file of boxes '{path.name}': '{name}' is no name of a picture")
    known = {names[name].with_suffix("").as_posix(): boxes for name, boxes in given.items()}
    found = _named(known, paths)
    if all(_absent(boxes) for boxes in found):
        raise BadFile(f"file of boxes '{path.name}' has no box for a name of a sample")
    return Objects(boxes=tuple(found))


def _named(known: Mapping[str, T], paths: Sequence[str]) -> list[T | None]:
    """Return what is known by the place of each sample without its suffix, or by its mere name."""
    places = [PurePosixPath(sample).with_suffix("") for sample in paths]
    count = Counter(place.name for place in places)
    # What has no folder is meant for the one sample of its name, wherever that is.
    return [
        known.get(place.as_posix(), known.get(place.name) if count[place.name] == 1 else None)
        for place in places
    ]


def cover(mask: Array, grid: tuple[int, ...]) -> Array:
    """Return the share of each cell of a grid that a mask covers."""
    return lowered(mask.astype(np.float32), grid)


def _from_file(path: Path) -> Array:
    pixels = np.asarray(read_picture(path).convert("L"))
    return pixels > (_HALF if pixels.max() > 1 else 0)  # 0 and 1 are a mask too


def _from_array(given: Any, size: tuple[int, int]) -> Array:
    mask = np.asarray(given)
    mask = mask[..., 0] if mask.ndim == 3 and mask.shape[-1] == 1 else mask
    if mask.shape != size:
        raise BadInput(f"its mask has shape {mask.shape}; the sample is {size[0]} × {size[1]}")
    return mask.astype(bool)


def _absent(boxes: Any) -> bool:
    if boxes is None:
        return True
    values = np.asarray(boxes, dtype=object).reshape(-1)
    return all(value is None or value != value for value in values)  # noqa: PLR0124


def _from_boxes(given: Any, size: tuple[int, int]) -> Array:
    try:
        boxes = np.asarray(given, float).reshape(-1, 4)
    except (TypeError, ValueError) as error:
        raise BadInput(f"its boxes are not (x0, y0, x1, y1): {given!r}") from error
    mask = np.zeros(size, bool)
    height, width = size
    for x0, y0, x1, y1 in boxes:
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise BadInput(
                f"its box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) does not lie in the picture, which is "
                f"{width} × {height}"
            )
        left, top = min(round(x0), width - 1), min(round(y0), height - 1)
        mask[top : max(round(y1), top + 1), left : max(round(x1), left + 1)] = True
    return mask


def as_picture(mask: Array) -> Image.Image:
    """Return a mask as a picture, to be cut as the sample is."""
    return Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
