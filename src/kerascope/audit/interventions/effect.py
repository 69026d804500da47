"""What an intervention did: predictions that follow, beside those of a matched control."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from scipy import stats

from kerascope.audit.shares import Share
from kerascope.types import Array

_ARRANGEMENTS = 20_000  # of donors and controls that are gone through, where margins tie


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effect:
    """Predictions that turned to a class after an edit, and after its control.

    Attributes:
        treated, control: shares of receivers that became the class. effect: their difference.
        interval: of the difference, 95 % (Newcombe 1998, method 10, with one count per donor).
        p: one-sided, of donors' mean margins (Mann–Whitney).
        trials, donors, controls: receivers and donors that it stands on.
    """

    treated: float
    control: float
    interval: tuple[float, float]
    p: float
    trials: int
    donors: int
    controls: int

    @property
    def effect(self) -> float:
        """Return the share of predictions that follow the cue, less the control's."""
        return self.treated - self.control


def margins(scores: Array, label: int) -> Array:
    """Return by how much the score of a class is above the best other one."""
    others = np.delete(scores, label, axis=1)
    return scores[:, label] - others.max(axis=1)


def effect_of(
    treated: Array, control: Array, before: tuple[Array, Array], donors: Array, controls: Array
) -> Effect:
    """Return the effect on receivers.

    treated, control: (trial,) margins of the class after the edits. before: of the same receivers
    before each. donors, controls: (trial,) who gave; trials of one donor are not independent.
    """
    flips = float((treated > 0).mean()), float((control > 0).mean())
    gained = _by_donor(treated - before[0], donors), _by_donor(control - before[1], controls)
    counts = len(gained[0]), len(gained[1])
    p = _larger(*gained)
    return Effect(
        treated=flips[0],
        control=flips[1],
        interval=newcombe(*flips, *counts),
        p=1.0 if np.isnan(p) else p,
        trials=len(treated),
        donors=counts[0],
        controls=counts[1],
    )


def _larger(one: Array, two: Array) -> float:
    """Return the one-sided p of Mann–Whitney: of all arrangements where ties leave no other way."""
    ties = len(np.unique(np.concatenate([one, two]))) < len(one) + len(two)
    few = math.comb(len(one) + len(two), len(one)) <= _ARRANGEMENTS
    method: Any = stats.PermutationMethod(n_resamples=np.inf) if ties and few else "auto"
    return float(stats.mannwhitneyu(one, two, alternative="greater", method=method).pvalue)


def _by_donor(values: Array, donors: Array) -> Array:
    known, place = np.unique(donors, return_inverse=True)
    return np.bincount(place, values.astype(np.float64)) / np.bincount(place, minlength=len(known))


def newcombe(first: float, second: float, n: int, m: int) -> tuple[float, float]:
    """Return the 95 % interval of a difference of shares of n and m (Newcombe 1998, method 10)."""
    (low, high), (least, most) = Share(first * n, n).interval, Share(second * m, m).interval
    difference = first - second
    return (
        float(difference - np.hypot(first - low, most - second)),
        float(difference + np.hypot(high - first, second - least)),
    )


def adjusted(p: Array) -> Array:
    """Return p-values adjusted for the false discovery rate under any dependence.

    Benjamini and Yekutieli 2001: those of Benjamini and Hochberg times 1 + ½ + … + 1/n.
    """
    p = np.asarray(p, np.float64)
    if not len(p):
        return p
    return np.asarray(stats.false_discovery_control(p, method="by"))
