"""XGrad-CAM (Fu et al. 2020, equation 8)."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.methods.cam_family import GradientMap, spatial_axes
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class XGradCAM(GradientMap):
    """Weight each channel by its gradient averaged over its own activation."""

    name = "x_grad_cam"
    title = "XGrad-CAM"
    reference = "fu2020xgradcam"
    formula = "ReLU( Σ_k A_k · Σ(A_k·∂y/∂A_k) / ΣA_k )"
    use = "Grad-CAM whose weights add up to the score where one linear layer follows the maps."
    avoid = (
        "Where activations sum to about zero, as behind activations with negative values: the "
        "weights become large."
    )
    linear = True

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Σ_k A_k · Σ (A_k / ΣA_k)·∂y/∂A_k."""
        axes = spatial_axes(gradients)
        mass = activations.sum(axis=axes, keepdims=True)
        weighted = np.sum(activations * gradients, axis=axes, keepdims=True)
        # A channel that is off, or sums to zero, has no average position and gets no weight.
        weights = np.divide(weighted, mass, out=np.zeros_like(weighted), where=np.abs(mass) > 1e-12)
        return np.sum(weights * activations, axis=-1)
