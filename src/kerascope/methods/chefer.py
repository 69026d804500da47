"""Relevance of attention by its gradient (Chefer, Gur, Wolf 2021, equations 5 and 6)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from kerascope.inside.attention.mixing import relevance
from kerascope.methods.attention_family import AttentionMap
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.attention import Attended


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chefer(AttentionMap):
    """Roll out attention weighted by its gradient: R ← R + mean over heads of (∇A ⊙ A)⁺ · R.

    The map is what the tokens that the head reads took from all others; the 1 with which every
    token starts is left out, as it says nothing of the input.
    """

    name = "chefer"
    title = "Gradient-weighted attention rollout (Chefer)"
    reference = "chefer2021generic"
    formula = "R ← R + mean over heads of (∇A ⊙ A)⁺ · R, layer by layer"
    use = (
        "The class-dependent map for vision and text transformers to begin with: rollout in "
        "which attention counts by its gradient, from one gradient pass."
    )
    avoid = "On models without attention: it refuses. Evidence against the class is dropped."
    axes_of_values: ClassVar[tuple[str, ...]] = ("sample", "target", "query", "key")

    def mix(self, found: Attended, read: tuple[int, ...], run: Run) -> Array:
        """Return R (sample, target, query, token of the input)."""
        return relevance(found.weights, found.gradients)

    def of_tokens(self, values: Array, read: tuple[int, ...]) -> Array:
        """Return the mean of the rows that the head reads, without what they started with."""
        square = values.shape[-2] == values.shape[-1]
        start = np.eye(values.shape[-1], dtype=values.dtype) if square else 0
        return (values - start)[:, :, list(read)].mean(axis=2)
