"""Shapley sampling (Castro et al. 2009) with antithetic pairs (Mitchell et al. 2022)."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.methods.kernel_shap import Regression
from kerascope.methods.shapley_family import Permutations, Plan, ShapleyMap


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShapleySampling(ShapleyMap):
    """The mean of what a segment adds when the segments join in random order.

    Every order is used together with its reverse: an antithetic pair costs 2(n − 1) worths. With
    2ⁿ − 2 or more `samples` the exact Shapley values are given instead.
    """

    name = "shapley_sampling"
    title = "Shapley sampling"
    reference = "castro2009polynomial"
    formula = "φ_i = mean over orders of y(before i, and i) − y(before i)"
    use = "Shapley values with standard errors, unbiased from the first order on."
    avoid = "Where a regression does the same from fewer passes: see Kernel SHAP."
    linear = True

    def plan(self, players: int, generator: np.random.Generator) -> Plan:
        """Return as many pairs of permutations as `samples` hold, or all coalitions."""
        if self.samples >= 2**players - 2:
            return Regression(players, self.samples, generator)
        return Permutations(players, self.samples, generator)
