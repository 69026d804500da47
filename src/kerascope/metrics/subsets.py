"""Faithfulness by random subsets: does what a map gives them add up to what the score loses?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.baselines import check_cover
from kerascope.method import Data, check
from kerascope.metrics.base import Family, Metric, Require
from kerascope.metrics.similarity import correlation
from kerascope.metrics.subject import Subject

if TYPE_CHECKING:
    from kerascope.types import Array

_DRAW = 2**29  # the first of the draws of subsets, apart from those of methods


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Subsets(Metric):
    """Base of those that cover random parts.

    subsets: how many. cells: along the longest axis; a cell is covered as a whole, None: single
    positions. baseline: what covers.
    """

    family = Family.FAITHFULNESS
    bounds = (-1.0, 1.0)
    requires = frozenset({Require.SCORES})
    subsets: int = 100
    cells: int | None = None
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        check(self.subsets >= 3, f"{self.name}: subsets={self.subsets} must be at least 3")
        check(
            self.cells is None or self.cells >= 2,
            f"{self.name}: cells={self.cells} must be at least 2, or None for single positions",
        )
        check_cover(self.baseline)

    def passes(self, positions: int) -> int:
        """Return one pass for every subset, and the plain one."""
        return self.subsets + 1

    def _sampled(self, subject: Subject, sizes: Array) -> tuple[Array, Array]:
        """Return what maps sum to over random parts, and what the score loses without them.

        sizes: (draw,) shares of the cells. Both are (sample, draw).
        """
        canvas, flat = subject.canvas(self.baseline), subject.flat
        cells = _cells(subject, self.cells)
        count = int(cells.max()) + 1
        sums = np.zeros((len(subject), len(sizes)))

        def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
            masks = np.ones((len(rows), flat.shape[1]), bool)
            for mask, row, number in zip(masks, rows, numbers, strict=True):
                if number:
                    draw = subject.run.generator(int(row), _DRAW + int(number))
                    gone = np.zeros(count, bool)
                    size = min(max(1, round(sizes[number - 1] * count)), count)
                    gone[draw.permutation(count)[:size]] = True
                    mask[:] = ~gone[cells]
                    sums[row, number - 1] = flat[row, ~mask].sum()
            return subject.shown(canvas, masks, rows, numbers)

        scores = subject.swept(len(sizes) + 1, rows_of, self.name)
        return sums, scores[:, :1] - scores[:, 1:]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaithfulnessCorrelation(_Subsets):
    """Pearson's correlation of what the map gives random positions with what the score loses.

    share: of the positions that every subset covers.
    """

    name = "faithfulness_correlation"
    title = "Faithfulness correlation"
    reference = "bhatt2020evaluating"
    higher = True
    share: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.name, self.share)

    def measure(self, subject: Subject) -> Array:
        """Return the correlation (Bhatt et al. 2020, definition 3)."""
        return correlation(*self._sampled(subject, np.full(self.subsets, self.share)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MuFidelity(FaithfulnessCorrelation):
    """Spearman's correlation of what the map gives random cells with what the score loses."""

    name = "mu_fidelity"
    title = "MuFidelity"
    reference = "fel2021look"
    cells: int | None = 9

    def measure(self, subject: Subject) -> Array:
        """Return the correlation of ranks (Fel et al. 2021, section 4)."""
        from scipy.stats import rankdata

        sums, drops = self._sampled(subject, np.full(self.subsets, self.share))
        return correlation(rankdata(sums, axis=1), rankdata(drops, axis=1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class SensitivityN(_Subsets):
    """Mean of the correlations at subsets of several sizes.

    shares: of the positions that subsets cover; `subsets` are drawn of each size.
    """

    name = "sensitivity_n"
    title = "Sensitivity-n"
    reference = "ancona2018towards"
    higher = True
    subsets: int = 32
    shares: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "shares", tuple(self.shares))
        check(bool(self.shares), f"{self.name}: shares is empty")
        for share in self.shares:
            _check_share(self.name, share)

    def passes(self, positions: int) -> int:
        """Return one pass for every subset of every size, and the plain one."""
        return self.subsets * len(self.shares) + 1

    def measure(self, subject: Subject) -> Array:
        """Return the mean over sizes of Pearson's correlation (Ancona et al. 2018, section 4)."""
        sums, drops = self._sampled(subject, np.repeat(self.shares, self.subsets))
        shape = (len(subject) * len(self.shares), self.subsets)
        each = correlation(sums.reshape(shape), drops.reshape(shape))
        return each.reshape(len(subject), len(self.shares)).mean(axis=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Infidelity(_Subsets):
    """Mean squared difference of what the map gives covered parts and what the score loses.

    The map is scaled by the factor that makes it smallest, as maps have no common unit; divided by
    the mean squared loss, so that 0 is perfect and 1 what a map of zeros gets.
    """

    name = "infidelity"
    title = "Infidelity"
    reference = "yeh2019fidelity"
    higher = False
    bounds = (0.0, 1.0)
    cells: int | None = 9
    share: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.name, self.share)

    def measure(self, subject: Subject) -> Array:
        """Return the normalised infidelity (Yeh et al. 2019, definition 2.1 and section 3.1)."""
        sums, drops = self._sampled(subject, np.full(self.subsets, self.share))
        squares, products = (sums**2).mean(axis=1), (sums * drops).mean(axis=1)
        scale = np.where(squares > 0, products / np.where(squares > 0, squares, 1), 0.0)
        lost = ((scale[:, None] * sums - drops) ** 2).mean(axis=1)
        total = (drops**2).mean(axis=1)
        return np.where(total > 0, lost / np.where(total > 0, total, 1), np.nan)


def _check_share(name: str, share: float) -> None:
    check(0 < share < 1, f"{name}: share={share} must be between 0 and 1, both excluded")


def _cells(subject: Subject, cells: int | None) -> Array:
    """Return the cell of every position, (position,): itself, or one of a grid over its input."""
    if cells is None:
        return np.arange(subject.positions)
    parts, first = [], 0
    for maps in subject.maps.values():
        size = maps.shape[1:]
        side = max(size) / cells
        counts = [min(n, max(1, round(n / side))) for n in size]
        at = [np.arange(n) * k // n for n, k in zip(size, counts, strict=True)]
        grid = np.meshgrid(*at, indexing="ij")
        parts.append(first + np.ravel_multi_index(tuple(grid), tuple(counts)).ravel())
        first += int(np.prod(counts))
    return np.concatenate(parts)
