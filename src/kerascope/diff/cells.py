"""How much of the evidence of two explanations lies in the same cells."""

from __future__ import annotations

import numpy as np

from kerascope.attribution import Attribution
from kerascope.errors import BadInput
from kerascope.resize import overlaps
from kerascope.types import Array


def elsewhere(first: Attribution, second: Attribution, cells: int) -> Array:
    """Return by sample the share of the evidence of two results that lies in other cells."""
    one, two = (_shares(result, cells) for result in (first, second))
    if len(one) == len(two) == 1:  # one input is the other, whatever it is called
        two = dict(zip(one, two.values(), strict=True))
    if {n: v.shape for n, v in one.items()} != {n: v.shape for n, v in two.items()}:
        words = (_shape_words(result) for result in (first, second))
        raise BadInput(f"the maps cannot be compared: {' against '.join(words)}")
    return np.sum([np.abs(one[name] - two[name]).sum(axis=1) for name in one], axis=0) / 2


def _shape_words(result: Attribution) -> str:
    """Return "(8, 8)", or of several inputs "a (8, 8), b (4,)"."""
    shapes = {name: str(values.shape[1:]) for name, values in result.maps().items()}
    if len(shapes) == 1:
        return next(iter(shapes.values()))
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def _shares(result: Attribution, cells: int) -> dict[str, Array]:
    """Return the share of all positive evidence in each cell, by input: (sample, cell).

    NaN where there is no positive evidence.
    """
    if any(not isinstance(words, str) for words in result.explained):
        raise BadInput("the explanation is of several targets; one is needed")
    maps = {name: np.maximum(m, 0).astype(np.float64) for name, m in result.maps().items()}
    summed = {
        name: _in_cells(values, _places(result, name, values), cells).reshape(len(values), -1)
        for name, values in maps.items()
    }
    total = np.sum([values.sum(axis=1) for values in summed.values()], axis=0)[:, None]
    return {
        name: np.where(total > 0, values / np.where(total > 0, total, 1), np.nan)
        for name, values in summed.items()
    }


def _places(result: Attribution, name: str, values: Array) -> list[int]:
    """Return the axes of a map along which neighbours belong together: not columns of a table."""
    spatial = [a for a in result.input_axes[name] if a not in ("sample", "channel")]
    axes = range(1, values.ndim)
    return [k for k in axes if len(spatial) < k or spatial[k - 1] != "feature"]


def _in_cells(values: Array, axes: list[int], cells: int) -> Array:
    """Return the sums of (sample, …) in cells along some axes."""
    for axis in axes:
        shared = overlaps(values.shape[axis], cells)  # what lies on an edge is shared out
        values = np.moveaxis(np.tensordot(values, shared, axes=([axis], [1])), -1, axis)
    return values
