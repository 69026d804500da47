"""One look at a model: where rules go, what is folded, what no rule reaches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import layers as kl

from kerascope.hooks.names import Site
from kerascope.hooks.rules import ELEMENTWISE, Guide
from kerascope.hooks.shadow import first_tensor, has_fused_activation
from kerascope.lrp.layers import FOREIGN, NORMS, SCALES, foldable, is_linear, kinds_of
from kerascope.lrp.rules import Rule, Zero
from kerascope.lrp.tracks import Tracks

# Relevance goes through these by what happens inside them.
_KNOWN = (
    *NORMS, kl.MultiHeadAttention, kl.GroupQueryAttention, kl.PReLU, kl.Embedding,
    kl.Bidirectional, keras.Model,
)  # fmt: skip
_CELLS = ("LSTMCell", "GRUCell", "SimpleRNNCell", "ConvLSTMCell")
_WEIGHING = frozenset(
    {"matmul", "einsum", "dot", "tensordot", "conv", "conv_transpose", "depthwise_conv"}
)


@dataclasses.dataclass(frozen=True)
class Unruled:
    """A layer without a rule; `linear`: one of Keras's own, which any rule fits."""

    path: str
    kind: str
    linear: bool


@dataclasses.dataclass(frozen=True)
class Chart:
    """What one look at the model found.

    rules: by call of a linear layer or batch normalisation. folded: calls that a batch
    normalisation behind takes in. rectified: calls whose positive part alone goes on. unruled:
    layers that multiply with weights and have no rule. unsure: layers with weights of their own
    whose use of them is not seen. unused: patterns that fit no layer.
    """

    rules: dict[Site, Rule | None]
    folded: frozenset[Site]
    rectified: frozenset[Site]
    first: frozenset[Site]
    unruled: tuple[Unruled, ...]
    unsure: tuple[str, ...]
    unused: tuple[str, ...]


class Look(Guide):
    """Looks where rules would go, what is folded, and what no rule reaches."""

    functions = ELEMENTWISE | Tracks.functions | _WEIGHING

    def __init__(self, rules: Any) -> None:
        self.rules, self.tracks = rules, Tracks()
        self.found: dict[Site, Rule | None] = {}
        self.first: set[Site] = set()
        self.unruled: dict[str, Unruled] = {}
        self.unsure: list[str] = []
        self.stack: list[Any] = []
        self.weighing: set[int] = set()  # ids of layers that multiply with weights of their own
        self.used: set[int] = set()

    def inputs(self, x: dict[str, Any]) -> None:
        """Mark the inputs."""
        self.tracks.start(x)

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Note what a layer reads and gives, and which rule fits it."""
        x = first_tensor(args)
        linear = is_linear(layer)
        norm = isinstance(layer, kl.BatchNormalization)
        affine = norm or isinstance(layer, SCALES)
        if x is not None and not isinstance(layer, (keras.Model, kl.Concatenate)):
            self.tracks.consume(args, layer if norm else None)
        if x is not None and (linear or affine):
            first = self.tracks.has(x, "raw")
            self._choose(site, layer, first=first)
        self.stack.append(layer)
        try:
            output = original(*args, **kwargs)
        finally:
            self.stack.pop()
        y = first_tensor(output)
        if x is None or y is None:
            return output
        if linear and not has_fused_activation(layer):
            self.tracks.made(y, site, layer)
        elif (isinstance(layer, SCALES) and self.tracks.has(x, "raw")) or isinstance(
            layer, kl.Embedding
        ):
            self.tracks.mark(y, "raw")
        elif norm:
            self.tracks.normed(x, y)
        elif not linear:
            self._unknown(site, layer)
        return output

    def _choose(self, site: Site, layer: Any, *, first: bool) -> None:
        found = self.rules.find(kinds_of(layer), site.path, first=first)
        if first:
            self.first.add(site)
        if found is not None:
            self.used.add(found[0])
        elif is_linear(layer):
            self.unruled[site.path] = Unruled(site.path, type(layer).__name__, linear=True)
        self.found[site] = None if found is None else found[1]

    def _unknown(self, site: Site, layer: Any) -> None:
        """Note a layer that has weights of its own and no rule."""
        if isinstance(layer, _KNOWN) or _known_cells(layer):
            return
        inside = isinstance(layer, (kl.RNN, kl.TimeDistributed, *FOREIGN))
        own = [v for v in getattr(layer, "_trainable_variables", []) if len(v.shape) > 1]
        if not (inside or own):
            return
        found = self.rules.find(kinds_of(layer), site.path, first=False)
        if found is not None and isinstance(found[1], Zero):
            self.used.add(found[0])
        elif inside or id(layer) in self.weighing:
            self.unruled[site.path] = Unruled(site.path, type(layer).__name__, linear=False)
        else:
            self.unsure.append(f"{type(layer).__name__} '{site.path}'")

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Follow what is known of tensors; note who multiplies with weights."""
        if name in _WEIGHING and self.stack and any(isinstance(a, keras.Variable) for a in args):
            self.weighing.add(id(self.stack[-1]))
        output = original(*args, **kwargs)
        self.tracks.function(name, args, kwargs, output)
        return output

    def chart(self) -> Chart:
        """Return what was found."""
        folded = self.tracks.folded(foldable)
        unused = tuple(
            f"'{pattern}'"
            for i, (pattern, _) in enumerate(self.rules.composite)
            if i not in self.used
        )
        return Chart(
            self.found, folded, frozenset(self.tracks.rectified), frozenset(self.first),
            tuple(self.unruled.values()), tuple(dict.fromkeys(self.unsure)), unused,
        )  # fmt: skip


def _known_cells(layer: Any) -> bool:
    """Tell whether a recurrent layer has Keras's own cells; their gates follow Arras et al. 2017.

    Their sums get the rule zero.
    """
    cell = getattr(layer, "cell", None)
    cells = getattr(cell, "cells", [cell])
    return isinstance(layer, kl.RNN) and all(
        type(one).__name__ in _CELLS and type(one).__module__.startswith("keras.") for one in cells
    )
