"""How measurements become a score, and a score a letter: calibrated on nets with planted evidence.

The numbers are in `scale.json`, which `python -m kerascope.planted.calibrate` writes.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from importlib import resources

import numpy as np

from kerascope.types import Array
from kerascope.verdict import LETTERS

CHECKS = ("removal", "cells", "stability", "weights", "gap")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """A weighted mean of what each check is worth, and the least score of each letter.

    ends: (worth 0, worth 1) of every check: linear between, cut off beyond. weights: of the checks;
    those that could not be made are left out of the mean. least: score from which on a letter is
    given; below all of them, "D".
    """

    ends: Mapping[str, tuple[float, float]]
    weights: Mapping[str, float]
    least: Mapping[str, float]

    def worth(self, check: str, values: Array) -> Array:
        """Return what values of a check are worth, 0 … 1; NaN stays."""
        low, high = self.ends[check]
        return np.clip((values - low) / (high - low), 0, 1)

    def scores(self, checks: Mapping[str, Array]) -> Array:
        """Return scores of (sample,) values by check; 0 where `removal` is undefined."""
        worths = np.stack([self.worth(name, checks[name]) for name in CHECKS])
        weights = np.array([self.weights[name] for name in CHECKS])[:, None] * np.isfinite(worths)
        mean = (np.nan_to_num(worths) * weights).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
        return np.where(np.isfinite(checks["removal"]), mean, 0.0)

    def letter(self, score: float, best: str = "A") -> str:
        """Return the letter of a score, at best `best`."""
        found = next((x for x in LETTERS[:-1] if score >= self.least[x]), LETTERS[-1])
        return max(found, best)


@functools.cache
def bundled() -> Scale:
    """Return the calibrated scale."""
    text = (resources.files("kerascope.grading") / "scale.json").read_text(encoding="utf-8")
    found = json.loads(text)["scale"]
    ends = {name: (low, high) for name, (low, high) in found["ends"].items()}
    return Scale(ends=ends, weights=found["weights"], least=found["least"])
