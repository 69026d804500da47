"""`diff`: both models are asked the same, and their maps compared."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope.attribution import Attribution
from kerascope.defaults import default_method
from kerascope.diff.cells import elsewhere
from kerascope.diff.sides import Question, Side
from kerascope.errors import BadInput
from kerascope.explain import explain
from kerascope.method import AttributionMethod, make_method
from kerascope.metrics.statistics import Mean, mean_of
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Diff:
    """How far apart two models look on the same samples.

    Attributes:
        distances: (sample,) share of the evidence that lies elsewhere, 0 … 1: half the sum of
            differences between both maps' shares per cell. NaN where one has no positive evidence.
        classes: in words, what was asked of each sample: the old model's predicted class.
        turned: (sample,) True where the two models predict another class; all False where the
            models are no classifiers.
        old, new: the explanations.
    """

    distances: Array
    classes: tuple[str, ...]
    turned: Array
    old: Attribution
    new: Attribution

    def __len__(self) -> int:
        return len(self.distances)

    def __repr__(self) -> str:
        mean = self.mean()
        return f"<Diff of {len(self)} samples: {mean.value:.2f} of the evidence lies elsewhere>"

    def mean(self, name: str | None = None) -> Mean:
        """Return the mean distance with its 95 % interval: of a class, or of all samples."""
        rows = np.array([name in (None, each) for each in self.classes])
        if not rows.any():
            known = ", ".join(sorted(set(self.classes)))
            raise BadInput(f"no sample is of {name!r}; there are {known}")
        return mean_of(self.distances[rows])

    def by_class(self) -> tuple[tuple[str, Mean], ...]:
        """Return the mean distance of every class, the largest first, undefined ones last."""
        means = [(name, self.mean(name)) for name in dict.fromkeys(self.classes)]
        return tuple(sorted(means, key=lambda m: (np.isnan(m[1].value), -m[1].value)))

    def over(self, limit: float) -> tuple[str, ...]:
        """Return the classes whose mean distance is above a limit."""
        if not 0 <= limit <= 1:
            raise BadInput(f"the limit {limit} must lie between 0 and 1")
        return tuple(name for name, mean in self.by_class() if mean.value > limit)

    def worst(self, count: int = 6) -> tuple[int, ...]:
        """Return the samples that differ most, undefined ones left out."""
        known = np.flatnonzero(np.isfinite(self.distances))
        order = known[np.argsort(-self.distances[known], kind="stable")]
        return tuple(int(i) for i in order[:count])


def diff(
    old: Any,
    new: Any,
    inputs: Any,
    method: str | type[AttributionMethod] | AttributionMethod | None = None,
    *,
    new_inputs: Any = None,
    target: Any = None,
    cells: int = 8,
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
    **fields: Any,
) -> Diff:
    """Compare where two models look.

    Both are asked the same: why the class that the old one predicts, or `target`; where what is
    explained is a place of the output (an area, a box), each for its own. What speaks for it is
    summed up in `cells` along each axis of positions, so that a shift by a pixel is no difference;
    columns of a table stand each for itself. Of several inputs it is all evidence together: what
    moves to another input lies elsewhere.

    Args:
        old: a model, as in `explain`.
        new: another one of the same classes.
        inputs: as the old model takes them.
        method: as in `explain`, with `fields`; None: what that takes for the old model.
        new_inputs: the same samples as the new model takes them, if that is not the same.
        target: as in `explain`; one target.
        cells: along every axis of positions of the maps, which may be of different sizes.
        seed: drives all sampling.
        batch_size: as in `explain`.
        memory: as in `explain`.
        fields: hyper-parameters of the method.

    Raises:
        BadInput: several targets, different inputs or samples, classes that are known to be
            others, maps of different axes.
    """
    if isinstance(cells, bool) or not isinstance(cells, int) or cells < 1:
        raise BadInput(f"cells={cells!r} must be a whole number of at least 1")
    options: dict[str, Any] = {"seed": seed, "batch_size": batch_size, "memory": memory}
    given = inputs if new_inputs is None else new_inputs
    one, two = (
        Side.of(model, samples, batch_size=batch_size)
        for model, samples in ((old, inputs), (new, given))
    )
    if len(one) != len(two):
        raise BadInput(
            f"the old model has {len(one)} samples, the new one {len(two)}: give the same"
        )
    value = (
        default_method(one.model, one.inputs, fields, target)
        if method is None
        else make_method(method, fields)
    )
    question = Question.of(one, two, target, slopes=value.asks_slopes)
    first = explain(old, inputs, value, target=target, **options)
    second = explain(new, given, value, target=question.for_new(first.predictions), **options)
    return Diff(
        distances=elsewhere(first, second, cells),
        classes=tuple(_class_words(words) for words in first.explained),
        turned=question.turned(first.predictions, second.predictions),
        old=first,
        new=second,
    )


def _class_words(words: str) -> str:
    """Return "logit of 'tabby'" of "logit of 'tabby' (12.3)"."""
    return words.rpartition(" (")[0] or words
