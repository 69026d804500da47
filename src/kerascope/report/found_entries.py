"""What a document says of areas and boxes in a picture, and of the part that was explained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.forecasts import forecast_of
from kerascope.plot.found import (
    areas_of,
    boxes_of,
    class_total,
    explained_box,
    explained_mask,
    is_scene,
)
from kerascope.plot.maps import Kind
from kerascope.plot.scene import loops, scene_words, sure_words
from kerascope.wording import percentage

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.plot.maps import Map
    from kerascope.types import Array

_LONGEST = 160  # positions of a mask's longest side, beyond which its outline is coarser

Entry = dict[str, Any]


def found_entry(result: Any, sample: int) -> Entry:
    """Return {"found": …} of a segmentation or a detector; nothing of other models."""
    if not is_scene(result):
        return {}
    areas = [
        {
            "label": area.label,
            "index": area.index,
            "words": percentage(area.share),
            "colour": area.colour,
            "path": outline(area.mask),
        }
        for area in areas_of(result, sample)
    ]
    boxes = [
        {
            "label": box.label,
            "place": box.place,
            "words": sure_words(box),
            "colour": box.colour,
            "corners": rounded(box.corners),
        }
        for box in boxes_of(result, sample)
    ]
    found = {"words": scene_words(result, sample), "areas": areas, "boxes": boxes}
    return {"found": found | {"classes": class_total(result)}}


def explained_entry(result: Attribution, item: Map) -> Entry:
    """Return {"explained": …}, the part of the picture that a map's score is of; or nothing."""
    if item.kind is not Kind.PICTURE or item.input != result.input_names[0]:
        return {}
    if not is_scene(result):
        return {}
    mask = explained_mask(result, item.sample, item.target)
    box = explained_box(result, item.sample, item.target)
    return {
        "explained": {
            "path": "" if mask is None else outline(mask),
            "corners": None if box is None else rounded(box.corners),
        }
    }


_AHEAD = re.compile(r"forecast.* (\d+) steps? ahead \(")


def ask_of(result: Attribution, item: Map) -> Entry:
    """Return {"ask": words} that ask for the target of a map again, where it is no class.

    They are those of the prediction that it belongs to: of an area, a box or a step ahead.
    """
    forecast = forecast_of(result, item.sample)
    if forecast is not None:
        step = _AHEAD.match(item.explained)
        channel = forecast.channel_of(item.explained)
        return {"ask": forecast.asked(int(step[1]) - 1, channel)} if step else {}
    if not is_scene(result) or item.input != result.input_names[0]:
        return {}
    box = explained_box(result, item.sample, item.target)
    if box is not None:
        return {"ask": f"box-{box.place}"} if box.place >= 0 else {}
    mask = explained_mask(result, item.sample, item.target)
    same = [
        area
        for area in areas_of(result, item.sample)
        if mask is not None and np.array_equal(area.mask, mask)
    ]
    own = [area for area in same if _named(area.label, item.explained)]
    return {"ask": f"{own[0].index}@area"} if own else {}


def _named(label: str, explained: str) -> bool:
    return f" of '{label}' over " in explained or f" of {label} over " in explained


def rounded(corners: tuple[float, ...]) -> list[float]:
    """Return shares of a picture with as many digits as a screen shows."""
    return [round(value, 5) for value in corners]


def outline(mask: Array) -> str:
    """Return the edge of a region (y, x) as a closed SVG path over a picture of 1 × 1."""
    step = -(-max(mask.shape) // _LONGEST)
    coarse = mask[step // 2 :: step, step // 2 :: step]
    height, width = coarse.shape
    parts = []
    for loop in loops(coarse):
        (x, y), *rest = loop.tolist()
        steps, last = "", (x, y)
        for x1, y1 in rest:
            steps += f"V{_digits(y1 / height)}" if x1 == last[0] else f"H{_digits(x1 / width)}"
            last = (x1, y1)
        parts.append(f"M{_digits(x / width)} {_digits(y / height)}{steps}Z")
    return "".join(parts)


def _digits(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"
