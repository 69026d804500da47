"""What stands beside a map: the share of its input, and arrays that a target shows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle

from kerascope.method import BESIDE
from kerascope.plot.colour import paint
from kerascope.plot.maps import Kind, Map, Meaning, input_of, portion

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_SHARE, _REST = "#4b6ea9", "#e3e6ec"


@dataclasses.dataclass(frozen=True, eq=False)
class Beside:
    """An array that belongs beside a map: a picture, or a map of sizes; what it is, in words."""

    words: str
    values: Array
    picture: bool


def beside_of(result: Attribution, item: Map) -> list[Beside]:
    """Return what a target wants to be seen beside its map, of the kinds that can be drawn."""
    if item.kind is not Kind.PICTURE or item.target:
        return []
    found = []
    for key, held in result.extras.items():
        values = np.asarray(held[item.sample])
        flat = values.shape == item.values.shape
        if key.startswith(BESIDE) and (flat or values.shape == _shape(result, item)):
            found.append(Beside(key.removeprefix(BESIDE), values, picture=not flat))
    return found


def _shape(result: Attribution, item: Map) -> tuple[int, ...]:
    return tuple(np.shape(input_of(result, item.input))[1:])


def beside_picture(result: Attribution, item: Map, part: Beside) -> Array:
    """Return an array beside a map as a uint8 RGB picture: as the input is drawn, or as sizes."""
    if not part.picture:
        limit = float(np.percentile(part.values, 99.5)) or float(part.values.max()) or 1.0
        return paint(part.values.astype(np.float32), limit=limit, meaning=Meaning.MAGNITUDE)
    given = np.asarray(input_of(result, item.input))[item.sample]
    axes = result.input_axes[item.input][1:]
    values = [np.asarray(given, np.float32), part.values.astype(np.float32)]
    if "channel" in axes:
        values = [np.moveaxis(v, axes.index("channel"), -1) for v in values]
    low, high = float(values[0].min()), float(values[0].max())  # on the scale of the input
    scaled = (values[1] - low) / max(high - low, 1e-12) * 255
    scaled = scaled if scaled.ndim == 3 else scaled[..., None]
    if scaled.shape[-1] != 3:
        scaled = scaled.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    return np.clip(scaled.round(), 0, 255).astype(np.uint8)


def draw_portion(axes: Any, result: Attribution, item: Map) -> None:
    """Draw the share of an input as a bar below its axes."""
    share = portion(result, item)
    if share is None:
        return
    for width, colour in ((1.0, _REST), (share, _SHARE)):
        axes.add_patch(
            Rectangle(
                (0, -0.07), width, 0.03, transform=axes.transAxes, clip_on=False, color=colour,
                linewidth=0,
            )
        )  # fmt: skip
