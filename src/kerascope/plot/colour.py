"""Colours: maps over pictures, and the strip that explains them."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib import colormaps
from PIL import Image

from kerascope.errors import BadInput
from kerascope.plot.maps import CLIP, Meaning
from kerascope.plot.picture import fitted
from kerascope.types import Array

# Both are perceptually ordered and readable with every common colour blindness. The diverging one
# is white at zero, blue below and red above.
MAP_NAMES = {Meaning.SIGNED: "RdBu_r", Meaning.POSITIVE: "inferno", Meaning.MAGNITUDE: "viridis"}
ALPHA = 0.85
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@functools.cache
def table(meaning: Meaning) -> Array:
    """Return the 256 colours of a meaning, (256, 3) uint8, lowest value first."""
    return (
        (colormaps[MAP_NAMES[meaning]](np.linspace(0, 1, 256))[:, :3] * 255)
        .round()
        .astype(np.uint8)
    )


def paint(values: Array, *, limit: float, meaning: Meaning = Meaning.SIGNED) -> Array:
    """Return values as uint8 RGB colours: −limit … limit for signed meaning, else 0 … limit."""
    share = np.clip(values / limit, -1, 1)
    place = (share + 1) / 2 if meaning is Meaning.SIGNED else np.maximum(share, 0)
    return table(meaning)[(place * 255).round().astype(np.uint8)]


def overlay(
    picture: Array,
    heatmap: Array,
    *,
    limit: float | None = None,
    meaning: Meaning | str = Meaning.SIGNED,
    alpha: float = ALPHA,
    clip: float = CLIP,
    outline: Array | None = None,
) -> Array:
    """Return the map drawn over its picture: uint8 RGB at the picture's size.

    picture: (y, x, 3) uint8. It is shown in grey, so that every colour belongs to the map, and
        shows through where the map is weak.
    heatmap: (y, x), any size; resized to the picture. Values that are not finite are drawn as 0.
    limit: the size of a value with the full colour; by default the percentile `clip` of the sizes.
    meaning: "signed", "positive" or "magnitude".
    alpha: how much of the picture the full colour covers, 0 … 1.
    outline: (y, x) boolean mask whose edge is drawn, at the picture's or the map's size.
    """
    meaning = Meaning(meaning)
    picture, values = _checked(picture, heatmap, alpha)
    size = (picture.shape[0], picture.shape[1])
    values = fitted(values, size)
    if limit is None:
        sizes = np.abs(values)
        limit = float(np.percentile(sizes, clip)) or float(sizes.max()) or 1.0
    strength = np.clip(np.abs(values) / limit, 0, 1)[..., None]
    colours = paint(values, limit=limit, meaning=meaning).astype(np.float32)
    if meaning is Meaning.SIGNED:
        # White is no evidence, so colours tint the picture like a filter: nothing turns paler.
        mixed = _grey(picture, 0.6, 1.0) * (1 - alpha * (1 - colours / 255))
    else:
        # The picture stays darker than the colours and the cover grows gently: on any picture, more
        # evidence is never darker than less.
        base, cover = _grey(picture, 0.03, 0.75), alpha * (0.5 + 0.5 * strength)
        mixed = base * (1 - cover) + colours * cover
    if outline is not None:
        mixed = _outlined(mixed, np.asarray(outline, bool))
    return np.clip(mixed.round(), 0, 255).astype(np.uint8)


def _checked(picture: Array, heatmap: Array, alpha: float) -> tuple[Array, Array]:
    picture, values = np.asarray(picture), np.asarray(heatmap, np.float32)
    if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
        raise BadInput(f"picture is {picture.shape} {picture.dtype}; it must be (y, x, 3) uint8")
    if values.ndim != 2:
        raise BadInput(f"heatmap has shape {values.shape}; it must be (y, x)")
    if not 0 <= alpha <= 1:
        raise BadInput(f"alpha={alpha} must be 0 … 1")
    return picture, np.nan_to_num(values, nan=0, posinf=0, neginf=0)


def _grey(picture: Array, low: float, high: float) -> Array:
    """Return the picture in grey, black at `low` and white at `high` (0 … 1), as 0 … 255 floats."""
    grey = (picture @ _LUMA)[..., None]
    return low * 255 + grey * (high - low)


def _outlined(image: Array, mask: Array) -> Array:
    """Draw the edge of `mask` as a white line with a dark rim, readable on any colour."""
    small = Image.fromarray(mask.astype(np.uint8) * 255)
    size = (image.shape[1], image.shape[0])
    full = np.asarray(small.resize(size, Image.Resampling.BILINEAR)) >= 128
    width = max(1, round(max(image.shape) / 180))
    line = _grown(full, width) & ~full
    rim = (_grown(full, width + 1) & ~full & ~line) | (full & _grown(~full, 1))
    image = np.where(rim[..., None], np.float32(20), image)
    return np.where(line[..., None], np.float32(255), image)


def _grown(mask: Array, steps: int) -> Array:
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = (
            padded[1:-1, 1:-1]
            | padded[:-2, 1:-1]
            | padded[2:, 1:-1]
            | padded[1:-1, :-2]
            | padded[1:-1, 2:]
        )
    return mask


def strip(meaning: Meaning | str, *, width: int = 256, height: int = 1) -> Array:
    """Return the colour bar of a meaning, (height, width, 3) uint8, lowest value left."""
    colours = table(Meaning(meaning))
    row = colours[np.linspace(0, 255, width).round().astype(int)]
    return np.broadcast_to(row, (height, width, 3)).copy()


def fit(picture: Array, *, longest: int = 360, smallest: int = 192) -> Array:
    """Return a picture whose longest side is at most `longest` pixels, shrunk smoothly.

    Tiny ones (longest side under `smallest`) grow by a whole factor, so their pixels stay pixels.
    """
    height, width = picture.shape[:2]
    long = max(height, width)
    if long > longest:
        size = (max(1, round(width * longest / long)), max(1, round(height * longest / long)))
        return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    factor = -(-smallest // long) if long < smallest else 1
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)
