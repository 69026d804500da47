"""Run a pass over many rows in chunks of one size that the memory holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerascope.run import Batch
from kerascope.types import Array

Results = dict[str, Any]  # arrays by name, nested; the first axis is the row


def in_chunks(
    run: Callable[[slice, int], Results],
    rows: int,
    batch: Batch,
    pad: int | None,
    out_of_memory: Callable[[Exception], bool],
) -> Results:
    """Join what `run` gives for slices of all rows; out of memory halves the chunk and goes on.

    Args:
        run: takes a slice of rows and the size to pad them to.
        rows: how many there are.
        batch: rows per pass; lowered where memory was short.
        pad: size to pad a single smaller chunk to, so that it is not traced again.
        out_of_memory: tells such an error from others.
    """
    size = min(batch.size, max(rows, pad or 0))
    parts: list[Results] = []
    start = 0
    while start < rows:
        stop = min(start + size, rows)
        try:
            part = run(slice(start, stop), size if rows > size or pad else stop - start)
        except Exception as error:
            if not out_of_memory(error) or size == 1:
                raise
            size = max(1, size // 2)
            batch.limit(size)
            continue
        parts.append(_map(part, lambda array, n=stop - start: array[:n]))
        start = stop
    return parts[0] if len(parts) == 1 else _join(parts)


def padded(array: Array, size: int) -> Array:
    """Return the rows with the last one repeated up to `size`."""
    if len(array) == size:
        return array
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])


def _map(tree: Any, fn: Callable[..., Any]) -> Any:
    if isinstance(tree, dict):
        return {key: _map(value, fn) for key, value in tree.items()}
    return fn(tree)


def _join(parts: list[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {key: _join([part[key] for part in parts]) for key in parts[0]}
    return np.concatenate(parts)
