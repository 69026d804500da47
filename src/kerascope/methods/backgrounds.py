"""Backgrounds: sets of baselines to compare with, and what stands in where none was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.baselines import part_of
from kerascope.errors import BadMethod
from kerascope.method import Data
from kerascope.types import Array

LEVELS = 5  # baselines per sample where no background was given


def background_of(
    name: str, background: Data | None, x: Mapping[str, Array], out: Mapping[str, Array]
) -> tuple[dict[str, Array], bool, list[str]]:
    """Return baselines by input name, whether each sample has rows of its own, and notes.

    name: of the method, for errors. out: steps (sample, time) by input name that the model leaves
    out, see `perturb.left_out`: no level is of them.
    """
    if background is not None and background.array.dtype.names:
        parts = {n: part_of(background.array, n).astype(array.dtype) for n, array in x.items()}
        return parts, False, []
    if background is not None:
        if len(x) > 1:
            raise BadMethod(f"{name}: a background array fits a model with one input only")
        (key, array), given = next(iter(x.items())), background.array
        if given.shape[1:] != array.shape[1:] or not len(given):
            raise BadMethod(
                f"{name}: background has shape {given.shape}; it must be (baselines, "
                f"{', '.join(map(str, array.shape[1:]))})"
            )
        return {key: given.astype(array.dtype)}, False, []
    note = (
        f"no background was given: {LEVELS} constant inputs from a sample's smallest to its "
        "largest value serve as baselines; samples of your data are a better background"
    )
    return {key: _constants(array, out[key]) for key, array in x.items()}, True, [note]


def beside(
    base: Mapping[Any, Array], here: Mapping[Any, Array], out: Mapping[Any, Array], samples: Array
) -> dict[Any, Array]:
    """Return baselines (row, …) that keep the steps of `here` (row, …) which the model leaves out.

    out: such steps (sample, time) by input name; what has no name there is taken as it is.
    """
    found = dict(base)
    for name, array in base.items():
        stays = out[name][samples] if name in out else np.zeros(0, bool)
        if stays.any():
            wide = stays.reshape(*stays.shape, *(1,) * (array.ndim - 2))
            found[name] = np.where(wide, here[name], array)
    return found


def _constants(array: Array, out: Array) -> Array:
    """Return (sample · level, …): constant inputs over each sample's range; zeros for tokens."""
    levels = np.zeros((len(array), LEVELS))
    if array.dtype.kind == "f":
        some = out & ~out.all(axis=1, keepdims=True)
        wide = some.reshape(*some.shape, *(1,) * (array.ndim - 2))
        axes = tuple(range(1, array.ndim))
        low = (np.where(wide, np.inf, array) if some.any() else array).min(axis=axes)
        high = (np.where(wide, -np.inf, array) if some.any() else array).max(axis=axes)
        levels = np.linspace(low, high, LEVELS, axis=1)
    rows = levels.reshape(-1, *(1,) * (array.ndim - 1))
    return np.broadcast_to(rows, (rows.shape[0], *array.shape[1:])).astype(array.dtype)
