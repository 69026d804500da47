"""Guided backpropagation (Springenberg et al. 2015, section 3.4)."""

from __future__ import annotations

import dataclasses

from kerascope.methods.guided_family import RectifiedMap


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedBackprop(RectifiedMap):
    """The gradient, with what is negative dropped at every rectifier on the way back.

    Shows what the net reads rather than why it decides: it changes little with class or weights.
    """

    name = "guided_backprop"
    title = "Guided backpropagation"
    reference = "springenberg2015striving"
    formula = "gradient with g ← g⁺ at every ReLU, beside the ReLU's own gate"
    use = "To see crisply which edges the net reads."
    avoid = (
        "To tell why one class and not another: the map changes little with class or weights "
        "(Adebayo et al. 2018)."
    )
