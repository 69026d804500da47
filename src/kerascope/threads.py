"""Work on many samples at once, in NumPy code that lets go of the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def cores() -> int:
    """Return how many cores this process may use."""
    own = getattr(os, "sched_getaffinity", None)  # not on Windows and macOS
    return len(own(0)) if own else os.cpu_count() or 1


def each(function: Callable[..., Any], *columns: Iterable[Any]) -> list[Any]:
    """Return what `function` gives for every row of the columns, in their order.

    A thread per core works on them; they end with the call, so that processes may fork. What
    `function` raises is raised here.
    """
    rows = list(zip(*columns, strict=True))
    if len(rows) < 2:
        return [function(*row) for row in rows]
    with ThreadPoolExecutor(min(len(rows), cores())) as pool:
        return list(pool.map(lambda row: function(*row), rows))
