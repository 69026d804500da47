"""Does the map point to the object? Measured against masks of where it is."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import Refused
from kerascope.method import check
from kerascope.metrics.base import Family, Metric, Require
from kerascope.metrics.subject import Subject

if TYPE_CHECKING:
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Localization(Metric):
    """Base of the metrics against masks: undefined where a mask is empty or covers everything."""

    family = Family.LOCALIZATION
    higher = True
    bounds = (0.0, 1.0)
    requires = frozenset({Require.MASKS})

    def measure(self, subject: Subject) -> Array:
        """Return one number per sample; see the class."""
        assert subject.masks is not None, f"{self.name} needs masks"
        name = subject.where or next(iter(subject.maps))
        if name not in subject.maps:
            raise Refused(f"the masks are of input '{name}', of which the method has no map")
        maps, masks = subject.maps[name].astype(np.float64), subject.masks.astype(bool)
        values = np.full(len(maps), np.nan)
        for row, (values_of, mask) in enumerate(zip(maps, masks, strict=True)):
            if mask.any() and not mask.all():
                values[row] = self._of(values_of, mask)
        return values

    @abstractmethod
    def _of(self, values: Array, mask: Array) -> float:
        """Return the metric of one map (*spatial) and its mask, which is neither empty nor full."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PointingGame(_Localization):
    """Whether the peak lies on the object, or at most `tolerance` positions from it.

    Of several equal peaks, the share that hits. Undefined for a map without a positive value, a
    constant map, and where no peak could miss, because the tolerance covers everything.
    """

    name = "pointing_game"
    title = "Pointing game"
    reference = "zhang2016topdown"
    tolerance: float = 15.0  # as in the paper, for pictures of about 224 pixels and more

    def __post_init__(self) -> None:
        check(
            self.tolerance >= 0, f"pointing_game: tolerance={self.tolerance} must not be negative"
        )

    def _of(self, values: Array, mask: Array) -> float:
        from scipy import ndimage

        near = ndimage.distance_transform_edt(~mask) <= self.tolerance
        if near.all() or values.max() <= 0 or values.min() == values.max():
            return np.nan
        return float(near[values == values.max()].mean())


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnergyPointingGame(_Localization):
    """Share of the positive values that lies on the object; undefined without a positive one."""

    name = "energy_pointing_game"
    title = "Energy-based pointing game"
    reference = "wang2020scorecam"

    def _of(self, values: Array, mask: Array) -> float:
        return _share(np.maximum(values, 0), mask)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelevanceMass(_Localization):
    """Share of all values, for and against alike, that lies on the object.

    This is the paper's mass accuracy with values pooled by their size. Undefined for a zero map.
    """

    name = "relevance_mass"
    title = "Relevance mass accuracy"
    reference = "arras2022clevr"

    def _of(self, values: Array, mask: Array) -> float:
        return _share(np.abs(values), mask)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelevanceRank(_Localization):
    """Share of the K highest positions that lies on the object, which has K positions.

    Undefined for a constant map.
    """

    name = "relevance_rank"
    title = "Relevance rank accuracy"
    reference = "arras2022clevr"

    def _of(self, values: Array, mask: Array) -> float:
        return _hits(values, mask, int(mask.sum()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class TopKIntersection(_Localization):
    """Share of the highest positions that lies on the object; undefined for a constant map.

    share: of all positions, how many are taken; 1000 of 224², as in the paper, are 2 %.
    """

    name = "top_k_intersection"
    title = "Top-k intersection"
    reference = "theiner2022interpretable"
    share: float = 0.02

    def __post_init__(self) -> None:
        check(0 < self.share <= 1, f"top_k_intersection: share={self.share} must lie in 0 … 1")

    def _of(self, values: Array, mask: Array) -> float:
        return _hits(values, mask, max(1, round(self.share * values.size)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalizationAuc(_Localization):
    """Area under the ROC curve of the map as a score for lying on the object.

    This is how often a position on the object has a higher value than one beside it, ties counted
    half: 0.5 for a constant map.
    """

    name = "localization_auc"
    title = "ROC AUC"
    reference = "fawcett2006introduction"

    def _of(self, values: Array, mask: Array) -> float:
        from scipy import stats

        inside, outside = int(mask.sum()), int((~mask).sum())
        ranks = stats.rankdata(values)[mask.reshape(-1)].sum()
        return float((ranks - inside * (inside + 1) / 2) / (inside * outside))


def _share(mass: Array, mask: Array) -> float:
    """Return the share of non-negative values on the mask; NaN where all are zero."""
    total = mass.sum()
    return float(mass[mask].sum() / total) if total > 0 else np.nan


def _hits(values: Array, mask: Array, count: int) -> float:
    """Return the share of the `count` highest values on the mask; NaN for a constant map.

    Where the last of them are chosen among equal ones, it is the mean over all choices: maps that
    a ReLU has cut have many.
    """
    if values.min() == values.max():
        return np.nan
    lowest = np.partition(values.reshape(-1), -count)[-count]
    above, tied = values > lowest, values == lowest
    chance = (count - above.sum()) / tied.sum()
    return float((mask[above].sum() + chance * mask[tied].sum()) / count)
