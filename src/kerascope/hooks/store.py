"""What is kept per model between calls, for as long as the model lives."""

from __future__ import annotations

import collections
import threading
import weakref
from collections.abc import Callable
from typing import Any

from kerascope.hooks.survey import Survey


class Store:
    """What is kept per model between calls: surveys, compiled functions, numbers of traces."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.surveys: dict[Any, Survey] = {}
        self.compiled: collections.OrderedDict[Any, Callable[..., Any]] = collections.OrderedDict()
        self.traces = 0
        self.passes: collections.Counter[str] = collections.Counter()
        self.memo: dict[Any, Any] = {}


_STORES: weakref.WeakKeyDictionary[Any, Store] = weakref.WeakKeyDictionary()
_stores_lock = threading.Lock()


def store_of(model: Any) -> Store:
    """Return what is kept for `model`; it dies with the model."""
    with _stores_lock:
        return _STORES.setdefault(model, Store())
