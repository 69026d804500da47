"""HiResCAM (Draelos and Carin 2020, equation 4)."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.methods.cam_family import GradientMap
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class HiResCAM(GradientMap):
    """Multiply activation and gradient position by position and sum over channels.

    Where one linear layer follows, the signed map sums to the score without the bias.
    """

    name = "hires_cam"
    title = "HiResCAM"
    reference = "draelos2020hirescam"
    formula = "ReLU( Σ_k A_k ⊙ ∂y/∂A_k )"
    use = (
        "To be sure that the map shows positions which the score used; where one linear layer "
        "follows the maps, the signed map sums to the score less the bias."
    )
    avoid = (
        "Where a smooth blob is wanted: positions are not averaged, so maps may be patchier than "
        "Grad-CAM's."
    )
    linear = True

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Σ_k A_k ∘ ∂y/∂A_k."""
        return np.sum(activations * gradients, axis=-1)
