"""Traits of a whole picture that a model may hang on: tone, colour, detail, compression.

All are measured on 8×8 blocks and summed up by medians, over the blocks of the outer part of the
picture: an object's own colour or texture is no trait of the picture.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import fft

from kerascope.audit.measures import luminance
from kerascope.types import Array

BLOCK = 8
BANDS = ((1 / 16, 1 / 8), (1 / 8, 1 / 4), (1 / 4, 3 / 8), (3 / 8, 0.71))  # cycles per pixel
_OUTER = 0.22  # of each side


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Traits:
    """Traits of pictures, (picture,) each unless said otherwise.

    Attributes:
        brightness: luminance. contrast: logarithm of its standard deviation.
        colour: (picture, channel) less the luminance.
        bands: (picture, band) logarithms of the power in `BANDS`.
        flat: share of cosine terms that are zero, as JPEG leaves them.
        noise: standard deviation of the noise (Immerkær 1996).
        layout: (picture, value) mean colours of 3 × 3 parts but the middle one, less their mean.
    """

    brightness: Array
    contrast: Array
    colour: Array
    bands: Array
    flat: Array
    noise: Array
    layout: Array

    @classmethod
    def of(cls, pictures: Array) -> Traits:
        """Return the traits of (picture, y, x, channel) in 0 … 255."""
        parts = [_measured(pictures[i : i + 256]) for i in range(0, len(pictures), 256)]
        return cls(**{name: np.concatenate([p[name] for p in parts]) for name in parts[0]})

    @property
    def detail(self) -> Array:
        """Return (picture, feature): all that says how fine a picture's grain is."""
        return np.column_stack([self.bands, np.log(self.noise + 0.5), self.flat])


def _measured(pictures: Array) -> dict[str, Array]:
    pictures = np.asarray(pictures, np.float32)
    grey = luminance(pictures)
    used = _used(grey.shape)
    blocks = _blocks(grey)  # (picture, block, 8, 8)
    means = blocks.mean(axis=(2, 3))
    colours = np.stack(
        [_blocks(pictures[..., c]).mean(axis=(2, 3)) for c in range(pictures.shape[-1])], axis=-1
    )
    terms = fft.dctn(blocks, axes=(2, 3), norm="ortho")
    radius = np.hypot(*np.mgrid[:BLOCK, :BLOCK]) / (2 * BLOCK)
    bands = [
        (terms[:, :, (radius >= low) & (radius < high)] ** 2).mean(axis=2) for low, high in BANDS
    ]
    spread = np.log(np.where(used, (blocks.std(axis=(2, 3)) ** 2), np.nan) + 1)
    return {
        "brightness": _median(means, used),
        "contrast": np.log(_spread(means, used) + np.exp(np.nanmedian(spread, axis=1) / 2)),
        "colour": _median(colours - means[..., None], used),
        "bands": np.log(np.stack([_median(b, used) for b in bands], axis=1) + 1e-3),
        "flat": _median((np.abs(terms) < 1).mean(axis=(2, 3)), used),
        "noise": _median(_blocks(_rough(grey)).mean(axis=(2, 3)), used) * np.sqrt(np.pi / 2) / 6,
        "layout": _layout(pictures),
    }


def _layout(pictures: Array) -> Array:
    """Return (picture, value): colours of the eight parts around the middle, less their mean."""
    rows, columns = (np.array_split(np.arange(n), 3) for n in pictures.shape[1:3])
    parts = [
        pictures[:, rows[y]][:, :, columns[x]].mean(axis=(1, 2))
        for y in range(3)
        for x in range(3)
        if (y, x) != (1, 1)
    ]
    found = np.stack(parts, axis=1)
    return (found - found.mean(axis=1, keepdims=True)).reshape(len(pictures), -1)


def _blocks(grey: Array) -> Array:
    n, height, width = grey.shape
    high, wide = height // BLOCK, width // BLOCK
    cut = grey[:, : high * BLOCK, : wide * BLOCK].reshape(n, high, BLOCK, wide, BLOCK)
    return cut.swapaxes(2, 3).reshape(n, high * wide, BLOCK, BLOCK)


def outer(height: int, width: int) -> Array:
    """Return bool (y, x), true in the outer part of a picture."""
    y = np.minimum(np.arange(height) + 0.5, height - 0.5 - np.arange(height)) / height
    x = np.minimum(np.arange(width) + 0.5, width - 0.5 - np.arange(width)) / width
    return np.minimum(y[:, None], x) < _OUTER


def _used(shape: tuple[int, ...]) -> Array:
    """Return bool (picture, block): which are measured."""
    share = _blocks(outer(*shape[1:])[None].astype(np.float32))
    inside = share.mean(axis=(2, 3)) > 0.5
    inside[~inside.any(axis=1)] = True  # a picture of a few blocks has none that lies outside
    return np.broadcast_to(inside, (shape[0], inside.shape[1]))


def _median(values: Array, used: Array) -> Array:
    shaped = used.reshape(*used.shape, *(1,) * (values.ndim - 2))
    return np.nanmedian(np.where(shaped, values, np.nan), axis=1)


def _spread(values: Array, used: Array) -> Array:
    return np.nanstd(np.where(used, values, np.nan), axis=1)


def _rough(grey: Array) -> Array:
    """Return the sizes of what Immerkær's mask sees, by pixel; the picture mirrored outside."""
    grey = np.pad(grey, ((0, 0), (1, 1), (1, 1)), "symmetric")
    return np.abs(
        grey[:, :-2, :-2] + grey[:, :-2, 2:] + grey[:, 2:, :-2] + grey[:, 2:, 2:]
        - 2 * (grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:])
        + 4 * grey[:, 1:-1, 1:-1]
    )  # fmt: skip
