"""What DeepLIFT and DeepSHAP share: differences from a reference, handed back without a derivative.

Shrikumar et al. 2017; max-pooling and products so that values sum to the difference of scores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

from keras import layers as kl
from keras import ops

from kerascope.errors import Refused
from kerascope.hooks.names import Site
from kerascope.hooks.rules import ELEMENTWISE, Guide, graft, unwatched
from kerascope.hooks.shadow import first_tensor, has_fused_activation
from kerascope.lrp.layers import FOREIGN, SEPARABLE, Frame, check_quantised, is_linear
from kerascope.lrp.rules import Zero

NEAR = 1e-6  # differences nearer to zero have the derivative in the place of their ratio
_FUNCTIONS = frozenset({"exp", "log", "sqrt", "square", "abs", "tanh"})
_NO_RULE = (
    kl.RNN, kl.Bidirectional, kl.MultiHeadAttention, kl.GroupQueryAttention, kl.LayerNormalization,
    kl.GroupNormalization, kl.RMSNormalization, kl.UnitNormalization, kl.TimeDistributed,
    *FOREIGN,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Differences:
    """Rules that compare every function with what it gave for the reference.

    rule: "rescale" or "reveal_cancel".
    """

    rule: str = "rescale"

    def key(self) -> Hashable:
        """Return what tells these rules from others."""
        return ("differences", self.rule)

    def open(self, chart: Any) -> Guide:
        """Return a guide for one pass; the look at the model changes nothing."""
        reveal = self.rule == "reveal_cancel"
        return _Looking(reveal=reveal) if chart is None else _Comparing(reveal=reveal)


class _Looking(Guide):
    """Looks for what the theory excludes."""

    def __init__(self, *, reveal: bool) -> None:
        self.reveal = reveal
        self.refused: list[str] = []
        self.weighing: list[Any] = []  # layers whose weights the rule itself multiplies with

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Note a layer without a rule."""
        if isinstance(layer, _NO_RULE):
            self.refused.append(f"layer '{site}' is a {type(layer).__name__}")
        if self.reveal and is_linear(layer):
            self.weighing.append(layer)
        return original(*args, **kwargs)

    def chart(self) -> Any:
        """Return that it was looked at; raise `Refused` where there is no rule."""
        # Not from within the layer: Keras would wrap the message.
        if self.refused:
            raise Refused(
                f"{self.refused[0]}: DeepLIFT has rules for functions of one number, maxima and "
                "products only; integrated_gradients compares with a baseline, too"
            )
        check_quantised(self.weighing)
        return True


