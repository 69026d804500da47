"""Where the object is: masks as they are, or out of boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.types import Array


def masks_of(masks: Any, boxes: Any, size: tuple[int, ...], samples: int) -> Array | None:
    """Return (sample, *size) truth values, or None where neither masks nor boxes are given.

    masks: (sample, *size). boxes: for every sample (x0, y0, x1, y1) in pixels, ends excluded, or a
    list of such; they are joined. Raises `BadInput` for both, wrong shapes, boxes outside.
    """
    if masks is not None and boxes is not None:
        raise BadInput("masks= and boxes= are both given; give one of them")
    if masks is not None:
        return _masks(masks, size, samples)
    return None if boxes is None else _boxes(boxes, size, samples)


def _masks(masks: Any, size: tuple[int, ...], samples: int) -> Array:
    found = np.asarray(masks)
    if found.dtype.kind not in "biuf" or found.shape != (samples, *size):
        raise BadInput(
            f"masks have shape {found.shape} of {found.dtype}; they must be {(samples, *size)}, "
            "true or 1 on the object"
        )
    if not np.isin(found, (0, 1)).all():
        raise BadInput("masks must hold truth values, or 0 and 1 only")
    return found.astype(bool)


def _boxes(boxes: Any, size: tuple[int, ...], samples: int) -> Array:
    if len(size) != 2:
        raise BadInput(f"boxes are of pictures; the input has {len(size)} axes: give masks=")
    if len(boxes) == 4 and all(np.ndim(value) == 0 for value in boxes):
        raise BadInput(f"boxes={boxes!r} is one box; give one for every sample, of {samples}")
    if len(boxes) != samples:
        raise BadInput(f"{len(boxes)} boxes for {samples} samples: one each, or a list of some")
    found = np.zeros((samples, *size), bool)
    height, width = size
    for sample, given in enumerate(boxes):
        for box in [given] if np.ndim(given) == 1 else given:
            values = np.asarray(box, float)
            if values.shape != (4,) or not np.isfinite(values).all():
                raise BadInput(f"a box is (x0, y0, x1, y1), not {box!r} (sample {sample})")
            x0, y0, x1, y1 = np.rint(values).astype(int)
            if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
                raise BadInput(
                    f"box {tuple(int(v) for v in (x0, y0, x1, y1))} of sample {sample} does not "
                    f"lie in the picture, which is {width} × {height}"
                )
            found[sample, y0:y1, x0:x1] = True
    return found
