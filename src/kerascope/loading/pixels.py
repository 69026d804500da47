"""Arrays of pictures: which axis is which, another size, and what they look like."""

from __future__ import annotations

import numpy as np

from kerascope.errors import BadImage, BadInput
from kerascope.loading.wants import Wanted
from kerascope.resize import linear
from kerascope.types import Array

_CHANNELS = (1, 3, 4)


def placed(array: Array, wanted: Wanted) -> tuple[Array, tuple[str, ...]]:
    """Return (sample, height, width, channel), or channels first where wanted, and notes.

    A single picture gets a sample axis, grey pictures a channel axis, and pictures with the
    channels at the other end, as torch stacks them, are turned. Raises `BadImage`.
    """
    if array.size == 0 or array.ndim < 2 or array.ndim > 4:
        raise BadImage(
            f"an array of shape {array.shape} holds no pictures; give (sample, height, width, "
            "channel) or use load_inputs"
        )
    array = _four_axes(array, wanted)
    first, last = array.shape[1], array.shape[3]
    has = wanted.channels_first
    if wanted.channels is not None:
        want, other = (first, last) if has else (last, first)
        if want != wanted.channels and other == wanted.channels:
            has = not has
        elif want != wanted.channels:
            raise BadInput(
                f"inputs of shape {array.shape[1:]} do not fit the model, which takes "
                f"{_words(wanted)}"
            )
    elif has != (first in _CHANNELS) and (first in _CHANNELS) != (last in _CHANNELS):
        has = first in _CHANNELS
    if has == wanted.channels_first:
        return array, ()
    turned = np.moveaxis(array, 1, -1) if has else np.moveaxis(array, -1, 1)
    words = "first" if has else "last"
    return np.ascontiguousarray(turned), (f"inputs came with channels {words} and were turned",)


def _four_axes(array: Array, wanted: Wanted) -> Array:
    if array.ndim == 4:
        return array
    if array.ndim == 2:  # one grey picture
        array = array[None]
    elif {array.shape[0], array.shape[-1]} & (
        {wanted.channels} if wanted.channels else set(_CHANNELS)
    ):
        return array[None]  # one picture with channels
    return array[:, None] if wanted.channels_first else array[..., None]


def _words(wanted: Wanted) -> str:
    return "×".join("any" if value is None else str(value) for value in wanted.shape())


def resized(array: Array, wanted: Wanted, *, asked: bool) -> tuple[Array, tuple[str, ...]]:
    """Return the array in the size that is wanted, and notes; only if `asked`, else `BadInput`."""
    axes = (2, 3) if wanted.channels_first else (1, 2)
    have = tuple(array.shape[axis] for axis in axes)
    fits = all(
        want in (None, is_) for want, is_ in zip((wanted.height, wanted.width), have, strict=True)
    )
    if fits:
        return array, ()
    if not asked or wanted.size is None:
        raise BadInput(
            f"inputs of size {have[0]}×{have[1]} do not fit the model, which takes {_words(wanted)}"
        )
    values = array if wanted.channels_first else np.moveaxis(array, -1, 1)
    values = linear(values, wanted.size)
    note = f"inputs resized from {have[0]}×{have[1]} to {wanted.height}×{wanted.width}"
    return (values if wanted.channels_first else np.moveaxis(values, 1, -1)), (note,)


def display_of(inputs: Array, *, channels_first: bool) -> tuple[Array, ...]:
    """Return uint8 RGB pictures of inputs: 0…255, 0…1 and −1…1 are known, others stretched."""
    values = np.moveaxis(inputs, 1, -1) if channels_first else inputs
    values = values[..., :3] if values.shape[-1] in (3, 4) else values.mean(axis=-1, keepdims=True)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        values = values * 255
    elif low >= -1 and high <= 1:
        values = (values + 1) * np.float32(127.5)
    elif low < 0 or high > 255:
        low_of = values.min(axis=(1, 2, 3), keepdims=True)
        spread = values.max(axis=(1, 2, 3), keepdims=True) - low_of
        values = (values - low_of) * (255 / np.where(spread > 0, spread, 1))
    values = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return tuple(
        np.repeat(v, 3, axis=-1) if v.shape[-1] == 1 else np.ascontiguousarray(v) for v in values
    )
