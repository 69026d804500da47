"""Gradient × input (Shrikumar et al. 2016)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from kerascope.method import Axiom, RawMap
from kerascope.methods.input_family import InputMap, input_map
from kerascope.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientXInput(InputMap):
    """The derivative by every input value, times the value: the first-order share of the score."""

    name = "gradient_x_input"
    title = "Gradient × input"
    reference = "shrikumar2016not"
    formula = "x · ∂y/∂x"
    use = (
        "A quick first-order share of the score; exact where the net is linear between zero and "
        "the input (ReLU nets without biases)."
    )
    avoid = (
        "On inputs where zero means something, such as black objects: what is zero gets zero. "
        "On nets that saturate, where gradients vanish."
    )
    linear = True
    axioms: ClassVar[frozenset[Axiom]] = InputMap.axioms | {Axiom.LINEARITY}
    one_pass: ClassVar[bool] = True

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return x·∂y/∂x."""
        features = model.features(x)
        found = model.gradients(x, targets)
        return input_map(
            model, {name: g * features[name][:, None] for name, g in found.inputs.items()}
        )
