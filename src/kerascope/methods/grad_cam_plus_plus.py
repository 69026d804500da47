"""Grad-CAM++ (Chattopadhay et al. 2018, equations 7, 10 and 19)."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.methods.cam_family import GradientMap, spatial_axes
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradCAMPlusPlus(GradientMap):
    """Weight positive gradients by how much each position alone would explain the score.

    Second and third derivatives are those of exp(score) through a piecewise linear net (equation
    18), so powers of the first; the common factor exp(score) is left out, as it only scales the
    map.
    """

    name = "grad_cam_plus_plus"
    title = "Grad-CAM++"
    reference = "chattopadhay2018gradcampp"
    formula = "ReLU( Σ_k A_k · Σ α·(∂y/∂A_k)⁺ ), α = g² / (2g² + ΣA_k·g³), g = ∂y/∂A_k"
    use = "Several objects of one class in a picture, where Grad-CAM favours the largest."
    avoid = (
        "For contrasts of two classes: it is not linear in the score, and negative gradients "
        "are dropped. It is often close to Grad-CAM of positive gradients alone (Lerma and "
        "Lucas 2022)."
    )

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Σ_k A_k · Σ max(∂y/∂A_k, 0) / (2 + ΣA·∂y/∂A_k): α with g² taken out of the fraction."""
        axes = spatial_axes(gradients)
        below = activations.sum(axis=axes, keepdims=True) * gradients
        below += 2
        below[below == 0] = np.inf  # a pole of α: such positions get no weight
        shares = np.maximum(gradients, 0)
        shares /= below
        return np.einsum("...k,...k->...", shares.sum(axis=axes, keepdims=True), activations)
