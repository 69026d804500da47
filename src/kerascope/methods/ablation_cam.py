"""Ablation-CAM (Desai and Ramaswamy 2020, equations 1 to 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Need, Passes, RawMap
from kerascope.methods.cam_family import ActivationMap
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.places import Place


@dataclasses.dataclass(frozen=True, kw_only=True)
class AblationCAM(ActivationMap):
    """Weight each channel by the share of the score that is lost when the channel is set to zero.

    Only the part of the network above the layer runs for every channel, where the backend compiles.
    """

    name = "ablation_cam"
    title = "Ablation-CAM"
    reference = "desai2020ablationcam"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS, Need.SCORES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )
    one_pass: ClassVar[bool] = False

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """Two forward passes, for the scores and the maps, and one from the layer up for each
        channel.
        """
        return Passes(forward=2 + channels)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return Σ_k ((y − y_k) / y)·A_k; all targets share the passes."""
        places = self.places(model, x, targets)
        scores = run.scores
        signed = {
            name: self._weigh(model, x, targets, run, place, scores)
            for name, place in places.items()
        }
        raw = self.finish(places, signed)
        if (scores <= 0).any():
            raw.notes.append(
                "ablation_cam divides by the score, which is not positive in sample "
                f"{int(np.argwhere(scores <= 0)[0][0])}: there the map's sign is turned"
            )
        return raw

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Weights are given in place of gradients: (sample, target, *ones, channel)."""
        return np.sum(activations * gradients, axis=-1)

    def _weigh(
        self, model: Any, x: Any, targets: Any, run: Run, place: Place, scores: Array
    ) -> Array:
        found = model.activations(x, (place.site,), targets)[place.site]
        maps = place.maps(found, 1)
        samples, channels = len(maps), maps.shape[-1]
        ablated = np.zeros((samples, channels, len(targets)), np.float32)
        for rows, draws in run.pairs(samples, channels, "channels"):
            values = maps[rows].copy()
            values[np.arange(len(rows)), ..., draws] = 0
            result = model.scores(
                {n: a[rows] for n, a in x.items()},
                targets.take(rows),
                at={place.site: place.unmaps(values, found[rows])},
                pad=run.chunk,
            )
            ablated[rows, draws] = result.values
        loss = scores[:, :, None] - np.swapaxes(ablated, 1, 2)
        below = scores[:, :, None]
        weights = np.divide(loss, below, out=np.zeros_like(loss), where=np.abs(below) > 1e-12)
        return self.combine(
            maps[:, None], weights.reshape(*weights.shape[:2], *(1,) * len(place.grid), channels)
        )
