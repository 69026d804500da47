"""What a method compares the rows of a table with, where it was not told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.baselines import packed
from kerascope.columns import Column, Table, middle, named_inputs
from kerascope.method import AttributionMethod, Data
from kerascope.types import Array

ROWS = 4096  # rows per pass: a row of a table is small


def suited(
    method: AttributionMethod, table: Table, seed: int
) -> tuple[AttributionMethod, list[str]]:
    """Return a method with the table's background and one-hot groups, and notes.

    Fields that were set are left as they are. Methods over segments, and those with a background,
    take rows of the training data; others with a baseline take their median row.
    """
    fields = {f.name: f.default for f in dataclasses.fields(method)}
    unset = {name for name, default in fields.items() if getattr(method, name) == default}
    new: dict[str, Any] = {}
    notes = list(table.notes)
    several = isinstance(table.inputs, Mapping)
    if "segments" in unset and any(len(column.places) > 1 for column in table.columns):
        labels = _labels(table)
        new["segments"] = Data(packed({n: a[None] for n, a in labels.items()})
                               if several else next(iter(labels.values())))  # fmt: skip
    name = next((n for n in ("background", "baseline") if n in unset), None)
    if name is not None:
        rows, words = table.covers(seed)
        many = name == "background" or "segments" in fields
        if not many:
            rows, words = _middle(table, rows), f"the median of {words}"
        new[name] = Data(packed(rows) if isinstance(rows, Mapping) else rows)
        notes.append(f"{name}: {words}")
    return (dataclasses.replace(method, **new) if new else method), notes


def _middle(table: Table, rows: Any) -> Any:
    """Return the median of some rows, with the most frequent categories: one row of inputs."""
    several = isinstance(rows, Mapping)
    x = rows if several else {"": rows}
    row = middle(named_inputs(table.columns, x), x)
    return row if several else row[""][0]


def _labels(table: Table) -> dict[str, Array]:
    """Return the segments of wide inputs, by input: the columns of one category are one."""
    x = table.inputs if isinstance(table.inputs, Mapping) else {"": table.inputs}
    labels = {}
    columns: tuple[Column, ...] = named_inputs(table.columns, x)
    for name, array in x.items():
        mine = [column for column in columns if column.input == name]
        if array.ndim < 2 or len(mine) < 2:
            continue
        own = np.zeros(array.shape[1:], np.int32)
        for number, column in enumerate(mine):
            own[list(column.places)] = number
        labels[name] = own
    return labels
