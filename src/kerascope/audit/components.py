"""Principal components, the same on every machine and for any order of the rows."""

from __future__ import annotations

import numpy as np

from kerascope.types import Array


def principal(values: Array, count: int) -> Array:
    """Return (row, component) scores of (row, feature) values, at most `count` components.

    Components without spread are left out. The sign of each makes its largest loading positive.
    """
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    rows, features = centred.shape
    if features <= rows:
        powers, axes = np.linalg.eigh(centred.T @ centred)
    else:
        powers, left = np.linalg.eigh(centred @ centred.T)
        axes = centred.T @ left
        axes /= np.maximum(np.linalg.norm(axes, axis=0), 1e-300)
    kept = np.flatnonzero(powers > 1e-10 * max(float(powers.max(initial=0.0)), 1e-300))
    chosen = axes[:, kept[::-1][:count]]
    largest = np.abs(chosen).argmax(axis=0)
    return centred @ (chosen * np.sign(chosen[largest, np.arange(chosen.shape[1])]))


def block(values: Array, count: int) -> Array:
    """Return standardised features as components whose variances add up to 1."""
    spread = values.std(axis=0, dtype=np.float64)
    standard = (values - values.mean(axis=0, dtype=np.float64)) / np.where(spread > 0, spread, 1)
    scores = principal(standard, count)
    return scores / max(float(np.sqrt(scores.var(axis=0).sum())), 1e-300)
