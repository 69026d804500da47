"""RISE, randomised input sampling for explanation (Petsiuk et al. 2018, section 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from kerascope.baselines import check_cover
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap, check
from kerascope.methods.mask_sums import MaskSums, Moments, Regression
from kerascope.methods.random_masks import RandomMasks
from kerascope.perturb import Canvas, spatial_axes
from kerascope.run import Run
from kerascope.types import Array

_BLOCK = 64  # masks after which scores are summed up, and the precision may be looked at
_MOST = 512  # components up to which a least-squares fit is worth its price
_POOR = 0.1  # standard error as a share of the map's maximum from which a note says so


@dataclasses.dataclass(frozen=True, kw_only=True)
class RISE(AttributionMethod):
    """How much higher the score is with a position shown, over random masks of all others.

    masks: random masks, the same for all samples and targets.
    cell: size of a cell of the masks in positions, one number or one per spatial axis; None: 7 × 7
        cells of a picture, 16 windows of a series, 4 × 4 × 4 blocks of a volume. Tokens and columns
        are covered one by one; so is every position with a cell of 1.
    probability: that a cell is shown, between 0 and 1.
    baseline: what covers: a number (a token id for text), "zero" as in the paper, "min", "max",
        "mean", "blur", "noise", "inpaint", an array, or a background (set, …) that is averaged
        over.
    estimator: "paper" is equation 6, Σ score·mask / (N·p), which needs many masks for the mean
        score to cancel; "centred" has the mean score subtracted, and so no constant; "regression"
        estimates the same as "centred" from fewer masks, by ridge regression of the scores on the
        directions in which masks vary, from masks and their complements. The nearer the score is to
        a sum over positions, the fewer: 4 to 16 times on MobileNetV1, 2 to 3 on nets for small
        pictures, see benchmarks/fewer_passes/rise.py. Its standard error leaves out what the ridge
        holds back, which counts below about 128 masks.
    precision: stop when no position's standard error is above this share of the map's maximum.

    `extras["standard_error"]` has the map's standard error, `extras["masks"]` how many masks were
    used, `extras["mean_score"]` the mean score over them: what "paper" has and "centred" has not.
    """

    name = "rise"
    title = "RISE"
    reference = "petsiuk2018rise"
    formula = "mean of y over masks that show a position, less the mean of y; masks drawn at random"
    use = (
        "A smooth map of any model that gives scores, without segments or gradients; its "
        "standard error says when to stop."
    )
    avoid = (
        "With fewer than a few hundred masks; on evidence smaller than a cell of the masks, "
        "which is a seventh of the picture's side."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.SCORES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )
    partial: ClassVar[bool] = True

    masks: int = 1000
    cell: int | tuple[int, ...] | None = None
    probability: float = 0.5
    baseline: float | str | Data = "zero"
    estimator: Literal["regression", "centred", "paper"] = "regression"
    precision: float | None = None

    def __post_init__(self) -> None:
        check(self.masks >= 4, f"{self.name}: masks={self.masks} must be at least 4")
        cells = self.cell if isinstance(self.cell, tuple) else (self.cell,)
        check(
            self.cell is None or all(isinstance(n, int) and n >= 1 for n in cells),
            f"{self.name}: cell={self.cell} must be a whole number of at least 1, or one per axis",
        )
        check(
            0 < self.probability < 1,
            f"{self.name}: probability={self.probability} must be between 0 and 1, both excluded",
        )
        check(
            self.estimator in ("regression", "centred", "paper"),
            f"{self.name}: estimator='{self.estimator}' is not one of regression, centred, paper",
        )
        check(
            self.precision is None or 0 < self.precision < 1,
            f"{self.name}: precision={self.precision} must be between 0 and 1, of the maximum",
        )
        if not isinstance(self.baseline, Data):
            check_cover(self.baseline)

    def is_linear(self) -> bool:
        """Sums over masks are; the ridge of a regression is chosen by the scores of each target."""
        return self.estimator != "regression" and self.precision is None

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, and one for every mask; all targets share them."""
        return Passes(forward=1 + self.masks, upper=self.precision is not None)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return E[score·mask]/p − E[score] at every position, or with "paper" E[score·mask]/p."""
        masks = RandomMasks(model, x, run, cell=self.cell, probability=self.probability)
        notes = []
        sums: MaskSums
        if self.estimator == "regression" and masks.components <= _MOST:
            sums = Regression(masks, len(run.scores), len(targets))
        else:
            masks.paired = False  # complements pay only where a fit makes use of them
            sums = Moments(masks, len(run.scores), len(targets), centred=self.estimator != "paper")
            if self.estimator == "regression":
                notes.append(
                    f"{self.name}: {masks.components} cells are too many for a regression (at most "
                    f"{_MOST}): the mean was subtracted only, as estimator='centred' does"
                )
        found = _Found(run.scores.shape, self.precision)
        self._sample(model, x, targets, run, masks, sums, found)
        found.settle(sums, last=True)
        raw = found.raw(model, x)
        raw.notes += notes + found.notes()
        return raw

    def _sample(
        self, model: Any, x: Any, targets: Any, run: Run, masks: RandomMasks, sums: MaskSums,
        found: _Found,
    ) -> None:  # fmt: skip
        """Sum up the scores of masks until they are enough; a stop leaves whole pairs of masks."""
        canvas, samples = Canvas(model, x, self.baseline, run), len(run.scores)
        pending = np.zeros((0, len(targets)))
        for rows, draws in run.pairs(samples, self.masks, "masks", partial=True):
            each, which = np.unique(draws, return_inverse=True)
            shown = {
                name: canvas.show(name, mask[which], rows, draws // 2 if masks.paired else draws)
                for name, mask in masks.masks(each).items()
            }
            scores = model.scores(shown, targets.take(rows), pad=run.chunk).values
            pending = np.concatenate([pending, scores])
            while len(pending) >= samples * _BLOCK:
                block, pending = np.split(pending, [samples * _BLOCK])
                sums.add(block.reshape(-1, *run.scores.shape))
                found.settle(sums)
            if found.done:
                return
        whole = len(pending) // samples
        whole -= whole % 2 if masks.paired and run.stopped else 0
        if whole:
            sums.add(pending[: whole * samples].reshape(-1, *run.scores.shape))


class _Found:
    """What was found, for each sample and target as soon as it is precise enough."""

    def __init__(self, shape: tuple[int, ...], precision: float | None) -> None:
        self.precision = precision
        self.used = np.zeros(shape, np.int32)
        self.mean = np.zeros(shape)
        self.values: dict[str, Array] = {}
        self.errors: dict[str, Array] = {}
        self._next = 2 * _BLOCK

    @property
    def done(self) -> bool:
        """Whether all samples and targets are precise enough."""
        return bool(self.used.all())

    def settle(self, sums: MaskSums, *, last: bool = False) -> None:
        """Keep the maps that are precise enough by now; with `last`, all that are left.

        A look costs more than a pass, so each comes after a quarter more masks than the one before.
        """
        if not last and (self.precision is None or sums.count < self._next):
            return
        self._next = sums.count * 5 // 4
        values, errors = sums.estimate()
        if not self.values:
            self.values = {name: np.zeros_like(maps) for name, maps in values.items()}
            self.errors = {name: np.zeros_like(maps) for name, maps in values.items()}
        settled = (self.used == 0) & (last | (_share(values, errors) <= (self.precision or 0)))
        for name, maps in values.items():
            self.values[name][settled] = maps[settled]
            self.errors[name][settled] = errors[name][settled]
        self.mean[settled] = sums.scores[settled] / sums.count
        self.used[settled] = sums.count

    def notes(self) -> list[str]:
        """Say how imprecise the maps are, where that is more than a tenth of their maximum."""
        share = _share(self.values, self.errors)
        sample, target = np.unravel_index(np.argmax(share), share.shape)
        if not share.max() > max(_POOR, self.precision or 0):
            return []
        if not np.isfinite(share.max()):
            return [f"rise: {self.used[sample, target]} masks are too few for a standard error"]
        words = (
            f"rise: the standard error is up to {share.max():.0%} of the map's largest value "
            f"after {self.used[sample, target]} masks, sample {sample}; more masks make it smaller"
        )
        return [words]

    def raw(self, model: Any, x: Mapping[str, Array]) -> RawMap:
        """Return the raw map, with what belongs to it."""
        single = len(x) == 1
        raw = RawMap(
            {name: maps.astype(np.float32) for name, maps in self.values.items()},
            {n: ("sample", "target", *spatial_axes(model, n, array)) for n, array in x.items()},
        )
        for name, error in self.errors.items():
            key = "standard_error" if single else f"standard_error:{name}"
            raw.target_extras[key] = error.astype(np.float32)
        raw.target_extras |= {"masks": self.used, "mean_score": self.mean.astype(np.float32)}
        return raw


def _share(values: Mapping[str, Array], errors: Mapping[str, Array]) -> Array:
    """Return (sample, target): the largest standard error as a share of the largest value."""
    most = [_largest(tree) for tree in (errors, values)]
    return most[0] / np.maximum(most[1], 1e-30)


def _largest(tree: Mapping[str, Array]) -> Array:
    return np.max([np.abs(a).reshape(*a.shape[:2], -1).max(axis=-1) for a in tree.values()], axis=0)
