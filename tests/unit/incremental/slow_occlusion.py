"""Occlusion the slow way: whole passes of the model on covered pictures."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from kerascope.hooks import HookedModel
from kerascope.targets import resolve_targets
from kerascope.types import Array


def covered(sample: Array, cover: Array, corners: Array, patch: Any, layout: str) -> Array:
    """Return the sample with the patch at every corner."""
    rows = np.repeat(sample[None], len(corners), axis=0)
    lead = (slice(None),) if layout == "channels_first" else ()
    for row, corner in zip(rows, corners, strict=True):
        where = (*lead, *(slice(c, c + p) for c, p in zip(corner, patch, strict=True)))
        row[where] = cover[where]
    return rows


def positions(sizes: Any, step: int) -> Array:
    """Return corners on a grid, the last of which lets the patch stick out."""
    return np.array(list(itertools.product(*(range(0, n, step) for n in sizes))))


def view(
    model: Any, x: Any, *, target: Any = (0, 1), **options: Any
) -> tuple[Any, dict[str, Array], Any]:
    """Return the hooked model, its inputs by name and resolved targets."""
    hooked = HookedModel(model, **options)
    given = hooked.read(x)
    return hooked, given, resolve_targets(target, hooked.spec(), len(next(iter(given.values()))))
