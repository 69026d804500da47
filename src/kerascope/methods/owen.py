"""Owen values over a hierarchy of segments (Owen 1977); SHAP's PartitionExplainer."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from kerascope.game import Game
from kerascope.method import Axiom, Data, Passes, check
from kerascope.methods.hierarchies import KINDS, Tree, grow
from kerascope.methods.segment_family import SegmentMap, Solution
from kerascope.run import Run
from kerascope.types import Array

_ROUND = 16  # splits looked at together; fixed, so that the values do not depend on chunks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Owen(SegmentMap):
    """Shapley values of coalitions that form along a hierarchy: neighbours join before strangers.

    A block's worth is shared among its two halves by their Shapley values, the other half absent
    or present, in every context that the blocks above allow. Where `coalitions` do not hold the
    whole hierarchy, blocks that matter most are split first, for each target; those that are left
    share equally.

    coalitions: how many to look at, per sample and target; they depend on nothing drawn.
    hierarchy: "similar" (neighbours of like colour meet first), "halves" (the picture is cut in
        two again and again), or an array (n − 1, 2) as the first columns of SciPy's linkage.

    `extras["hierarchy"]` holds the trees, (sample, n − 1, 2), with −1 below the shorter ones.
    """

    name = "owen"
    title = "Owen values (partition SHAP)"
    reference = "owen1977values"
    formula = "Shapley values within each block of a hierarchy, the other block absent or present"
    use = (
        "Owen values, which are Shapley values along a hierarchy of neighbours: many small "
        "segments from few passes, as SHAP's PartitionExplainer does."
    )
    avoid = "Where neighbours do not belong together: values then depend on the hierarchy."
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.COMPLETENESS, Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )  # where the whole hierarchy is followed, also those of Shapley values

    coalitions: int = 1024
    hierarchy: str | Data = "similar"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.coalitions >= 2, f"owen: coalitions={self.coalitions} must be at least 2")
        known = isinstance(self.hierarchy, Data) or self.hierarchy in KINDS
        words = f"owen: hierarchy='{self.hierarchy}' is not known; give an array, or one of "
        check(known, words + ", ".join(KINDS))

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, one of nobody, at most `coalitions` per target, on every background."""
        worths = 1 + self.coalitions * targets
        return Passes(forward=1 + worths * self.backgrounds, upper=True)

    def solve(self, game: Game, run: Run) -> Solution:
        """Return the values of the players of every sample; their gap is 0 up to rounding."""
        trees = [self._tree(game, i) for i in range(len(game.players))]
        whole = all(tree.worths <= self.coalitions for tree in trees)
        splits, left = self.coalitions if whole else _ROUND, self.coalitions // 2
        known = _Known(game)
        opening = {i: _opening(tree, splits, left) for i, tree in enumerate(trees)}
        # The draws that all samples have, first: nobody is then known of each, also after a stop.
        least = min(map(len, opening.values()))
        known.find({i: sets[:least] for i, sets in opening.items()})
        known.find(opening)
        nobody = [known.of(i, np.zeros((1, tree.players), bool))[0] for i, tree in enumerate(trees)]
        leads: list[int | None] = [None] if whole else [*range(len(nobody[0]))]
        found = [
            [Descent(tree, nobody[i], run.scores[i], lead, left) for lead in leads]
            for i, tree in enumerate(trees)
        ]
        game.steady = True
        while _descend(known, found, splits):  # after a stop, by what is known
            pass
        notes = self._notes(trees, found, run)
        values = np.zeros((*run.scores.shape, game.widest))
        for i, tree in enumerate(trees):
            each = [descent.result() for descent in found[i]]
            own = [values[:, k] for k, values in enumerate(each)]
            mine = each[0] if whole else np.stack(own, axis=1)
            values[i, :, : tree.players] = mine.T
        gap = run.scores - np.array(nobody) - values.sum(axis=2)
        return Solution(values, gap, notes=notes, extras={"hierarchy": _stacked(trees)})

    def _notes(self, trees: list[Tree], found: list[list[Descent]], run: Run) -> list[str]:
        """Say why blocks are left that were not split."""
        if not any(descent.queue for mine in found for descent in mine):
            return []
        if run.stop.is_set():
            return ["stopped before the hierarchy was followed to its end: less exact"]
        most = max(tree.worths for tree in trees)
        words = f"coalitions={self.coalitions} do not hold the whole hierarchy, which takes {most}"
        return [f"{words}: blocks that matter little share equally"]

    def _tree(self, game: Game, sample: int) -> Tree:
        """Return the tree of a sample's segments."""
        if isinstance(self.hierarchy, Data):
            return Tree(self.hierarchy.array[:, :2], int(game.players[sample]))
        return grow(game, sample, self.hierarchy)


