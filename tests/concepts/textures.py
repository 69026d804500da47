"""Generated textures: stripes, dots and noise, black and white, as uint8 pictures."""

from __future__ import annotations

import numpy as np


def stripes(count: int, side: int = 224, seed: int = 0) -> np.ndarray:
    """Return bent black and white stripes of random width and direction."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    pictures = []
    for _ in range(count):
        angle, width = rng.uniform(0, np.pi), rng.uniform(5, 16)
        bend = 0.05 * np.sin(2 * np.pi * (rng.uniform(0.5, 1.5) * (x - y) + rng.uniform()))
        wave = np.sin(2 * np.pi * width * (x * np.cos(angle) + y * np.sin(angle) + bend))
        pictures.append(wave > rng.uniform(-0.3, 0.3))
    return _tinted(np.stack(pictures), rng)


def dots(count: int, side: int = 224, seed: int = 1) -> np.ndarray:
    """Return discs of random size and place."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    pictures = []
    for _ in range(count):
        seen = np.zeros((side, side), bool)
        radius = rng.uniform(0.02, 0.06)
        for cy, cx in rng.uniform(0, 1, (int(0.35 / (np.pi * radius**2)), 2)):
            seen |= (y - cy) ** 2 + (x - cx) ** 2 < radius**2
        pictures.append(seen)
    return _tinted(np.stack(pictures), rng)


def noise(count: int, side: int = 224, seed: int = 2) -> np.ndarray:
    """Return random fields of random coarseness."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    fields = np.stack([
        ndimage.gaussian_filter(rng.normal(size=(side, side)), rng.uniform(1, 8))
        for _ in range(count)
    ])  # fmt: skip
    return _tinted(fields > 0, rng)


def _tinted(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (picture, y, x, 3) of two random colours, nearly black and nearly white."""
    low = rng.uniform(0, 60, (len(shares), 1, 1, 3))
    high = rng.uniform(195, 255, (len(shares), 1, 1, 3))
    return (low + shares[..., None] * (high - low)).astype(np.uint8)
