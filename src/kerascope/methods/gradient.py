"""Gradient, or saliency (Simonyan et al. 2014, section 3.1)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from kerascope.method import RawMap
from kerascope.methods.input_family import InputMap, input_map
from kerascope.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gradient(InputMap):
    """The derivative of the score by every input value."""

    name = "gradient"
    title = "Gradient (saliency)"
    reference = "simonyan2014deep"
    formula = "∂y/∂x; over channels the largest absolute value"
    use = (
        "To which inputs the score is most sensitive: one backward pass, any differentiable model."
    )
    avoid = (
        "As a share of the score: a gradient says how steep the score is, not what an input "
        "adds to it. It is noisy on deep nets, and zero where the net saturates."
    )
    linear = True
    reduce: ClassVar[str] = "max_abs"
    one_pass: ClassVar[bool] = True

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return ∂y/∂x."""
        return input_map(model, model.gradients(x, targets).inputs)
