"""What is known of one place where a model attends, and its weights in one common order of axes."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import keras
from keras import layers as kl
from keras import ops

from kerascope.hooks.names import Site
from kerascope.types import Array

ATTENTION = (kl.MultiHeadAttention, kl.GroupQueryAttention, kl.Attention)  # with their subclasses


Stream = tuple[str, Any]
"""Where tokens are seen: ("sum", which of all sums) or ("layer", site)."""


class Key(NamedTuple):
    """A layer call, and which of its softmaxes is meant."""

    site: Site
    nth: int = 0


@dataclasses.dataclass(frozen=True)
class AttentionCall:
    """One place where a model attends.

    source: "fused" (weights computed again from queries and keys), "softmax", or "returned" beside
        a layer's output: a copy that nothing else reads, so there is no gradient at it.
    shape: of the weights as the model has them, for one sample; the first axis is 1, or the number
        of windows folded into the samples.
    keys: the axes over which the weights sum to one.
    stream: where the tokens that come out of this block were last seen, as a guide knows it.
    leaf: which of a layer's outputs the weights are, where they are returned.
    """

    key: Key
    kind: str
    source: str
    shape: tuple[int, ...]
    keys: tuple[int, ...]
    native: bool = False  # one of Keras's own attention layers: heads stand before queries
    stream: Stream | None = None
    leaf: int = 0

    def __str__(self) -> str:
        return str(self.key.site) + (f"#{self.key.nth}" if self.key.nth else "")

    def _order(self) -> tuple[list[int], list[int], list[int]]:
        """Return the axes of windows, heads and queries."""
        rest = [axis for axis in range(1, len(self.shape)) if axis not in self.keys]
        count = min(len(self.keys), len(rest))
        heads, queries = rest[: len(rest) - count], rest[len(rest) - count :]
        if not self.native and len(heads) == len(queries) == len(self.keys) == 1:
            size = self.shape[self.keys[0]]
            if self.shape[heads[0]] == size != self.shape[queries[0]]:  # (query, key, head)
                heads, queries = queries, heads
        if self.native and len(heads) > 1:  # axes that are not attended along
            return [0, *heads[:-1]], heads[-1:], queries
        return [0], heads, queries

    def _count(self, axes: list[int] | tuple[int, ...]) -> int:
        count = 1
        for axis in axes:
            count *= self.shape[axis]
        return count

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of windows, heads, queries and keys."""
        windows, heads, queries = self._order()
        return (*map(self._count, (windows, heads, queries)), self._count(self.keys))  # type: ignore[return-value]

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of arranged weights, without samples."""
        axes = ("head", "query", "key")
        return axes if self.sizes[0] == 1 else ("window", *axes)

    def arranged(self, array: Array) -> Array:
        """Return (…, *shape) weights as (…, [window,] head, query, key); windows where several."""
        windows, heads, queries = self._order()
        lead = array.ndim - len(self.shape)
        order = [*range(lead), *(lead + a for a in (*windows, *heads, *queries, *self.keys))]
        sizes = self.sizes if self.sizes[0] > 1 else self.sizes[1:]
        return array.transpose(order).reshape(*array.shape[:lead], *sizes)


def fused_weights(given: dict[str, Any]) -> Any:
    """Return the weights (row, head, query, key) of `ops.dot_product_attention`, by its formula.

    given: its arguments by name; queries, keys and values are (row, token, head, feature).
    """
    query, key = (ops.cast(given[name], "float32") for name in ("query", "key"))
    key = ops.repeat(key, query.shape[2] // key.shape[2], axis=2)
    scale = given.get("scale")
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    logits = ops.einsum("bqhd,bkhd->bhqk", query, key) * scale
    if given.get("bias") is not None:
        logits = logits + ops.cast(given["bias"], "float32")
    cap = given.get("attn_logits_soft_cap")
    if cap is not None:
        logits = cap * ops.tanh(logits / cap)
    allowed = given.get("mask")
    if given.get("is_causal"):
        causal = ops.tril(ops.ones((query.shape[1], key.shape[1]), "bool"))[None, None]
        allowed = causal if allowed is None else ops.logical_and(allowed, causal)
    if allowed is not None:
        logits = ops.where(ops.cast(allowed, "bool"), logits, -0.7 * 3.4e38)
    return ops.softmax(logits, axis=-1)


def fused_output(weights: Any, value: Any) -> Any:
    """Return what attention with these weights gives: (row, query, head, feature)."""
    value = ops.repeat(value, weights.shape[1] // value.shape[2], axis=2)
    return ops.einsum("bhqk,bkhd->bqhd", ops.cast(weights, value.dtype), value)


def is_container(layer: Any) -> bool:
    """Tell whether a layer is a graph or a stack of others, with no computation of its own."""
    return isinstance(layer, keras.Sequential) or hasattr(layer, "operations")
