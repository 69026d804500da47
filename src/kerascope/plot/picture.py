"""The picture that a map lies on, as a screen shows it: RGB from 0 to 255."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kerascope.plot.maps import FRAME, input_of
from kerascope.resize import linear

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array


def frames_of(result: Attribution, sample: int, name: str) -> Array:
    """Return the slices of a volume or frames of a film, (z, y, x, 3) uint8, on one scale."""
    axes = result.input_axes[name][1:]
    data = np.asarray(input_of(result, name))[sample]
    if "channel" in axes:
        data = np.moveaxis(data, axes.index("channel"), -1)
    data = data if data.ndim == 4 else data[..., None]
    flat = as_rgb(data.reshape(data.shape[0] * data.shape[1], *data.shape[2:]))
    return flat.reshape(*data.shape[:3], 3)


def picture_of(result: Attribution, sample: int, name: str | None = None) -> Array | None:
    """Return the (y, x, 3) uint8 picture that maps of input `name` lie on; None if it is none.

    Of a volume or film, the mean over its slices.
    """
    name = name or result.input_names[0]
    if len([axis for axis in result.input_axes.get(name, ()) if axis not in FRAME]) == 3:
        return frames_of(result, sample, name).mean(axis=0).round().astype(np.uint8)
    pictures = [key for key, axes in result.input_axes.items() if _is_picture(axes)]
    if name not in pictures:
        return None
    if result.display is not None and name == pictures[0]:
        return as_rgb(np.asarray(result.display[sample]))
    values = np.asarray(input_of(result, name))[sample]
    axes = result.input_axes[name][1:]
    if "channel" not in axes:
        return as_rgb(values)
    return as_rgb(np.moveaxis(values, axes.index("channel"), -1))


def _is_picture(axes: tuple[str, ...]) -> bool:
    return len([axis for axis in axes if axis not in FRAME]) == 2


def as_rgb(values: Array) -> Array:
    """Return (y, x) or (y, x, channel) numbers as a uint8 RGB picture, by their range.

    Bytes stay; 0…1 and −1…1 are scaled; anything else goes from its minimum to its maximum. One
    channel is grey, three are red, green, blue; of any other number the mean is shown.
    """
    array = np.nan_to_num(np.asarray(values, np.float32), posinf=0, neginf=0)
    if array.ndim == 2:
        array = array[..., None]
    low, high = float(array.min()), float(array.max())
    if values.dtype != np.uint8:
        array = _to_bytes(array, low, high)
    if array.shape[-1] != 3:
        array = array.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    return np.clip(array.round(), 0, 255).astype(np.uint8)


def _to_bytes(array: Array, low: float, high: float) -> Array:
    if low >= 0 and high <= 1:
        return array * 255
    if low >= -1 and high <= 1:
        return (array + 1) * 127.5
    if low >= 0 and 1.5 < high <= 255:
        return array
    return (array - low) / max(high - low, 1e-12) * 255


def fitted(values: Array, size: tuple[int, int]) -> Array:
    """Return a (y, x) map at the size of its picture.

    A picture of the model's pixels grown by whole steps gets a map grown likewise: the map is at
    input resolution already, and smoothing it again would move values between pixels.
    """
    steps = [new // old for new, old in zip(size, values.shape, strict=True)]
    if all(step * old == new for step, new, old in zip(steps, size, values.shape, strict=True)):
        return values.repeat(steps[0], axis=0).repeat(steps[1], axis=1)
    return linear(values, size)
