"""Two models on the same samples, asked the same question."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.defaults import on_series, on_tokens, or_horizon
from kerascope.errors import BadInput
from kerascope.explain import taken, view_of
from kerascope.method import Need
from kerascope.targets import Class, OutputSpec, Rank, Spec, Target, resolve_targets
from kerascope.targets.classes import Difference
from kerascope.targets.pick import Pick, class_count
from kerascope.types import Array, Tree


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """A model and its samples, as targets see them: what can be known before any is explained."""

    model: Any
    inputs: Any
    view: Any
    x: dict[str, Array]

    @classmethod
    def of(cls, model: Any, inputs: Any, *, batch_size: int | None) -> Side:
        """Read the samples."""
        model, inputs = taken(model, inputs)
        for _ in range(2):  # the first builds what is not built, which names its inputs anew
            view = view_of(
                model, frozenset({Need.SCORES}), "logit", batch_size, who="diff",
                reading=getattr(inputs, "reading", None),
            )  # fmt: skip
            x = view.read(inputs)
        return cls(model, inputs, view, x)

    def __len__(self) -> int:
        return len(next(iter(self.x.values())))

    def spec(self, *, slopes: bool = False) -> Spec:
        """Return what targets must know; slopes: a method asks for some."""
        known = dataclasses.replace(self.view.spec(), gradients=slopes)
        return on_series(on_tokens(known, self.view, self.x), self.inputs)

    def meant(self, target: Any, *, slopes: bool = False) -> Target:
        """Return one target as the model understands it; raise `BadInput` for several."""
        spec = self.spec(slopes=slopes)
        found = resolve_targets(or_horizon(target, spec), spec, len(self))
        if len(found) != 1 or not found.squeeze:
            raise BadInput(f"target={target!r} is several targets; one is needed")
        return found.items[0]

    def predicted(self, output: OutputSpec, predictions: Tree) -> Array:
        """Return the class of every sample that an output predicts: (sample,) int32."""
        target = self.meant(Rank(1, output.name))
        assert isinstance(target, Pick)
        return _index(target, predictions)


@dataclasses.dataclass(frozen=True, eq=False)
class Question:
    """A target for two models of the same classes, where it is of classes.

    meant: the target as the old model understands it. outputs: those of both models that have the
    classes; None for other targets.
    """

    old: Side
    new: Side
    target: Any
    meant: Target
    outputs: tuple[OutputSpec, OutputSpec] | None

    @classmethod
    def of(cls, old: Side, new: Side, target: Any, *, slopes: bool) -> Question:
        """Resolve the target.

        Raises:
            BadInput: several targets, or the models are known to have other classes.
        """
        meant = old.meant(target, slopes=slopes)
        output = _of_classes(meant)
        if output is None:
            return cls(old, new, target, meant, None)
        other = new.spec().output(output.name if _several(old) else None)
        _check_classes(old, new, output, other)
        return cls(old, new, target, meant, (output, other))

    def for_new(self, predictions: Tree) -> Any:
        """Return the target for the new model: the class that the old one predicts, where asked.

        predictions: of the old model.
        """
        if self.outputs is None or not isinstance(self.meant, Pick) or not self.meant.ranked:
            return self.target
        index = [int(k) for k in _index(self.meant, predictions)]
        return Class(index, self.outputs[1].name) if _several(self.old) else index

    def turned(self, before: Tree, after: Tree) -> Array:
        """Return where the models predict other classes: (sample,), all False for no classes."""
        if self.outputs is None or self.outputs[0].numbers:  # values have no classes
            return np.zeros(len(self.old), bool)
        one, two = self.outputs
        return self.old.predicted(one, before) != self.new.predicted(two, after)


def _several(side: Side) -> bool:
    return len(side.view.survey.outputs) > 1


def _index(target: Pick, predictions: Tree) -> Array:
    """Return the classes that a target of ranks stands for, (sample,), in outputs as given."""
    tree = predictions if isinstance(predictions, Mapping) else {target.output.name: predictions}
    found = dataclasses.replace(target, score="probability").pin(tree)  # ½ parts a unit's two sides
    return found.index


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
