"""Backward rules: how a pass lets somebody rewrite the gradient of layers and functions.

What flows back is a modified gradient g; the relevance of a tensor is tensor × g. So sums, layout
operations, concatenation and pooling need no rule, and a rule is a graft: the value of one tensor,
the gradient of another. A `Guide` sees every layer call, and every function of the Keras backend
that it asks for, through which fused activations, layers, graph nodes and `keras.ops` all go.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol

import keras
from keras import ops

from kerascope.backend import framework
from kerascope.hooks.head import note_head
from kerascope.hooks.names import Site
from kerascope.hooks.shadow import visiting

RECTIFIERS = frozenset({"relu", "relu6", "leaky_relu", "elu", "selu", "celu", "any_relu", "prelu"})
SMOOTH = frozenset(
    {"gelu", "silu", "sigmoid", "tanh", "softplus", "softsign", "hard_sigmoid", "hard_silu",
     "hard_tanh", "log_sigmoid", "mish", "soft_shrink", "hard_shrink", "tanh_shrink", "threshold",
     "squareplus", "sparse_plus", "sparse_sigmoid"}
)  # fmt: skip
ELEMENTWISE = RECTIFIERS | SMOOTH

_OWNERS = {  # of functions that are not in the backend's `nn`
    **dict.fromkeys(
        ("add", "multiply", "concatenate", "reshape", "transpose", "squeeze", "expand_dims", "pad",
         "mean", "max", "matmul", "einsum", "dot", "tensordot", "maximum",
         "exp", "log", "sqrt", "square", "abs"),
        "numpy",
    ),
    "any_relu": "ReLU",
    "mish": "Mish",
}  # fmt: skip


def graft(value: Any, source: Any) -> Any:
    """Return `value`, bit for bit, with the gradient of `source`."""
    stopped = ops.stop_gradient(value)
    return stopped + (source - ops.stop_gradient(source))


def through(tensor: Any, other: Any, change: Callable[[Any, Any], Any]) -> Any:
    """Return `tensor` itself; its gradient becomes change(gradient, other)."""

    # Positional tensors in, one tensor out, a gradient for each: the one form of Keras's
    # `custom_gradient` that means the same on all three backends.
    @ops.custom_gradient
    def identity(value: Any, aside: Any) -> Any:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            if upstream is None:
                (upstream,) = args
            return change(upstream, aside), ops.zeros_like(aside)

        return value * 1, gradient

    return identity(tensor, ops.stop_gradient(other))


def carried(value: Any, *pairs: tuple[Any, Any]) -> Any:
    """Return `value`, bit for bit, with the gradient of Σ source·factor, factors as constants.

    The graft of products, with fewer walks through memory.
    """
    sources, factors = zip(*pairs, strict=True)

    @ops.custom_gradient
    def merge(*tensors: Any) -> Any:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            if upstream is None:
                (upstream,) = args
            value, constants = tensors[0], tensors[1 + len(pairs) :]
            zeros = [ops.zeros_like(one) for one in constants]
            return ops.zeros_like(value), *(upstream * one for one in constants), *zeros

        return tensors[0] * 1, gradient

    return merge(ops.stop_gradient(value), *sources, *(ops.stop_gradient(f) for f in factors))


def stabilised(tensor: Any, epsilon: float) -> Any:
    """Return `tensor` moved away from zero by `epsilon`; zero counts as positive."""
    return tensor + ops.cast(ops.where(tensor >= 0, epsilon, -epsilon), tensor.dtype)


class Guide:
    """Rewrites the gradients of one traced pass; this one changes nothing.

    functions: the names of functions that `function` is asked about.
    """

    functions: frozenset[str] = frozenset()

    def inputs(self, x: dict[str, Any]) -> None:
        """See the inputs of the model before the first call."""

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Return what the layer's call returns."""
        return original(*args, **kwargs)

    def linear(self, layer: Any, value: Any) -> Any:
        """Return the value that the fused activation of `layer` is applied to."""
        return value

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Return what a watched function returns."""
        return original(*args, **kwargs)

    def reference(self, run: Callable[[], None]) -> None:
        """Run the model on the reference, where the rule needs one."""

    def chart(self) -> Any:
        """Return what a look at the model found; later passes are given it."""
        return None


class Rules(Protocol):
    """A value that says how gradients are rewritten."""

    def key(self) -> Hashable:
        """Return what tells these rules from others in a cache of compiled passes."""

    def open(self, chart: Any) -> Guide:
        """Return a guide for one pass; `chart` is None for the look at the model before."""


_GUIDE: ContextVar[Guide | None] = ContextVar("kerascope_guide", default=None)
_lock = threading.RLock()
_installed: dict[str, list[Any]] = {}  # name -> [uses, (owner, attribute, original) …]


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """Keep functions called inside from the guide."""
    token = _GUIDE.set(None)
    try:
        yield
    finally:
        _GUIDE.reset(token)


def _shadow(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        guide = _GUIDE.get()
        if guide is None or name not in guide.functions:
            return original(*args, **kwargs)
        with unwatched():  # a function may be made of others
            output = guide.function(name, original, args, kwargs)
        note_head(output, args[0] if args else kwargs.get("x"), name)
        return output

    return function


def _places(name: str) -> list[tuple[Any, str]]:
    """Return the owners and attributes under which a function is found."""
    module = framework()
    if _OWNERS.get(name) in ("ReLU", "Mish"):
        activations = importlib.import_module(keras.activations.relu.__module__)
        return [(getattr(activations, _OWNERS[name]), "static_call")]
    rooms = [module.numpy] if name in _OWNERS else [module.nn]
    if name == "tanh":
        rooms.append(module.numpy)
    return [(room, name) for room in rooms if hasattr(room, name)]


def _install(name: str) -> None:
    entry = _installed.setdefault(name, [0])
    entry[0] += 1
    if entry[0] > 1:
        return
    for owner, attribute in _places(name):
        original = vars(owner)[attribute]
        plain = original.__func__ if isinstance(original, staticmethod) else original
        shadow: Any = _shadow(name, plain)
        setattr(owner, attribute, staticmethod(shadow) if plain is not original else shadow)
        entry.append((owner, attribute, original))


def _remove(name: str) -> None:
    entry = _installed[name]
    entry[0] -= 1
    if entry[0] == 0:
        for owner, attribute, original in _installed.pop(name)[1:]:
            setattr(owner, attribute, original)


@contextlib.contextmanager
def watched(guide: Guide) -> Iterator[None]:
    """Tell `guide` of the functions it asks for; Keras is as before on leaving."""
    names = sorted(guide.functions)
    with _lock:
        for name in names:
            _install(name)
    token = _GUIDE.set(guide)
    try:
        yield
    finally:
        _GUIDE.reset(token)
        with _lock:
            for name in names:
                _remove(name)


class _Bare:
    """Visitor that calls layers as they are and leaves out their fused activation."""

    def visit(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return original(*args, **kwargs)

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        return value


def replay(
    call: Callable[..., Any],
    args: Any,
    kwargs: Any,
    weights: dict[int, Any],
    variables: list[Any],
) -> Any:
    """Return a layer's linear part for other weights: call it anew, by id of variable, unseen.

    weights: values by id of variable; the rest of `variables` keep theirs.
    """
    mapping = [(v, weights.get(id(v), ops.convert_to_tensor(v.value))) for v in variables]
    with keras.StatelessScope(state_mapping=mapping), visiting(_Bare()), unwatched():
        return call(*args, **kwargs)
