"""A smooth convolutional forecaster of two channels, by its weights alone."""

from __future__ import annotations

import numpy as np

STEPS = 32  # of a path from the baseline
LENGTH, CHANNELS, UNITS, AHEAD = 12, 2, 4, 3
# Two windows of each channel: (time, channel), as `segments="channel-2"` numbers them.
WINDOWS = (np.arange(LENGTH) * 2 // LENGTH)[:, None] + 2 * np.arange(CHANNELS)


def weights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return kernel (width, channel, unit), bias, and the dense matrix, float32."""
    rng = np.random.default_rng(3)
    shapes = ((3, CHANNELS, UNITS), (UNITS,), (UNITS, AHEAD))
    kernel, bias, dense = (rng.normal(size=shape).astype("float32") for shape in shapes)
    return kernel, bias, dense


def inputs() -> np.ndarray:
    """Return (sample, time, channel) float32."""
    return np.random.default_rng(4).normal(size=(3, LENGTH, CHANNELS)).astype("float32")
