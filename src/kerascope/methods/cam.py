"""CAM (Zhou et al. 2016, equations 1 and 2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.errors import Refused
from kerascope.method import Axiom, Passes, RawMap
from kerascope.methods.cam_family import ActivationMap, spatial_axes
from kerascope.run import Run
from kerascope.types import Array

_LINEAR = 1e-3  # largest relative difference between weights read at two points of a linear head


@dataclasses.dataclass(frozen=True, kw_only=True)
class CAM(ActivationMap):
    """Weight each of the last channels by the class's weight in the linear head behind pooling.

    Defined only for global average pooling followed by one linear layer. Whether a model is of that
    kind is found out, not read off its layers: the gradient at the maps must be the same at every
    position, and the same when all maps are zero. The values average to the score minus the bias.
    """

    name = "cam"
    title = "CAM"
    reference = "zhou2016cam"
    formula = "ReLU( Σ_k w_k^c · A_k ), w^c the class's weights behind global average pooling"
    use = (
        "On nets that end in global average pooling and one linear layer: the signed map's mean "
        "is the score less the bias."
    )
    avoid = "On any other head: it refuses. At a resolution finer than the last feature maps."
    linear = True
    axioms: ClassVar[frozenset[Axiom]] = ActivationMap.axioms | {Axiom.COMPLETENESS}

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward and two gradient passes, the second to make sure that the head is linear."""
        return Passes(forward=1, gradient=2, backward=2 * (targets - 1))

    one_pass: ClassVar[bool] = False

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return Σ_k w_k·A_k."""
        places = self.places(model, x, targets)
        signed, gap = {}, None
        for name, place in places.items():
            zero = {
                place.site: np.zeros((len(x[name]), *model.survey.shape(place.site)), np.float32)
            }
            empty = model.gradients(x, targets, (place.site,), inputs=False, at=zero)
            found = model.gradients(x, targets, (place.site,), inputs=False)
            gradients = place.maps(found.layers[place.site], 2)
            at_zero = place.maps(empty.layers[place.site], 2)
            self._check(gradients, at_zero, place.site, model.score)
            activations = place.maps(found.activations[place.site], 1)[:, None]
            signed[name] = self.combine(activations, gradients)
            # f(maps) − f(no maps): the bias is in both.
            mean = signed[name].reshape(*signed[name].shape[:2], -1).mean(axis=-1)
            gap = found.scores - empty.scores - mean
        raw = self.finish(places, signed)
        raw.gap = gap if len(places) == 1 else None
        return raw

    def _check(self, gradients: Array, at_zero: Array, site: Any, score: str) -> None:
        """Raise `Refused` unless the head is global average pooling and one linear layer."""
        scale = float(np.abs(gradients).max()) or 1.0
        spread = float(np.ptp(gradients, axis=spatial_axes(gradients)).max()) / scale
        change = float(np.abs(gradients - at_zero).max()) / scale
        if spread > _LINEAR:
            raise Refused(
                f"cam needs global average pooling behind layer '{site}': its gradient differs "
                "from position to "
                f"position by {spread:.0%}; grad_cam and hires_cam do not need it"
            )
        if change > _LINEAR:
            head = (
                "the probability is not linear; use score='logit'"
                if score == "probability"
                else ("use grad_cam")
            )
            raise Refused(
                f"cam needs one linear layer behind the pooling of '{site}': its weights change "
                f"by {change:.0%} "
                f"with the maps; {head}"
            )

    def combine(self, activations: Array, gradients: Array) -> Array:
        """The head's weights are the gradients times the number of positions pooled over."""
        axes = spatial_axes(gradients)
        weights = gradients.sum(axis=axes, keepdims=True)
        return np.sum(weights * activations, axis=-1)
