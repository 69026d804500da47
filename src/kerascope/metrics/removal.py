"""Faithfulness by taking away, or bringing in, what a map ranks highest."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.baselines import check_cover
from kerascope.method import Data, check
from kerascope.metrics.base import INFINITY, Family, Metric, Require
from kerascope.metrics.curves import area, removal_curve
from kerascope.metrics.subject import Subject, ranking

if TYPE_CHECKING:
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Removal(Metric):
    """Base of those that cover positions in the order of a map.

    steps: how many parts the positions go in. baseline: what covers them, as in `occlusion`.
    """

    family = Family.FAITHFULNESS
    bounds = (-INFINITY, INFINITY)
    requires = frozenset({Require.SCORES})
    steps: int = 32
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"{self.name}: steps={self.steps} must be at least 1")
        check_cover(self.baseline)

    def passes(self, positions: int) -> int:
        """Return one pass for every step, and one before them."""
        return min(self.steps, positions) + 1

    def _curve(self, subject: Subject, *, insert: bool = False) -> tuple[Array, Array]:
        canvas = subject.canvas(self.baseline)
        return removal_curve(subject, canvas, self.steps, insert=insert, what=self.name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deletion(_Removal):
    """Area under the score as positions go, the highest of the map first; small is good.

    From 0 to 1 where the score is a probability.
    """

    name = "deletion"
    title = "Deletion"
    reference = "petsiuk2018rise"
    higher = False

    def measure(self, subject: Subject) -> Array:
        """Return the area under the deletion curve (Petsiuk et al. 2018, section 3.3)."""
        return area(*self._curve(subject))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Insertion(_Removal):
    """Area under the score as positions come into a blurred picture; large is good."""

    name = "insertion"
    title = "Insertion"
    reference = "petsiuk2018rise"
    higher = True
    baseline: float | str | Data = "blur"

    def measure(self, subject: Subject) -> Array:
        """Return the area under the insertion curve (Petsiuk et al. 2018, section 3.3)."""
        return area(*self._curve(subject, insert=True))


@dataclasses.dataclass(frozen=True, kw_only=True)
class PixelFlipping(_Removal):
    """Mean drop of the score over the steps of covering (AOPC); large is good."""

    name = "pixel_flipping"
    title = "Pixel flipping (AOPC)"
    reference = "samek2017evaluating"
    higher = True
    baseline: float | str | Data = "noise"

    def measure(self, subject: Subject) -> Array:
        """Return the mean over all steps of f(x) − f(xₖ) (Samek et al. 2017, eq. 12)."""
        _, scores = self._curve(subject)
        return (scores[:, :1] - scores).mean(axis=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Bins(Metric):
    """Base of the two that keep, or cover, some shares of the positions.

    shares: of the positions, the highest of the map. baseline: what covers them.
    """

    family = Family.FAITHFULNESS
    bounds = (-INFINITY, INFINITY)
    requires = frozenset({Require.SCORES})
    shares: tuple[float, ...] = (0.01, 0.05, 0.1, 0.2, 0.5)
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        check(
            bool(self.shares) and all(0 < share < 1 for share in self.shares),
            f"{self.name}: shares={self.shares} must lie between 0 and 1, both excluded",
        )
        check_cover(self.baseline)

    def passes(self, positions: int) -> int:
        """Return one pass for every share, and the plain one."""
        return len(self.shares) + 1

    def _drops(self, subject: Subject, *, keep: bool) -> Array:
        """Return f(x) − f(x with the highest kept, or covered): the mean over shares."""
        canvas, order = subject.canvas(self.baseline), ranking(subject.flat)
        counts = np.maximum(1, np.rint(np.array(self.shares) * order.shape[1])).astype(int)

        def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
            masks = np.full((len(rows), order.shape[1]), not keep)
            for mask, row, number in zip(masks, rows, numbers, strict=True):
                if number:
                    mask[order[row, : counts[number - 1]]] = keep
                else:
                    mask[:] = True  # the plain input
            return subject.shown(canvas, masks, rows, numbers)

        scores = subject.swept(len(counts) + 1, rows_of, self.name)
        return (scores[:, :1] - scores[:, 1:]).mean(axis=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sufficiency(_Bins):
    """Drop of the score when the highest positions alone are left; small is good."""

    name = "sufficiency"
    title = "Sufficiency"
    reference = "deyoung2020eraser"
    higher = False

    def measure(self, subject: Subject) -> Array:
        """Return the mean over shares (DeYoung et al. 2020, eq. 2)."""
        return self._drops(subject, keep=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comprehensiveness(_Bins):
    """Drop of the score when the highest positions are covered; large is good."""

    name = "comprehensiveness"
    title = "Comprehensiveness"
    reference = "deyoung2020eraser"
    higher = True

    def measure(self, subject: Subject) -> Array:
        """Return the mean over shares (DeYoung et al. 2020, eq. 1)."""
        return self._drops(subject, keep=False)
