"""RectGrad (Kim et al. 2019, equation 3)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from kerascope.method import check
from kerascope.methods.guided_family import RectifiedMap

if TYPE_CHECKING:
    from kerascope.hooks.rectifiers import Rectifiers


@dataclasses.dataclass(frozen=True, kw_only=True)
class RectGrad(RectifiedMap):
    """The gradient, let through a rectifier only where activation × gradient is among the largest.

    share: the part of a layer's values that is dropped, 0…1.
    """

    name = "rect_grad"
    title = "RectGrad"
    reference = "kim2019saliency"
    formula = (
        "gradient, at every ReLU kept only where A·g is above the `share` quantile of the layer"
    )
    use = (
        "Sharp maps with little noise: where the evidence is known (kerascope benchmark), half "
        "of the values lie on it."
    )
    avoid = (
        "For completeness or a fair view of weak evidence: with the default share most of it is "
        "cut off."
    )

    share: float = 0.98

    def __post_init__(self) -> None:
        check(0 <= self.share <= 1, f"{self.name}: share={self.share} must be in 0…1")

    def rules(self) -> Rectifiers:
        """Return how rectifiers' gradients are rewritten."""
        from kerascope.hooks.rectifiers import Rectifiers

        return Rectifiers(self.name, self.share)
