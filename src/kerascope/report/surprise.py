"""How far a map lies from where maps of the same class lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.resize import linear

if TYPE_CHECKING:
    from kerascope.types import Array

_CELLS = (8, 8)
FEWEST = 4  # maps of a class from which on one can stand out


def surprises(maps: Sequence[tuple[str, Array]]) -> list[float | None]:
    """Return for each (class, (y, x) map) the share of its evidence where the others have none.

    1 minus the overlap of its distribution over 8 × 8 cells with the mean of those of all other
    maps of its class: 0 … 1. None for classes of fewer than four maps, and for empty maps.
    """
    cells = [cells_of(values) for _, values in maps]
    groups: dict[str, list[int]] = defaultdict(list)
    for index, (name, _) in enumerate(maps):
        if cells[index] is not None:
            groups[name].append(index)
    found: list[float | None] = [None] * len(maps)
    for members in groups.values():
        if len(members) < FEWEST:
            continue
        held = np.stack([c for i in members if (c := cells[i]) is not None])
        others = (held.sum(axis=0) - held) / (len(members) - 1)
        for index, one, rest in zip(members, held, others, strict=True):
            found[index] = float(1 - np.minimum(one, rest).sum())
    return found


def cells_of(values: Array) -> Array | None:
    """Return (8, 8) shares: what is above zero (sizes, where nothing is); None if empty."""
    strength = np.maximum(values, 0).astype(np.float64)
    if not strength.any():
        strength = np.abs(values).astype(np.float64)
    height, width = strength.shape
    if height < _CELLS[0] or width < _CELLS[1]:
        strength = linear(strength.astype(np.float32), _CELLS).astype(np.float64)
        height, width = strength.shape
    rows = np.add.reduceat(strength, np.linspace(0, height, 9).astype(int)[:-1], axis=0)
    cells = np.add.reduceat(rows, np.linspace(0, width, 9).astype(int)[:-1], axis=1)
    total = cells.sum()
    return cells / total if total > 0 else None
