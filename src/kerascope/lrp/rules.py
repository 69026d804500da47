"""Rules of layer-wise relevance propagation for one linear layer, each from its paper.

A rule gives the layer's output the gradient that makes input × gradient the input's relevance:
R_i = x_i·g_i, where R_j = z_j·g_j is what came back to the output.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from keras import ops

from kerascope.errors import BadMethod, choices
from kerascope.hooks.rules import carried, graft, stabilised

STABILISER = 1e-6  # what is added to a denominator, away from zero, in every rule but ε
_TINY = 1e-6  # inputs nearer to zero count as this, where relevance does not depend on them


@dataclasses.dataclass(frozen=True)
class Linear:
    """One call of a linear layer: z = W·x + b.

    z: the output before any activation. kernel: W. bias: b, ready to be added, or None.
    run: (x, kernel) -> kernel·x. positive: x is known not to be negative. rectified: only what is
    positive in z goes on. keep: b or its part stands in the denominators.
    """

    x: Any
    z: Any
    kernel: Any
    bias: Any
    run: Callable[[Any, Any], Any]
    positive: bool = False
    rectified: bool = False
    keep: bool = False

    def share(self, change: Callable[[Any], Any]) -> Any:
        """Return what the bias, or a part of it, adds to a denominator."""
        return change(self.bias) if self.keep and self.bias is not None else 0.0

    @property
    def weighted(self) -> Any:
        """W·x alone."""
        return self.z if self.bias is None else self.z - self.bias

    def parts(self) -> tuple[Any, Any, Any]:
        """Return (P, N, A): the sums of positive and of negative x·w, and P − N, differentiable."""
        if self.positive:
            positive = self.run(self.x, ops.maximum(self.kernel, 0.0))
            negative, total = self.weighted - positive, 2 * positive - self.weighted
            none = 2e-6 * ops.stop_gradient(total)
            return positive, ops.where(negative < -none, negative, 0 * negative), total
        total = self.run(ops.abs(self.x), ops.abs(self.kernel))
        # Where terms have one sign only, the other sum is rounding.
        none = 2e-6 * total
        positive, negative = (self.weighted + total) / 2, (self.weighted - total) / 2
        positive = ops.where(positive > none, positive, 0 * positive)
        return positive, ops.where(negative < -none, negative, 0 * negative), total

    def back(self, source: Any, denominator: Any, stabiliser: float = STABILISER) -> Any:
        """Return z with the gradient of source·z/denominator."""
        factor = ops.stop_gradient(self.z) / stabilised(ops.stop_gradient(denominator), stabiliser)
        return carried(self.z, (source, factor))

    def scaled(self, source: Any, denominator: Any, stabiliser: float = STABILISER) -> Any:
        """Return source·[z/denominator], the bracket as a constant."""
        return source * ops.stop_gradient(self.z / stabilised(denominator, stabiliser))

    def probe(self) -> Any:
        """Return ones in the place of x, whose gradient is relevance: x / [x]."""
        sign = ops.cast(ops.where(self.x >= 0, _TINY, -_TINY), self.x.dtype)
        near = ops.where(ops.abs(self.x) < _TINY, sign - self.x, ops.zeros_like(self.x))
        moved = self.x + ops.stop_gradient(near)
        return moved / ops.stop_gradient(moved)


@dataclasses.dataclass(frozen=True)
class Rule(ABC):
    """How relevance goes back through a linear layer."""

    keeps = False  # the bias stands in the denominator unless told otherwise

    @abstractmethod
    def apply(self, layer: Linear) -> Any:
        """Return the layer's z with another gradient."""


@dataclasses.dataclass(frozen=True)
class Zero(Rule):
    """LRP-0 (Bach et al. 2015, equation 56): R_i = Σ_j x_i·w_ij/z_j·R_j; the gradient itself."""

    keeps = True

    def apply(self, layer: Linear) -> Any:
        """Return z as it is; without the bias, z0·[z/z0]."""
        return layer.z if layer.keep else layer.back(layer.weighted, layer.weighted)


@dataclasses.dataclass(frozen=True)
class Epsilon(Rule):
    """LRP-ε (Bach et al. 2015, equation 58): z_j + ε·sign(z_j) in the denominator."""

    epsilon: float = 1e-6
    keeps = True

    def apply(self, layer: Linear) -> Any:
        """Return z·[z/(z + ε·sign z)]."""
        whole = layer.z if layer.keep else layer.weighted
        return layer.back(whole, whole, self.epsilon)


