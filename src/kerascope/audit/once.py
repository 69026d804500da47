"""The rows of an audit read sample by sample, or by one method and target, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerascope.audit.arrow import arrow
from kerascope.audit.classes import UNLABELLED
from kerascope.audit.collected import Collected
from kerascope.audit.rows import PREDICTED, TRUE
from kerascope.errors import BadInput, choices
from kerascope.method import told_apart
from kerascope.types import Array


def once(collected: Collected, columns: Sequence[str], *, target: str = PREDICTED) -> Iterator[Any]:
    """Yield record batches with one row per sample: of its predicted or true class.

    Of its predicted class, a sample that could not be read has its error's row.
    """
    last = -1
    for batch in collected.batches([*dict.fromkeys(("id", "target", *columns))]):
        ids = batch.column("id").to_numpy()
        targets = batch.column("target").to_pylist()
        rows = np.flatnonzero([t == target or (t is None and target != TRUE) for t in targets])
        first = np.zeros(len(ids), bool)
        # Rows of a sample stand together: with several methods only the first is taken.
        first[rows] = np.diff(ids[rows], prepend=last) != 0
        last = int(ids[rows[-1]]) if len(rows) else last
        yield batch.filter(arrow().array(first))


def towards(
    collected: Collected, columns: Sequence[str], *, method: str | None, target: str
) -> Iterator[Any]:
    """Yield record batches of the rows of one target and one method; None: rows without one."""
    for batch in collected.batches([*dict.fromkeys(("id", "target", "method", *columns))]):
        targets, methods = batch.column("target").to_pylist(), batch.column("method").to_pylist()
        wanted = [t == target and m == method for t, m in zip(targets, methods, strict=True)]
        yield batch.filter(arrow().array(wanted, arrow().bool_()))


def chosen_method(collected: Collected, method: str | None) -> str | None:
    """Return the method whose maps are looked at, the first by default; None where none made any.

    Raises `BadInput` for one that made no rows.
    """
    known = made_by(collected)
    if method is None:
        return known[0] if known else None
    if method not in known:
        raise BadInput(f"the rows have no maps of '{method}'{choices(method, known)}")
    return method


def made_by(collected: Collected) -> tuple[str, ...]:
    """Return the names of the methods in the rows, in their order."""
    return tuple(told_apart([value["name"] for value in collected.settings["methods"]]))


def labelled_target(collected: Collected) -> str:
    """Return which class's maps tell most: the true one where the data has labels."""
    for batch in collected.batches(["target"]):
        if TRUE in batch.column("target").to_pylist():
            return TRUE
    return PREDICTED


def matrix(column: Any) -> Array:
    """Return a column of lists as (row, value) float32, with NaN behind shorter ones and for nulls.

    There are as many values as the longest list has.
    """
    lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    width = int(lengths.max(initial=0))
    found = np.full((len(lengths), width), np.nan, np.float32)
    found[np.arange(width) < lengths[:, None]] = column.flatten().to_numpy(zero_copy_only=False)
    return found


def whole_numbers(column: Any, gap: int = UNLABELLED) -> Array:
    """Return a column of whole numbers as int64; `gap` for a null."""
    return column.fill_null(gap).to_numpy(zero_copy_only=False).astype(np.int64)


def numbers(column: Any) -> Array:
    """Return a column of numbers as float64; NaN for a null."""
    return column.to_numpy(zero_copy_only=False).astype(np.float64)
