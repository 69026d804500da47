"""Ctrl-C: known to all that runs together, and held off where half a step would be lost."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import Any

STOP: ContextVar[threading.Event | None] = ContextVar("kerascope_stop", default=None)


class _Interrupt:
    """Python's own answer to a Ctrl-C, which also sets an event.

    Python drops a `KeyboardInterrupt` that is raised while it collects garbage, in a framework's
    callback there or in a `__del__`, with a traceback to stderr: the event is what is left of it.
    """

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def __call__(self, number: int, frame: FrameType | None) -> Any:
        self.event.set()
        raise KeyboardInterrupt


def interrupts() -> bool:
    """Return whether a Ctrl-C now raises `KeyboardInterrupt` in this thread, and does no more."""
    if threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGINT)
    return handler is signal.default_int_handler or isinstance(handler, _Interrupt)


@contextlib.contextmanager
def stopping_together() -> Iterator[threading.Event]:
    """Let a Ctrl-C anywhere inside be known to all later calls of `explain`, and to you."""
    event = threading.Event()
    token = STOP.set(event)
    if not interrupts():
        try:
            yield event
        finally:
            STOP.reset(token)
        return
    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    sys.unraisablehook = _without_interrupts(hook)
    signal.signal(signal.SIGINT, _Interrupt(event))
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook
        STOP.reset(token)


def _without_interrupts(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a hook that says nothing of a dropped Ctrl-C, which the event knows."""
    return lambda lost: None if lost.exc_type is KeyboardInterrupt else hook(lost)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C wait until what is inside is done; then it does what it does outside."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    if not main or before is None:  # None: nothing that Python could put back
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))  # noqa: ARG005
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)
