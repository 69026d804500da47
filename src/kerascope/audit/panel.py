"""The pictures that interventions work on: a bounded sample of the data, as the model sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kerascope.audit.hypotheses.patches import Search
from kerascope.audit.interventions.statistics import Traits
from kerascope.types import Array

_KEY = 2**64 - 1


def generator(seed: int, number: int) -> np.random.Generator:
    """Return the generator of one of an audit's draws."""
    return np.random.Generator(np.random.Philox(key=[seed & _KEY, number]))


class Way(NamedTuple):
    """A strategy: bool (picture,) which files follow it, bool (y, x) where their evidence lies."""

    rows: Array
    area: Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """Pictures in memory, what is known of each, and the model to ask.

    Attributes:
        pixels: uint8 (picture, y, x, channel), 0 … 255, as the model sees them.
        labels: (picture,) index of the class. ids: of the samples.
        half: bool (picture,); false: proposes hypotheses, true: decides them.
        ask: scores (picture, class) of float32 pixels of the same layout.
        scores: of the pictures as they are.
        masks: bool (picture, y, x), true on the object; all false without one.
        ways: by class its strategies, where maps fall into several.
    """

    pixels: Array
    labels: Array
    ids: Array
    half: Array
    ask: Callable[[Array], Array]
    scores: Array
    masks: Array | None = None
    ways: Mapping[int, tuple[Way, ...]] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> tuple[int, int]:
        """Return (y, x)."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[2])

    @cached_property
    def predicted(self) -> Array:
        """Return (picture,) the model's classes."""
        return self.scores.argmax(axis=1)

    @cached_property
    def traits(self) -> Traits:
        """Return what can be measured of each picture's outer part."""
        return Traits.of(self.pixels)

    @cached_property
    def search(self) -> Search:
        """Return the pictures made ready for pieces to be found in them."""
        return Search(self.pixels)

    @cached_property
    def grounds(self) -> dict[int, Array]:
        """Return backgrounds, uint8, objects filled in, by row; made when they are asked for."""
        return {}

    @cached_property
    def masked(self) -> Array:
        """Return bool (picture,): which have an object mask."""
        if self.masks is None:
            return np.zeros(len(self), bool)
        return np.asarray(self.masks.any(axis=(1, 2)))

    def of(self, label: int, *, decides: bool) -> Array:
        """Return the rows of a class in one half."""
        return np.flatnonzero((self.labels == label) & (self.half == decides))

    def others(self, label: int, *, decides: bool) -> Array:
        """Return the rows of all other classes in one half."""
        return np.flatnonzero((self.labels != label) & (self.half == decides))


def halves(labels: Array, generator: np.random.Generator, groups: Array | None = None) -> Array:
    """Return bool (picture,): half of each class, drawn, is true; a group is not torn apart."""
    half, settled = np.zeros(len(labels), bool), np.zeros(len(labels), bool)
    together: dict[int, list[int]] = {}
    for row, group in enumerate(range(len(labels)) if groups is None else groups.tolist()):
        together.setdefault(group, []).append(row)
    of = {row: rows for rows in together.values() for row in rows}
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        for row in generator.permutation(own).tolist():
            if not settled[row]:
                half[of[row]] = half[own].sum() < len(own) // 2
                settled[of[row]] = True
    return half
