"""Grad-CAM (Selvaraju et al. 2017, equations 1 and 2)."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.methods.cam_family import GradientMap, spatial_axes
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradCAM(GradientMap):
    """Weight each channel by the mean of its gradient, sum, keep what speaks for the class."""

    name = "grad_cam"
    title = "Grad-CAM"
    reference = "selvaraju2017gradcam"
    formula = "ReLU( Σ_k A_k · mean over positions of ∂y/∂A_k )"
    use = (
        "The first look at a convolutional net: one place to point to, telling classes apart, in "
        "one pass to the last maps."
    )
    avoid = (
        "For fine detail, or at early layers, where averaging the gradient over positions can "
        "point at what does not count: see HiResCAM."
    )
    linear = True

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Σ_k A_k · mean(∂y/∂A_k)."""
        weights = gradients.mean(axis=spatial_axes(gradients), keepdims=True)
        return np.sum(weights * activations, axis=-1)
