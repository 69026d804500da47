"""Faithfulness of a map laid over the input: what is left of the score where it lets through."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from kerascope.baselines import check_cover
from kerascope.method import Data
from kerascope.metrics.base import Family, Metric, Require
from kerascope.metrics.subject import Subject, undefined_where

if TYPE_CHECKING:
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Masking(Metric):
    """Base of those that blend the input with `baseline` by the map, scaled to 0 … 1.

    What speaks against is taken as zero. Undefined where nothing speaks for, and where the score
    is not positive: they are meant for probabilities.
    """

    family = Family.FAITHFULNESS
    bounds = (0.0, 1.0)
    requires = frozenset({Require.SCORES})
    baseline: float | str | Data = "zero"

    def __post_init__(self) -> None:
        check_cover(self.baseline)

    def passes(self, positions: int) -> int:
        """Return the plain pass and the one through the map."""
        return 2

    def measure(self, subject: Subject) -> Array:
        """Return one number per sample; see the class."""
        positive = np.maximum(subject.flat, 0)
        most = positive.max(axis=1)
        degrees = positive / np.where(most > 0, most, 1)[:, None]
        canvas = subject.canvas(self.baseline)

        def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
            masks = np.where(numbers[:, None] == 0, 1.0, degrees[rows])
            return subject.shown(canvas, masks, rows, numbers)

        scores = subject.swept(2, rows_of, self.name)
        plain = scores[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            values = self._compare(plain, scores[:, 1])
        return undefined_where(values, (most <= 0) | (plain <= 0) | ~np.isfinite(values))

    @abstractmethod
    def _compare(self, plain: Array, through: Array) -> Array:
        """Return the metric of scores (sample,) as they are and through the maps."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AverageDrop(_Masking):
    """Share of the score that is lost where only the map lets through; small is good."""

    name = "average_drop"
    title = "Average drop"
    reference = "chattopadhay2018gradcampp"
    higher = False

    def _compare(self, plain: Array, through: Array) -> Array:
        return np.maximum(0, plain - through) / plain


@dataclasses.dataclass(frozen=True, kw_only=True)
class AverageIncrease(_Masking):
    """1 where the score grows when only the map lets through, else 0; its mean is a share."""

    name = "average_increase"
    title = "Average increase"
    reference = "chattopadhay2018gradcampp"
    higher = True

    def _compare(self, plain: Array, through: Array) -> Array:
        return (through > plain).astype(np.float64)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AverageGain(_Masking):
    """Share of what is missing to a probability of 1 that is won through the map."""

    name = "average_gain"
    title = "Average gain"
    reference = "zhang2024opticam"
    higher = True

    def _compare(self, plain: Array, through: Array) -> Array:
        return np.where(plain < 1, np.maximum(0, through - plain) / (1 - plain), np.nan)
