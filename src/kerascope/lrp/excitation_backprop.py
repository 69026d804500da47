"""Excitation backpropagation (Zhang et al. 2016, section 3.2)."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from kerascope.errors import Refused
from kerascope.lrp.method import LRP
from kerascope.method import Axiom, Need, RawMap
from kerascope.methods.input_family import InputMap
from kerascope.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExcitationBackprop(InputMap):
    """The probability that a winner-takes-all walk from the class ends at an input.

    Each step goes to an input of the unit in proportion to its activation × positive weight
    (equation 1). The walk may end at units that nothing but their bias excites: `conserved` is the
    share that goes on.

    layer: where the walk is stopped; None for the inputs.
    """

    name = "excitation_backprop"
    title = "Excitation backprop"
    reference = "zhang2016topdown"
    formula = "P(i) = Σ_j a_i·w⁺_ij / (Σ_i a_i·w⁺_ij) · P(j)"
    use = (
        "The chance of every input to win in a top-down walk from the class: a map without "
        "negative values, sharp on small evidence."
    )
    avoid = (
        "For evidence against a class, which it cannot show; on activations that take negative "
        "values."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.RULES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.DUMMY, Axiom.LOCATION}
    )
    one_pass: ClassVar[bool] = True

    layer: str | int | None = None

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return marginal winning probabilities: z⁺ relevance as a share of the score."""
        if targets.reads_inputs:
            words = next(t.words(0) for t in targets.items if t.reads_inputs)
            raise Refused(
                f"{self.name} walks back from an output that wins; '{words}' hangs on the input "
                "itself, too: lrp shares it out"
            )
        walk = LRP(composite=(("linear", "z_plus"),), bias="drop", layer=self.layer)
        raw = walk.attribute(model, x, targets, run)
        scores = model.last["scores"]
        for name, values in raw.values.items():
            whole = np.where(scores == 0, 1.0, scores).reshape(
                *scores.shape, *(1,) * (values.ndim - 2)
            )
            raw.values[name] = (values / whole).astype(np.float32)
        raw.gap = None
        return raw
