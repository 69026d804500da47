"""DeepLIFT (Shrikumar et al. 2017)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import check_kind
from kerascope.method import Axiom, Data, Need, Passes, RawMap, check
from kerascope.methods.input_family import InputMap, baselines, input_map, total
from kerascope.methods.integrated_gradients import gap_notes
from kerascope.run import Run

RULES = ("rescale", "reveal_cancel")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepLIFT(InputMap):
    """Shares out the difference from a baseline's score by differences of activations.

    baseline: a number, "zero", "min", "max", "mean", "blur", "noise", or an array.
    rule: "rescale", or "reveal_cancel", which tells positive from negative parts where an
        activation follows a linear layer directly.
    """

    name = "deep_lift"
    title = "DeepLIFT"
    reference = "shrikumar2017learning"
    formula = "m_i·(x_i − x′_i), m = Δout/Δin at every activation, by the chain rule"
    use = (
        "Values that sum to the change from a baseline in one backward pass, also where gradients "
        "saturate."
    )
    avoid = (
        "Without a meaningful baseline; where inputs are multiplied (attention, gates), where "
        "rules differ between libraries."
    )
    linear = True
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.RULES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {
            Axiom.CLASS_SENSITIVITY,
            Axiom.DUMMY,
            Axiom.LOCATION,
            Axiom.COMPLETENESS,
            Axiom.LINEARITY,
        }
    )

    baseline: float | str | Data = "zero"
    rule: str = "rescale"

    def __post_init__(self) -> None:
        check_kind(self.baseline)
        check_rule(self.name, self.rule)

    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """One gradient pass, which runs forward on the baseline, too; the scores of both."""
        return Passes(forward=2, gradient=1, backward=targets - 1)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return (x − x′) times the multipliers, with the completeness gap."""
        from kerascope.lrp.differences import Differences

        features = model.features(x)
        base = baselines(model, features, self.baseline, run, x)
        rules = Differences(self.rule)
        found = model.gradients(x, targets, rules=rules, reference=base)
        raw = input_map(
            model, {n: g * (features[n] - base[n])[:, None] for n, g in found.inputs.items()}
        )
        difference = run.scores - model.scores(x, targets, at=base).values
        raw.gap = np.asarray(difference - total(raw.values), np.float32)
        raw.notes += gap_notes(raw.gap, difference)
        return raw


def check_rule(name: str, rule: str) -> None:
    """Raise `BadMethod` unless the rule is known."""
    check(rule in RULES, f"{name}: rule='{rule}' is not known; it is one of {', '.join(RULES)}")
