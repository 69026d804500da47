"""The guide of layer-wise relevance propagation: which rule goes where in a pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

import keras
from keras import layers as kl
from keras import ops

from kerascope.hooks.names import Site
from kerascope.hooks.rules import ELEMENTWISE, Guide, graft, unwatched
from kerascope.hooks.shadow import first_tensor, has_fused_activation, replace_tensor
from kerascope.lrp.chart import Chart, Look
from kerascope.lrp.composites import Composite, fits
from kerascope.lrp.layers import (
    NORMS,
    SCALES,
    SEPARABLE,
    Frame,
    is_linear,
    norm_of,
    passed,
    separable,
)
from kerascope.lrp.norms import normalised
from kerascope.lrp.rules import Rule, rule_of
from kerascope.lrp.tracks import Tracks

_GATES = frozenset({"sigmoid", "hard_sigmoid", "softmax"})
_NATURAL = frozenset({"relu", "leaky_relu", "prelu"})  # y = z·f'(z): their gradient is the rule
_BIAS = {"auto": None, "keep": True, "drop": False}


@dataclasses.dataclass(frozen=True)
class Propagation:
    """Rules of layer-wise relevance propagation.

    composite: (pattern, rule) pairs. bias: "keep", "drop" or "auto", each rule's own default.
    through: (path, channels) that relevance may go through at these layers.
    """

    composite: Composite
    epsilon: float = 1e-6
    bias: str = "auto"
    through: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def key(self) -> Hashable:
        """Return what tells these rules from others."""
        return ("lrp", self.composite, self.epsilon, self.bias, self.through)

    def open(self, chart: Any) -> Guide:
        """Return a guide: one that looks at the model, or one that applies the rules."""
        return Look(self) if chart is None else Relevance(self, chart)

    def find(self, kinds: tuple[str, ...], path: str, *, first: bool) -> tuple[int, Rule] | None:
        """Return the first rule that fits, and its place in the composite."""
        for i, (pattern, words) in enumerate(self.composite):
            if fits(pattern, kinds, path, first=first):
                return i, rule_of(words, self.epsilon)
        return None


class Relevance(Guide):
    """Applies the rules."""

    functions = Look.functions | {"dot_product_attention", "softmax"}

    def __init__(self, rules: Propagation, chart: Chart) -> None:
        self.rules, self.charted, self.tracks = rules, chart, Tracks()
        self.through = dict(rules.through)
        self.frames: list[Frame] = []
        self.stack: list[Any] = []

    def inputs(self, x: dict[str, Any]) -> None:
        """Mark the inputs."""
        self.tracks.start(x)

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Return the layer's output with the gradient of its rule."""
        output = self._called(site, layer, original, args, kwargs)
        y = first_tensor(output)
        if site.path in self.through and y is not None:
            output = replace_tensor(output, y, self._only(site, layer, y))
        return output

    def _called(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        x = first_tensor(args)
        rule = self.charted.rules.get(site)
        if x is not None and is_linear(layer) and rule is not None:
            frame = self._frame(site, layer, original, args, kwargs, x, rule)
            self.frames.append(frame)
            try:
                output = original(*args, **kwargs)
            finally:
                self.frames.pop()
            return output if has_fused_activation(layer) else self._ruled(frame, output)
        self.stack.append(layer)
        try:
            output = original(*args, **kwargs)
        finally:
            self.stack.pop()
        y = first_tensor(output)
        if x is None or y is None:
            return output
        changed = self._other(site, layer, x, y)
        return output if changed is y else replace_tensor(output, y, changed)

    def _frame(
        self, site: Site, layer: Any, original: Any, args: Any, kwargs: Any, x: Any, rule: Rule
    ) -> Frame:
        keep = _BIAS[self.rules.bias]
        activation = getattr(getattr(layer, "activation", None), "__name__", "")
        return Frame(
            site, layer, original, args, kwargs, x, rule, rule.keeps if keep is None else keep,
            self.tracks.has(x, "positive"),
            activation in ("relu", "relu6") or site in self.charted.rectified,
        )  # fmt: skip

    def linear(self, layer: Any, value: Any) -> Any:
        """Apply the rule of the layer whose activation is fused."""
        if self.frames and self.frames[-1].layer is layer:
            return self._ruled(self.frames[-1], value)
        return value

    def _ruled(self, frame: Frame, z: Any) -> Any:
        """Return the layer's z with the gradient of its rule, unless that is left to a norm."""
        if frame.site in self.charted.folded:
            self.tracks.pend(z, frame)
            return z
        with unwatched():
            if isinstance(frame.layer, SEPARABLE):
                return separable(frame, z)
            return frame.rule.apply(frame.linear(z))

    def _other(self, site: Site, layer: Any, x: Any, y: Any) -> Any:
        """Return the output of a layer that is not linear, with another gradient."""
        with unwatched():
            if isinstance(layer, kl.BatchNormalization):
                return self._normed(site, layer, x, y)
            if isinstance(layer, SCALES):
                return y if self.charted.rules.get(site) else passed(x, y)
            if isinstance(layer, NORMS):
                return normalised(layer, x, y)
        return y

    def _normed(self, site: Site, layer: Any, x: Any, y: Any) -> Any:
        """Fold a batch normalisation into the linear layers whose outputs it reads."""
        parts = self.tracks.pending(x)
        if all(frame is None for frame, _ in parts):
            return y if self.charted.rules.get(site) else passed(x, y)
        axis = layer.axis % len(y.shape)
        scale, shift = norm_of(layer)
        done, start = [], 0
        for frame, tensor in parts:
            stop = start + tensor.shape[axis]
            cut = (slice(None),) * axis + (slice(start, stop),)
            here = y[cut]
            if frame is None:
                done.append(passed(tensor, here))
            else:
                done.append(
                    frame.rule.apply(frame.linear(here, scale[start:stop], shift[start:stop]))
                )
            start = stop
        return done[0] if len(done) == 1 else ops.concatenate(done, axis=axis)

    def _only(self, site: Site, layer: Any, y: Any) -> Any:
        """Let relevance through some channels of a layer's output only."""
        first = getattr(layer, "data_format", None) == "channels_first"
        axis = 1 if first else len(y.shape) - 1
        mask = ops.sum(ops.one_hot(list(self.through[site.path]), y.shape[axis]), axis=0)
        mask = ops.reshape(mask, [-1 if i == axis else 1 for i in range(len(y.shape))])
        return graft(y, y * ops.cast(mask, y.dtype))

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return a function's value; products are halved, activations hand on what they get."""
        if name == "dot_product_attention":
            return self._attention(original, args, kwargs)
        if name in ("multiply", "matmul", "einsum"):
            args = self._product(name, args)
        output = original(*args, **kwargs)
        if name in ELEMENTWISE and name not in _NATURAL:
            output = self._activated(name, args, kwargs, output)
        self.tracks.function(name, args, kwargs, output)
        if name in _GATES:
            self.tracks.mark(output, "gate")
        return output

    def _activated(self, name: str, args: Any, kwargs: Any, output: Any) -> Any:
        """Return an activation whose relevance goes to its input as it is."""
        x = args[0] if args else next(iter(kwargs.values()))
        if name in _GATES and any(isinstance(layer, kl.RNN) for layer in self.stack):
            # Arras et al. 2017: a gate weighs; what it lets through takes the relevance.
            return ops.stop_gradient(output)
        limits = (kwargs.get("max_value"), kwargs.get("threshold") or None)
        if name == "any_relu" and limits == (None, None):
            return output
        clipped = name == "relu6" or (name == "any_relu" and not kwargs.get("negative_slope"))
        return passed(x, output, rectified=clipped and limits[1] is None)

    def _product(self, name: str, args: Any) -> Any:
        """Halve the relevance of two factors; a gate gets none (Achtibat et al. 2024, eq. 13)."""
        tensors = [i for i, a in enumerate(args) if first_tensor(a) is not None]
        if len(tensors) != 2 or (self.frames and name != "multiply"):
            return args
        if any(isinstance(args[i], keras.Variable) for i in tensors):
            return args
        gates = [self.tracks.has(args[i], "gate") for i in tensors]
        new = list(args)
        for i, gate in zip(tensors, gates, strict=True):
            if gates.count(True) == 1:
                new[i] = ops.stop_gradient(args[i]) if gate else args[i]
            else:
                new[i] = _scaled(args[i], 0.5)
        return tuple(new)

    def _attention(self, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """AttnLRP: half to the values; a quarter each to queries and keys, behind the softmax."""
        names = ("query", "key", "value")
        given = dict(zip(names, args, strict=False)) | kwargs
        for name, share in zip(names, (0.25, 0.25, 0.5), strict=True):
            given[name] = _scaled(given[name], share)
        return original(*(given.pop(name) for name in names), *args[3:], **given)


def _scaled(tensor: Any, share: float) -> Any:
    return graft(tensor, share * tensor)
