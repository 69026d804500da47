"""A method and a metric as another package would bring them."""

import dataclasses

import numpy as np
from kerascope.methods.input_family import InputMap, input_map
from kerascope.metrics.base import Family, Metric


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientPower(InputMap):
    """The gradient's size to a power."""

    name = "gradient_power"
    title = "Gradient power"
    reference = "Nobody (2026). A method for the tests."
    signed = False
    reduce = "sum"
    power: float = 2.0

    def attribute(self, model, x, targets, run):
        """Return |∂y/∂x| to the power."""
        found = model.gradients(x, targets).inputs
        return input_map(model, {name: np.abs(one) ** self.power for name, one in found.items()})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peak(Metric):
    """The share of all absolute values that the largest one has."""

    name = "peak_share"
    title = "Share of the peak"
    reference = "Nobody (2026). A metric for the tests."
    family = Family.COMPLEXITY
    higher = True
    bounds = (0.0, 1.0)

    def measure(self, subject):
        """Return max |φ| / Σ |φ|."""
        sizes = np.abs(subject.flat)
        return sizes.max(axis=1) / sizes.sum(axis=1)
