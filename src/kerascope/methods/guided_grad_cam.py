"""Guided Grad-CAM (Selvaraju et al. 2017, section 3.3)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Need, Passes, RawMap
from kerascope.methods.grad_cam import GradCAM
from kerascope.methods.guided_family import RectifiedMap
from kerascope.resize import linear
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.rectifiers import Rectifiers


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedGradCAM(RectifiedMap):
    """Guided backpropagation, times the Grad-CAM map enlarged to the input.

    layer: where the Grad-CAM map is taken; None for the last layer with spatial positions.
    """

    name = "guided_grad_cam"
    title = "Guided Grad-CAM"
    reference = "selvaraju2017gradcam"
    formula = "guided backpropagation ⊙ Grad-CAM enlarged to the input"
    use = "Fine edges, but only where Grad-CAM sees evidence for this class."
    avoid = (
        "As a measurement: within the region, the detail is guided backpropagation's and hardly "
        "of the class."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS, Need.GRADIENTS})
    axioms: ClassVar[frozenset[Axiom]] = frozenset({Axiom.CLASS_SENSITIVITY})

    layer: str | int | None = None

    def rules(self) -> Rectifiers:
        """Return guided backpropagation's."""
        from kerascope.hooks.rectifiers import Rectifiers

        return Rectifiers("guided_backprop")

    def passes(self, shape: Any, targets: int = 1, channels: int = 1) -> Passes:
        """One gradient pass for each of the two factors."""
        return Passes(gradient=2, backward=2 * (targets - 1))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return guided backpropagation ⊙ Grad-CAM."""
        cam = GradCAM(layer=self.layer).attribute(model, x, targets, run)
        raw = super().attribute(model, x, targets, run)
        for name, array in raw.values.items():
            if name in cam.values:
                raw.values[name] = array * _enlarged(cam.values[name], cam.axes[name], raw, name)
            else:
                raw.notes.append(f"input '{name}' has no map: guided backpropagation alone")
        raw.notes += cam.notes
        raw.layer = cam.layer
        return raw


def _enlarged(maps: Array, axes: tuple[str, ...], raw: RawMap, name: str) -> Array:
    """Return (sample, target, …) maps with the input's axes: spatial ones resized, others of 1."""
    own, shape = raw.axes[name], raw.values[name].shape
    size = tuple(n for n, axis in zip(shape, own, strict=True) if axis in axes[2:])
    resized = linear(maps, size)
    for position, axis in enumerate(own):
        if axis not in axes:
            resized = np.expand_dims(resized, position)
    return resized
