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

# The nets' heads are linear and without bias, so that the map adds up to the whole decision.
ACTIVATION_MAP = CAM()
# A second opinion of another make: pixel by pixel, against the same picture out of focus.
PIXELS = IntegratedGradients(steps=16, baseline="blur", tolerance=None)
_RESAMPLES = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """Where a net's evidence lies.

    Attributes:
        shares: (scene,) share of the positive evidence inside the object, 0…1.
        in_sky: mean share in the sky.
        accuracy: how often the net was right, 0…1.
    """

    shares: Array
    in_sky: float
    accuracy: float

    @property
    def mean(self) -> float:
        """Mean share inside the object over all scenes."""
        return float(self.shares.mean())

    def interval(self, *, level: float = 0.95) -> tuple[float, float]:
        """Return the bootstrap confidence interval of the mean share over scenes."""
        generator = np.random.Generator(np.random.Philox(0))
        count = len(self.shares)
        means = self.shares[generator.integers(0, count, (_RESAMPLES, count))].mean(axis=1)
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def why(model: Any, images: Any, method: AttributionMethod = ACTIVATION_MAP) -> Attribution:
    """Explain why the predicted class rather than the other one, for every picture."""
    return explain(model, images, method, target=Contrast("rank-1", "rank-2"))


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
    result = why(model, scenes.images.astype(np.float32), method)
    heat = np.asarray(result.heatmap())
    said = np.asarray(result.predictions).argmax(axis=1)
    return Evidence(
        shares=share_inside(heat, scenes.masks),
        in_sky=float(share_inside(heat, scenes.sky).mean()),
        accuracy=float((said == scenes.labels).mean()),
    )
