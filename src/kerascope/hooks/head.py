"""Find the logits: what a softmax or sigmoid was applied to, in every form a head can have.

While a forward pass is recorded, the one softmax, log-softmax and sigmoid of the Keras backend,
through which layers, fused activations, graph nodes and `keras.ops` all go, note their inputs. An
output of the model is then recognised by identity, also behind operations that only change its
layout.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from kerascope.backend import framework

_TAPE: ContextVar[HeadTape | None] = ContextVar("kerascope_head_tape", default=None)
_lock = threading.RLock()
_uses = 0
_originals: list[tuple[Any, str, Any]] = []

_HEADS = ("softmax", "log_softmax", "sigmoid")
_LAYOUT = ("reshape", "squeeze", "expand_dims", "transpose")


class HeadTape:
    """Notes of one forward pass: which tensor is the softmax, sigmoid or cast of which other."""

    def __init__(self) -> None:
        # Both by id: (output, its logits, kind), and (tensor, what it is a cast or view of).
        self._heads: dict[int, tuple[Any, Any, str]] = {}
        self._origin: dict[int, tuple[Any, Any]] = {}

    def note_head(self, output: Any, logits: Any, kind: str) -> None:
        """Note that `output` is the softmax or sigmoid of `logits`."""
        self._heads[id(output)] = (output, logits, kind)

    def note_layout(self, output: Any, source: Any, redo: Callable[[Any], Any]) -> None:
        """Note that `output` is `source` in another layout or dtype; `redo` repeats the change."""
        if output is source:
            return
        self._origin[id(output)] = (output, source)
        if id(source) in self._heads:
            _, logits, kind = self._heads[id(source)]
            self._heads[id(output)] = (output, redo(logits), kind)

    def logits(self, output: Any) -> tuple[Any, str]:
        """Return the logits of a model output, and what it is.

        The second value is "softmax", "log_softmax", "sigmoid" or "linear".
        """
        if id(output) in self._heads:
            return self._heads[id(output)][1:]
        return output, "linear"

    def origin(self, tensor: Any) -> Any:
        """Return the tensor that `tensor` is a cast or another layout of, or itself."""
        while id(tensor) in self._origin:
            tensor = self._origin[id(tensor)][1]
        return tensor


def note_head(output: Any, logits: Any, kind: str) -> None:
    """Note, where a forward pass is recorded, that `output` is the softmax or sigmoid of `logits`.

    For who puts another tensor with the same value in the place of the one noted.
    """
    tape = _TAPE.get()
    if tape is not None and kind in _HEADS:
        tape.note_head(output, logits, kind)


def origin(tensor: Any) -> Any:
    """Return the tensor that `tensor` is a cast or another layout of, where a pass is recorded."""
    tape = _TAPE.get()
    return tensor if tape is None else tape.origin(tensor)


def _head_shadow(original: Callable[..., Any], kind: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def head(x: Any, *args: Any, **kwargs: Any) -> Any:
        output = original(x, *args, **kwargs)
        tape = _TAPE.get()
        if tape is not None:
            tape.note_head(output, x, kind)
        return output

    return head


def _layout_shadow(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def layout(x: Any, *args: Any, **kwargs: Any) -> Any:
        output = original(x, *args, **kwargs)
        tape = _TAPE.get()
        if tape is not None and hasattr(x, "dtype"):
            tape.note_layout(output, x, lambda other: original(other, *args, **kwargs))
        return output

    return layout


def _install() -> None:
    keras_backend = framework()
    places: list[Any] = [(keras_backend.nn, name, _head_shadow, (name,)) for name in _HEADS]
    places += [(keras_backend.numpy, name, _layout_shadow, ()) for name in _LAYOUT]
    for module in (keras_backend, keras_backend.core):
        places += [(module, name, _layout_shadow, ()) for name in ("cast", "convert_to_tensor")]
    for module, name, shadow, extra in places:
        original = getattr(module, name)
        _originals.append((module, name, original))
        setattr(module, name, shadow(original, *extra))


def _remove() -> None:
    while _originals:
        module, name, original = _originals.pop()
        setattr(module, name, original)


@contextlib.contextmanager
def head_tape() -> Iterator[HeadTape]:
    """Record the heads of the forward pass made inside; Keras is as before on leaving."""
    global _uses
    with _lock:
        if _uses == 0:
            _install()
        _uses += 1
    tape = HeadTape()
    token = _TAPE.set(tape)
    try:
        yield tape
    finally:
        _TAPE.reset(token)
        with _lock:
            _uses -= 1
            if _uses == 0:
                _remove()