@dataclasses.dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-αβ (Bach et al. 2015, equation 60): α·positive − β·negative shares, α − β = 1."""

    alpha: float = 2.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        if self.alpha < 1 or abs(self.alpha - self.beta - 1) > 1e-6:
            raise BadMethod(
                f"alpha_beta:{self.alpha:g},{self.beta:g}: alpha is at least 1, and beta is alpha-1"
            )

    def apply(self, layer: Linear) -> Any:
        """Return α·P·[z/P] − β·N·[z/N]; P alone where β = 0 and no input is negative."""
        up = layer.share(lambda b: ops.maximum(b, 0.0))
        if self.beta == 0 and layer.positive:
            positive = layer.run(layer.x, ops.maximum(layer.kernel, 0.0))
            return carried(layer.z, (positive, layer.z / (positive + (up + STABILISER))))
        positive, negative, _ = layer.parts()
        rise = self.alpha * layer.z / (positive + (up + STABILISER))
        if not self.beta:
            return carried(layer.z, (positive, rise))
        down = layer.share(lambda b: ops.minimum(b, 0.0))
        fall = self.beta * layer.z / (negative + (down - STABILISER))
        return carried(layer.z, (positive, rise), (negative, -fall))


@dataclasses.dataclass(frozen=True)
class ZPlus(AlphaBeta):
    """z⁺ (Montavon et al. 2017, equation 14): αβ with α = 1, β = 0."""

    alpha: float = 1.0
    beta: float = 0.0


@dataclasses.dataclass(frozen=True)
class Gamma(Rule):
    """LRP-γ (Montavon et al. 2019, section 10.2.3); for any sign as in Andéol et al. 2021.

    Weights whose terms have the sign of z count 1 + γ times.
    """

    gamma: float = 0.25
    keeps = True  # without it, z + γP may be near zero where z is not, and relevance explodes

    def apply(self, layer: Linear) -> Any:
        """Return (z + γP)·[z/(z + γP)] where z is positive, the same with N where it is not."""
        whole = layer.z if layer.keep else layer.weighted
        up = self.gamma * layer.share(lambda b: ops.maximum(b, 0.0))
        if layer.positive and layer.rectified:
            kernel = layer.kernel + self.gamma * ops.maximum(layer.kernel, 0.0)
            source = layer.run(layer.x, kernel)
            below = source + (layer.share(lambda b: b) + up)
            if not layer.keep:
                return layer.back(source, below)
            # Where z is not positive nothing comes back, and the factor need but be finite.
            return carried(layer.z, (source, layer.z / ops.maximum(below, STABILISER)))
        positive, negative, _ = layer.parts()
        down = self.gamma * layer.share(lambda b: ops.minimum(b, 0.0))
        above = layer.weighted + self.gamma * positive
        below = layer.weighted + self.gamma * negative
        source = ops.where(
            layer.z > 0,
            layer.scaled(above, whole + self.gamma * positive + up),
            layer.scaled(below, whole + self.gamma * negative + down),
        )
        return graft(layer.z, source)


@dataclasses.dataclass(frozen=True)
class ZBox(Rule):
    """zᴮ (Montavon et al. 2017, equation 17): for inputs between `low` and `high`.

    None takes the smallest and largest value of each sample.
    """

    low: float | None = None
    high: float | None = None

    def apply(self, layer: Linear) -> Any:
        """Return s·[z/s], s = W·x − W⁺·low − W⁻·high, by ones that stand for the input."""
        axes = tuple(range(1, len(layer.x.shape)))
        x, probe = ops.stop_gradient(layer.x), layer.probe()
        low = ops.min(x, axis=axes, keepdims=True) if self.low is None else self.low
        high = ops.max(x, axis=axes, keepdims=True) if self.high is None else self.high
        source = (
            layer.run(probe * x, layer.kernel)
            - layer.run(probe * low, ops.maximum(layer.kernel, 0.0))
            - layer.run(probe * high, ops.minimum(layer.kernel, 0.0))
        )
        return layer.back(source, source)  # b − b⁺ − b⁻ is nothing


@dataclasses.dataclass(frozen=True)
class Flat(Rule):
    """Flat (Lapuschkin et al. 2019): every input of a unit gets an equal share."""

    def apply(self, layer: Linear) -> Any:
        """Return s·[z/s], s = 1·ones."""
        source = layer.run(layer.probe(), ops.ones_like(layer.kernel))
        return layer.back(source, source)


@dataclasses.dataclass(frozen=True)
class WSquare(Rule):
    """w² (Montavon et al. 2017, equation 12): shares as the squared weights."""

    def apply(self, layer: Linear) -> Any:
        """Return s·[z/s], s = W²·ones."""
        source = layer.run(layer.probe(), layer.kernel * layer.kernel)
        return layer.back(source, source + layer.share(lambda b: b * b))


RULES: dict[str, type[Rule]] = {
    "zero": Zero,
    "epsilon": Epsilon,
    "gamma": Gamma,
    "z_plus": ZPlus,
    "alpha_beta": AlphaBeta,
    "z_box": ZBox,
    "flat": Flat,
    "w_square": WSquare,
}


def rule_of(words: str, epsilon: float = 1e-6) -> Rule:
    """Return the rule that words name, such as "gamma:0.25" or "alpha_beta:2,1".

    epsilon: what "epsilon" alone means.
    """
    name, _, numbers = str(words).partition(":")
    if name not in RULES:
        raise BadMethod(f"rule '{words}' not found{choices(name, RULES)}")
    kind = RULES[name]
    try:
        values = [float(number) for number in numbers.split(",") if number.strip()]
    except ValueError:
        values = None
    known = [] if kind is ZPlus else [field.name for field in dataclasses.fields(kind)]
    if values is None or len(values) > len(known):
        raise BadMethod(
            f"rule '{words}': after the colon come numbers, "
            + (f"at most {len(known)} ({', '.join(known)})" if known else "and it takes none")
        )
    if kind is Epsilon and not values:
        values = [epsilon]
    return kind(*values)
