"""SmoothGrad (Smilkov et al. 2017), its square (Hooker 2019) and VarGrad (Adebayo 2018)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Passes, RawMap, check
from kerascope.methods.input_family import InputMap, Mean, input_map
from kerascope.perturb import left_out, spans
from kerascope.run import Run
from kerascope.threads import each
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoisyGradients(InputMap):
    """Base of the methods that look at gradients under Gaussian noise.

    samples: noisy copies per sample.
    noise: standard deviation of the noise, as a share of the sample's value range (max − min);
        steps that a Masking layer leaves out do not count.
    """

    samples: int = 50
    noise: float = 0.15
    reduce: ClassVar[str] = "max_abs"

    def __post_init__(self) -> None:
        check(self.samples >= 1, f"{self.name}: samples={self.samples} must be at least 1")
        check(self.noise >= 0, f"{self.name}: noise={self.noise} must not be negative")

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One gradient pass per noisy copy; further targets add a backward pass each."""
        return Passes(forward=1, gradient=self.samples, backward=self.samples * (targets - 1))

    def moments(
        self, model: Any, x: Any, targets: Any, run: Run, *, square: bool, pairs: bool = False
    ) -> Any:
        """Return the mean gradient, and with `square` the mean of its square, per input.

        pairs: draws 2k and 2k + 1 have noise of opposite sign.
        """
        features = model.features(x)
        rows = len(next(iter(features.values())))
        first, second = Mean(features, len(targets)), Mean(features, len(targets))
        out = {name: left_out(model, name, x[name]) for name in features}
        ranges = {name: spans(a, out[name]) for name, a in features.items()}
        for samples, draws in run.pairs(rows, self.samples, "noisy copies"):
            shares = np.where(pairs & (draws % 2 == 1), -self.noise, self.noise)
            keys = draws // 2 if pairs else draws
            noisy = {
                name: _noisy(a, samples, keys, shares * ranges[name][samples], run, out[name])
                for name, a in features.items()
            }
            given = {name: a[samples] for name, a in x.items()}
            found = model.gradients(given, targets.take(samples), at=noisy, pad=run.chunk)
            first.add(samples, found.inputs)
            if square:
                second.add(
                    samples,
                    {name: np.square(g, dtype=np.float64) for name, g in found.inputs.items()},
                )
        return first.result(self.samples), second.result(self.samples) if square else None


def _noisy(array: Array, samples: Array, keys: Array, spread: Array, run: Run, out: Array) -> Array:
    """Return chosen samples with noise; each (sample, key) has a noise of its own.

    spread: standard deviations (row,), in the input's units. out: steps (sample, time) that the
    model leaves out: with noise it would read them.
    """
    copies = array[samples].astype(np.float32)
    same: dict[tuple[int, int], list[int]] = {}  # rows whose noise differs in its size only
    for row, pair in enumerate(zip(samples.tolist(), keys.tolist(), strict=True)):
        same.setdefault(pair, []).append(row)

    def add(pair: tuple[int, int]) -> None:
        noise = run.generator(*pair).standard_normal(array.shape[1:], np.float32)
        noise[out[pair[0]]] = 0
        for row in same[pair]:
            copies[row] += np.float32(spread[row]) * noise

    each(add, list(same))
    return copies


@dataclasses.dataclass(frozen=True, kw_only=True)
class SmoothGrad(NoisyGradients):
    """The mean gradient over noisy copies of the input.

    pairs: copies come in pairs with noise of opposite sign, whose errors cancel in part.
    """

    name = "smooth_grad"
    title = "SmoothGrad"
    reference = "smilkov2017smoothgrad"
    formula = "mean over n of ∂y/∂x at x + ε, ε ~ N(0, σ²), σ = noise · (max x − min x)"
    use = "A gradient map of a deep net whose plain gradient is too noisy to read."
    avoid = (
        "Where noise leaves what the net was trained on: the map is then of other inputs. It does "
        "not sum to the score."
    )
    linear = True

    pairs: bool = True

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the mean of ∂y/∂x at x + noise."""
        mean, _ = self.moments(model, x, targets, run, square=False, pairs=self.pairs)
        return input_map(model, mean)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SmoothGradSquared(NoisyGradients):
    """The mean squared gradient over noisy copies of the input."""

    name = "smooth_grad_squared"
    title = "SmoothGrad²"
    reference = "hooker2019benchmark"
    formula = "mean over n of (∂y/∂x at x + ε)²"
    use = (
        "To find where the model is sensitive, whatever the sign, with less speckle than "
        "SmoothGrad."
    )
    avoid = "For evidence for or against, as squares have no sign; for shares of the score."
    signed: ClassVar[bool] = False
    reduce: ClassVar[str] = "sum"
    axioms: ClassVar[frozenset[Axiom]] = InputMap.axioms

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the mean of (∂y/∂x)² at x + noise."""
        return input_map(model, self.moments(model, x, targets, run, square=True)[1])


@dataclasses.dataclass(frozen=True, kw_only=True)
class VarGrad(NoisyGradients):
    """The variance of the gradient over noisy copies of the input."""

    name = "var_grad"
    title = "VarGrad"
    reference = "adebayo2018local"
    formula = "variance over n of ∂y/∂x at x + ε"
    use = (
        "To see where the gradient changes under noise, so where one gradient should not be "
        "believed."
    )
    avoid = "As a map of evidence: on a linear model it is zero everywhere, whatever the weights."
    signed: ClassVar[bool] = False
    reduce: ClassVar[str] = "sum"

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the variance of ∂y/∂x at x + noise, over the copies drawn."""
        first, second = self.moments(model, x, targets, run, square=True)
        spread = {
            name: np.maximum(second[name] - np.square(mean), 0) for name, mean in first.items()
        }
        return input_map(model, spread)
