"""Targets inside a model and made of several: a direction, a whole layer, a weighted sum."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, Spec, Target, static
from kerascope.types import Array, Tensor

_LEAST_COSINE = 0.1  # lucid's: a gradient is left where the angle is more than a right one


@dataclasses.dataclass(frozen=True, eq=False)
class Direction(Target):
    """A direction in a layer: the mean over positions of activation · vector.

    vector: (channel,) weights; one of them 1 and the rest 0 is the channel itself.
    position: one position instead of the mean, such as (y, x).
    cosine: the product is multiplied by max(0.1, cosine of the angle) to this power, so that a
        long activation in another direction counts less (lucid's `direction`).
    axis: of the channels in the layer's output.

    Raises `BadTarget` for a vector that does not fit the layer.
    """

    layer: Any
    vector: Any
    position: tuple[int, ...] | None = None
    cosine: float = 0.0
    axis: int = -1
    label: str = static(default="")

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check layer, vector and position; one vector per sample from here on."""
        site = spec.find_layer(self.layer)
        shape = list(spec.layers[site])
        channels = shape.pop(self.axis - 1 if self.axis > 0 else self.axis)
        vector = np.asarray(self.vector, np.float32)
        if vector.shape != (channels,):
            raise BadTarget(
                f"the direction has shape {vector.shape}; layer '{site}' has {channels} channels"
            )
        if not np.isfinite(vector).all() or not vector.any():
            raise BadTarget("a direction must be finite and not zero")
        at = _position(self.position)
        if at is not None and (
            len(at) != len(shape) or not all(0 <= p < s for p, s in zip(at, shape, strict=True))
        ):
            raise BadTarget(
                f"position {at} does not exist: layer '{site}' has positions {tuple(shape)}"
            )
        vectors = np.repeat(vector[None], samples, axis=0)
        return dataclasses.replace(self, layer=site, vector=vectors, position=at)

    def sites(self) -> tuple[Any, ...]:
        """Return the layer."""
        return (self.layer,)

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.activations[self.layer]
        if self.axis != -1:
            values = ops.moveaxis(values, self.axis, -1)
        if self.position is not None:
            values = values[(slice(None), *self.position)]
        rank = len(values.shape)
        if rank > 2:
            values = ops.mean(values, axis=tuple(range(1, rank - 1)))
        vector = ops.cast(self.vector, values.dtype)
        product = ops.sum(values * vector, axis=-1)
        if not self.cosine:
            return product
        lengths = ops.sum(values * values, axis=-1) * ops.sum(vector * vector, axis=-1)
        angle = product / ops.sqrt(lengths + 1e-12)
        return product * ops.maximum(angle, _LEAST_COSINE) ** self.cosine

    def words(self, row: int) -> str:
        """Say which direction."""
        where = "" if self.position is None else f" at {self.position}"
        return f"{self.label or 'direction'} of layer '{self.layer}'{where}"


@dataclasses.dataclass(frozen=True, eq=False)
class WholeLayer(Target):
    """Everything a layer gives: the mean of its squares, as DeepDream takes it (Mordvintsev 2015).

    Raises `BadTarget` or `BadLayer` for a layer that the model does not have.
    """

    layer: Any

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the layer."""
        return dataclasses.replace(self, layer=spec.find_layer(self.layer))

    def sites(self) -> tuple[Any, ...]:
        """Return the layer."""
        return (self.layer,)

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.activations[self.layer]
        return ops.mean(values * values, axis=tuple(range(1, len(values.shape))))

    def words(self, row: int) -> str:
        """Name the layer."""
        return f"mean square of layer '{self.layer}'"


@dataclasses.dataclass(frozen=True, eq=False)
class Weighted(Target):
    """A weighted sum of targets: `Weighted((Class("cat"), 1), (Neuron("conv", 3), -0.5))`.

    Raises `BadTarget` when a term is no pair of a target and a finite weight.
    """

    terms: tuple[tuple[Any, float], ...]

    def __init__(self, *terms: tuple[Any, float]) -> None:
        object.__setattr__(self, "terms", terms)

    def check(self) -> None:
        """Raise `BadTarget` when a term is no pair of a target and a finite weight."""
        if not self.terms:
            raise BadTarget("a weighted sum needs at least one (target, weight)")
        for term in self.terms:
            if not (isinstance(term, tuple) and len(term) == 2 and isinstance(term[1], Real)):
                raise BadTarget(f"a weighted sum is made of (target, weight), not of {term!r}")
            if not np.isfinite(float(term[1])):
                raise BadTarget(f"weight {term[1]!r} of {term[0]!r} must be finite")

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Resolve every term."""
        from kerascope.targets.parse import one_target

        self.check()
        return Weighted(*((one_target(t, spec, samples), float(w)) for t, w in self.terms))

    def sites(self) -> tuple[Any, ...]:
        """Return the sites of all terms."""
        return tuple(site for target, _ in self.terms for site in target.sites())

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Pin every term."""
        return Weighted(*((target.pin(scores), weight) for target, weight in self.terms))

    def arrays(self) -> dict[str, Array]:
        """Return the per-sample arrays of all terms."""
        return {
            f"{k}.{name}": array
            for k, (target, _) in enumerate(self.terms)
            for name, array in target.arrays().items()
        }

    def with_arrays(self, arrays: Mapping[str, Any]) -> Target:
        """Return the sum with the arrays of its terms replaced."""
        parts = []
        for k, (target, weight) in enumerate(self.terms):
            head = f"{k}."
            inner = {n[len(head) :]: v for n, v in arrays.items() if n.startswith(head)}
            parts.append((target.with_arrays(inner), weight))
        return Weighted(*parts)

    def key(self) -> tuple[Any, ...]:
        """Return what identifies the sum but for its arrays."""
        return (Weighted, *((target.key(), weight) for target, weight in self.terms))

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        return sum(weight * target(outputs) for target, weight in self.terms)

    def words(self, row: int) -> str:
        """Say all terms."""
        return " + ".join(
            f"{weight:g} × {_bracketed(target, row)}" for target, weight in self.terms
        )


def _bracketed(target: Any, row: int) -> str:
    words = target.words(row)
    return f"({words})" if isinstance(target, Weighted) else words


def _position(position: Any) -> tuple[int, ...] | None:
    """Return a position as whole numbers; a single one is of a layer with one axis."""
    if position is None:
        return None
    items = position if isinstance(position, (tuple, list, np.ndarray)) else (position,)
    if any(isinstance(p, bool) or not isinstance(p, (int, np.integer)) for p in items):
        raise BadTarget(f"a position is whole numbers such as (y, x), not {position!r}")
    return tuple(int(p) for p in items)
