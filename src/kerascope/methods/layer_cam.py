"""LayerCAM (Jiang et al. 2021, equations 5 to 7)."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.methods.cam_family import GradientMap
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerCAM(GradientMap):
    """Weight every position by its own positive gradient: also sharp at early layers."""

    name = "layer_cam"
    title = "LayerCAM"
    reference = "jiang2021layercam"
    formula = "ReLU( Σ_k A_k ⊙ (∂y/∂A_k)⁺ )"
    use = (
        "At early layers, for sharper maps than Grad-CAM can give there; `layer` runs from "
        "shallow to deep."
    )
    avoid = (
        "For evidence against a class, since negative gradients are dropped; early layers also "
        "show what any class would use."
    )

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Σ_k A_k ∘ max(∂y/∂A_k, 0)."""
        return np.sum(activations * np.maximum(gradients, 0), axis=-1)
