"""Guides of a pass that find where a model attends, read the weights, and shift them.

Attention is known by what it does, not by a list of classes: a fused `dot_product_attention`, or a
softmax that its layer multiplies with values or returns beside its output. So Keras's own layers,
their subclasses (such as KerasHub's, with a cache) and custom ones are seen alike.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import layers as kl
from keras import ops

from kerascope.hooks.attention_calls import (
    ATTENTION,
    AttentionCall,
    Key,
    Stream,
    fused_output,
    fused_weights,
    is_container,
)
from kerascope.hooks.head import origin
from kerascope.hooks.names import Site
from kerascope.hooks.rules import Guide, unwatched
from kerascope.hooks.shadow import first_tensor, replace_tensor

_PRODUCTS = frozenset({"matmul", "einsum", "dot", "tensordot"})
_PARTS = (kl.Softmax, kl.Activation, kl.Dropout)  # what attention layers are made of
_LOOPS = (kl.RNN, kl.TimeDistributed)  # values inside a loop never leave it
_FUSED = (
    "query", "key", "value", "bias", "mask", "scale", "is_causal", "flash_attention",
    "attn_logits_soft_cap",
)  # fmt: skip


class _Watch(Guide):
    """Follows layers and softmaxes; `weights` is shown every one and may put another in place."""

    functions = frozenset({"dot_product_attention", "softmax"})

    def __init__(self) -> None:
        self.stack: list[tuple[Site, Any]] = []
        self.counts: collections.Counter[Site] = collections.Counter()
        self.sums = 0

    def weights(self, key: Key, layer: Any, source: str, tensor: Any, axes: Any) -> Any:
        """Return what takes the place of weights."""
        return tensor

    def stream(self, key: Stream, tensor: Any, since: int) -> Any:
        """Return what takes the place of a sum, or of a layer's output; `since`: see `mark`."""
        return tensor

    def mark(self) -> int:
        """Return how many places of attention were seen so far."""
        return 0

    def left(self, site: Site, layer: Any, output: Any, since: int) -> None:
        """See the output of a layer."""

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Return the layer's output, with what takes the place of weights in it."""
        if isinstance(layer, _LOOPS):
            with unwatched():
                return original(*args, **kwargs)
        since = self.mark()
        self.stack.append((site, layer))
        try:
            output = original(*args, **kwargs)
        finally:
            self.stack.pop()
        if isinstance(layer, kl.Softmax):
            return self._shown((site, layer), "softmax", output, layer.axis)
        self.left(site, layer, output, since)
        tensor = first_tensor(output)
        if tensor is None:
            return output
        new = self.stream(("layer", site), tensor, since)
        return output if new is tensor else replace_tensor(output, tensor, new)

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return a function's value, with what takes the place of weights in it."""
        if name == "dot_product_attention":
            given = dict(zip(_FUSED, args, strict=False)) | kwargs
            weights = self._shown(None, "fused", fused_weights(given), -1)
            return fused_output(weights, given["value"])
        output = original(*args, **kwargs)
        if name == "softmax" and not (self.stack and isinstance(self.stack[-1][1], kl.Softmax)):
            axis = args[1] if len(args) > 1 else kwargs.get("axis", -1)
            return self._shown(None, "softmax", output, axis)
        if name == "add":
            self.sums += 1
            x, y = (first_tensor(arg) for arg in args[:2])
            alike = x is not None and y is not None and tuple(x.shape) == tuple(y.shape)
            if alike and not any(isinstance(arg, keras.Variable) for arg in args):
                return self.stream(("sum", self.sums), output, 0)
        return output

    def _shown(self, own: tuple[Site, Any] | None, source: str, tensor: Any, axis: Any) -> Any:
        """Show weights under the name of the innermost layer that is more than a part."""
        inner = [own] if own is not None else []
        around = [*self.stack, *inner]
        real = [s for s in around if not isinstance(s[1], _PARTS) and not is_container(s[1])]
        site, layer = (real or around or [(Site(""), None)])[-1]
        index = self.counts[site]
        self.counts[site] += 1
        rank = len(tensor.shape)
        axes = tuple(a % rank for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
        return self.weights(Key(site, index), layer, source, tensor, axes)


@dataclasses.dataclass
class _Candidate:
    """A softmax that may be attention's; the tensor is held, so that its identity stays its own."""

    key: Key
    layer: Any
    source: str
    tensor: Any
    axes: tuple[int, ...]
    leaf: int = 0
    stream: Stream | None = None

    def call(self) -> AttentionCall:
        shape = tuple(int(size) for size in self.tensor.shape)
        return AttentionCall(
            self.key, type(self.layer).__name__, self.source, shape, self.axes,
            isinstance(self.layer, ATTENTION), self.stream, self.leaf,
        )  # fmt: skip


class LookForAttention(_Watch):
    """Finds where a model attends, and where the tokens behind every block are."""

    functions = _Watch.functions | _PRODUCTS | {"add"}

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Candidate] = []
        self.used: dict[int, Any] = {}  # tensors multiplied with others, or returned beside others
        self.log: list[tuple[int, Stream, tuple[int, ...], int]] = []

    def weights(self, key: Key, layer: Any, source: str, tensor: Any, axes: Any) -> Any:
        """Note a candidate."""
        self.found.append(_Candidate(key, layer, source, tensor, axes))
        return tensor

    def mark(self) -> int:
        """Return how many candidates were seen so far."""
        return len(self.found)

    def stream(self, key: Stream, tensor: Any, since: int) -> Any:
        """Note where tokens are: sums, and layers with attention and more inside."""
        own = any(c.key.site == key[1] for c in self.found[since:])
        if not own and (key[0] == "sum" or since < len(self.found)):
            shape = tuple(int(size) for size in tensor.shape)
            self.log.append((len(self.found), key, shape, since))
        return tensor

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Note products of two tensors."""
        if name in _PRODUCTS:
            tensors = [a for a in keras.tree.flatten((args, kwargs)) if first_tensor(a) is not None]
            if len(tensors) > 1:
                self._use(tensors)
        return super().function(name, original, args, kwargs)

    def _use(self, tensors: Sequence[Any]) -> None:
        for tensor in tensors:
            root = origin(tensor)
            self.used[id(root)] = root

    def left(self, site: Site, layer: Any, output: Any, since: int) -> None:
        """Note weights that a layer returns beside its output."""
        leaves = keras.tree.flatten(output)
        if len(leaves) < 2 or is_container(layer):
            return
        self._use(leaves)
        if since < len(self.found) or first_tensor(leaves[0]) is None:
            return
        for i, leaf in enumerate(leaves[1:], 1):
            rank = 0 if first_tensor(leaf) is None else len(leaf.shape)
            if rank in (3, 4) and leaf.shape[-2] == leaves[0].shape[-2]:
                self.found.append(
                    _Candidate(Key(site), layer, "returned", leaf, (rank - 1,), leaf=i)
                )

    def chart(self) -> tuple[AttentionCall, ...]:
        """Return the places where the model attends, in the order of the pass."""
        kept = [i for i, candidate in enumerate(self.found) if self._attends(candidate)]
        self._follow(kept)
        return tuple(self.found[i].call() for i in kept)

    def _attends(self, candidate: _Candidate) -> bool:
        """Tell attention from a softmax that is a head, a gate or a plain activation."""
        if candidate.source in ("fused", "returned") or isinstance(candidate.layer, ATTENTION):
            return True
        name = type(candidate.layer).__name__.lower()
        # Products of plain tensors go past Keras: there the name is all there is.
        named = "attention" in name or "attn" in name
        return (named or id(origin(candidate.tensor)) in self.used) and candidate.call().sizes[
            3
        ] > 1

    def _follow(self, kept: list[int]) -> None:
        """Give every place of attention the last sum, or whole block, before the next one."""
        waiting: list[int] = []
        events = sorted(
            [(i, -1, None, (), 0) for i in kept]
            + [(seen - 1, n, key, shape, since)
               for n, (seen, key, shape, since) in enumerate(self.log)],
            key=lambda event: event[:2],
        )  # fmt: skip
        latest: Stream | None = None
        for i, _, key, shape, since in events:
            if key is None:
                if latest is not None:
                    waiting, latest = [], None
                waiting.append(i)
            elif (
                waiting and (key[0] == "sum" or since <= waiting[0]) and self._fits(waiting, shape)
            ):
                latest = key
                for place in waiting:
                    self.found[place].stream = key

    def _fits(self, waiting: list[int], shape: tuple[int, ...]) -> bool:
        tokens = self.found[waiting[-1]].call().sizes[2]
        return len(shape) == 3 and shape[:2] == (1, tokens)


class ReadAttention(_Watch):
    """Reads the weights of known places; adds shifts; holds back or replaces tokens.

    shifts: tensors to add, by place in `calls`. streams: keys of tokens to note, in order; all but
        the last go on without gradient. put: what to put in place of the last one.
    """

    def __init__(
        self,
        calls: Sequence[AttentionCall],
        shifts: Mapping[int, Any] | None = None,
        streams: Sequence[Stream] = (),
        put: Any = None,
    ) -> None:
        super().__init__()
        self.places = {call.key: (i, call) for i, call in enumerate(calls)}
        self.shifts, self.streams, self.put = shifts or {}, streams, put
        self.found: dict[int, Any] = {}
        self.tokens: dict[Stream, Any] = {}
        if streams:  # sums are counted: the same functions must be watched as in the look before
            self.functions = LookForAttention.functions

    def weights(self, key: Key, layer: Any, source: str, tensor: Any, axes: Any) -> Any:
        """Note weights, shifted where that is asked for."""
        i, call = self.places.get(key, (-1, None))
        if call is None or call.source == "returned":
            return tensor
        if i in self.shifts:
            tensor = tensor + ops.cast(self.shifts[i], tensor.dtype)
        self.found[i] = ops.cast(tensor, "float32")
        return tensor

    def left(self, site: Site, layer: Any, output: Any, since: int) -> None:
        """Note weights that a layer returns."""
        i, call = self.places.get(Key(site), (-1, None))
        if call is not None and call.source == "returned":
            self.found[i] = ops.cast(keras.tree.flatten(output)[call.leaf], "float32")

    def stream(self, key: Stream, tensor: Any, since: int) -> Any:
        """Note tokens; hold their gradient back; put others in place of the last."""
        if key not in self.streams:
            return tensor
        if key == self.streams[-1]:
            return tensor if self.put is None else ops.cast(self.put, tensor.dtype)
        self.tokens[key] = tensor
        return ops.stop_gradient(tensor)
