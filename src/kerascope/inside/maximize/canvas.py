"""What is optimised: the shape of the picture, its range, and the way to model inputs and back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import kerascope
from kerascope.errors import BadInput

if TYPE_CHECKING:
    from kerascope.types import Array

_ASSUMED = 3.0  # standard deviations, for values whose range nothing tells
_INSIDE = 1e-3  # a given picture is kept this far from black and white, where a sigmoid is flat


@dataclasses.dataclass(frozen=True)
class Canvas:
    """The picture that a parametrisation paints: (row, *size, channels) float32.

    size: positions, () for a plain vector. bounded: the values lie in 0 … 1, else anywhere.
    colour: the channels are red, green and blue.
    """

    size: tuple[int, ...]
    channels: int
    bounded: bool
    colour: bool

    @property
    def middle(self) -> float:
        """The value that means nothing: grey."""
        return 0.5 if self.bounded else 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """From a canvas to the values a model takes: canvas · matrix + offset, channels moved.

    matrix: (channel, channel), or (channel,) for its diagonal. offset: (channel,).
    first: the model has its channels first.
    """

    matrix: Array
    offset: Array
    first: bool

    def values(self, canvas: Array) -> Array:
        """Return model inputs of canvases (row, *size, channel)."""
        scaled = canvas @ self.matrix if self.matrix.ndim == 2 else canvas * self.matrix
        values = (scaled + self.offset).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(values, -1, 1)) if self.first else values

    def canvas(self, values: Array) -> Array:
        """Return the canvases of model inputs, not clipped."""
        last = np.moveaxis(values, 1, -1) if self.first else values
        if self.matrix.ndim == 1:
            return ((last - self.offset) / self.matrix).astype(np.float32)
        return ((last - self.offset) @ np.linalg.inv(self.matrix)).astype(np.float32)


def scaling_of(
    model: Any, axes: tuple[str, ...], shape: tuple[int, ...], limits: Any
) -> tuple[Canvas, Scaling, list[str]]:
    """Return the canvas of an input, the way from it to the model, and notes.

    limits: (low, high) of model-input values; "none" for no limits; None: those of the model's
        preprocessing for pictures, 0 … 1 or ±3 where nothing tells it, with a note.
    """
    first = axes[0] == "channel" and len(axes) > 1
    size: tuple[int, ...] = ()
    if len(axes) == 1:
        channels = shape[0]
    else:
        size = shape[1:] if first else shape[:-1]
        channels = shape[0] if first else shape[-1]
    picture = axes[:3] in (("y", "x", "channel"), ("channel", "y", "x"))
    colour = picture and channels == 3
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    if isinstance(limits, str) and limits == "none":
        return Canvas(size, channels, bounded=False, colour=colour), Scaling(one, zero, first), []
    notes: list[str] = []
    matrix, offset = one, zero
    if limits is not None:
        low, high = _checked(limits)
        matrix, offset = one * np.float32(high - low), zero + np.float32(low)
    elif picture:
        found = _probed(model, size, channels, first=first)
        if isinstance(found, str):
            notes.append(f"{found}; values from 0 to 1 are assumed, limits=(low, high) changes it")
        else:
            matrix, offset = found
    else:
        notes.append("values from −3 to 3 are assumed (standardised): limits=(low, high)")
        matrix, offset = one * np.float32(2 * _ASSUMED), zero - np.float32(_ASSUMED)
    return (
        Canvas(size, channels, bounded=True, colour=colour),
        Scaling(matrix, offset, first),
        notes,
    )


def _checked(limits: Any) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in limits)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise BadInput(f"limits={limits!r} must be (low, high) with low < high, or 'none'")
    return low, high


def _probed(
    model: Any, size: tuple[int, ...], channels: int, *, first: bool
) -> tuple[Array, Array] | str:
    """Return matrix and offset of the model's preprocessing, or why they are not known.

    Preprocessing is affine in every pixel, so what it makes of black, red, green and blue tells all
    of it, whatever the model brings: a name, a converter, layers inside.
    """
    from PIL import Image

    if channels not in (1, 3):
        return f"how {channels} channels are scaled is not known"
    colours = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)]
    if channels == 1:
        colours = [(0, 0, 0), (255, 255, 255)]
    pictures = [Image.new("RGB", (size[1], size[0]), colour) for colour in colours]
    try:
        given = kerascope.load_images(pictures, model, size=(size[0], size[1]))
    except BadInput:
        return "how the model's pictures were preprocessed is not known"
    seen = np.moveaxis(given.inputs, 1 if first else -1, -1)[:, 0, 0]
    return (seen[1:] - seen[0]).astype(np.float32), seen[0].astype(np.float32)


def squash(raw: Any, canvas: Canvas) -> Any:
    """Return values in the canvas's range of any values."""
    return keras.ops.sigmoid(raw) if canvas.bounded else raw


def unsquashed(values: Array, canvas: Canvas) -> Array:
    """Return what `squash` makes these values of; the ends of the range are moved inwards."""
    if not canvas.bounded:
        return values.astype(np.float64)
    inside = np.clip(values.astype(np.float64), _INSIDE, 1 - _INSIDE)
    return np.log(inside / (1 - inside))
