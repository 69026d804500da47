"""Targets on class outputs: an index, a name, a rank, what is predicted, a contrast, an output."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, Spec, Target, Unresolved
from kerascope.targets.pick import Pick, class_index, integer, pick
from kerascope.types import Array, Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Class(Unresolved):
    """A class by index or name; a list gives one per sample. `output` names one of several."""

    class_: int | str | list[Any]
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the class and broadcast it."""
        chosen = spec.output(self.output)
        given = self.class_ if isinstance(self.class_, (list, np.ndarray)) else [self.class_]
        indices = [
            class_index(c, spec, chosen) if isinstance(c, str) else integer(c) for c in given
        ]
        if len(indices) not in (1, samples):
            raise BadTarget(
                f"{len(indices)} classes for {samples} samples: a list holds one per sample"
            )
        index = indices[0] if len(indices) == 1 else indices
        return pick(spec, samples, output=self.output, index=index)


@dataclasses.dataclass(frozen=True, eq=False)
class Rank(Unresolved):
    """The class of a rank in each sample's prediction; 1 is the predicted class."""

    rank: int = 1
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the rank."""
        if integer(self.rank) < 1:
            raise BadTarget(f"rank {self.rank} is out of range: ranks start at 1")
        return pick(spec, samples, output=self.output, rank=self.rank)


@dataclasses.dataclass(frozen=True, eq=False)
class Top(Unresolved):
    """The k classes that each sample's prediction puts first: k targets."""

    k: int = 5
    output: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Predicted(Unresolved):
    """Every class that a multi-label output says: k targets, k being the most of any sample.

    An output of several sigmoids says all classes above `threshold`, by default ½; others say one,
    unless a threshold is given.
    """

    threshold: float | None = None
    output: str | None = None

    def settled(self, spec: Spec, samples: int) -> tuple[Rank | Top, str]:
        """Return the ranks it stands for, and a note where samples say different numbers of them.

        Raises `BadTarget` for a threshold outside 0 to 1 or an output without classes.
        """
        chosen = spec.output(self.output)
        if self.threshold is not None and not 0 <= self.threshold < 1:
            raise BadTarget(f"threshold={self.threshold} must be from 0 to below 1")
        several = len(chosen.shape) == 1 and not chosen.single
        if not several or (chosen.kind != "sigmoid" and self.threshold is None):
            return Rank(1, self.output), ""
        if spec.predict is None and self.threshold is None:
            return Rank(1, self.output), ""
        if spec.predict is None:
            raise BadTarget("which classes are predicted is known of inputs only: name the classes")
        least = 0.5 if self.threshold is None else self.threshold
        counts = (np.asarray(spec.predict()[chosen.name]) > least).sum(axis=1)
        most = max(1, int(counts.max()))
        fewer = int((counts < most).sum())
        note = (
            f"{fewer} of {samples} samples say fewer than {most} classes above {least:g}: their "
            "next ranks are shown, with what they score"
        )
        return Top(most, self.output), note if fewer else ""


@dataclasses.dataclass(frozen=True, eq=False)
class Contrast(Unresolved):
    """Why a rather than b: the score of `a` minus the score of `b`, each any target."""

    a: Any
    b: Any

    def __str__(self) -> str:
        return f"{self.a} vs {self.b}"

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Resolve both sides; raise `BadTarget` where they are one and the same."""
        if isinstance(self.a, (int, str)) and str(self.a) == str(self.b):
            raise BadTarget(f"'{self}' contrasts a class with itself; give two")
        from kerascope.targets.parse import one_target

        a, b = one_target(self.a, spec, samples), one_target(self.b, spec, samples)
        if isinstance(a, Pick) and isinstance(b, Pick) and _same(a, b):
            raise BadTarget(f"'{self}' contrasts {a.class_name(0)} with itself; give two")
        return Difference(a, b)


def _same(a: Pick, b: Pick) -> bool:
    """Tell whether two classes are one in every sample, before a rank is known to be a class."""
    if a.output.name != b.output.name or (a.position is None) != (b.position is None):
        return False
    there = a.position is None or np.array_equal(a.position, np.asarray(b.position))
    index = np.where(a.rank > 0, b.index, a.index)  # of what has a rank the index says nothing
    return there and np.array_equal(a.rank, b.rank) and np.array_equal(index, b.index)


@dataclasses.dataclass(frozen=True, eq=False)
class Difference(Target):
    """A resolved contrast."""

    a: Target
    b: Target

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        return self.a(outputs) - self.b(outputs)

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Pin both sides."""
        return dataclasses.replace(self, a=self.a.pin(scores), b=self.b.pin(scores))

    def everywhere(self) -> Target:
        """Return the difference of both sides over all positions."""
        return dataclasses.replace(self, a=self.a.everywhere(), b=self.b.everywhere())

    def sites(self) -> tuple[Any, ...]:
        """Return the sites of both sides."""
        return self.a.sites() + self.b.sites()

    @property
    def reads_inputs(self) -> bool:  # type: ignore[override]
        """Whether either side does."""
        return self.a.reads_inputs or self.b.reads_inputs

    @property
    def degree(self) -> int:  # type: ignore[override]
        """That of both sides; 0 where they differ."""
        return self.a.degree if self.a.degree == self.b.degree else 0

    def words(self, row: int) -> str:
        """Say both sides."""
        return f"{self.a.words(row)} minus {self.b.words(row)}"


@dataclasses.dataclass(frozen=True, eq=False)
class Output(Unresolved):
    """A target on a named output of a model with several: `Output("kind", 1)`."""

    name: str
    target: Any = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Resolve the inner target against this output alone."""
        from kerascope.targets.parse import one_target

        alone = dataclasses.replace(spec, outputs={self.name: spec.output(self.name)})
        return _named(one_target(self.target, alone, samples))


def _named(target: Target) -> Target:
    """Return the target with words that name its output."""
    if isinstance(target, Pick):
        return dataclasses.replace(target, several=True)
    if isinstance(target, Difference):
        return dataclasses.replace(target, a=_named(target.a), b=_named(target.b))
    return target