class Descent:
    """The way down one tree, all targets together, with `left` splits to make.

    The target `lead` says which block is next; None: the one that came first.
    """

    def __init__(
        self, tree: Tree, nobody: Array, everybody: Array, lead: int | None, left: int
    ) -> None:
        self.tree, self.lead, self.left = tree, lead, left
        self.values = np.zeros((tree.players, len(nobody)))
        self.queue: list[tuple[float, int, _Block]] = []
        self.asked: list[_Block] = []
        self._count = 0
        below = np.zeros(tree.players, bool)
        self._add(_Block(tree.root, below, nobody, everybody, 1.0))

    def _add(self, block: _Block) -> None:
        if block.node < self.tree.players:
            self.values[block.node] += block.worth
            return
        rank = 0.0 if self.lead is None else -abs(float(block.worth[self.lead]))
        self._count += 1  # first come, first served among equals
        heapq.heappush(self.queue, (rank, self._count, block))

    def ask(self, splits: int) -> Array:
        """Return the coalitions that split the next blocks, two for each: (draw, player)."""
        count = min(splits, self.left, len(self.queue))
        self.left -= count
        self.asked = [heapq.heappop(self.queue)[2] for _ in range(count)]
        pairs = [
            block.below | self.tree.members[half]
            for block in self.asked
            for half in self._of(block)
        ]
        return np.array(pairs, bool).reshape(-1, self.tree.players)

    def take(self, worths: Array) -> None:
        """Split the blocks asked for by the worths of their halves, (draw, target)."""
        for i, block in enumerate(self.asked):
            if 2 * i + 1 >= len(worths):  # stopped: this one stays whole
                self._add(block)
                continue
            left, right = self._of(block)
            low, high, half = block.low, block.high, block.weight / 2
            with_left, with_right = worths[2 * i], worths[2 * i + 1]
            beside = [block.below | self.tree.members[node] for node in (left, right)]
            self._add(_Block(left, block.below, low, with_left, half))
            self._add(_Block(right, block.below, low, with_right, half))
            self._add(_Block(left, beside[1], with_right, high, half))
            self._add(_Block(right, beside[0], with_left, high, half))

    def _of(self, block: _Block) -> tuple[int, int]:
        left, right = self.tree.children[block.node - self.tree.players]
        return int(left), int(right)

    def result(self) -> Array:
        """Return (player, target); blocks that are still whole share equally."""
        values = self.values.copy()
        for _, _, block in self.queue:
            mine = self.tree.members[block.node]
            values[mine] += block.worth / mine.sum()
        return values


@dataclasses.dataclass(frozen=True)
class _Block:
    """A node in one context: the players `below` are there, its own not (low) or too (high)."""

    node: int
    below: Array
    low: Array
    high: Array
    weight: float

    @property
    def worth(self) -> Array:
        return self.weight * (self.high - self.low)


class _Known:
    """The worths of the coalitions of each sample that were asked for, each found only once."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self._worths: list[dict[bytes, Array]] = [{} for _ in game.players]

    def find(self, asked: Mapping[int, Array]) -> None:
        """Find what is not known of the coalitions (draw, player) of samples; less after a stop."""
        missing = {}
        for i, sets in asked.items():
            new = {row.tobytes(): row for row in sets if row.tobytes() not in self._worths[i]}
            missing[i] = list(new.values())
        counts = np.array([len(missing.get(i, ())) for i in range(len(self._worths))])
        for count in np.unique(counts[counts > 0]):  # together where nothing needs to be filled up
            rows = np.flatnonzero(counts == count)
            if self.game.run.stop.is_set() and any(self._worths):
                self.game.run.stopped = True
                return
            wide = np.zeros((len(rows), count, self.game.widest), bool)
            for row, at in zip(wide, rows.tolist(), strict=True):
                row[:, : len(missing[at][0])] = missing[at]
            found = self.game.worths(wide, rows=rows)
            for row, at in zip(found, rows.tolist(), strict=True):
                keys = [mine.tobytes() for mine in missing[at]]
                self._worths[at] |= dict(zip(keys, row, strict=False))

    def of(self, sample: int, sets: Array) -> Array:
        """Return the worths (draw, target) of the first coalitions, up to one that is not known."""
        found = []
        for row in sets:
            worth = self._worths[sample].get(row.tobytes())
            if worth is None:
                break
            found.append(worth)
        return np.array(found)


def _opening(tree: Tree, splits: int, left: int) -> Array:
    """Return nobody, and the coalitions of the first rounds: they split every block that there is.

    Which ones these are does not depend on any worth, so they are asked for at once.
    """
    trial = Descent(tree, np.zeros(1), np.zeros(1), None, left)
    rounds = [np.zeros((1, tree.players), bool)]
    while trial.queue and len(trial.queue) <= min(splits, trial.left):
        rounds.append(trial.ask(splits))
        trial.take(np.zeros((len(rounds[-1]), 1)))
    return np.concatenate(rounds)


def _descend(known: _Known, found: list[list[Descent]], splits: int) -> bool:
    """Split the next blocks of every descent; tell whether all were, and there were any."""
    asked = [[descent.ask(splits) for descent in mine] for mine in found]
    known.find({i: np.concatenate(mine) for i, mine in enumerate(asked)})
    whole = any(len(sets) for mine in asked for sets in mine)
    for i, (descents, mine) in enumerate(zip(found, asked, strict=True)):
        for descent, sets in zip(descents, mine, strict=True):
            worths = known.of(i, sets)
            whole &= len(worths) == len(sets)
            descent.take(worths)
    return whole


def _stacked(trees: list[Tree]) -> Array:
    """Return the children of all trees as one array, (sample, node, 2)."""
    stacked = np.full((len(trees), max(len(tree.children) for tree in trees), 2), -1, np.int32)
    for row, tree in zip(stacked, trees, strict=True):
        row[: len(tree.children)] = tree.children
    return stacked
