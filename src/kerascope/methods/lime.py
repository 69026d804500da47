"""LIME (Ribeiro et al. 2016): a weighted ridge regression on which segments are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from kerascope.errors import choices
from kerascope.game import Game
from kerascope.method import Axiom, Passes, check
from kerascope.methods.segment_family import SegmentMap, Solution
from kerascope.run import Run
from kerascope.types import Array

DESIGNS = ("hadamard", "paired", "random")
_POOR = 0.5  # adjusted R² below which a note says so


@dataclasses.dataclass(frozen=True, kw_only=True)
class LIME(SegmentMap):
    """The weight of each segment in a linear model of the score near the input.

    Coalitions are uniform over all subsets, weighted by √exp(−d²/w²) where d is the cosine
    distance to the whole input and w `kernel_width`, as in the lime package.

    samples: coalitions to look at; from 2ⁿ on, unless the design is "random", all once.
    design: "hadamard" (fold-over designs, in which no segment is mistaken for another or for a
        pair of others), "paired" (every coalition with its complement), or "random" (independent,
        the whole input first, as the lime package has it; 1.8 times as many do the same).
    ridge: the penalty α; the lime package's is 1, which shrinks the weights where samples are few.

    `extras["r2"]` is the share of the weighted variance explained, `extras["intercept"]` the linear
    model's score of nothing shown; (sample,) or (sample, target).
    """

    name = "lime"
    title = "LIME"
    reference = "ribeiro2016why"
    formula = "w of min Σ_z π(z)·(y(z) − w·z − b)² + λ‖w‖², z ∈ {0, 1}ⁿ segments shown"
    use = (
        "A local linear model of any black box, with R² to say whether a linear model is fit for "
        "it at all."
    )
    avoid = (
        "Where R² is low, which a note says. Values depend on the kernel width and on how the "
        "input is cut."
    )
    linear = True
    # A fit to a part of the coalitions gives a dummy a little.
    axioms: ClassVar[frozenset[Axiom]] = SegmentMap.axioms - {Axiom.DUMMY, Axiom.LOCATION}

    samples: int = 512
    design: str = "hadamard"
    kernel_width: float = 0.25
    ridge: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        known = f"design='{self.design}' is not known{choices(self.design, DESIGNS)}"
        check(self.design in DESIGNS, known)
        check(self.samples >= 2, f"lime: samples={self.samples} must be at least 2")
        width = f"lime: kernel_width={self.kernel_width} must be above 0"
        check(self.kernel_width > 0, width)
        check(self.ridge > 0, f"lime: ridge={self.ridge} must be above 0")

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, and at most `samples` of coalitions on every background."""
        return Passes(forward=1 + self.samples * self.backgrounds, upper=True)

    def draw(self, players: int, generator: np.random.Generator) -> Array:
        """Return the coalitions of a game to look at: truth values (draw, player)."""
        if self.design == "random":
            return generator.random((self.samples, players)) < 0.5
        pairs = min(self.samples, 2**players) // 2
        if 2 * pairs == 2**players:
            first = generator.permutation(pairs)[:, None] >> np.arange(players) & 1 > 0
        elif self.design == "paired":
            first = generator.random((pairs, players)) < 0.5
        else:
            first = hadamard_rows(pairs, players, generator)
        return np.stack([first, ~first], axis=1).reshape(-1, players)

    def weights(self, shown: Array) -> Array:
        """Return the kernel of coalitions (draw, player)."""
        distance = 1 - np.sqrt(shown.mean(axis=1))
        return np.exp(-0.5 * (distance / self.kernel_width) ** 2)

    def solve(self, game: Game, run: Run) -> Solution:
        """Return the weights of the segments of every sample, the intercept and R²."""
        drawn = [self.draw(int(n), run.generator(i)) for i, n in enumerate(game.players)]
        # What fills up the shorter ones is not looked at.
        coalitions = np.zeros((len(drawn), max(map(len, drawn)), game.widest), bool)
        for row, shown in zip(coalitions, drawn, strict=True):
            row[: len(shown), : shown.shape[1]] = shown
        worths = game.worths(coalitions)
        fits = [
            self.fit(shown[: len(worth)], worth[: len(shown)], whole)
            for shown, worth, whole in zip(drawn, worths, run.scores, strict=True)
        ]
        values = np.zeros((*run.scores.shape, game.widest))
        errors = np.zeros_like(values)
        for i, fit in enumerate(fits):
            values[i, :, : len(fit.values)] = fit.values.T
            errors[i, :, : len(fit.values)] = fit.errors.T
        return Solution(
            values,
            error=errors if np.isfinite(errors).all() else None,
            notes=_notes(fits),
            target_extras={
                "r2": np.array([fit.r2 for fit in fits], np.float32),
                "intercept": np.array([fit.intercept for fit in fits], np.float32),
            },
        )

    def fit(self, shown: Array, worths: Array, whole: Array) -> Fit:
        """Fit the worths (draw, target) of coalitions (draw, player).

        whole: the worth of all segments, (target,); the random design has it as its first row.
        """
        from sklearn.linear_model import Ridge
        from sklearn.metrics import r2_score

        if self.design == "random":
            shown = np.concatenate([np.ones((1, shown.shape[1]), bool), shown])
            worths = np.concatenate([whole[None], worths])
        x, weights = shown.astype(np.float64), self.weights(shown)
        model = Ridge(alpha=self.ridge).fit(x, worths, sample_weight=weights)
        left = worths - (x @ model.coef_.reshape(-1, x.shape[1]).T + model.intercept_)
        r2 = r2_score(worths, worths - left, sample_weight=weights, multioutput="raw_values")
        return Fit(
            model.coef_.reshape(-1, x.shape[1]).T, np.broadcast_to(model.intercept_, r2.shape),
            r2, self._errors(x, weights, left), len(x),
        )  # fmt: skip

    def _errors(self, x: Array, weights: Array, left: Array) -> Array:
        """Return the weights' standard errors (player, target): NaN where rows are too few.

        The sandwich of a linear model that need not be true (White 1980), of residuals as if
        left out (HC3), a coalition and its complement taken together.
        """
        rows, players = x.shape
        if self.design != "random" and rows == 2**players:
            return np.zeros((players, left.shape[1]))
        if rows <= 2 * (players + 1):
            return np.full((players, left.shape[1]), np.nan)
        centred = x - np.average(x, axis=0, weights=weights)
        weighted = centred.T * weights
        pull = np.linalg.solve(weighted @ centred + self.ridge * np.eye(players), weighted)
        lever = np.einsum("ip,pi->i", centred, pull) + weights / weights.sum()
        parts = pull[:, :, None] * (left / np.maximum(1 - lever, 1e-3)[:, None])
        if self.design != "random":
            parts = parts[:, : rows // 2 * 2].reshape(players, -1, 2, left.shape[1]).sum(axis=2)
        return np.sqrt((parts**2).sum(axis=1))


@dataclasses.dataclass
class Fit:
    """The linear model of one sample's game.

    values (player, target), intercept (target,), r2 (target,), errors (player, target) or NaN,
    rows: the coalitions it was fitted to.
    """

    values: Array
    intercept: Array
    r2: Array
    errors: Array
    rows: int

    @property
    def adjusted(self) -> float:
        """The worst target's R² adjusted for the number of weights; NaN where rows are too few."""
        spare = self.rows - len(self.values) - 1
        return 1 - (1 - self.r2.min()) * (self.rows - 1) / spare if spare > 0 else np.nan


def _notes(fits: list[Fit]) -> list[str]:
    """Say where linear models are poor, or fit only because they are as large as their data."""
    adjusted, notes = np.array([fit.adjusted for fit in fits]), []
    if np.isnan(adjusted).any():
        worst = max(fits, key=lambda fit: len(fit.values) - fit.rows)
        notes.append(
            f"{worst.rows} coalitions are too few to tell {len(worst.values)} segments apart: "
            "R² means nothing; raise `samples`"
        )
    if (poor := int((adjusted < _POOR).sum())) > 0:
        where = "" if len(fits) == 1 else f" of {poor} of {len(fits)} samples"
        notes.append(
            f"poor fit{where}: the linear model explains {max(0.0, np.nanmin(adjusted)):.0%} of "
            "the score's variance (adjusted R²); segments act together, which weights cannot show"
        )
    return notes


def hadamard_rows(count: int, players: int, generator: np.random.Generator) -> Array:
    """Return rows of Hadamard matrices, with their negatives a fold-over design: (row, player).

    Plackett and Burman 1946; Box and Wilson 1951. Of each matrix, columns are drawn and flipped at
    random, so every coalition is equally likely; rows come in random order.
    """
    from scipy.linalg import hadamard

    order = 1 << max(0, players - 1).bit_length()
    matrix, blocks = hadamard(order) > 0, []
    for _ in range(0, count, order):
        columns = generator.permutation(order)[:players]
        block = matrix[:, columns] ^ (generator.random(players) < 0.5)
        blocks.append(block[generator.permutation(order)])
    return np.concatenate(blocks)[:count]
