"""How much must a person look at?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.baselines import check_cover
from kerascope.method import Data, check
from kerascope.metrics.base import INFINITY, Family, Metric, Require
from kerascope.metrics.subject import Subject, ranking, undefined_where

if TYPE_CHECKING:
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entropy(Metric):
    """Entropy, in nats, of each position's share of all values; undefined for a zero map.

    0 where one position has everything, log(positions) where all have the same.
    """

    name = "entropy"
    title = "Entropy of the shares"
    reference = "bhatt2020evaluating"
    family = Family.COMPLEXITY
    higher = False
    bounds = (0.0, INFINITY)

    def measure(self, subject: Subject) -> Array:
        """Return −Σ P log P with P = |φ| / Σ|φ| (Bhatt et al. 2020)."""
        from scipy import special

        sizes = np.abs(subject.flat)
        total = sizes.sum(axis=1, keepdims=True)
        shares = sizes / np.where(total > 0, total, 1)
        return undefined_where(special.entr(shares).sum(axis=1), total[:, 0] == 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sparseness(Metric):
    """Gini index of the values' sizes: 0 where all are equal; undefined for a zero map."""

    name = "sparseness"
    title = "Sparseness (Gini index)"
    reference = "chalasani2020concise"
    family = Family.COMPLEXITY
    higher = True
    bounds = (0.0, 1.0)

    def measure(self, subject: Subject) -> Array:
        """Return the Gini index (Hurley and Rickard 2009; Chalasani et al. 2020)."""
        sizes = np.sort(np.abs(subject.flat), axis=1)
        count = sizes.shape[1]
        weights = 2 * np.arange(1, count + 1) - count - 1
        total = sizes.sum(axis=1)
        values = (sizes * weights).sum(axis=1) / (count * np.where(total > 0, total, 1))
        return undefined_where(values, total == 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EffectiveComplexity(Metric):
    """Smallest share of the positions that all but gives the score by itself.

    Positions are shown in the order of |value|, the others covered, until the expected squared
    change of the score is under `tolerance` times what it is with all covered. Undefined for a
    constant map, and where covering everything changes nothing.

    steps: how finely shares are tried. baseline: what covers, as in `occlusion`; over a background,
    the mean is taken.
    """

    name = "effective_complexity"
    title = "Effective complexity"
    reference = "nguyen2020quantitative"
    family = Family.COMPLEXITY
    higher = False
    bounds = (0.0, 1.0)
    requires = frozenset({Require.SCORES})
    tolerance: float = 0.05
    steps: int = 32
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"effective_complexity: steps={self.steps} must be at least 1")
        check(
            0 < self.tolerance < 1,
            f"effective_complexity: tolerance={self.tolerance} must lie between 0 and 1",
        )
        check_cover(self.baseline)

    def passes(self, positions: int) -> int:
        """Return one pass for every share, over each baseline."""
        return min(self.steps, positions) + 1

    def measure(self, subject: Subject) -> Array:
        """Return k*/N (Nguyen and Martínez 2020), found to 1/steps."""
        sizes = np.abs(subject.flat)
        order, count = ranking(sizes), subject.positions
        canvas = subject.canvas(self.baseline)
        shown = np.rint(np.linspace(0, count, min(self.steps, count) + 1)).astype(int)
        place = np.argsort(order, axis=1, kind="stable")

        def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
            kept = place[rows] < shown[numbers // canvas.backgrounds][:, None]
            return subject.shown(canvas, kept, rows, numbers % canvas.backgrounds)

        scores = subject.swept(len(shown) * canvas.backgrounds, rows_of, self.name)
        scores = scores.reshape(len(subject), len(shown), -1)
        losses = ((scores - scores[:, -1:]) ** 2).mean(axis=2)
        enough = losses < self.tolerance * losses[:, :1]
        values = shown[enough.argmax(axis=1)] / count
        constant = sizes.min(axis=1) == sizes.max(axis=1)
        return undefined_where(values, constant | (losses[:, 0] == 0))
