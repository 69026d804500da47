"""Where a net looks, as a number: the share of the positive evidence inside the object."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope.attribution import Attribution
from kerascope.explain import explain
from kerascope.method import AttributionMethod
from kerascope.methods import CAM, IntegratedGradients
from kerascope.targets import Contrast
from kerascope.types import Array

# Pixel by pixel, against the same picture out of focus: sharp enough for the vehicle's own outline.
PIXELS = IntegratedGradients(steps=16, baseline="blur", tolerance=None)
# The picture to look at: all of the decision, in cells of four pixels that smear over the outline.
CELLS = CAM()
_RESAMPLES = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """Shares of the positive evidence inside the object, one per scene, and how often the net was
    right.
    """

    shares: Array
    accuracy: float

    @property
    def mean(self) -> float:
        """Mean share over all scenes."""
        return float(self.shares.mean())

    def interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """Return the bootstrap confidence interval of the mean share over scenes."""
        generator = np.random.Generator(np.random.Philox(0))
        count = len(self.shares)
        means = self.shares[generator.integers(0, count, (_RESAMPLES, count))].mean(axis=1)
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def why(model: Any, images: Array, method: AttributionMethod = CELLS) -> Attribution:
    """Explain why the predicted class rather than the other one, for every picture."""
    return explain(
        model, np.asarray(images, np.float32), method, target=Contrast("rank-1", "rank-2")
    )


def share_inside(heat: Array, masks: Array) -> Array:
    """Return, per sample, the positive part of (sample, y, x) maps inside the masks by all of it.

    A map without any positive evidence counts as 0.
    """
    positive = np.maximum(heat, 0).astype(np.float64)
    inside = np.where(masks, positive, 0).sum(axis=(1, 2))
    whole = positive.sum(axis=(1, 2))
    return np.divide(inside, whole, out=np.zeros_like(inside), where=whole > 0)


def measure(model: Any, scenes: Any, method: AttributionMethod) -> Evidence:
    """Return the evidence of a net on scenes with known objects."""
    result = why(model, scenes.images, method)
    said = np.asarray(result.predictions).argmax(axis=1)
    return Evidence(
        share_inside(np.asarray(result.heatmap()), scenes.masks),
        float((said == scenes.labels).mean()),
    )
