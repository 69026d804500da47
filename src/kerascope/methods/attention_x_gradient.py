"""Attention × gradient: gradient self-attention maps (Barkan et al. 2021)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.methods.attention_family import AttentionMap
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.attention import Attended


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionXGradient(AttentionMap):
    """Average A ⊙ (∇A)⁺ over layers, heads and queries.

    relu: drop negative gradients, as in the paper.
    """

    name = "attention_x_gradient"
    title = "Attention × gradient"
    reference = "barkan2021gradsam"
    formula = "mean over layers, heads and queries of A ⊙ (∇A)⁺"
    use = (
        "A class-dependent attention map of transformers for text and pictures, from one "
        "gradient pass."
    )
    avoid = (
        "Where information is mixed over layers: each layer's weights are taken as if of the "
        "input's tokens."
    )

    relu: bool = True

    def mix(self, found: Attended, read: tuple[int, ...], run: Run) -> Array:
        """Return the mean over heads and queries (sample, target, layer, token)."""
        layers = []
        for weights, gradient in zip(found.weights, found.gradients, strict=True):
            kept = np.maximum(gradient, 0) if self.relu else gradient
            layers.append((weights[:, None] * kept).mean(axis=(2, 3)))
        return np.stack(layers, axis=2)
