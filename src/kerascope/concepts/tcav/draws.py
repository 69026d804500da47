"""Which counter-examples the runs of TCAV take."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from kerascope.errors import BadInput
from kerascope.run import Run
from kerascope.types import Array

LEAST = 3  # examples on each side: one is held out, and one of two is no direction
_FEW = 20  # examples from which on nothing is said


@dataclasses.dataclass(frozen=True, eq=False)
class Draws:
    """Rows of the counter-examples, for every run: (run, example).

    against: what concepts are told from. instead: other ones, that stand in for a concept and are
    told from the same.
    """

    against: Array
    instead: Array
    notes: tuple[str, ...]

    @property
    def count(self) -> int:
        """Examples on each side of every vector."""
        return self.against.shape[1]


def draws_of(
    concepts: dict[str, int], sets: Sequence[int], runs: int, most: int | None, run: Run
) -> Draws:
    """Return the draws of all runs.

    concepts: number of examples by name. sets: numbers of counter-examples; one set is a pool that
    every run takes its own part of, several are used one after another. most: examples on each
    side at most.

    Raises:
        BadInput: a concept or the counter-examples are fewer than a vector needs.
    """
    short = min(concepts, key=lambda name: concepts[name])
    if concepts[short] < LEAST:
        raise BadInput(
            f"concept '{short}' has {_some(concepts[short])}; a vector needs at least {LEAST}, and "
            "better 50"
        )
    room = sets[0] // 2 if len(sets) == 1 else min(sets)
    if room < LEAST:
        what = "random" if len(sets) == 1 else f"set {int(np.argmin(sets))} of random"
        raise BadInput(
            f"{what} has {_some(min(sets))}; it needs at least "
            f"{2 * LEAST if len(sets) == 1 else LEAST}, and better {2 * runs * concepts[short]}"
        )
    count = min(concepts[short], room, most or room)
    notes = _size_notes(concepts, room, count, most)
    if len(sets) == 1:
        rows, overlap = _from_pool(sets[0], count, runs, run)
        if overlap:
            notes.append(
                f"random has {sets[0]} examples: the {runs} runs of 2 × {count} share some, so "
                "they are not independent and p-values are too small; "
                f"{2 * runs * count} examples would do"
            )
    else:
        rows = _from_sets(sets, count, runs, run)
        if runs > len(sets):
            notes.append(
                f"{runs} runs take {len(sets)} random sets more than once: they are not "
                "independent and p-values are too small"
            )
    return Draws(rows[:, 1], rows[:, 0], tuple(notes))


def _some(count: int) -> str:
    return f"{count} example{'' if count == 1 else 's'}"


def _size_notes(concepts: dict[str, int], room: int, count: int, most: int | None) -> list[str]:
    notes = []
    if count < _FEW:
        notes.append(
            f"every vector is fitted to {count} examples on each side: fewer than {_FEW} say little"
        )
    if room < min(concepts.values()) and count != most:
        notes.append(f"random has too few examples for more than {count} on each side of a vector")
    larger = [name for name, size in concepts.items() if size > count]
    if larger and count != most:
        named = ", ".join(f"'{name}' ({concepts[name]})" for name in larger)
        notes.append(f"every run takes {count} of the examples of {named}: all sides are equal")
    return notes


def _from_pool(size: int, count: int, runs: int, run: Run) -> tuple[Array, bool]:
    """Return rows (run, 2, example), and whether runs share some."""
    each = 2 * count
    if size >= runs * each:
        return run.generator(0).permutation(size)[: runs * each].reshape(runs, 2, count), False
    rows = [run.generator(i).permutation(size)[:each].reshape(2, count) for i in range(runs)]
    return np.stack(rows), runs > 1


def _from_sets(sets: Sequence[int], count: int, runs: int, run: Run) -> Array:
    """Return rows (run, 2, example) of the sets laid end to end; the two sides are two sets."""
    starts = np.concatenate([[0], np.cumsum(sets)])
    rows = np.zeros((runs, 2, count), np.int64)
    for i in range(runs):
        generator, mine = run.generator(i), i % len(sets)
        other = (mine + 1 + int(generator.integers(len(sets) - 1))) % len(sets)
        for side, chosen in enumerate((other, mine)):
            rows[i, side] = starts[chosen] + generator.permutation(sets[chosen])[:count]
    return rows
