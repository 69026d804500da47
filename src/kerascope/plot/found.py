"""What a model found in a picture: areas of classes, boxes, and the part that was explained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.labels import one_list
from kerascope.resize import overlaps
from kerascope.targets.detections import corner_words
from kerascope.targets.found import AREAS, BOX, BOXES, REGION
from kerascope.targets.segments import BACKGROUND

if TYPE_CHECKING:
    from kerascope.types import Array

# Told apart with every common colour blindness (Okabe and Ito).
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
GREY = "#8a8f99"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Area:
    """Where a class is predicted: `mask` (y, x) at the output's resolution; share: 0 … 1.

    background: it is no thing, by its name, or class 0 where there are no names.
    """

    index: int
    label: str
    share: float
    mask: Array
    background: bool = False

    @property
    def colour(self) -> str:
        """A colour of its own, the same in every picture; grey of the background."""
        return GREY if self.background else COLOURS[self.index % len(COLOURS)]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Box:
    """A box that was found: corners x0, y0, x1, y1 in shares of the picture.

    at: the same in pixels of the model's input, in words. place: among the model's boxes; −1 of a
    box that was given. sure: 0 … 1, or what the model says.
    """

    corners: tuple[float, float, float, float]
    index: int
    label: str
    sure: float
    place: int
    at: str

    @property
    def colour(self) -> str:
        """The colour of its class."""
        return COLOURS[self.index % len(COLOURS)]


def areas_of(result: Any, sample: int) -> list[Area]:
    """Return the predicted areas of a sample, the largest first, then the background's.

    None of other models.
    """
    said = _extra(result, AREAS)
    if said is None:
        return []
    row = np.asarray(said[sample])
    classes, counts = np.unique(row, return_counts=True)
    most = int(np.asarray(said).max())
    names = [_label(result, int(k), most) for k in classes]
    found = [
        Area(
            index=int(k), label=name, share=n / row.size, mask=row == k,
            background=name.strip().lower() in BACKGROUND or name == "class 0",
        )
        for k, n, name in zip(classes, counts, names, strict=True)
    ]  # fmt: skip
    return sorted(found, key=lambda area: (area.background, -area.share))


def class_total(result: Any) -> int:
    """Return how many classes a segmentation tells apart; 0 of other models."""
    said = _extra(result, AREAS)
    if said is None:
        return 0
    tree = result.predictions
    arrays = [np.asarray(a) for a in (tree.values() if isinstance(tree, Mapping) else [tree])]
    dense = [a.shape[-1] for a in arrays if a.ndim == 4 and a.shape[:3] == np.shape(said)]
    return max([2, int(np.max(said)) + 1, *dense[:1]])


def boxes_of(result: Any, sample: int) -> list[Box]:
    """Return the boxes found in a sample, the surest first; none of other models."""
    rows = _extra(result, BOXES)
    if rows is None:
        return []
    size = _size(result)
    return [_box(result, row, size) for row in np.asarray(rows[sample]) if row[5] >= 0]


def is_scene(result: Any) -> bool:
    """Return whether a result is of a segmentation or a detector."""
    return _extra(result, AREAS) is not None or _extra(result, BOXES) is not None


def explained_mask(result: Any, sample: int, target: int) -> Array | None:
    """Return the region explained, (y, x) truth values; None where no region was."""
    weights = _of_target(result, REGION, sample, target)
    return None if weights is None or not weights.any() else weights >= 0.5


def explained_box(result: Any, sample: int, target: int) -> Box | None:
    """Return the box explained; None where none was."""
    row = _of_target(result, BOX, sample, target)
    return None if row is None or row[5] < 0 else _box(result, row, _size(result))


def explained_inside(result: Any, sample: int, target: int, size: tuple[int, ...]) -> Array | None:
    """Return the part explained as shares of positions (y, x) of `size`; None where none was."""
    mask = explained_mask(result, sample, target)
    if mask is not None:
        rows, columns = (_means(old, new) for old, new in zip(mask.shape, size, strict=True))
        return rows @ mask.astype(np.float64) @ columns.T
    box = explained_box(result, sample, target)
    if box is None:
        return None
    x0, y0, x1, y1 = box.corners
    height, width = size
    return np.outer(_cover(y0, y1, height), _cover(x0, x1, width))


def _means(old: int, new: int) -> Array:
    lengths = overlaps(old, new)
    return lengths / lengths.sum(axis=1, keepdims=True)


def _cover(low: float, high: float, size: int) -> Array:
    cells = np.arange(size)
    return np.clip(np.minimum(high * size, cells + 1) - np.maximum(low * size, cells), 0, 1)


def _extra(result: Any, name: str) -> Array | None:
    return (getattr(result, "extras", None) or {}).get(name)


def _of_target(result: Any, name: str, sample: int, target: int) -> Array | None:
    held = _extra(result, name)
    if held is None:
        return None
    row = np.asarray(held[sample])
    # one target's row has no axis of targets: (y, x), or the numbers of a box
    return row[target] if row.ndim == (3 if name == REGION else 2) else row


def _size(result: Any) -> tuple[int, int]:
    """Return (height, width) of the picture that the model takes."""
    size = getattr(result, "size", None)  # of predictions alone
    if size is not None:
        return (int(size[0]), int(size[1]))
    name, axes = next(iter(result.input_axes.items()))
    tree = result.inputs
    shape = np.asarray(tree[name] if isinstance(tree, Mapping) else tree).shape
    sizes = [n for n, axis in zip(shape, axes, strict=True) if axis not in ("sample", "channel")]
    return (sizes[0], sizes[1])


def _box(result: Any, row: Array, size: tuple[int, int]) -> Box:
    height, width = size
    x0, y0, x1, y1 = (float(value) for value in row[:4])
    index = int(row[4])
    rows = _extra(result, BOXES)
    most = index if rows is None else int(max(np.asarray(rows)[..., 4].max(), index))
    return Box(
        corners=(x0 / width, y0 / height, x1 / width, y1 / height), index=max(index, 0),
        label=_label(result, index, most), sure=float(row[5]), place=int(row[6]),
        at=corner_words(row[:4]),
    )  # fmt: skip


def _label(result: Any, index: int, most: int) -> str:
    labels = one_list(getattr(result, "labels", None)) or ()
    return labels[index] if index >= 0 and most < len(labels) else f"class {index}"
