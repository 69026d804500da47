"""Eigen-CAM (Muhammad and Yeasin 2020, equations 3 and 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Need, Passes, RawMap
from kerascope.methods.cam_family import ActivationMap
from kerascope.run import Run
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class EigenCAM(ActivationMap):
    """Project the activations onto their first principal direction; the class plays no part.

    A singular vector has no sign of its own; it is turned so that the map's sum is positive.
    """

    name = "eigen_cam"
    title = "Eigen-CAM"
    reference = "muhammad2020eigencam"
    formula = "projection of A on its first right singular vector (A as positions × channels)"
    use = "Without gradients and without a class: what stands out to the network at this layer."
    avoid = (
        "To explain a class: it is the same for every class. With several objects the strongest "
        "hides the others."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS})
    axioms: ClassVar[frozenset[Axiom]] = frozenset({Axiom.IMPLEMENTATION_INVARIANCE})

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, for any number of targets."""
        return Passes(forward=1)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the same map for every target."""
        places = self.places(model, x, targets)
        sites = tuple(dict.fromkeys(place.site for place in places.values()))
        found = model.activations(x, sites, targets)
        signed = {}
        for name, place in places.items():
            maps = self.combine(place.maps(found[place.site], 1)[:, None], np.zeros(0))
            signed[name] = np.repeat(maps, len(targets), axis=1)
        raw = self.finish(places, signed)
        raw.notes.append(
            "Eigen-CAM does not look at the class: its map is the same for every target"
        )
        return raw

    def combine(self, activations: Array, gradients: Array) -> Array:
        """A·v₁ of A = UΣVᵀ with positions as rows, without centring."""
        rows = activations.reshape(*activations.shape[:2], -1, activations.shape[-1])
        # AAᵀ = UΣ²Uᵀ and AᵀA = VΣ²Vᵀ: the smaller one is far quicker than A itself.
        rows = rows.astype(np.float64)
        flipped = np.swapaxes(rows, -1, -2)
        if rows.shape[-2] <= rows.shape[-1]:
            squares, vectors = np.linalg.eigh(rows @ flipped)
            maps = vectors[..., -1] * np.sqrt(np.maximum(squares[..., -1:], 0))
        else:
            maps = (rows @ np.linalg.eigh(flipped @ rows)[1][..., -1:])[..., 0]
        maps *= np.where(maps.sum(axis=-1, keepdims=True) < 0, -1, 1)
        return maps.reshape(activations.shape[:-1])
