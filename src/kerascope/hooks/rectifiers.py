"""Rectifiers with another gradient: guided backpropagation, deconvnet, RectGrad."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

import keras
from keras import ops

from kerascope.hooks.names import Site
from kerascope.hooks.probe import hidden_nonlinear
from kerascope.hooks.rules import RECTIFIERS, SMOOTH, Guide, graft, through, unwatched


def guided(output: Any) -> Any:
    """Let positive gradients through where the rectifier is open (Springenberg et al. 2015)."""
    return through(output, output, lambda g, _: ops.maximum(g, 0.0))


def deconvolved(value: Any, output: Any) -> Any:
    """Let positive gradients through, open or not (Zeiler and Fergus 2014)."""
    return guided(graft(output, value))


def quantile(values: Any, share: float) -> Any:
    """Return each sample's quantile, linear between order statistics, in a shape to broadcast."""
    flat = ops.reshape(values, (values.shape[0], -1))
    place = share * (flat.shape[1] - 1)
    # Only what lies above is put in order: the share is large.
    above = ops.top_k(flat, flat.shape[1] - int(place))[0]
    low, high = above[:, -1], above[:, max(above.shape[1] - 2, 0)]
    found = low + (place - int(place)) * (high - low)
    return ops.reshape(found, (-1, *(1,) * (len(values.shape) - 1)))


@dataclasses.dataclass(frozen=True)
class Rectifiers:
    """Rules that give every rectifier another gradient.

    kind: "guided_backprop", "deconvnet" or "rect_grad"; share: the quantile of the last.
    """

    kind: str
    share: float = 0.0

    def key(self) -> Hashable:
        """Return what tells these rules from others."""
        return ("rectifiers", self.kind, self.share)

    def open(self, chart: Any) -> Guide:
        """Return a guide for one pass."""
        return _Rectifying(self._changed)

    def _changed(self, value: Any, output: Any) -> Any:
        if self.kind == "guided_backprop":
            return guided(output)
        if self.kind == "deconvnet":
            return deconvolved(value, output)

        def important(g: Any, activation: Any) -> Any:
            score = activation * g
            return ops.where(score > quantile(score, self.share), g, ops.zeros_like(g))

        return through(graft(output, value), output, important)


class _Rectifying(Guide):
    """Changes what flows back through rectifiers; notes the other non-linear functions it saw."""

    functions = RECTIFIERS | SMOOTH | {"maximum"}

    def __init__(self, change: Callable[[Any, Any], Any]) -> None:
        self.change = change
        self.seen: set[str] = set()

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        if not isinstance(layer, keras.layers.PReLU):
            return original(*args, **kwargs)
        with unwatched():  # made of two ReLUs
            return self.function("prelu", original, args, kwargs)

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        output = original(*args, **kwargs)
        value = args[0] if args else kwargs["x"]
        if name == "maximum":
            pair = (*args, *kwargs.values())
            zeros = [one for one in pair if isinstance(one, (int, float)) and one == 0]
            if not zeros:
                return output
            value = next(one for one in pair if one is not zeros[0])
        self.seen.add("relu" if name in ("any_relu", "maximum") else name)
        return output if name in SMOOTH else self.change(value, output)

    def chart(self) -> tuple[str, ...]:
        return tuple(sorted(self.seen))


def rectifier_notes(model: Any, x: Any, rules: Rectifiers) -> list[str]:
    """Say which non-linear operations keep their own gradient."""
    seen = model.chart(rules, x)
    notes = []
    if not RECTIFIERS & set(seen):
        notes.append(f"the model has no rectifier that {rules.kind} could change: a plain gradient")
    smooth = [name for name in seen if name in SMOOTH]
    if smooth:
        notes.append(f"keeps its own gradient, being no rectifier: {', '.join(smooth)}")
    hidden = hidden_nonlinear(model, x)
    if hidden:
        notes.append(
            f"holds operations that no rule can see, with their own gradient: {', '.join(hidden)}"
        )
    return notes
