"""Deconvnet (Zeiler and Fergus 2014, section 2.1)."""

from __future__ import annotations

import dataclasses

from kerascope.methods.guided_family import RectifiedMap


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deconvnet(RectifiedMap):
    """What flows back when every rectifier rectifies the way back, open or not on the way there.

    Max-pooling sends everything back to where the maximum was.
    """

    name = "deconvnet"
    title = "Deconvnet"
    reference = "zeiler2014visualizing"
    formula = "gradient with g ← g⁺ in place of the ReLU's own gate"
    use = "For comparison with the literature from which guided backpropagation came."
    avoid = (
        "As evidence: it hardly depends on the class, and where the evidence is known "
        "(kerascope benchmark) it does hardly better than a random map."
    )
