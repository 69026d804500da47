"""Deep Taylor decomposition (Montavon et al. 2017)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from kerascope.lrp.method import LRP
from kerascope.method import Axiom, Need, RawMap, check
from kerascope.methods.input_family import InputMap
from kerascope.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepTaylor(InputMap):
    """First-order Taylor terms at a root point of every layer: z⁺, and zᴮ at the inputs.

    low, high: the smallest and largest value an input can have; None for those of each sample.
    layer: give the relevance at the output of this layer instead of the inputs.
    """

    name = "deep_taylor"
    title = "Deep Taylor decomposition"
    reference = "montavon2017explaining"
    formula = "R_i = Σ_j a_i·w⁺_ij / (Σ_i a_i·w⁺_ij) · R_j; at the inputs zᴮ with bounds low, high"
    use = (
        "Relevance for a class derived from Taylor expansions, as one LRP composite: on ReLU "
        "nets and pixels of a known range."
    )
    avoid = "On nets whose activations take negative values; for evidence against a class."
    linear = True
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.RULES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset({Axiom.CLASS_SENSITIVITY, Axiom.LOCATION})
    one_pass: ClassVar[bool] = True

    low: float | None = None
    high: float | None = None
    layer: str | int | None = None

    def __post_init__(self) -> None:
        both = (self.low is None) == (self.high is None)
        check(both, f"{self.name}: give both low and high, or neither")
        if self.low is not None and self.high is not None:
            check(
                self.low < self.high,
                f"{self.name}: low={self.low} must be smaller than high={self.high}",
            )

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the relevance, its sum beside the score in `gap`."""
        box = "z_box" if self.low is None else f"z_box:{self.low!r},{self.high!r}"
        composite = (("first linear", box), ("linear", "z_plus"))
        method = LRP(composite=composite, bias="drop", layer=self.layer)
        raw = method.attribute(model, x, targets, run)
        if (model.last["scores"] < 0).any():
            raw.notes.append(
                "some scores are negative: deep Taylor decomposition explains positive ones, and "
                "shares these out with their sign"
            )
        return raw
