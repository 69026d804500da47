"""Attention rollout (Abnar and Zuidema 2020, section 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from kerascope.inside.attention.mixing import rollout
from kerascope.method import Axiom, Passes, check
from kerascope.methods.attention_family import AttentionMap, check_mixing
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.attention import Attended


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionRollout(AttentionMap):
    """Multiply the attention of all layers, each with the residual around it.

    It is the same for every class: it says what the head can have read, not what speaks for it.

    residual: share of each token that goes past a layer. fusion: "mean", "max" or "min" of heads.
    discard: share of the weakest weights of every layer that are set to zero first.
    """

    name = "attention_rollout"
    title = "Attention rollout"
    reference = "abnar2020quantifying"
    formula = "Π over layers of (½·mean over heads of A + ½·I)"
    use = (
        "Which tokens the classifier of a transformer can have read, through all layers: a "
        "first look at where attention goes."
    )
    avoid = "To explain a class: it is the same for every class, and attention is no attribution."
    axioms: ClassVar[frozenset[Axiom]] = frozenset()
    asked: ClassVar[str] = "forward"
    axes_of_values: ClassVar[tuple[str, ...]] = ("sample", "query", "key")

    residual: float = 0.5
    fusion: str = "mean"
    discard: float = 0.0

    def __post_init__(self) -> None:
        check_mixing(self.name, self.residual, self.fusion)
        check(0 <= self.discard < 1, f"{self.name}: discard={self.discard} must be 0 … 1, below 1")

    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """One forward pass."""
        return Passes(forward=1)

    def mix(self, found: Attended, read: tuple[int, ...], run: Run) -> Array:
        """Return the rolled out attention (sample, query, token of the input)."""
        return rollout(
            found.weights, residual=self.residual, fusion=self.fusion, discard=self.discard
        )

    def of_tokens(self, values: Array, read: tuple[int, ...]) -> Array:
        """Return the mean of the rows that the head reads."""
        return values[:, list(read)].mean(axis=1)[:, None]
