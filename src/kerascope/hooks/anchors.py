"""The anchors of a detector whose boxes are offsets, as KerasHub's tasks carry them."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from kerascope.errors import BadTarget
from kerascope.targets.boxes import BoxFormat, corners
from kerascope.types import Array


def anchors_of(model: Any, size: tuple[int, ...], shape: tuple[int, ...]) -> Array | None:
    """Return a model's anchors for pictures of `size`, corners (box, 4) in pixels; or None.

    The model's `anchor_generator` gives them level by level for a picture, in its own format.
    """
    generator = getattr(model, "anchor_generator", None)
    if not callable(generator) or len(size) != 2:
        return None
    levels = generator(ops.zeros((1, *shape)))
    rows = list(levels.values()) if isinstance(levels, dict) else [levels]
    found = np.concatenate([ops.convert_to_numpy(one).reshape(-1, 4) for one in rows])
    try:
        known = BoxFormat.parse(getattr(generator, "bounding_box_format", "xyxy"))
    except BadTarget:
        return None
    boxes = np.asarray(ops.convert_to_numpy(corners(found, known.coords)), np.float32)
    return boxes * np.array([size[1], size[0]] * 2, np.float32) if known.relative else boxes
