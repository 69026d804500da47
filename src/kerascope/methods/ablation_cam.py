"""Ablation-CAM (Desai and Ramaswamy 2020, equations 1 to 3)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.methods.cam_family import ChannelWeights, Weigher
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.places import Place


@dataclasses.dataclass(frozen=True, kw_only=True)
class AblationCAM(ChannelWeights):
    """Weight each channel by the share of the score that is lost when the channel is set to zero.

    Only the part of the network above the layer runs for every channel.
    """

    name = "ablation_cam"
    title = "Ablation-CAM"
    reference = "desai2020ablationcam"
    formula = "ReLU( Σ_k A_k · (y − y with A_k = 0) / y )"
    use = (
        "A class activation map without gradients: a channel weighs what the score loses when "
        "the channel is set to zero."
    )
    avoid = (
        "Where time counts: a pass of the layers above for every channel. Where channels stand "
        "in for each other, and removing one shows nothing; where the score is negative, "
        "which turns the map's sign."
    )

    def weigh(
        self, weigher: Weigher, name: str, place: Place, values: Array
    ) -> tuple[Array, list[str]]:
        """Return (y − y_k) / y, equation 3."""
        maps = place.maps(values, 1)
        samples, channels = len(maps), maps.shape[-1]

        def ablated(rows: Array, which: Array) -> dict[Any, Array]:
            left = maps[rows].copy()
            left[np.arange(len(rows)), ..., which] = 0
            return {place.site: place.unmaps(left, values[rows])}

        asked = np.argwhere(np.ones((samples, channels), bool))
        scores = weigher.scores(asked, ablated).reshape(samples, channels, -1)
        before = weigher.run.scores[:, :, None]
        lost = before - np.swapaxes(scores, 1, 2)
        weights = np.divide(lost, before, out=np.zeros_like(lost), where=np.abs(before) > 1e-12)
        if (before > 0).all():
            return weights, []
        words = (
            "ablation_cam divides by the score, which is not positive in sample "
            f"{int(np.argwhere(before <= 0)[0][0])}: there the map's sign is turned"
        )
        return weights, [words]