class _Comparing(Guide):
    """Runs the model on the reference first, then hands differences back."""

    functions = ELEMENTWISE | _FUNCTIONS | {"max_pool", "max", "multiply"}

    def __init__(self, *, reveal: bool) -> None:
        self.reveal = reveal
        self.first = False
        self.seen: list[tuple[Any, ...]] = []  # of the reference: function, arguments, value
        self.count = 0
        self.inner: dict[Site, Any] = {}  # of the reference: what linear layers read
        self.frames: list[Frame] = []
        self.linear_of: dict[int, tuple[Any, Frame]] = {}

    def reference(self, run: Callable[[], None]) -> None:
        """Run the model on the reference and keep what every function got and gave."""
        self.first = True
        run()
        self.first, self.count = False, 0

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Note what linear layers read, for the rule that tells signs apart."""
        x = first_tensor(args)
        if not self.reveal or x is None or not is_linear(layer) or isinstance(layer, SEPARABLE):
            return original(*args, **kwargs)
        if self.first:
            self.inner[site] = x
            return original(*args, **kwargs)
        frame = Frame(site, layer, original, args, kwargs, x, Zero(), False, False, False)
        self.frames.append(frame)
        try:
            output = original(*args, **kwargs)
        finally:
            self.frames.pop()
        if not has_fused_activation(layer):
            self.linear_of[id(output)] = (output, frame)
        return output

    def linear(self, layer: Any, value: Any) -> Any:
        """Note which layer gave the value that an activation gets."""
        if self.frames and self.frames[-1].layer is layer:
            self.linear_of[id(value)] = (value, self.frames[-1])
        return value

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return the function's value; its gradient is a ratio of differences."""
        output = original(*args, **kwargs)
        values = [a for a in (*args, *kwargs.values()) if first_tensor(a) is not None]
        if self.first:
            self.seen.append((name, values, output))
            return output
        known, before, reference = self.seen[self.count]
        self.count += 1
        assert known == name, f"the reference took another way: {known} for {name}"
        if name == "multiply":
            return _product(original, values, before, output)
        rest = args[1:] if args else ()
        again = lambda x: original(x, *rest, **kwargs)  # noqa: E731
        if name in ("max_pool", "max"):
            return _maximum(again, values[0], before[0], output, reference)
        if id(values[0]) in self.linear_of:
            frame = self.linear_of[id(values[0])][1]
            return self._revealed(again, frame, before[0], output)
        return rescaled(values[0], before[0], output, reference)

    def _revealed(self, function: Callable[..., Any], frame: Frame, z0: Any, y: Any) -> Any:
        """Return y by RevealCancel (equations 13 to 16): positive and negative parts apart."""
        x0 = self.inner[frame.site]
        with unwatched():
            kernel = ops.convert_to_tensor(frame.layer.kernel)
            change = frame.x - x0
            # What did not change is half rise, half fall: a compiler's rounding must not decide.
            sign = ops.where(ops.abs(change) < NEAR, ops.zeros_like(change), ops.sign(change))
            whole = frame.run(change, kernel)
            total = frame.run(change * ops.stop_gradient(sign), ops.abs(kernel))
            up, down = (whole + total) / 2, (whole - total) / 2
            plus, minus = ops.stop_gradient(up), ops.stop_gradient(down)
            start, end = function(z0), function(z0 + plus + minus)
            with_up, with_down = function(z0 + plus), function(z0 + minus)
            rise = (with_up - start + end - with_down) / 2
            fall = (with_down - start + end - with_up) / 2
            source = up * _ratio(rise, plus) + down * _ratio(fall, minus)
            return graft(y, source)


def _ratio(above: Any, below: Any) -> Any:
    """Return above/below as a constant, 0 where `below` is next to nothing."""
    small = ops.abs(below) < NEAR
    safe = ops.where(small, ops.ones_like(below), below)
    return ops.stop_gradient(ops.where(small, ops.zeros_like(above), above / safe))


def rescaled(x: Any, x0: Any, y: Any, y0: Any) -> Any:
    """Return y; its gradient is Δy/Δx (equation 11), the derivative where Δx is next to nothing."""
    change = x - x0
    ratio = x * _ratio(y - y0, change)
    return graft(y, ops.where(ops.abs(change) < NEAR, y, ratio))


def _maximum(function: Callable[..., Any], x: Any, x0: Any, y: Any, y0: Any) -> Any:
    """Return y; a rise of the maximum goes to its place, a fall to the reference's."""
    high = ops.maximum(y, y0)
    shared = graft(x, x * _ratio(ops.ones_like(x), x - x0))
    here, there = function(shared), function(graft(x0, shared))
    return graft(y, here * ops.stop_gradient(high - y0) + there * ops.stop_gradient(y - high))


def _product(function: Callable[..., Any], values: Any, before: Any, y: Any) -> Any:
    """Return y; Δ(ab) = Δa·(b + b₀)/2 + (a + a₀)/2·Δb."""
    if len(values) != 2:
        return y
    (a, b), (a0, b0) = values, before
    means = [ops.stop_gradient((new + old) / 2) for new, old in ((a, a0), (b, b0))]
    return graft(y, function(a, means[1]) + function(means[0], b))
