"""Two models on the same samples, asked the same question."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from kerascope.defaults import on_series, on_tokens, or_horizon
from kerascope.errors import BadInput
from kerascope.explain import taken, view_of
from kerascope.memory import budget
from kerascope.method import Need
from kerascope.targets import Class, OutputSpec, Rank, Spec, Target, resolve_targets
from kerascope.targets.classes import Difference
from kerascope.targets.pick import Pick, class_count
from kerascope.types import Array


class Question(NamedTuple):
    """What the new model is asked, as in `explain`, and where it predicts another class.

    turned: (sample,) bool; all False where what is asked for is none of classes.
    """

    target: Any
    turned: Array


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """A model and its samples, as targets see them."""

    model: Any
    inputs: Any
    view: Any
    x: dict[str, Array]

    @classmethod
    def of(cls, model: Any, inputs: Any, *, batch_size: int | None, memory: Any) -> Side:
        """Read the samples."""
        model, inputs = taken(model, inputs)
        for _ in range(2):  # the first builds what is not built, which names its inputs anew
            view = view_of(
                model, frozenset({Need.SCORES}), "logit", batch_size, who="diff",
                reading=getattr(inputs, "reading", None),
            )  # fmt: skip
            x = view.read(inputs)
        view.fit_into(budget(memory), gradients=False)
        return cls(model, inputs, view, x)

    def __len__(self) -> int:
        return len(next(iter(self.x.values())))

    def spec(self, *, slopes: bool = False) -> Spec:
        """Return what targets must know; slopes: a method asks for some."""
        known = dataclasses.replace(self.view.spec(), gradients=slopes)
        return on_series(on_tokens(known, self.view, self.x), self.inputs)

    def resolved(self, target: Any, *, slopes: bool = False) -> tuple[Target, Target]:
        """Return one target as it is understood, and with what hangs on the prediction fixed."""
        spec = self.spec(slopes=slopes)
        targets = resolve_targets(or_horizon(target, spec), spec, len(self))
        if len(targets) != 1 or not targets.squeeze:
            raise BadInput(f"target={target!r} is several targets; one is needed")
        self.view.scores(self.x, targets)
        return targets.items[0], targets.pin(self.view.last["scores_of"]).items[0]

    def predicted(self, output: str) -> Array:
        """Return the class of every sample that an output predicts: (sample,) int32."""
        _, found = self.resolved(Rank(1, output))
        assert isinstance(found, Pick)
        return found.index


def asked_alike(old: Side, new: Side, target: Any, *, slopes: bool) -> Question:
    """Return what the new model is asked: where the old one predicts the class, that class.

    Raises:
        BadInput: several targets, or the models are known to have other classes.
    """
    meant, pinned = old.resolved(target, slopes=slopes)
    output = _of_classes(meant)
    if output is None:
        return Question(target, np.zeros(len(old), bool))
    several = len(old.view.survey.outputs) > 1
    other = new.spec().output(output.name if several else None)
    _check_classes(old, new, output, other)
    asked = target
    if isinstance(meant, Pick) and meant.ranked and isinstance(pinned, Pick):
        index = [int(k) for k in pinned.index]
        asked = Class(index, other.name) if several else index
    if output.numbers:  # values, of which the largest is asked for
        return Question(asked, np.zeros(len(old), bool))
    return Question(asked, old.predicted(output.name) != new.predicted(other.name))


def _of_classes(target: Target) -> OutputSpec | None:
    """Return the output whose classes a target is of; None for any other."""
    while isinstance(target, Difference):
        target = target.a
    return target.output if isinstance(target, Pick) and not target.output.number else None


def _check_classes(old: Side, new: Side, output: OutputSpec, other: OutputSpec) -> None:
    """Raise `BadInput` where the two models' classes are known to be others."""
    only = "only models of the same classes can be compared"
    counts = class_count(output), class_count(other)
    if other.number:
        raise BadInput(f"the old model has {counts[0]} classes, the new one gives a number: {only}")
    if counts[0] != counts[1]:
        raise BadInput(f"the old model has {counts[0]} classes, the new one {counts[1]}: {only}")
    before, after = old.spec().names(output), new.spec().names(other)
    for k, (first, second) in enumerate(zip(before or (), after or (), strict=False)):
        if first != second:
            raise BadInput(
                f"class {k} is '{first}' for the old model and '{second}' for the new one: {only}"
            )
