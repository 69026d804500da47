"""What can be measured of a picture without a model: colour, light, detail, noise, compression."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import fft, ndimage

from kerascope.types import Array

PICTURE = (
    "red", "green", "blue", "brightness", "contrast", "sharpness", "high_frequency", "noise",
)  # fmt: skip
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)
_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_HIGH = 0.25  # cycles per pixel: half of what a grid can hold
_HASH, _HASH_SIDE = 8, 32

# Tables K.1 and K.2 of ITU-T T.81, row by row.
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *[99] * 32,
)  # fmt: skip
_QUALITY = np.arange(1, 101)


def luminance(pixels: Array) -> Array:
    """Return (…, y, x) float32 of (…, y, x, channel); of other than three channels, their mean."""
    if pixels.shape[-1] == 3:
        return pixels.astype(np.float32) @ LUMINANCE
    return pixels.mean(axis=-1, dtype=np.float32)


def picture_measures(pixels: Array) -> dict[str, float | None]:
    """Return the measures named in `PICTURE` of (y, x, channel) pixels, in their own unit.

    red, green, blue: means, None unless there are three channels. brightness, contrast: mean and
    standard deviation of the luminance. sharpness: variance of its Laplacian. high_frequency: share
    of its power, the mean taken off, at more than ¼ cycle per pixel. noise: standard deviation
    (Immerkær 1996). The last three are None where a side has fewer than 3 pixels.
    """
    grey = luminance(pixels)
    colour = pixels.mean(axis=(0, 1), dtype=np.float64) if pixels.shape[-1] == 3 else [None] * 3
    found = [*colour, grey.mean(dtype=np.float64), grey.std(dtype=np.float64)]
    found += _detail(grey) if min(grey.shape) >= 3 else [None] * 3
    pairs = zip(PICTURE, found, strict=True)
    return {name: None if value is None else float(value) for name, value in pairs}


def _detail(grey: Array) -> list[float]:
    # Only where the stencil lies inside: a border made up would look like an edge.
    inner = (slice(1, -1), slice(1, -1))
    edges = ndimage.convolve(grey, _LAPLACIAN)[inner]
    rough = np.abs(ndimage.convolve(grey, _NOISE)[inner])
    noise = np.sqrt(np.pi / 2) / 6 * rough.mean(dtype=np.float64)
    return [edges.var(dtype=np.float64), high_frequency(grey), noise]


def high_frequency(grey: Array) -> float:
    """Return the share of the power above ¼ cycle per pixel, under a Hann window; 0 for none."""
    window = np.outer(*(np.hanning(n + 2)[1:-1] for n in grey.shape))
    mean = (grey * window).sum() / window.sum()
    power = np.abs(fft.rfft2((grey - mean) * window)) ** 2
    # A column of the half spectrum stands for two, but for the first and, of an even width, the
    # last.
    power[:, 1 : (grey.shape[1] + 1) // 2] *= 2
    radius = np.hypot(np.fft.fftfreq(grey.shape[0])[:, None], np.fft.rfftfreq(grey.shape[1]))
    total = power.sum()
    # Rounding of a constant picture is no detail.
    if total <= 1e-10 * max(float(grey.max() ** 2), 1e-30) * window.sum() ** 2:
        return 0.0
    return float(power[radius > _HIGH].sum() / total)


def perceptual_hash(pixels: Array) -> str:
    """Return 64 bits in hexadecimal: signs of the lowest cosine terms of a 32×32 picture.

    Pictures that look alike differ in few bits. Bits are read row by row, the constant term is 0.
    """
    grey = Image.fromarray(luminance(pixels))
    small = np.asarray(grey.resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BILINEAR), np.float64)
    terms = fft.dctn(small, norm="ortho")[:_HASH, :_HASH].reshape(-1)
    # The sums of a flat picture are rounding, whose sign says nothing.
    terms[np.abs(terms) < 1e-4 * max(float(np.abs(terms[0])), 1e-30)] = 0
    bits = terms > np.median(terms[1:])
    bits[0] = False
    return np.packbits(bits).tobytes().hex()


def jpeg_quality(picture: Image.Image) -> int | None:
    """Return the quality 1 … 100 whose tables, scaled as libjpeg does, are nearest to a JPEG's own.

    None for pictures that hold no tables.
    """
    tables = getattr(picture, "quantization", None)
    if not tables:
        return None
    scale = np.where(_QUALITY < 50, 5000 // _QUALITY, 200 - 2 * _QUALITY)[:, None]
    far = np.zeros(len(_QUALITY))
    for table, base in zip(tables.values(), (_LUMA, _CHROMA), strict=False):
        known = np.clip((np.array(base) * scale + 50) // 100, 1, 255)
        far += np.abs(known - np.array(table)).sum(axis=1)
    return int(_QUALITY[far.argmin()])
