"""Expected gradients (Erion et al. 2021, equation 3); SHAP's GradientExplainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Data, Passes, RawMap, check
from kerascope.methods.backgrounds import LEVELS, background_of, beside
from kerascope.methods.input_family import InputMap, Mean, input_map, total
from kerascope.methods.integrated_gradients import gap_notes, on_path
from kerascope.perturb import left_out
from kerascope.run import Run
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExpectedGradients(InputMap):
    """Integrated gradients averaged over a background of baselines: approximate Shapley values.

    background: baselines as the model takes them, (baseline, …). Without one, five constant inputs
        from a sample's smallest to its largest value (token 0 for tokens), which a note says.
    samples: gradients per sample; every baseline is used equally often, each with stratified places
        on its path: from four places on, three to five times fewer than drawing both at random.
    layer: attribute to the output of this layer instead of the input.
    """

    name = "expected_gradients"
    title = "Expected gradients"
    reference = "erion2021improving"
    formula = "mean over x′ of a background and α ~ U(0, 1) of (x − x′) · ∂y/∂x (x′ + α(x − x′))"
    use = (
        "Where a set of typical inputs is a better “nothing” than one baseline; approximate "
        "Shapley values, at the input or a layer."
    )
    avoid = (
        "Without a background of your own data: the stated default is constant inputs. Few "
        "samples make a rough sum."
    )
    linear = True
    axioms: ClassVar[frozenset[Axiom]] = InputMap.axioms | {Axiom.COMPLETENESS}

    background: Data | None = None
    samples: int = 64
    layer: str | int | None = None

    def __post_init__(self) -> None:
        check(self.samples >= 1, f"{self.name}: samples={self.samples} must be at least 1")

    def _draws(self) -> tuple[int, int]:
        """Return how many baselines each sample uses, and places on each path."""
        count = LEVELS if self.background is None else len(self.background.array)
        return min(count, self.samples), max(1, self.samples // count)

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """Gradient passes as `samples` says, rounded down to a multiple of the baselines."""
        used, places = self._draws()
        return Passes(1 + used, used * places, used * places * (targets - 1))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return E[(x − x′)·∂y/∂x at x′ + α(x − x′)], with the completeness gap."""
        steps = {name: left_out(model, name, array) for name, array in x.items()}
        background, per_sample, notes = background_of(self.name, self.background, x, steps)
        out: Mapping[Any, Array] = steps if self.layer is None else {}
        if self.layer is None:
            sites: tuple[Any, ...] = ()
            features, bases = model.features(x), model.features(background)
        else:
            sites = (model.site(self.layer),)
            features, bases = model.activations(x, sites), model.activations(background, sites)
        used, places = self._draws()
        rows = len(next(iter(features.values())))
        count = len(next(iter(bases.values()))) // (rows if per_sample else 1)
        own = np.arange(rows)[:, None] * count if per_sample else 0
        chosen = own + np.stack([self._choice(run, i, count, used) for i in range(rows)])
        mean = Mean(features, len(targets))
        for samples, draws in run.pairs(rows, used * places, "gradients"):
            picked, stratum = chosen[samples, draws // places], draws % places
            jitter = [
                run.generator(int(i), int(d)).random() for i, d in zip(samples, draws, strict=True)
            ]
            strata = stratum if places > 1 else draws
            alpha = (strata + np.array(jitter)) / (places if places > 1 else used)
            here = {name: array[samples] for name, array in features.items()}
            base = {name: array[picked] for name, array in bases.items()}
            base = beside(base, here, out, samples)
            at = on_path(here, base, np.arange(len(samples)), alpha)
            given = {name: array[samples] for name, array in x.items()}
            found = model.gradients(
                given, targets.take(samples), sites, inputs=not sites, at=at, pad=run.chunk
            )
            grads = found.layers if sites else found.inputs
            mean.add(samples, {n: g * (here[n] - base[n])[:, None] for n, g in grads.items()})
        values = mean.result(used * places)
        before = self._mean_score(model, x, targets, run, bases, chosen, features, out)
        difference = run.scores - before
        raw = self._raw(model, x, values)
        raw.gap = (difference - total(values)).astype(np.float32)
        raw.notes += notes + gap_notes(raw.gap, difference)
        return raw

    def _choice(self, run: Run, sample: int, count: int, used: int) -> Array:
        """Return which baselines a sample uses: all, or as many as there are draws, at random."""
        return (
            run.generator(sample, 2**31).permutation(count)[:used]
            if used < count
            else np.arange(count)
        )

    def _mean_score(
        self, model: Any, x: Any, targets: Any, run: Run, bases: Mapping[Any, Array], chosen: Array,
        features: Mapping[Any, Array], out: Mapping[Any, Array],
    ) -> Array:  # fmt: skip
        """Return (sample, target): the mean score over the baselines that each sample used."""
        rows, used = chosen.shape
        sums = np.zeros((rows, len(targets)))
        for samples, draws in run.pairs(rows, used, "baselines"):
            here = {name: array[samples] for name, array in features.items()}
            base = {name: array[chosen[samples, draws]] for name, array in bases.items()}
            at = beside(base, here, out, samples)
            given = {name: array[samples] for name, array in x.items()}
            result = model.scores(given, targets.take(samples), at=at, pad=run.chunk)
            np.add.at(sums, samples, result.values)
        return sums / used

    def _raw(self, model: Any, x: Any, values: dict[Any, Array]) -> RawMap:
        if self.layer is None:
            return input_map(model, values)
        (site, array), name = next(iter(values.items())), next(iter(x))
        axes = ("sample", "target", *model.layer_axes(array.shape[2:]))
        return RawMap(values={name: array.astype(np.float32)}, axes={name: axes}, layer=str(site))
