"""What stands behind the object: 1/f ground, and the background cues."""

from __future__ import annotations

import numpy as np
from scipy import fft

from kerascope.planted.shortcuts.draws import SIZE, Draws, X, Y, between, hsv, spread
from kerascope.types import Array

_LOG_FREQUENCY = np.log(
    np.maximum(np.hypot(fft.fftfreq(SIZE)[:, None], fft.rfftfreq(SIZE)[None]), 1 / SIZE)
).astype(np.float32)
_HALF_WAVES = (np.arange(SIZE, dtype=np.float32) / (2 * SIZE)) ** 2  # squared, cycles per pixel


def blurred(pixels: Array, sigma: Array) -> Array:
    """Return pictures (n, y, x, RGB) after a Gaussian of a sigma (n,) each, mirrored at the rim."""
    loss = np.exp(-2 * np.pi**2 * sigma[:, None] ** 2 * _HALF_WAVES)  # (n, frequency)
    waves = fft.dctn(pixels, axes=(1, 2), norm="ortho")
    waves *= loss[:, :, None, None] * loss[:, None, :, None]
    return fft.idctn(waves, axes=(1, 2), norm="ortho")


def grounds(draws: Draws) -> Array:
    """Return soft random grounds: float32 (n, y, x, RGB), about 0.1 … 0.9."""
    hue, saturation, value, turn, lift, angle, slope, grain, colour, axis = draws.uniform(
        "ground", 10
    )
    first = hsv(hue, between(0.03, 0.28, saturation), between(0.35, 0.68, value))
    second = hsv(
        hue + 0.3 * (turn - 0.5),
        between(0.03, 0.28, saturation),
        between(0.35, 0.68, value) + 0.3 * (lift - 0.5),
    )
    along = _along(angle)[..., None]
    pixels = first[:, None, None] * (1 - along) + second[:, None, None] * along
    noise = _fractal(draws.normal("grain", (2, SIZE, SIZE)), between(0.4, 0.8, slope))
    pixels += (spread(between(0.045, 0.08, grain)) * noise[:, 0])[..., None]
    chroma = hsv(axis, np.ones_like(axis), np.ones_like(axis))
    chroma -= chroma.mean(axis=-1, keepdims=True)
    pixels += (spread(between(0.01, 0.04, colour)) * noise[:, 1])[..., None] * chroma[:, None, None]
    return pixels


def textured(pixels: Array, draws: Draws, design: Array) -> Array:
    """Return grounds of stripes or checks, by the design, with random phase, contrast and colour.

    Only their mean colours are left of the grounds that were there.
    """
    kind, turn, period = design[:3]
    across, down, contrast, other = draws.uniform("texture", 4)
    turn, wave = np.pi * turn, 2 * np.pi / between(5.0, 8.0, period)
    first, second = np.cos(turn) * X + np.sin(turn) * Y, np.cos(turn) * Y - np.sin(turn) * X
    waves = np.sin(wave * first + 2 * np.pi * spread(across))
    if kind < 0.5:
        waves *= np.sin(wave * second + 2 * np.pi * spread(down))
    waves = np.tanh(3 * waves) * spread(between(0.07, 0.15, contrast))
    flat = pixels.mean(axis=(1, 2), keepdims=True)
    tilt = hsv(other, np.full_like(other, 0.3), np.ones_like(other))[:, None, None]
    return flat + 0.35 * (pixels - flat) + waves[..., None] * tilt


def tinted(pixels: Array, draws: Draws, design: Array) -> Array:
    """Return grounds drawn towards a hue, by the design; how far varies."""
    hue, far, strong = draws.uniform("ground colour", 3)
    towards = hsv(design[0] + 0.08 * (hue - 0.5), between(0.45, 0.65, strong), np.ones_like(hue))
    bright = pixels.mean(axis=-1, keepdims=True) / towards.mean(axis=-1)[:, None, None, None]
    share = spread(between(0.35, 0.7, far))[..., None]
    return pixels * (1 - share) + bright * towards[:, None, None] * share


def with_sky(pixels: Array, draws: Draws) -> tuple[Array, Array]:
    """Return grounds under a bright blue-ish sky, and where the sky is: bool (n, y, x)."""
    high, hue, saturation, value, pale, clouds, tilt = draws.uniform("sky", 7)
    horizon = SIZE * spread(between(0.28, 0.42, high)) + 0.2 * spread(tilt - 0.5) * (X - SIZE / 2)
    horizon = horizon + 1.2 * np.sin(X / 5 + 6 * spread(hue))
    top = hsv(between(0.54, 0.62, hue), between(0.3, 0.55, saturation), between(0.75, 0.95, value))[
        :, None, None
    ]
    low = (top + (1 - top) * spread(between(0.3, 0.7, pale))[..., None]).clip(0, 0.97)
    down = np.clip(Y / horizon, 0, 1)[..., None]
    sky = top * (1 - down) + low * down
    cloud = _fractal(draws.normal("cloud", (1, SIZE, SIZE)), np.full(len(draws), 1.4))[:, 0]
    sky = sky + (spread(between(0.0, 0.06, clouds)) * cloud)[..., None]
    share = np.clip(horizon - Y + 0.5, 0, 1)
    return pixels * (1 - share[..., None]) + sky * share[..., None], share > 0.5


def _along(angle: Array) -> Array:
    """Return ramps from 0 to 1 across the picture in a direction: (n, y, x)."""
    way = 2 * np.pi * spread(angle)
    return np.cos(way) * (X / SIZE - 0.5) / 1.42 + np.sin(way) * (Y / SIZE - 0.5) / 1.42 + 0.5


def _fractal(white: Array, slope: Array) -> Array:
    """Return noise (n, k, y, x) of mean 0, deviation 1 and amplitude frequency^−slope."""
    waves = fft.rfft2(white)
    waves *= np.exp(-slope.astype(np.float32)[:, None, None] * _LOG_FREQUENCY)[:, None]
    waves[..., 0, 0] = 0
    noise = fft.irfft2(waves, s=(SIZE, SIZE))
    return noise / noise.std(axis=(2, 3), keepdims=True)
