"""Boxes of detectors: how four numbers say where one is, and where they stand in an output."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.types import Array, Tensor

COORDS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
CELL, DELTAS = "cell_xywh", "deltas"
PARTS = ("object", "classes", "class")
_PIECE = re.compile(r"(?:(sigmoid|softmax)\((\w+)\)|(\w+))")
CHOICES = (
    "xyxy, yxyx, xywh, center_xywh or center_yxhw in pixels, rel_… in shares of the input; where "
    "one output holds all, with its parts in their order: 'rel_center_xywh+object+classes', "
    "'cell_xywh+sigmoid(object)+softmax(classes)' of a grid"
)


@dataclasses.dataclass(frozen=True)
class BoxFormat:
    """How a detector writes boxes down.

    coords: one of `COORDS`, "cell_xywh" (the centre's place in its cell of a grid, 0 … 1, and the
    size in shares of the input) or "deltas" (offsets to anchors). relative: in shares of the input;
    None where nobody said, so in pixels as far as is known.
    parts: (what, activation) along the last axis where one output holds all: "box", "object",
        "classes", "class"; of outputs apart, the activations alone.
    """

    coords: str = "xyxy"
    relative: bool | None = None
    parts: tuple[tuple[str, str], ...] = (("box", ""),)

    @classmethod
    def parse(cls, text: str) -> BoxFormat:
        """Return the format that words such as "rel_yxyx" or "xywh+object+classes" name."""
        coords, relative, parts = "", False, []
        for piece in text.replace(" ", "").split("+"):
            match = _PIECE.fullmatch(piece)
            what, act = (match[2] or match[3], match[1] or "") if match else ("", "")
            plain = what.removeprefix("rel_")
            if (plain in COORDS or what in (CELL, DELTAS)) and not coords and not act:
                coords, relative = plain, what.startswith("rel_") or what == CELL
                parts.append(("box", ""))
            elif what in PARTS and what not in dict(parts):
                parts.append((what, act))
            else:
                raise BadTarget(f"box format '{text}' is not known; it is one of {CHOICES}")
        if not coords or {"classes", "class"} <= set(dict(parts)):
            raise BadTarget(f"box format '{text}' is not known; it is one of {CHOICES}")
        return cls(coords, relative, tuple(parts))

    def spans(self, width: int, name: str) -> dict[str, tuple[int, int]]:
        """Return where on a last axis of `width` each part begins and ends."""
        fixed = sum({"box": 4, "classes": 0}.get(what, 1) for what, _ in self.parts)
        many = width - fixed
        if many < ("classes" in dict(self.parts)) or (many and "classes" not in dict(self.parts)):
            raise BadTarget(
                f"output '{name}' has {width} numbers a box, which does not fit the format "
                f"'{self}': that takes {fixed} and one for each class"
            )
        found, start = {}, 0
        for what, _ in self.parts:
            size = {"box": 4, "classes": many}.get(what, 1)
            found[what] = (start, start + size)
            start += size
        return found

    def activation(self, what: str) -> str:
        """Return "sigmoid", "softmax" or "" for a part."""
        return dict(self.parts).get(what, "")

    def __str__(self) -> str:
        head = self.coords if self.coords in (CELL, DELTAS) or not self.relative else ""
        said = {"box": head or f"rel_{self.coords}"}
        return "+".join(
            said.get(what, f"{act}({what})" if act else what) for what, act in self.parts
        )


def corners(values: Tensor, coords: str) -> Tensor:
    """Return boxes (…, 4) of a format as corners x0 y0 x1 y1, in the units they have."""
    from keras import ops

    a, b, c, d = (values[..., i] for i in range(4))
    if coords in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if coords in ("xyxy", "yxyx"):
        return ops.stack([a, b, c, d], axis=-1)
    if coords == "xywh":
        return ops.stack([a, b, a + c, b + d], axis=-1)
    return ops.stack([a - c / 2, b - d / 2, a + c / 2, b + d / 2], axis=-1)


def in_cells(values: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Return boxes (sample, *grid, …, 4) of "cell_xywh" as corners in shares of the input."""
    from keras import ops

    height, width = grid[:2]
    ones = (1,) * (len(values.shape) - 4)
    column = np.arange(width, dtype=np.float32).reshape(1, 1, width, *ones)
    row = np.arange(height, dtype=np.float32).reshape(1, height, 1, *ones)
    x = (values[..., 0] + ops.cast(column, values.dtype)) / width
    y = (values[..., 1] + ops.cast(row, values.dtype)) / height
    centred = ops.stack([x, y, values[..., 2], values[..., 3]], axis=-1)
    return corners(centred, "center_xywh")


def from_anchors(deltas: Tensor, anchors: Array) -> Tensor:
    """Return corners of offsets (sample, box, 4) to anchors (box, 4), both corners in pixels.

    The centre moves by shares of the anchor's size, the size by a factor exp(·), as in R-CNN
    (Girshick et al. 2014, appendix C).
    """
    from keras import ops

    size = anchors[:, 2:] - anchors[:, :2]
    middle = ops.cast((anchors[:, :2] + anchors[:, 2:]) / 2, deltas.dtype)
    extent = ops.cast(size, deltas.dtype)
    centre = middle + deltas[..., :2] * extent
    half = ops.exp(deltas[..., 2:]) * extent / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)


def overlaps(found: Any, given: Any) -> Any:
    """Return the intersection over union of boxes (…, 4): corners x0 y0 x1 y1."""
    from keras import ops

    low = ops.maximum(found[..., :2], given[..., :2])
    high = ops.minimum(found[..., 2:], given[..., 2:])
    common = ops.prod(ops.maximum(high - low, 0), axis=-1)
    area = lambda box: ops.prod(ops.maximum(box[..., 2:] - box[..., :2], 0), axis=-1)  # noqa: E731
    return common / (area(found) + area(given) - common + 1e-9)
