"""RISE, literally as its paper writes it: loops over masks and pixels, NumPy float64.

Uniform numbers are drawn as the method draws them; everything after that is done again here.
"""

from __future__ import annotations

import numpy as np

from numpy_net import Net

Array = np.ndarray


def drawn(
    count: int, size: tuple[int, int], cell: tuple[int, int], probability: float, seed: int = 0
) -> Array:
    """Return masks (mask, *size) drawn as the method says: Philox keyed by seed and mask."""
    bits = tuple(-(-n // c) for n, c in zip(size, cell, strict=True))
    found = []
    for index in range(count):
        key = np.array([seed, ((2**31 - 1) << 32) | index], np.uint64)
        generator = np.random.Generator(np.random.Philox(key=key))
        shown = generator.random(bits) < probability
        shift = tuple(int(generator.choice(np.arange(c))) for c in cell)
        found.append(enlarged(shown.astype(float), cell, (shift[0], shift[1]), size))
    return np.array(found)


def rise(
    net: Net, x: Array, k: int, *, masks: int, cell: tuple[int, int], probability: float,
    centred: bool = False,
) -> Array:  # fmt: skip
    """S(λ) = 1/(E[M]·N) Σ f(I ⊙ M_i)·M_i(λ) (equation 6), maybe of f minus its mean."""
    shown = drawn(masks, (x.shape[1], x.shape[2]), cell, probability)
    maps = np.zeros(x.shape[:3])
    for i, sample in enumerate(x):
        scores = [float(net.scores((sample * mask[..., None])[None], k)[0]) for mask in shown]
        mean = np.mean(scores) if centred else 0.0
        for score, mask in zip(scores, shown, strict=True):
            maps[i] += (score - mean) * mask / (probability * masks)
    return maps


def enlarged(
    bits: Array, cell: tuple[int, int], shift: tuple[int, int], size: tuple[int, int]
) -> Array:
    """Enlarge bits (h, w) to ((h + 1)·cell, (w + 1)·cell) bilinearly, cut `size` out at a shift.

    Pixel by pixel, with half-pixel centres; beyond the outermost centres the edge is held.
    """
    height, width = ((n + 1) * c for n, c in zip(bits.shape, cell, strict=True))
    found = np.zeros(size)
    for y, x in np.ndindex(size):
        v = (y + shift[0] + 0.5) * bits.shape[0] / height - 0.5
        u = (x + shift[1] + 0.5) * bits.shape[1] / width - 0.5
        for i, j in np.ndindex(bits.shape):
            near_v = _nearness(v, i, bits.shape[0])
            found[y, x] += bits[i, j] * near_v * _nearness(u, j, bits.shape[1])
    return found


def _nearness(at: float, index: int, count: int) -> float:
    held = min(max(at, 0.0), count - 1.0)
    return max(0.0, 1 - abs(held - index))


def expected_linear(weights: Array, cell: tuple[int, int], probability: float) -> Array:
    """E[f·M(λ)]/p − E[f] for f = Σ w(μ)·M(μ): Σ w(μ)·Cov(M(μ), M(λ))/p, over all shifts.

    Bits are independent with variance p(1 − p), so the covariance of two positions is that times
    the sum over bits of the products of what each of the two takes from a bit.
    """
    size = weights.shape
    bits = tuple(-(-n // c) for n, c in zip(size, cell, strict=True))
    found, shifts = np.zeros(size), list(np.ndindex(*cell))
    for shift in shifts:
        for index in np.ndindex(*bits):
            one = np.zeros(bits)
            one[index] = 1.0
            taken = enlarged(one, cell, shift, size)
            found += (weights * taken).sum() * taken / len(shifts)
    return found * (1 - probability)
