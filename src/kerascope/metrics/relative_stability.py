"""Relative stability: the map's change, by the change of input, output or representation."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import Refused
from kerascope.method import check
from kerascope.metrics.again import Logits, is_keras
from kerascope.metrics.base import Require
from kerascope.metrics.robustness import Noisy
from kerascope.perturb import is_tokens

if TYPE_CHECKING:
    from kerascope.metrics.subject import Subject
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Relative(Noisy):
    """Base: the largest ratio over noisy inputs that are predicted as before; else undefined.

    floor: takes the place of what would be a division by zero, and of smaller denominators.
    """

    reference = "agarwal2022rethinking"
    floor: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.floor > 0, f"{self.name}: floor={self.floor} must be positive")

    def passes(self, positions: int) -> int:
        """Return one pass for every noisy input, and the plain one."""
        return 2 * self.samples

    def _change(self, subject: Subject, x: dict[str, Array], plain: Array, maps: Array) -> Array:
        logits = Logits(subject)
        before, said = logits.outputs(subject.x)
        after, says = logits.outputs(x)
        below = self._below(subject, x, before, after)
        above = np.linalg.norm(_relative(maps - plain, plain, self.floor), axis=1)
        return np.where(said == says, above / np.maximum(below, self.floor), np.nan)

    @abstractmethod
    def _below(self, subject: Subject, x: dict[str, Array], before: Array, after: Array) -> Array:
        """Return the denominator, (sample,); `before` and `after` are logits."""


def _relative(change: Array, of: Array, floor: float) -> Array:
    """Return the change of each value as a share of it; of zeros, as a share of `floor`."""
    return change / np.where(of == 0, floor, of)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelativeInputStability(_Relative):
    """Largest relative change of the map by the relative change of the input."""

    name = "relative_input_stability"
    title = "Relative input stability"

    def _below(self, subject: Subject, x: dict[str, Array], before: Array, after: Array) -> Array:
        parts = [
            _relative(x[name].astype(np.float64) - array, array, self.floor)
            for name, array in subject.x.items()
            if not is_tokens(array)
        ]
        flat = [part.reshape(len(part), -1) for part in parts]
        return np.linalg.norm(np.concatenate(flat, axis=1), axis=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelativeOutputStability(_Relative):
    """Largest relative change of the map by the change of the logits."""

    name = "relative_output_stability"
    title = "Relative output stability"

    def _below(self, subject: Subject, x: dict[str, Array], before: Array, after: Array) -> Array:
        return np.linalg.norm(after - before, axis=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelativeRepresentationStability(_Relative):
    """Largest relative change of the map by that of a layer's output.

    layer: whose output; None takes what the last layer with weights is given.
    """

    name = "relative_representation_stability"
    title = "Relative representation stability"
    requires = frozenset({Require.EXPLAIN, Require.MODEL})
    layer: str | None = None

    def _below(self, subject: Subject, x: dict[str, Array], before: Array, after: Array) -> Array:
        from kerascope.hooks.weights import before_the_head

        view = subject.view
        if not is_keras(view):
            raise Refused("a plain function has no layers")
        site = view.site(self.layer) if self.layer else before_the_head(view)
        if site is None:
            raise Refused("no layer comes before the one with weights: there is no representation")
        old, new = (
            view.activations(values, [site])[site].reshape(len(subject), -1).astype(np.float64)
            for values in (subject.x, x)
        )
        return np.linalg.norm(_relative(new - old, old, self.floor), axis=1)
