"""Shadow `layer.call` and `layer.activation` on the instance, and take every bit of it back.

A shadow asks a context variable whether it is meant. So another thread that uses the model
meanwhile gets the original behaviour, and two runs on one model do not see each other.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol

import keras


class Visitor(Protocol):
    """Who is told of calls while it is in charge of the current context."""

    def visit(
        self,
        layer: Any,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Return what the call of `layer` returns."""

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        """Return what the fused activation of `layer` returns."""


_VISITOR: ContextVar[Visitor | None] = ContextVar("kerascope_visitor", default=None)
_ABSENT = object()
_lock = threading.RLock()
_shadows: dict[tuple[int, str], list[Any]] = {}  # (id of layer, attribute) -> [uses, layer, old]


def _call_shadow(layer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        visitor = _VISITOR.get()
        if visitor is None:
            return original(*args, **kwargs)
        return visitor.visit(layer, original, args, kwargs)

    return call


def _activation_shadow(layer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original, updated=())
    def activation(value: Any, *args: Any, **kwargs: Any) -> Any:
        visitor = _VISITOR.get()
        if visitor is None:
            return original(value, *args, **kwargs)
        return visitor.activate(layer, original, value)

    return activation


_MAKERS = {"call": _call_shadow, "quantized_call": _call_shadow, "activation": _activation_shadow}


def _install(layer: Any, attribute: str) -> None:
    key = (id(layer), attribute)
    if key in _shadows:
        _shadows[key][0] += 1
        return
    original = getattr(layer, attribute)
    # `__dict__` directly: a layer's own __setattr__ would track the shadow as part of the model.
    _shadows[key] = [1, layer, layer.__dict__.get(attribute, _ABSENT)]
    layer.__dict__[attribute] = _MAKERS[attribute](layer, original)


def _remove(layer: Any, attribute: str) -> None:
    entry = _shadows[id(layer), attribute]
    entry[0] -= 1
    if entry[0] == 0:
        del _shadows[id(layer), attribute]
        if entry[2] is _ABSENT:
            del layer.__dict__[attribute]
        else:
            layer.__dict__[attribute] = entry[2]


def _entry(layer: Any) -> str:
    """Return the method that Keras runs when the layer is called."""
    return "call" if getattr(layer, "quantization_mode", None) is None else "quantized_call"


@contextlib.contextmanager
def shadowed(layers: list[Any], activations: list[Any], visitor: Visitor) -> Iterator[None]:
    """Tell `visitor` of every call of `layers` and every fused activation of `activations`.

    Everything is restored on leaving, also after an error.
    """
    wanted = [(layer, _entry(layer)) for layer in layers] + [
        (layer, "activation") for layer in activations
    ]
    done: list[tuple[Any, str]] = []
    token = _VISITOR.set(visitor)
    try:
        for layer, attribute in wanted:
            with _lock:
                _install(layer, attribute)
            done.append((layer, attribute))
        yield
    finally:
        _VISITOR.reset(token)
        for layer, attribute in reversed(done):
            with _lock:
                _remove(layer, attribute)


@contextlib.contextmanager
def visiting(visitor: Visitor) -> Iterator[None]:
    """Put another visitor in charge of what is shadowed already."""
    token = _VISITOR.set(visitor)
    try:
        yield
    finally:
        _VISITOR.reset(token)


def has_fused_activation(layer: Any) -> bool:
    """Tell whether `layer` applies an activation of its own to a linear result."""
    if isinstance(layer, (keras.layers.Activation, keras.layers.RNN)):
        return False
    activation = getattr(layer, "activation", None)
    return callable(activation) and activation is not keras.activations.linear


def first_tensor(value: Any) -> Any:
    """Return the first floating-point tensor in a layer's output, or None."""
    if isinstance(value, (list, tuple)):
        return next((t for t in map(first_tensor, value) if t is not None), None)
    if isinstance(value, dict):
        return first_tensor(list(value.values()))
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return None
    return value if "float" in keras.backend.standardize_dtype(value.dtype) else None


def replace_tensor(value: Any, old: Any, new: Any) -> Any:
    """Return a layer's output with the tensor `old` replaced by `new`."""
    if value is old:
        return new
    if isinstance(value, dict):
        return type(value)((key, replace_tensor(item, old, new)) for key, item in value.items())
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(replace_tensor(item, old, new) for item in value))
    if isinstance(value, (list, tuple)):
        return type(value)(replace_tensor(item, old, new) for item in value)
    return value
