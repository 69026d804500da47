"""Did the new model look elsewhere? Two models on the same samples, map against map."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope.attribution import Attribution
from kerascope.errors import BadInput
from kerascope.explain import explain
from kerascope.method import AttributionMethod
from kerascope.metrics.statistics import Mean, mean_of
from kerascope.resize import overlaps
from kerascope.targets.spoken import class_words
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

    Both are asked the same: why the class that the old one predicts, or `target`. What speaks for
    it is summed up in `cells` along each axis of positions, so that a shift by a pixel is no
    difference; columns of a table stand each for itself. Of several inputs it is all evidence
    together: what moves to another input lies elsewhere.

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
    first = explain(old, inputs, method, target=target, **options, **fields)
    said = _predicted(first)
    asked = said if target is None and said is not None else target
    others = inputs if new_inputs is None else new_inputs
    second = explain(new, others, first.method, target=asked, **options)
    if len(first) != len(second):
        raise BadInput(
            f"the old model has {len(first)} samples, the new one {len(second)}: give the same"
        )
    distances = _apart(first, second, cells)
    other = _predicted(second)
    turned = np.zeros(len(first), bool)
    if said is not None and other is not None:
        _check_classes(first, second)
        turned = np.array(said) != np.array(other)
    return Diff(
        distances=distances,
        classes=tuple(_class_words(words) for words in first.explained),
        turned=turned,
        old=first,
        new=second,
    )


def _predicted(result: Attribution) -> list[int] | None:
    """Return the predicted class of every sample, where one output's classes were explained."""
    outputs = result.predictions
    if not isinstance(outputs, np.ndarray) or outputs.ndim != 2:
        return None
    if not all(isinstance(words, str) and class_words(words) for words in result.explained):
        return None  # of a forecast, of a reconstruction
    if outputs.shape[1] > 1:
        return [int(k) for k in outputs.argmax(axis=1)]
    if not all(words.startswith(("logit", "probability")) for words in result.explained):
        return None  # a number
    return [int(p > 0.5) for p in outputs[:, 0]]  # a sigmoid unit: class 1, or its other side


def _check_classes(old: Attribution, new: Attribution) -> None:
    """Raise `BadInput` where the two models' classes are known to be others."""
    widths = [np.asarray(result.predictions).shape[1] for result in (old, new)]
    if widths[0] != widths[1]:
        raise BadInput(
            f"the old model has {widths[0]} classes, the new one {widths[1]}: only models of the "
            "same classes can be compared"
        )
    if isinstance(old.labels, tuple) and isinstance(new.labels, tuple):
        pairs = enumerate(zip(old.labels, new.labels, strict=True))
        for k, (first, second) in pairs:
            if first != second:
                raise BadInput(
                    f"class {k} is '{first}' for the old model and '{second}' for the new one: "
                    "only models of the same classes can be compared"
                )


def _shares(result: Attribution, cells: int) -> dict[str, Array]:
    """Return the share of all positive evidence in each cell, by input: (sample, cell).

    NaN where there is no positive evidence.
    """
    if any(not isinstance(words, str) for words in result.explained):
        raise BadInput("the explanation is of several targets; one is needed")
    maps = {name: np.maximum(m, 0).astype(np.float64) for name, m in result.maps().items()}
    summed = {
        name: _in_cells(values, _places(result, name, values), cells).reshape(len(values), -1)
        for name, values in maps.items()
    }
    total = np.sum([values.sum(axis=1) for values in summed.values()], axis=0)[:, None]
    return {
        name: np.where(total > 0, values / np.where(total > 0, total, 1), np.nan)
        for name, values in summed.items()
    }


def _places(result: Attribution, name: str, values: Array) -> list[int]:
    """Return the axes of a map along which neighbours belong together: not columns of a table."""
    spatial = [a for a in result.input_axes[name] if a not in ("sample", "channel")]
    axes = range(1, values.ndim)
    return [k for k in axes if len(spatial) < k or spatial[k - 1] != "feature"]


def _in_cells(values: Array, axes: list[int], cells: int) -> Array:
    """Return the sums of (sample, …) in cells along some axes."""
    for axis in axes:
        shared = overlaps(values.shape[axis], cells)  # what lies on an edge is shared out
        values = np.moveaxis(np.tensordot(values, shared, axes=([axis], [1])), -1, axis)
    return values


def _apart(first: Attribution, second: Attribution, cells: int) -> Array:
    """Return by sample the share of the evidence of two results that lies in other cells."""
    one, two = (_shares(result, cells) for result in (first, second))
    if len(one) == len(two) == 1:  # one input is the other, whatever it is called
        two = dict(zip(one, two.values(), strict=True))
    if {n: v.shape for n, v in one.items()} != {n: v.shape for n, v in two.items()}:
        raise BadInput(
            f"the maps have axes {first.axes} and {second.axes}: they cannot be compared"
        )
    return np.sum([np.abs(one[name] - two[name]).sum(axis=1) for name in one], axis=0) / 2


def _class_words(words: str) -> str:
    """Return "logit of 'tabby'" of "logit of 'tabby' (12.3)"."""
    return words.rpartition(" (")[0] or words
