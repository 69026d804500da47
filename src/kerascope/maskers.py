"""Maskers: how an input is cut into segments that are shown and covered as a whole."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np

from kerascope.errors import BadInput, BadMethod, choices
from kerascope.tokens import GROUPS
from kerascope.types import Array

KINDS = ("grid", "slic", "quickshift", "felzenszwalb", "single", "channel", *GROUPS)
_SUPERPIXELS = ("slic", "quickshift", "felzenszwalb")
_COUNT = {1: 16, 2: 50, 3: 27}  # segments by default, by the number of spatial axes


@dataclasses.dataclass(frozen=True)
class Masker:
    """A way to cut one input, as `segments=` says it.

    kind: "grid" (cells, windows of time, blocks of a volume), "slic", "quickshift" or
        "felzenszwalb" (superpixels), "single" (every position alone), "channel" (every channel by
        itself), "token", "word" or "sentence" (of text), or "" for what suits the input:
        superpixels of a picture, windows of a series, blocks of a volume, tokens, columns.
    count: about how many segments; None takes a default. Of "channel", in each channel: 1.
    """

    kind: str = ""
    count: int | None = None

    @classmethod
    def parse(cls, words: str | int | None) -> Masker:
        """Read "auto", a number, "slic" or "slic-100".

        Raises:
            BadMethod: the words name no masker, or the number is below 2.
        """
        text = "auto" if words is None else str(words)
        match = re.fullmatch(r"([a-z]+)(?:-(\d+))?|(\d+)", text)
        kind = (match[1] or "auto") if match else text
        if kind not in ("auto", *KINDS):
            raise BadMethod(f"segments='{words}' is not known{choices(kind, ('auto', *KINDS))}")
        count = int(match[2] or match[3]) if match and (match[2] or match[3]) else None
        if count is not None and count < 2:
            raise BadMethod(f"segments={words} must ask for at least 2 segments")
        return cls("" if kind == "auto" else kind, count)

    def most(self, size: tuple[int, ...], channels: int = 1) -> int:
        """Return how many segments a sample of spatial `size` has at most, without looking at it.

        Exact but for superpixels, of which scikit-image makes up to four times as many as asked.
        """
        places = int(np.prod(size))
        if self.kind == "channel":
            return channels * (int(grid(size, self.count).max()) + 1 if self.count else 1)
        if self.kind == "single" or len(size) == 0:
            return places
        count = self.count or _COUNT.get(len(size), 32)
        if len(size) == 2 and self.kind != "grid":
            return min(4 * count, places)
        return int(grid(size, count).max()) + 1

    def segment(self, sample: Array, axes: tuple[str, ...]) -> Array:
        """Cut one sample: int32 labels 0…n−1 over all its axes but the channels.

        Of kind "channel", over all its axes.

        Raises:
            BadInput: only one segment came out, or there are no channels.
        """
        if self.kind == "channel":
            return by_channel(sample.shape, axes, self.count)
        size = tuple(n for n, axis in zip(sample.shape, axes, strict=True) if axis != "channel")
        if self.kind == "single" or not size or axes in (("feature",), ("token",)):
            return np.arange(np.prod(size), dtype=np.int32).reshape(size)
        count = self.count or _COUNT.get(len(size), 32)
        superpixels = (not self.kind or self.kind in _SUPERPIXELS) and len(size) == 2
        if not superpixels:
            return grid(size, count)
        labels = superpixel(sample, axes, self.kind or "slic", count)
        if labels.max() > 0:
            return labels
        if not self.kind:
            return grid(size, count)
        raise BadInput(
            f"{self.kind} finds one segment only in a picture of {size[0]} × {size[1]}; "
            f"segments='grid-{count}' cuts any picture"
        )


def grid(size: tuple[int, ...], count: int) -> Array:
    """Cut positions into about `count` equal cells of like proportions: int32 labels of `size`."""
    cells = (count / np.prod(size, dtype=float)) ** (1 / len(size))
    labels = np.zeros((1,) * len(size), np.int32)
    for axis, n in enumerate(size):
        along = int(np.clip(round(cells * n), 1, n))
        place = np.arange(n, dtype=np.int64) * along // n
        shape = [1] * len(size)
        shape[axis] = n
        labels = labels * along + place.reshape(shape)
    return np.ascontiguousarray(np.broadcast_to(labels, size), np.int32)


def by_channel(shape: tuple[int, ...], axes: tuple[str, ...], count: int | None) -> Array:
    """Cut every channel by itself, into about `count` cells: int32 labels of `shape`.

    Raises:
        BadInput: there are no channels, or one channel that stays whole.
    """
    if "channel" not in axes:
        raise BadInput(f"segments='channel' needs channels; the input has axes {', '.join(axes)}")
    axis = axes.index("channel")
    if shape[axis] == 1 and count is None:
        raise BadInput(
            "segments='channel' finds one segment only, as there is one channel; 'channel-16' cuts "
            "it into 16"
        )
    size = shape[:axis] + shape[axis + 1 :]
    cells = grid(size, count) if count else np.zeros(size, np.int32)
    each = int(cells.max()) + 1
    return np.stack([cells + each * k for k in range(shape[axis])], axis=axis).astype(np.int32)


def superpixel(sample: Array, axes: tuple[str, ...], kind: str, count: int) -> Array:
    """Cut a picture along its edges by scikit-image; int32 labels (y, x).

    SLIC (Achanta et al. 2012), quickshift (Vedaldi and Soatto 2008) or Felzenszwalb and
    Huttenlocher (2004).
    """
    from skimage import segmentation

    picture = np.moveaxis(sample, axes.index("channel"), -1) if "channel" in axes else sample
    picture = np.atleast_3d(picture).astype(np.float64)
    low, span = picture.min(), np.ptp(picture)
    picture = (picture - low) / (span if span > 0 else 1.0)
    colour = picture.shape[-1] == 3
    area = picture.shape[0] * picture.shape[1]
    if kind == "felzenszwalb" and not colour:  # it warns at other numbers: one channel says as much
        picture = picture.mean(axis=-1, keepdims=True)
    ways: dict[str, Callable[[], Array]] = {
        "slic": lambda: segmentation.slic(
            picture, count, compactness=10.0 if colour else 0.1, convert2lab=colour, start_label=0
        ),
        "quickshift": lambda: segmentation.quickshift(
            picture, ratio=0.2, kernel_size=4, max_dist=(area / count) ** 0.5, convert2lab=colour
        ),
        "felzenszwalb": lambda: segmentation.felzenszwalb(
            picture, scale=100, sigma=0.5, min_size=max(2, area // (4 * count)), channel_axis=-1
        ),
    }
    return number(ways[kind]())


def number(labels: Array) -> Array:
    """Return labels numbered 0…n−1 without gaps, int32."""
    _, numbered = np.unique(labels, return_inverse=True)
    return numbered.reshape(labels.shape).astype(np.int32)


def numbered(labels: Array) -> Array:
    """Return labels as `number` does, but for −1, which stands for no segment."""
    none = labels.min() < 0
    return np.where(labels < 0, -1, number(np.maximum(labels, -1)) - none).astype(np.int32)


def given(labels: Array, samples: int, size: tuple[int, ...]) -> Array:
    """Return a user's labels as (sample, *size), numbered 0…n−1 in each sample.

    Raises:
        BadMethod: the shape is neither `size` nor (sample, *size), the labels are no whole numbers,
            or a sample has one segment only.
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "iub" or array.shape not in (size, (samples, *size)):
        raise BadMethod(
            f"segments have shape {array.shape} and dtype {array.dtype}; they must be whole "
            f"numbers of shape {size} or {(samples, *size)}"
        )
    each = np.stack([number(row) for row in np.broadcast_to(array, (samples, *size))])
    if (each.reshape(samples, -1).max(axis=1) == 0).any():
        raise BadMethod("segments have one label only; there is nothing to compare")
    return each
