"""Pictures out of spectra: inverse Fourier transforms as products with real matrices.

`keras.ops` has no gradient through complex numbers that is alike on three backends; real matrices
have, and for pictures of a few hundred pixels they cost little beside a network.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from kerascope.types import Array

# The square root of the covariance of ImageNet's colours, from lucid (Olah et al. 2017): what is
# optimised are uncorrelated colours, so brightness does not hide the others.
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOURS = (_COLOURS / np.linalg.norm(_COLOURS, axis=0).max()).T


def frequencies(size: tuple[int, ...]) -> Array:
    """Return the size of every frequency in cycles per pixel: (*size[:-1], size[-1] // 2 + 1)."""
    axes = [np.fft.fftfreq(n) for n in size[:-1]] + [np.fft.rfftfreq(size[-1])]
    return np.sqrt(sum(grid**2 for grid in np.meshgrid(*axes, indexing="ij")))


@functools.lru_cache(maxsize=16)
def matrices(size: tuple[int, ...]) -> dict[str, Array]:
    """Return the matrices of the inverse transform: "cos0", "sin0", … (frequency, position)."""
    found = {}
    for axis, n in enumerate(size):
        last = axis == len(size) - 1
        waves = np.arange(n // 2 + 1) if last else np.arange(n)
        angle = 2 * np.pi * np.outer(waves, np.arange(n)) / n
        # Waves of the last axis stand for themselves and their conjugates, but for 0 and Nyquist.
        twice = np.where((waves == 0) | (2 * waves == n), 1.0, 2.0) if last else np.ones(n)
        found[f"cos{axis}"] = (twice[:, None] * np.cos(angle) / n).astype(np.float32)
        found[f"sin{axis}"] = (twice[:, None] * np.sin(angle) / n).astype(np.float32)
    return found


def inverse(real: Any, imaginary: Any, waves: Mapping[str, Any]) -> Any:
    """Return (row, channel, *size): the inverse real transform of (row, channel, *frequency).

    As `numpy.fft.irfftn` over all axes behind the channel, differentiable in both parts.
    """
    axes = len(real.shape) - 2
    # Every product takes the first axis left and puts its positions last, so the order comes back.
    along = lambda part, name: ops.tensordot(part, waves[name], axes=[[2], [0]])  # noqa: E731
    for axis in range(axes - 1):
        cos, sin = f"cos{axis}", f"sin{axis}"
        real, imaginary = (
            along(real, cos) - along(imaginary, sin),
            along(real, sin) + along(imaginary, cos),
        )
    return along(real, f"cos{axes - 1}") - along(imaginary, f"sin{axes - 1}")


def forward(values: Array) -> Array:
    """Return the complex half spectrum (row, channel, *frequency) of (row, channel, *size)."""
    return np.fft.rfftn(values, axes=tuple(range(2, values.ndim)))
