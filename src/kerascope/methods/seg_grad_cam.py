"""Seg-Grad-CAM (Vinogradova et al. 2020, equation 2): Grad-CAM of a region of a segmentation."""

from __future__ import annotations

import dataclasses
from typing import Any

from kerascope.method import RawMap
from kerascope.methods.grad_cam import GradCAM
from kerascope.run import Run
from kerascope.targets.classes import Difference
from kerascope.targets.regions import PredictedArea, Region


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegGradCAM(GradCAM):
    """Grad-CAM whose score is a class's mean over a region: a mask, a point, its predicted area.

    The paper sums the logits over the region; their mean gives the same map but for a factor, and a
    score that can be read. layer: None is the last one at the lowest resolution, the bottleneck of
    a U-Net, which the paper finds to tell most. Any other target is explained as Grad-CAM does,
    with a note.
    """

    name = "seg_grad_cam"
    title = "Seg-Grad-CAM"
    reference = "vinogradova2020seggradcam"
    formula = (
        "ReLU( Σ_k A_k · mean over positions of ∂Y/∂A_k ), Y = mean logit of the class over a "
        "region"
    )
    use = (
        "Why a region, a point or a predicted area of a segmentation has its class, and from "
        "where in the picture."
    )
    avoid = (
        "For classifiers, where it is Grad-CAM. At layers other than a U-Net's bottleneck, "
        "which tell less, as the paper finds."
    )

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return Grad-CAM's map of the region's score."""
        raw = super().attribute(model, x, targets, run)
        sides = [t.a if isinstance(t, Difference) else t for t in targets]
        others = [t for t in sides if not isinstance(t, (Region, PredictedArea))]
        if others:
            raw.notes.append(
                f"seg_grad_cam: the {others[0].words(0)} is of no region, so this is Grad-CAM; "
                "class@area or ks.Mask(…) are regions of a segmentation"
            )
        return raw
