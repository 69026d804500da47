"""Sobol total indices of segments (Fel et al. 2021, Look at the Variance!)."""

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

SEQUENCES = ("sobol", "halton", "random")
_MOST = 21201  # dimensions that SciPy has Sobol directions for; beyond, places are random


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sobol(SegmentMap):
    """The share of the score's variance that goes through a segment, alone or with others.

    Every segment is shown to a degree between 0 and 1, uniform and independent, and otherwise
    fades into the baseline; tokens, which cannot fade, are shown or not. An index is between 0
    and 1 up to sampling, and says nothing of the sign.

    designs: places where all segments are faded one at a time; each takes a pass per segment, and
        one more.
    sequence: how places are drawn: "sobol" or "halton" (scrambled, quasi-Monte-Carlo) or "random".

    `extras["variance"]` is the score's variance over places: (sample,) or (sample, target).
    """

    name = "sobol"
    title = "Sobol total indices"
    reference = "fel2021look"
    formula = "S_i = E[Var(y | all but i)] / Var(y), segments faded at random"
    use = (
        "How much of the score's change hangs on a segment, interactions included: co-operating "
        "parts are not missed."
    )
    avoid = (
        "For the sign of evidence, which variances do not have; few designs leave indices rough."
    )
    signed: ClassVar[bool] = False
    # Indices are squares: they are not w·(x − baseline) on a linear model.
    axioms: ClassVar[frozenset[Axiom]] = SegmentMap.axioms - {Axiom.LINEARITY}

    designs: int = 32
    sequence: str = "sobol"

    def __post_init__(self) -> None:
        super().__post_init__()
        known = f"sequence='{self.sequence}' is not known{choices(self.sequence, SEQUENCES)}"
        check(self.sequence in SEQUENCES, known)
        check(self.designs >= 2, f"sobol: designs={self.designs} must be at least 2")

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass; a pass per design and segment, and one per design more."""
        each = self.players(shape) + 1
        return Passes(forward=1 + self.designs * each * self.backgrounds, upper=True)

    def draw(self, players: int, generator: np.random.Generator) -> Array:
        """Return two independent places per design: degrees (2, design, player) in [0, 1]."""
        from scipy.stats import qmc

        size = 2 * players
        if self.sequence == "random" or (self.sequence == "sobol" and size > _MOST):
            places = generator.random((self.designs, size))
        else:
            seed = int(generator.integers(2**63))  # SciPy does not take a Philox with a key
            kind = qmc.Sobol if self.sequence == "sobol" else qmc.Halton
            # A Sobol sequence is balanced at powers of two: others are cut from the next one.
            count = 1 << (self.designs - 1).bit_length()
            places = kind(size, scramble=True, seed=seed).random(count)
        return places[: self.designs].reshape(self.designs, 2, players).swapaxes(0, 1)

    def solve(self, game: Game, run: Run) -> Solution:
        """Return the total index of every segment by Jansen's estimator, with its error."""
        places = np.zeros((2, len(game.players), self.designs, game.widest), np.float32)
        for i, n in enumerate(game.players):
            places[:, i, :, :n] = self.draw(int(n), run.generator(i))
        worths = game.worths(_Exchanged(*places), "masks")
        each = game.widest + 1
        whole = worths.shape[1] // each  # after a stop, a design may be cut short
        if whole < 2:
            nothing = np.zeros((*run.scores.shape, game.widest))
            return Solution(nothing, notes=["stopped before two designs were whole: no values"])
        worths = worths[:, : whole * each].reshape(len(worths), whole, each, -1)
        values, error, variance = total_indices(worths.transpose(0, 3, 2, 1))
        return Solution(
            values,
            error=error,
            notes=[] if variance.all() else ["a score did not change with any segment: no values"],
            target_extras={"variance": variance.astype(np.float32)},
        )


def total_indices(worths: Array) -> tuple[Array, Array, Array]:
    """Return total indices, their standard errors (…, player), and variances (…).

    worths: (…, 1 + player, design), of the first places, then with one player moved. The error is
    that of independent places: an upper bound for quasi-random ones.
    """
    first, moved = worths[..., :1, :], worths[..., 1:, :]
    count = worths.shape[-1]
    variance = first.var(axis=-1, ddof=1)
    # Changes below the rounding of the scores are none.
    variance = np.where(variance > (1e-6 * np.abs(first).max(axis=-1)) ** 2, variance, 0.0)
    scale = np.where(variance > 0, variance, np.inf)
    halves = (first - moved) ** 2 / 2
    values = halves.mean(axis=-1) / scale  # Jansen 1999, equation 4
    # The linearised error of a ratio of means (Cochran 1977, section 2.11).
    centred = (first - first.mean(axis=-1, keepdims=True)) ** 2 * count / (count - 1)
    parts = (halves - values[..., None] * centred) / scale[..., None]
    return values, parts.std(axis=-1, ddof=1) / count**0.5, variance[..., 0]


@dataclasses.dataclass
class _Exchanged:
    """Masks made when they are asked for: each design's first place, then with one degree changed.

    first, second: (sample, design, player). Seen as an array (sample, design · (player + 1),
    player): draw k of a design has its k-th degree from the second place, draw 0 none.
    """

    first: Array
    second: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        samples, designs, players = self.first.shape
        return samples, designs * (players + 1), players

    def __getitem__(self, key: tuple[Array, Array]) -> Array:
        samples, draws = key
        design, changed = np.divmod(draws, self.shape[2] + 1)
        masks = self.first[samples, design]
        rows = np.flatnonzero(changed)
        at = samples[rows], design[rows], changed[rows] - 1
        masks[rows, changed[rows] - 1] = self.second[at]
        return masks
