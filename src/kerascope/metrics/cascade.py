"""Maps of a model whose layers lose, stage by stage, what they have learned."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import BadModel, Refused
from kerascope.metrics.again import is_keras
from kerascope.metrics.randomise import randomising

if TYPE_CHECKING:
    from kerascope.metrics.subject import Subject
    from kerascope.types import Array

ORDERS = ("top_down", "bottom_up", "independent")


@dataclasses.dataclass(frozen=True)
class Steps:
    """In which order, and in how many stages of equally many layers, a model is randomised.

    who: the metric, for notes. order: "top_down" from the output, "bottom_up" from the input, or
    "independent": each stage by itself. stages: None is layer by layer.
    """

    who: str
    order: str
    stages: int | None

    def over(
        self, subject: Subject, each: Callable[[], Array]
    ) -> tuple[list[tuple[str, ...]], list[Array]]:
        """Return the layers of every stage, and what `each` gives after it: (sample,) numbers.

        `each` is called while the weights are not the model's own. Where scores are not finite, the
        numbers are NaN. Raises `Refused` where there are no weights to draw.
        """
        if not is_keras(subject.view):
            raise Refused("a plain function has no weights")
        found = []
        with randomising(subject.view, subject.run) as weights:
            stages = self._cut(weights.layers)
            for number, stage in enumerate(stages):
                for path in stage:
                    weights.draw(path)
                try:
                    found.append(each())
                except BadModel as error:
                    subject.notes.append(f"{self.who}: stage {number + 1} is left out: {error}")
                    found.append(np.full(len(subject), np.nan))
                subject.run.report(self.who, number + 1, len(stages))
                if self.order == "independent":
                    for path in stage:
                        weights.restore(path)
        subject.notes += [f"{self.who}: {note}" for note in weights.notes]
        return stages, found

    def _cut(self, layers: tuple[str, ...]) -> list[tuple[str, ...]]:
        if not layers:
            raise Refused("the model has no weights")
        order = layers[::-1] if self.order == "top_down" else layers
        count = min(self.stages or len(order), len(order))
        cuts = np.rint(np.linspace(0, len(order), count + 1)).astype(int)
        return [order[a:b] for a, b in itertools.pairwise(cuts)]
