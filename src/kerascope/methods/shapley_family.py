"""What the methods share that estimate Shapley values of segments from worths of coalitions."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np

from kerascope.game import Game
from kerascope.method import Axiom, Passes, check
from kerascope.methods.segment_family import SegmentMap, Solution
from kerascope.run import Run
from kerascope.types import Array

_TRUSTED = 5  # pairs of permutations from which on their spread says something


class Plan(Protocol):
    """Coalitions of one game's players, and how their worths become the players' values.

    coalitions: truth values (draw, player); neither all players nor none, which are known.
    """

    coalitions: Array
    notes: list[str]

    def values(self, worths: Array, change: Array) -> tuple[Array, Array | None]:
        """Return values (player, target) and their standard errors, or None where unknown.

        worths: (draw, target) above the worth of nobody; fewer rows than coalitions after a stop.
        change: (target,) the worth of everybody above that of nobody.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShapleyMap(SegmentMap):
    """Base of the methods that draw coalitions beforehand and estimate Shapley values from them.

    samples: worths of coalitions to look at, per sample; with all 2ⁿ − 2 the values are exact.
    """

    axioms: ClassVar[frozenset[Axiom]] = SegmentMap.axioms | {Axiom.COMPLETENESS}

    samples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.samples >= 2, f"{self.name}: samples={self.samples} must be at least 2")

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, one of nobody, at most `samples` of coalitions, on every background."""
        return Passes(forward=1 + (1 + self.samples) * self.backgrounds, upper=True)

    @abstractmethod
    def plan(self, players: int, generator: np.random.Generator) -> Plan:
        """Return the coalitions of a game to look at."""

    def solve(self, game: Game, run: Run) -> Solution:
        """Return the values of the players of every sample; their gap is 0 up to rounding."""
        plans = [self.plan(int(n), run.generator(i)) for i, n in enumerate(game.players)]
        most = max(len(plan.coalitions) for plan in plans)
        # Nobody comes first. What fills up the shorter plans is not looked at.
        coalitions = np.zeros((len(plans), 1 + most, game.widest), bool)
        for row, plan in zip(coalitions, plans, strict=True):
            count, players = plan.coalitions.shape
            row[1 : 1 + count, :players] = plan.coalitions
        worths = game.worths(coalitions)
        nobody, worths = worths[:, 0], worths[:, 1:] - worths[:, :1]
        change = run.scores - nobody
        values = np.zeros((*change.shape, game.widest))
        errors: Array | None = np.zeros_like(values)
        for i, plan in enumerate(plans):
            count, players = plan.coalitions.shape
            found, error = plan.values(worths[i, :count], change[i])
            values[i, :, :players] = found.T
            errors = None if errors is None or error is None else errors
            if errors is not None and error is not None:
                errors[i, :, :players] = error.T
        notes = list(dict.fromkeys(note for plan in plans for note in plan.notes))
        return Solution(values, change - values.sum(axis=2), errors, notes)


class Permutations:
    """Pairs of random permutations, each with its reverse (Mitchell et al. 2022, section 3.2).

    Players join one by one; where `samples` do not hold two whole permutations, in equal blocks
    that share what they add. The reverse passes through the complements of the same coalitions.
    """

    def __init__(self, players: int, samples: int, generator: np.random.Generator) -> None:
        self.blocks = min(players, samples // 2 + 1)
        steps = self.blocks - 1
        pairs = samples // (2 * steps) if steps else 0
        self.notes: list[str] = []
        if self.blocks < players:
            words = (
                f"samples={samples} hold no two permutations of {players} segments, which take "
                f"{2 * players - 2}: the segments join in {self.blocks} blocks that share what "
                "they add"
            )
            self.notes.append(words)
        orders = np.array([generator.permutation(players) for _ in range(pairs)], int)
        place = np.argsort(orders.reshape(pairs, players), axis=1)  # when a player joins
        self.block = place * self.blocks // players  # (pair, player)
        joined = self.block[:, None] <= np.arange(steps)[:, None]
        self.coalitions = np.stack([joined, ~joined], axis=2).reshape(-1, players)

    def values(self, worths: Array, change: Array) -> tuple[Array, Array | None]:
        """Return the mean of what players add; its error from how pairs of permutations differ."""
        players, steps = self.block.shape[1], self.blocks - 1
        pairs = len(worths) // (2 * steps) if steps else 0
        if not pairs:
            return np.broadcast_to(change / players, (players, len(change))), None
        chains = worths[: 2 * steps * pairs].reshape(pairs, steps, 2, -1)
        # Half the difference of a coalition and its complement, from nobody to everybody.
        odd = np.zeros((pairs, self.blocks + 1, len(change)))
        odd[:, 1:-1] = (chains[:, :, 0] - chains[:, :, 1]) / 2
        odd[:, 0], odd[:, -1] = -change / 2, change / 2
        block = self.block[:pairs]
        size = (block[:, :, None] == np.arange(self.blocks)).sum(axis=1)
        share = np.diff(odd, axis=1) / size[:, :, None]
        each = np.take_along_axis(share, block[:, :, None], axis=1)
        if pairs < _TRUSTED or self.blocks < players:
            return each.mean(axis=0), None
        return each.mean(axis=0), each.std(axis=0, ddof=1) / pairs**0.5
