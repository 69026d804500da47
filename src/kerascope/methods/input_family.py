"""What all methods share that give every input value, or every token, an attribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import TOKENS, baseline_of, by_input, part_of
from kerascope.errors import BadMethod
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap
from kerascope.perturb import idle, left_out
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
    model: Any,
    features: Mapping[str, Array],
    baseline: float | str | Data,
    run: Run,
    x: Mapping[str, Array],
) -> dict[str, Array]:
    """Return the baseline of every sample of every feature; see `baselines.baseline_of`.

    Of tokens, a number or a word of `baselines.TOKENS` is an id: its embedding is the baseline,
    everywhere but at padding and special tokens, which stay.
    """
    value: Any = baseline.array if isinstance(baseline, Data) else baseline
    if isinstance(value, np.ndarray) and value.dtype.names:  # of several inputs
        rows = len(next(iter(features.values())))
        one = {name: np.repeat(part_of(value, name)[:1], rows, axis=0) for name in features}
        return model.features(one)
    parts = by_input(baseline)
    found = {}
    for name, array in features.items():
        own = value if parts is None else part_of(parts, name)
        if name in model.survey.tokens and (
            own in TOKENS if isinstance(own, str) else np.ndim(own) == 0
        ):
            found[name] = _of_token(model, name, array, own, x[name], run)
            continue
        axes = feature_axes(model, name, array.shape[1:])
        if np.ndim(own) == array.ndim:  # with a sample axis
            own = own[0]
        out = left_out(model, name, array)
        found[name] = np.stack(
            [
                baseline_of(own, one, axes, run.generator(i, 2**31), stays)
                for i, (one, stays) in enumerate(zip(array, out, strict=True))
            ]
        )
    return found


def _of_token(
    model: Any, name: str, embedded: Array, value: float | str, ids: Array, run: Run
) -> Array:
    """Return the embeddings (sample, token, feature) of a text of one token alone."""
    from keras import ops

    site = model.survey.tokens[name]
    layer = model.table[site.path]
    chosen = model.reading.id_of(value) if isinstance(value, str) else value
    if chosen != int(chosen) or not 0 <= chosen < layer.input_dim:
        raise BadMethod(
            f"baseline={value} is no token id: embedding '{site.path}' has ids 0 to "
            f"{layer.input_dim - 1}"
        )
    alone = np.asarray(ops.convert_to_numpy(layer(np.full((1, 1), int(chosen), np.int32))))
    words = f"baseline: the embedding of {model.reading.token(int(chosen))} (id {int(chosen)})"
    run.notes += [words] * (words not in run.notes)
    stays = idle(model, name, ids)[..., None]
    return np.where(stays, embedded, alone.astype(np.float32))


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
            wide = weights
            if weights is not None:
                wide = weights.reshape(*weights.shape, *(1,) * (array.ndim - 2))
            for place, row in enumerate(rows.tolist()):  # no copy of all; `np.add.at` is slower
                self._sums[name][row] += (
                    array[place] if wide is None else array[place] * wide[place]
                )

    def result(self, draws: float = 1.0) -> dict[str, Array]:
        """Return the sums divided by `draws`, in float64."""
        return {name: array / draws for name, array in self._sums.items()}
