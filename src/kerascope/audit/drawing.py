"""Which samples are looked at where all would be too many: drawn, class by class."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from kerascope.types import Array

_DRAW = 7  # tells these draws from others with the same seed


def drawn(ids: Iterable[int], most: int, *, seed: int, label: int = -1) -> Array:
    """Return at most `most` of some samples, sorted; by seed and class, whatever their order."""
    known = np.unique(np.fromiter(ids, np.int64))
    if len(known) <= most:
        return known
    key = np.array([seed & (2**64 - 1), (_DRAW << 48) | (label & (2**32 - 1))], np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    return np.sort(rng.choice(known, most, replace=False))
