"""Whole inputs as players: the exact Shapley value of each input of a model (Shapley 1953)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import factorial
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.perturb import Canvas, spatial_size
from kerascope.run import Run
from kerascope.types import Array

MOST = 10  # inputs: 2^10 coalitions


def shapley_of_inputs(
    model: Any, x: Mapping[str, Array], targets: Any, run: Run, baseline: Any
) -> Array:
    """Return what each input adds to the score, on average over all orders: (sample, target, n).

    They sum to the score minus that of the baseline, up to rounding. Inputs in the order of `x`,
    those that are held left out; 2ⁿ scores of every sample, for each row of a background.

    Raises:
        BadInput: there are more than ten inputs.
    """
    names = [name for name in x if name not in model.held]
    if len(names) > MOST:
        raise BadInput(f"shares=True takes at most {MOST} inputs, exactly; the model has {names}")
    canvas = Canvas(model, x, baseline, run)
    rows = np.arange(len(next(iter(x.values()))))
    worth = {
        shown: _worth(model, canvas, targets, run, rows, shown)
        for size in range(len(names) + 1)
        for shown in itertools.combinations(names, size)
    }
    values = np.zeros((len(rows), len(targets), len(names)))
    for place, name in enumerate(names):
        for shown, without in worth.items():
            if name in shown:
                continue
            weight = factorial(len(shown)) * factorial(len(names) - len(shown) - 1)
            both = tuple(n for n in names if n in shown or n == name)
            values[..., place] += weight / factorial(len(names)) * (worth[both] - without)
    return values.astype(np.float32)


def _worth(
    model: Any, canvas: Canvas, targets: Any, run: Run, rows: Array, shown: tuple[str, ...]
) -> Array:
    """Return the scores (sample, target) with some inputs shown and the others covered."""
    total = np.zeros((len(rows), len(targets)))
    for draw in range(canvas.backgrounds):
        given = {}
        for name, array in canvas.x.items():
            size = spatial_size(model, name, array)
            masks = np.full((len(rows), *size), name in shown or name in model.held)
            given[name] = canvas.show(name, masks, rows, np.full(len(rows), draw))
        total += model.scores(given, targets, pad=run.chunk).values
    return total / canvas.backgrounds
