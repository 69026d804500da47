"""Edits of pictures: float32 (picture, y, x, channel) in 0 … 255, in and out."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import fft, ndimage

from kerascope.audit.interventions.statistics import BANDS
from kerascope.audit.measures import LUMINANCE
from kerascope.types import Array

_MOST_GAIN = 4.0


def clipped(pictures: Array) -> Array:
    """Return whole numbers in 0 … 255, as a file would hold them."""
    return np.rint(np.clip(pictures, 0, 255)).astype(np.float32)


def paste(receivers: Array, donors: Array, where: Array) -> Array:
    """Put the donors' pixels where the mask, (y, x) or (picture, y, x), is true."""
    return np.where(where[..., None], donors, receivers).astype(np.float32)


def shift_luma(receivers: Array, by: Array) -> Array:
    """Make pictures brighter by an amount each; what leaves 0 … 255 is clipped."""
    return clipped(receivers + by[:, None, None, None])


def stretch(receivers: Array, by: Array) -> Array:
    """Multiply the contrast around each picture's mean."""
    mean = receivers.mean(axis=(1, 2, 3), keepdims=True)
    return clipped((receivers - mean) * by[:, None, None, None] + mean)


def shift_chroma(receivers: Array, by: Array) -> Array:
    """Add (picture, channel) offsets whose luminance is zero: another cast, as bright as before."""
    return clipped(receivers + by[:, None, None, :])


def scale_bands(receivers: Array, gains: Array) -> Array:
    """Multiply the amplitude of radial frequency bands: gains (picture, band), see `BANDS`."""
    height, width = receivers.shape[1:3]
    # Mirrored, so that the opposite border is no edge.
    wide = np.pad(receivers, ((0, 0), (0, height), (0, width), (0, 0)), "symmetric")
    radius = np.hypot(np.fft.fftfreq(2 * height)[:, None], np.fft.rfftfreq(2 * width))
    centres = np.log([np.sqrt(low * high) for low, high in BANDS])
    place = np.log(np.maximum(radius, 1e-3)).reshape(-1)
    logs = np.log(np.clip(gains, 1 / (8 * _MOST_GAIN), _MOST_GAIN))
    full = np.stack([np.interp(place, centres, row) for row in logs]).reshape(-1, *radius.shape)
    # Below the first band lies what tone and colour are: it stays.
    full = np.exp(full * np.clip(radius / BANDS[0][0], 0, 1)).astype(np.float32)
    terms = fft.rfft2(wide, axes=(1, 2)) * full[..., None]
    changed = fft.irfft2(terms, wide.shape[1:3], axes=(1, 2))
    return clipped(changed[:, :height, :width])


def blur(receivers: Array, sigma: Array) -> Array:
    """Blur each picture by a Gaussian of its own width in pixels."""
    sizes = ((s, s, 0) for s in sigma)
    pairs = zip(receivers, sizes, strict=True)
    return clipped(np.stack([ndimage.gaussian_filter(r, s, mode="reflect") for r, s in pairs]))


def add_noise(receivers: Array, sigma: Array, generator: np.random.Generator) -> Array:
    """Add Gaussian noise, of a standard deviation each in the luminance; channels draw apart."""
    grain = generator.standard_normal(receivers.shape, np.float32)
    if receivers.shape[-1] == 3:
        grain /= np.linalg.norm(LUMINANCE)
    return clipped(receivers + grain * sigma[:, None, None, None].astype(np.float32))


def compress(receivers: Array, quality: Array) -> Array:
    """Write each picture as a JPEG of its quality and read it again."""
    return np.stack([_compressed(r, int(q)) for r, q in zip(receivers, quality, strict=True)])


def _compressed(picture: Array, quality: int) -> Array:
    plain = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    image = Image.fromarray(plain[..., 0] if plain.shape[-1] == 1 else plain)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=int(np.clip(quality, 1, 95)))
    again = np.asarray(Image.open(held), np.float32)
    return again.reshape(picture.shape)
