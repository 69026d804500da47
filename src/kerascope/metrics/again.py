"""The method, run again on other inputs; the logits that are explained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import Refused
from kerascope.targets.pick import Pick

if TYPE_CHECKING:
    from kerascope.metrics.subject import Subject
    from kerascope.targets import Targets
    from kerascope.types import Array


def explained(
    subject: Subject,
    x: Mapping[str, Array] | None = None,
    *,
    targets: Targets | None = None,
    seed: int | None = None,
) -> Array:
    """Return the maps of all inputs side by side, (sample, position) float64.

    x: other inputs in place of the samples', one for each. seed: of the method, in place of that of
    the run. All samples go in one call and in their
    order: the draws of a method are keyed by the row, so each has the same ones every time.
    """
    if subject.explain is None:
        raise Refused("maps without a method cannot be made again")
    rows = np.arange(len(subject))
    seed = subject.run.seed if seed is None else seed
    maps = subject.explain(x or subject.x, rows, targets=targets, seed=seed)
    parts = [maps[name].reshape(len(subject), -1) for name in subject.maps]
    return np.concatenate(parts, axis=1).astype(np.float64)


def is_keras(view: Any) -> bool:
    """Tell whether a view is of a Keras model (`HookedModel`), not of a plain function."""
    return hasattr(view, "store")


def class_target(subject: Subject) -> Pick | None:
    """Return the explained class of every sample; None where no class was explained."""
    target = subject.targets.items[0]
    return target if isinstance(target, Pick) and not target.output.number else None


class Logits:
    """What is explained, before any softmax, whatever the subject's own view scores."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.view, self.targets = subject.view, subject.targets
        if is_keras(self.view) and self.view.score != "logit":
            self.view = type(self.view)(
                self.view.model, batch_size=self.view.batch_size, compiled=self.view.compiled
            )
            self.view.read(subject.view.structure.build(subject.x))
            items = tuple(
                dataclasses.replace(t, score="logit") if isinstance(t, Pick) else t
                for t in self.targets
            )
            self.targets = dataclasses.replace(self.targets, items=items)

    def scores(self) -> Array:
        """Return the explained score of every sample: (sample,)."""
        found = self.view.scores(self.subject.x, self.targets).values[:, 0]
        return np.asarray(found, np.float64)

    def outputs(self, x: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return all logits (sample, value) of one output, and the classes said, (sample,).

        Over positions, logits are averaged; where there are no classes, all samples say 0.
        """
        target = class_target(self.subject)
        spec = self.view.spec().output(None if target is None else target.output.name)
        found: Any = self.view.scores(x, self.targets).logits[spec.name]
        values = np.asarray(found, np.float64).reshape(len(self.subject), -1)
        if spec.number:
            return values, np.zeros(len(values), int)
        if spec.single:
            return values, (values[:, 0] > 0).astype(int)
        return values, values.reshape(len(values), -1, spec.classes).mean(axis=1).argmax(axis=1)
