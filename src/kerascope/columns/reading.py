"""Columns read from frames, dicts and arrays: numbers or words, none missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.types import Array

Raw = dict[str, Array]


def framed(source: Any) -> bool:
    """Tell whether something is a data frame, of pandas, polars or any like them."""
    return hasattr(source, "columns") and hasattr(source, "to_numpy")


def read_columns(source: Any, columns: Sequence[str] | None) -> tuple[Raw, tuple[str, ...]]:
    """Return columns by name as arrays of numbers or words, and a name for every row.

    source: a pandas or polars frame, a dict of columns, or an array (rows, columns) with `columns`
        as its names; "feature 0", "feature 1", … where there are none.
    Raises `BadInput` for columns that differ in length, and values that are missing.
    """
    names: tuple[str, ...] = ()
    if framed(source):
        raw = {str(c): np.asarray(source[c].to_numpy()) for c in source.columns}
        index = getattr(source, "index", None)
        if index is not None and type(index).__name__ != "RangeIndex":
            names = tuple(str(label) for label in index)
        if columns is not None:
            raw = chosen(raw, columns)
    elif isinstance(source, Mapping):
        raw = {str(name): np.asarray(column) for name, column in source.items()}
        if columns is not None:
            raw = chosen(raw, columns)
    else:
        array = np.asarray(source)
        if array.ndim != 2 or (columns is not None and len(columns) != array.shape[1]):
            count = "" if columns is None else f" for {len(columns)} names of columns"
            raise BadInput(
                f"the array has shape {array.shape}{count}; it must be (rows, columns), with a "
                "name for every column or for none"
            )
        columns = columns or [f"feature {i}" for i in range(array.shape[1])]
        raw = {str(name): array[:, i] for i, name in enumerate(columns)}
    if not raw:
        raise BadInput("the table has no columns")
    counts = {name: len(column.ravel()) for name, column in raw.items()}
    if len(set(counts.values())) > 1:
        raise BadInput(f"the columns differ in their number of rows: {counts}")
    rows = next(iter(counts.values()))
    if not rows:
        raise BadInput("the table has no rows")
    clean = {name: _clean(name, column.ravel()) for name, column in raw.items()}
    return clean, names or tuple(f"row {i}" for i in range(rows))


def chosen(raw: Raw, columns: Sequence[str]) -> Raw:
    """Return the columns of these names, in this order; raise `BadInput` for one not there."""
    for name in columns:
        if name not in raw:
            raise BadInput(f"column '{name}' not found{choices(name, raw)}")
    return {str(name): raw[name] for name in columns}


def _clean(name: str, column: Array) -> Array:
    """Return a column as float64, whole numbers or words; raise `BadInput` where one is missing."""
    if column.dtype.kind in "fiub":
        array = column.astype(np.float64) if column.dtype.kind == "f" else column.astype(np.int64)
        empty = ~np.isfinite(array)
    elif column.dtype.kind in "OUST":
        items = [None if item is None or item != item else item for item in column.tolist()]  # noqa: PLR0124
        empty = np.array([item is None or str(item).strip() == "" for item in items])
        numbers = all(isinstance(i, int | float) for i in items if i is not None)
        if numbers and not empty.any():
            return _clean(name, np.array(items))
        array = np.array([str(item) for item in items], dtype=object)
    else:
        raise BadInput(f"column '{name}' holds {column.dtype}; it must hold numbers or words")
    if empty.any():
        raise BadInput(
            f"column '{name}' has no value in {int(empty.sum())} of {len(array)} rows, first in "
            f"row {int(empty.argmax())}: fill them in or leave those rows out"
        )
    return array
