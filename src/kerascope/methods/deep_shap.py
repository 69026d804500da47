"""DeepSHAP (Lundberg and Lee 2017, section 4.2): DeepLIFT averaged over a background."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Data, Need, Passes, RawMap
from kerascope.methods.backgrounds import LEVELS, background_of, beside
from kerascope.methods.deep_lift import check_rule
from kerascope.methods.input_family import InputMap, Mean, input_map, total
from kerascope.methods.integrated_gradients import gap_notes
from kerascope.perturb import left_out
from kerascope.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepSHAP(InputMap):
    """The mean of DeepLIFT over a background of baselines: approximate Shapley values.

    background: baselines as the model takes them, (baseline, …). Without one, five constant inputs
        from a sample's smallest to its largest value (token 0 for tokens), which a note says.
    rule: "rescale" or "reveal_cancel", as in deep_lift.
    """

    name = "deep_shap"
    title = "DeepSHAP"
    reference = "lundberg2017unified"
    formula = "mean of DeepLIFT over baselines x′ of a background"
    use = "Approximate Shapley values against a background at the price of a few passes."
    avoid = (
        "Without a background of your own data; as exact Shapley values, which Kernel SHAP with "
        "enough samples gives."
    )
    linear = True
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS, Need.RULES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.DUMMY, Axiom.LOCATION, Axiom.COMPLETENESS}
    )

    background: Data | None = None
    rule: str = "rescale"

    def __post_init__(self) -> None:
        check_rule(self.name, self.rule)

    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """A gradient pass for each baseline, and the scores of the input and of each."""
        count = LEVELS if self.background is None else len(self.background.array)
        return Passes(1 + count, count, count * (targets - 1))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the mean of (x − x′) times the multipliers, with the completeness gap."""
        from kerascope.lrp.differences import Differences

        out = {name: left_out(model, name, array) for name, array in x.items()}
        background, per_sample, notes = background_of(self.name, self.background, x, out)
        features, bases = model.features(x), model.features(background)
        rows = len(next(iter(features.values())))
        count = len(next(iter(bases.values()))) // (rows if per_sample else 1)
        mean, before = Mean(features, len(targets)), np.zeros((rows, len(targets)))
        rules = Differences(self.rule)
        for samples, draws in run.pairs(rows, count, "baselines"):
            chosen = draws + samples * count * per_sample
            here = {name: array[samples] for name, array in features.items()}
            base = {name: array[chosen] for name, array in bases.items()}
            base = beside(base, here, out, samples)
            given = {name: array[samples] for name, array in x.items()}
            some = targets.take(samples)
            found = model.gradients(given, some, pad=run.chunk, rules=rules, reference=base)
            change = {n: here[n] - base[n] for n in features}
            mean.add(samples, {n: g * change[n][:, None] for n, g in found.inputs.items()})
            scores = model.scores(given, some, at=base, pad=run.chunk).values
            np.add.at(before, samples, scores / count)
        raw = input_map(model, mean.result(count))
        difference = run.scores - before
        raw.gap = (difference - total(raw.values)).astype(np.float32)
        raw.notes += notes + gap_notes(raw.gap, difference)
        return raw
