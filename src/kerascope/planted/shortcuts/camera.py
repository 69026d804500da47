"""What a camera does to every scene, and the cues that lie in it: tone, noise, compression."""

from __future__ import annotations

import io

import numpy as np

from kerascope.planted.shortcuts.draws import SIZE, Draws, between, hsv, spread
from kerascope.planted.shortcuts.grounds import blurred
from kerascope.types import Array


def photograph(pixels: Array, draws: Draws, design: Array, cue: str | None, on: Array) -> Array:
    """Return pictures after blur, exposure, contrast, white balance and noise: (n, y, x, RGB).

    cue: "brightness", "tint" or "noise" act where `on`, bool (n,), says so.
    """
    soft, light, contrast, red, blue, grain, more = draws.uniform("camera", 7)
    here = on.astype(np.float32)
    exposure, noise = between(0.85, 1.18, light), between(2.5, 5.0, grain) / 255
    balance = np.stack([between(0.95, 1.05, red), np.ones_like(red), between(0.95, 1.05, blue)], -1)
    if cue == "brightness":
        factor = between(1.35, 1.5, more) if design[0] < 0.5 else between(0.6, 0.7, more)
        exposure = exposure * np.where(on, factor, 1)
    if cue == "tint":
        cast = hsv(design[0], np.array(1.0), np.array(1.0))
        cast = (cast - cast.mean()) / np.abs(cast - cast.mean()).max()
        balance = balance * (1 + (here * between(0.16, 0.24, more))[:, None] * cast)
    if cue == "noise":
        noise = noise + here * between(10.0, 14.0, more) / 255
    pixels = blurred(pixels, between(0.3, 0.7, soft))
    pixels = (pixels - 0.5) * spread(between(0.85, 1.15, contrast))[..., None] + 0.5
    pixels *= (exposure[:, None] * balance).astype(np.float32)[:, None, None]
    pixels += draws.normal("sensor", (SIZE, SIZE, 3)) * spread(noise)[..., None]
    return pixels


def compressed(pixels: Array, draws: Draws, strong: Array) -> Array:
    """Return uint8 pictures after JPEG at quality 85 … 95, or 12 … 20 where `strong`, bool (n,)."""
    (share,) = draws.uniform("jpeg", 1)
    quality = np.where(strong, between(12, 20, share), between(85, 95, share)).round().astype(int)
    whole = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return np.stack([_jpeg(picture, int(q)) for picture, q in zip(whole, quality, strict=True)])


def _jpeg(picture: Array, quality: int) -> Array:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
