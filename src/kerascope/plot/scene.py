"""Draw and say what a model found in a picture: areas, boxes, a line round the part explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.colour import fit
from kerascope.plot.found import (
    Box,
    areas_of,
    boxes_of,
    explained_box,
    explained_mask,
    is_scene,
)
from kerascope.wording import number, percentage

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_RIM = ("#ffffff", "#111111")
_FILL = 0.55
_SMALL = 0.001  # of the picture: areas below are counted and not named


def scene_words(result: Any, sample: int) -> str:
    """Return what was found in a sample, in words; "" of other models."""
    areas = [area for area in areas_of(result, sample) if area.share >= _SMALL]
    if areas:
        listed = ", ".join(f"{area.label} {percentage(area.share)}" for area in areas[:4])
        more = len(areas) - 4
        return f"areas: {listed}" + (f" and {more} more" if more > 0 else "")
    if not is_scene(result):
        return ""
    boxes = boxes_of(result, sample)
    if not boxes:
        return "no box found"
    listed = ", ".join(f"{box.label} {sure_words(box)}" for box in boxes[:3])
    head = f"{len(boxes)} box{'es' if len(boxes) > 1 else ''}"
    return f"{head}: {listed}" + (f" and {len(boxes) - 3} more" if len(boxes) > 3 else "")


def sure_words(box: Box) -> str:
    """Return how sure the model is of a box, as a person reads it."""
    return percentage(box.sure) if 0 <= box.sure <= 1 else number(box.sure)


def painted_areas(result: Any, sample: int, picture: Array | None) -> Array:
    """Return the predicted areas in the colours of their classes over a grey picture, uint8 RGB."""
    areas = areas_of(result, sample)
    mask = areas[0].mask
    colours = np.zeros((*mask.shape, 3), np.float32)
    for area in areas:
        value = int(area.colour[1:], 16)
        colours[area.mask] = (value >> 16, value >> 8 & 255, value & 255)
    if picture is None:
        return fit(colours.astype(np.uint8), longest=480, smallest=240)
    height, width = picture.shape[:2]
    rows = np.minimum(np.arange(height) * mask.shape[0] // height, mask.shape[0] - 1)
    columns = np.minimum(np.arange(width) * mask.shape[1] // width, mask.shape[1] - 1)
    large = colours[rows[:, None], columns]
    grey = picture.astype(np.float32).mean(axis=-1, keepdims=True)
    return ((1 - _FILL) * grey + _FILL * large).round().astype(np.uint8)


def draw_legend(axes: Any, result: Any, sample: int) -> None:
    """Name the areas below their picture, each in its colour."""
    from matplotlib.patches import Patch

    areas = [area for area in areas_of(result, sample) if area.share >= _SMALL][:8]
    handles = [
        Patch(facecolor=area.colour, alpha=0.85, label=f"{area.label} {percentage(area.share)}")
        for area in areas
    ]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, fontsize=7,
        frameon=False, handlelength=1, columnspacing=1,
    )  # fmt: skip


def draw_boxes(axes: Any, result: Any, sample: int, size: tuple[int, ...]) -> None:
    """Draw the boxes found over a picture of `size` (y, x), with class and sureness."""
    for box in reversed(boxes_of(result, sample)):
        _rectangle(axes, box, size, box.colour, 1.6)
        x, y = box.corners[0] * size[1], box.corners[1] * size[0]
        inside = {"boxstyle": "square,pad=0.15", "facecolor": box.colour, "edgecolor": "none"}
        axes.text(
            min(max(x, 0), size[1] * 0.8), max(y, 0.06 * size[0]), f"{box.label} {sure_words(box)}",
            fontsize=6.5, color="#111111", va="bottom", ha="left", bbox=inside, clip_on=True,
            parse_math=False,
        )  # fmt: skip


def draw_explained(
    axes: Any, result: Attribution, sample: int, target: int, size: tuple[int, ...]
) -> None:
    """Draw a line round the part explained, over a map of `size` (y, x)."""
    mask = explained_mask(result, sample, target)
    box = explained_box(result, sample, target)
    if mask is not None:
        for colour, width in zip(_RIM, (2.4, 1.1), strict=True):
            _edges(axes, mask, size, colour, width)
    elif box is not None:
        for colour, width in zip(_RIM, (2.6, 1.2), strict=True):
            _rectangle(axes, box, size, colour, width)


def _rectangle(axes: Any, box: Box, size: tuple[int, ...], colour: str, width: float) -> None:
    from matplotlib.patches import Rectangle

    x0, y0, x1, y1 = (v * n for v, n in zip(box.corners, (size[1], size[0]) * 2, strict=True))
    axes.add_patch(
        Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=colour, lw=width)
    )


def _edges(axes: Any, mask: Array, size: tuple[int, ...], colour: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    scale = np.array([size[1] / mask.shape[1], size[0] / mask.shape[0]])
    lines = [np.concatenate([loop, loop[:1]]) * scale - 0.5 for loop in loops(mask)]
    axes.add_collection(LineCollection(lines, colors=colour, linewidths=width))


def loops(mask: Array) -> list[Array]:
    """Return the closed lines round a region (y, x): corners (corner, 2) as x and y each.

    They run between positions, from 0 to the mask's size.
    """
    inner = np.pad(np.asarray(mask, bool), 1)
    after: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Each position's sides, clockwise, where its neighbour is outside.
    for (dy, dx), start, end in (
        ((-1, 0), (0, 0), (1, 0)), ((0, 1), (1, 0), (1, 1)), ((1, 0), (1, 1), (0, 1)),
        ((0, -1), (0, 1), (0, 0)),
    ):  # fmt: skip
        edge = inner & ~np.roll(inner, (-dy, -dx), axis=(0, 1))
        for y, x in np.argwhere(edge[1:-1, 1:-1]):
            at, to = (int(x) + start[0], int(y) + start[1]), (int(x) + end[0], int(y) + end[1])
            after.setdefault(at, []).append(to)
    found = []
    while after:
        at = first = next(iter(after))
        line = [first]
        while True:
            to = after[at].pop()
            if not after[at]:
                del after[at]
            if to == first:
                break
            line.append(to)
            at = to
        found.append(_straight(np.array(line)))
    return found


def _straight(line: Array) -> Array:
    """Return the corners of a closed line of unit steps."""
    turns = (np.roll(line, -1, axis=0) - line != line - np.roll(line, 1, axis=0)).any(axis=1)
    return line[turns]
