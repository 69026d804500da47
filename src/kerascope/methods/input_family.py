"""What all methods share that give every input value, or every token, an attribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import baseline_of
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap
from kerascope.run import Run
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class InputMap(AttributionMethod):
    """Base of the methods that attribute to the inputs; tokens at their embedding, summed."""

    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE, Axiom.DUMMY, Axiom.LOCATION}
    )

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One gradient pass; further targets add a backward pass each."""
        return Passes(gradient=1, backward=targets - 1)


def input_map(model: Any, values: Mapping[str, Array]) -> RawMap:
    """Return a raw map of (sample, target, …) values at the features; embeddings are summed."""
    arrays, axes = {}, {}
    for name, array in values.items():
        summed = array.sum(axis=-1) if name in model.survey.tokens else array
        arrays[name] = np.asarray(summed, np.float32)
        axes[name] = ("sample", "target", *model.axes(name, array.shape[2:]))
    return RawMap(values=arrays, axes=axes)


def feature_axes(model: Any, name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return the axes of one sample of a feature: the input's own, or token and embedding."""
    return ("token", "embedding") if name in model.survey.tokens else model.axes(name, shape)


def baselines(
    model: Any, features: Mapping[str, Array], baseline: float | str | Data, run: Run
) -> dict[str, Array]:
    """Return the baseline of every sample of every feature; see `baselines.baseline_of`."""
    value = baseline.array if isinstance(baseline, Data) else baseline
    return {
        name: np.stack(
            [
                baseline_of(
                    value, sample, feature_axes(model, name, sample.shape), run.generator(i, 2**31)
                )
                for i, sample in enumerate(array)
            ]
        )
        for name, array in features.items()
    }


def total(values: Mapping[str, Array]) -> Array:
    """Return (sample, target): the sum of all values of all inputs."""
    return sum(
        np.asarray(array, np.float64).reshape(*array.shape[:2], -1).sum(axis=-1)
        for array in values.values()
    )  # type: ignore[return-value]


def unreached_notes(values: Mapping[str, Array]) -> list[str]:
    """Name the inputs that a backward rule gave nothing at all."""
    return [
        f"nothing flows back to input '{name}': the rules drop it on each way"
        for name, array in values.items()
        if not array.any()
    ]


class Mean:
    """A running mean over draws, in float64: (sample, target, …) per input, any order of draws."""

    def __init__(self, features: Mapping[str, Array], targets: int) -> None:
        self._sums = {
            name: np.zeros((len(array), targets, *array.shape[1:]), np.float64)
            for name, array in features.items()
        }

    def add(self, rows: Array, values: Mapping[str, Array], weights: Array | None = None) -> None:
        """Add (row, target, …) values, with (row, target) weights, to the samples `rows` names."""
        for name, array in values.items():
            if weights is not None:
                array = array * weights.reshape(*weights.shape, *(1,) * (array.ndim - 2))  # noqa: PLW2901
            for row in np.unique(rows):  # `np.add.at` is ten times slower
                self._sums[name][row] += array[rows == row].sum(axis=0, dtype=np.float64)

    def result(self, draws: float = 1.0) -> dict[str, Array]:
        """Return the sums divided by `draws`, in float64."""
        return {name: array / draws for name, array in self._sums.items()}
