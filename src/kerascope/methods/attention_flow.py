"""Attention flow (Abnar and Zuidema 2020, section 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from kerascope.inside.attention.mixing import flow
from kerascope.method import Axiom, Passes
from kerascope.methods.attention_family import AttentionMap, check_mixing
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.attention import Attended


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionFlow(AttentionMap):
    """Take weights as capacities of pipes: the most that flows from a token to what the head reads.

    It is the same for every class. A maximum flow is found for every token and sample: about four
    seconds per picture for twelve layers of 197 tokens.

    residual: share of each token that goes past a layer. fusion: "mean", "max" or "min" of heads.
    """

    name = "attention_flow"
    title = "Attention flow"
    reference = "abnar2020quantifying"
    formula = "maximum flow from a token to what the head reads, attention weights as capacities"
    use = (
        "Rollout with the weakest link in place of the product: a path passes as much as its "
        "smallest weight, and paths that share a weight share it."
    )
    avoid = (
        "To explain a class: it is the same for every class, and attention is no attribution. "
        "On many layers and tokens: a maximum flow is solved for every token."
    )
    axioms: ClassVar[frozenset[Axiom]] = frozenset()
    asked: ClassVar[str] = "forward"
    axes_of_values: ClassVar[tuple[str, ...]] = ("sample", "token")

    residual: float = 0.5
    fusion: str = "mean"

    def __post_init__(self) -> None:
        check_mixing(self.name, self.residual, self.fusion)

    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """One forward pass."""
        return Passes(forward=1)

    def mix(self, found: Attended, read: tuple[int, ...], run: Run) -> Array:
        """Return the maximum flows (sample, token)."""
        return flow(
            found.weights, read, residual=self.residual, fusion=self.fusion,
            told=lambda done, total: run.report("flows", done, total),
        )  # fmt: skip

    def of_tokens(self, values: Array, read: tuple[int, ...]) -> Array:
        """Return the flows."""
        return values[:, None]
