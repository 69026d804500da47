"""Tables: CSV files and frames in the form that a model takes."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.columns import Table, make_table
from kerascope.columns.reading import framed, read_columns
from kerascope.errors import BadFile, BadInput, choices
from kerascope.loading.arrays import one_array, read_arrays
from kerascope.loading.sources import is_array_file
from kerascope.types import Array

SUFFIXES = (".csv", ".tsv")


def load_table(
    source: Any,
    model: Any = None,
    *,
    columns: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    drop: str | Sequence[str] = (),
    categories: Mapping[str, Any] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    background: Any = None,
    limit: int | None = None,
) -> Table:
    """Return a table for `explain` and all that looks at tables, checked against `model`.

    Args:
        source: a pandas or polars frame, a dict of columns, a CSV file with a heading, or an array
            (.npy and .npz too) with `columns` as its names, "feature 0", … where there are none.
        model: whose inputs the columns become: one array of all of them in order, or an input for
            each, found by its name. None, or a plain function: one array of numbers; with words
            among the columns, a dict of them by name.
        columns: those to take, in order; or by input name, which it is made of.
        drop: columns to leave out, such as the truth.
        categories: of a column that holds some: words in the order of the model's indices 0, 1, …,
            its numbers, or {number: word}. Words that a lookup of the model reads need none.
        groups: columns that are one category, one-hot: {"colour": ["red", "blue"]}. Columns named
            "colour=red", "colour=blue" are one without being told.
        background: rows that stand for the training data, as `source` is given; None: the table's.
        limit: rows to take from the top.

    Raises:
        BadInput: columns, categories or values do not fit the model; the message says how.
        BadFile: the file is not to be read.
    """
    left = [drop] if isinstance(drop, str) else list(drop)
    raw = _without(_read(source), left)
    other = None if background is None else _without(_read(background), left, strict=False)
    table = make_table(
        raw, model, columns=columns, categories=categories, groups=groups, background=other
    )
    return table if limit is None else table.take(range(min(limit, len(table))))


def _read(source: Any) -> Any:
    """Return a file's columns; anything else as it is."""
    return read_table(source) if isinstance(source, str | os.PathLike) else source


def read_table(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return the columns of a CSV file, or of the array (rows, columns) of a .npy or .npz file.

    Raises:
        BadFile: see `read_csv` and `read_arrays`.
        BadInput: the array has other axes.
    """
    if not is_array_file(path):
        return read_csv(path)
    return read_columns(one_array(read_arrays(path), Path(path).name), None)[0]


def _without(source: Any, drop: Sequence[str], *, strict: bool = True) -> Any:
    """Return a source of columns without some of them."""
    if not drop:
        return source
    frame = framed(source)
    if not (frame or isinstance(source, Mapping)):
        raise BadInput("drop= needs columns with names: a frame, a dict or a CSV file")
    names = [str(c) for c in (source.columns if frame else source)]
    for name in drop:
        if strict and name not in names:
            raise BadInput(f"column '{name}' not found{choices(name, names)}")
    get = (lambda n: source[n].to_numpy()) if frame else source.__getitem__
    return {name: np.asarray(get(name)) for name in names if name not in drop}


def read_csv(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return the columns of a CSV file by the names in its heading: float64, int64 or words.

    Empty cells, "NA", "NaN" and "null" are missing values, which the reader of tables refuses.

    Raises:
        BadFile: no such file, not UTF-8, no heading, a name twice, or a row of another length.
    """
    name = Path(path).name
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            tab = Path(path).suffix.lower() == ".tsv"
            rows = [row for row in csv.reader(file, delimiter="\t" if tab else ",") if row]
    except OSError as error:
        raise BadFile(f"cannot read '{name}': {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"cannot read '{name}' as a table: {error}") from error
    if len(rows) < 2:
        raise BadFile(f"'{name}' holds no rows below a heading")
    head = [cell.strip() for cell in rows[0]]
    twice = [cell for cell in head if head.count(cell) > 1]
    if twice or "" in head:
        raise BadFile(f"the heading of '{name}' has " + (
            f"'{twice[0]}' twice" if twice else "a column without a name"))  # fmt: skip
    for i, row in enumerate(rows[1:]):
        if len(row) != len(head):
            raise BadFile(f"row {i} of '{name}' has {len(row)} cells; the heading has {len(head)}")
    return {column: _typed([row[i].strip() for row in rows[1:]]) for i, column in enumerate(head)}


_MISSING = ("", "na", "nan", "null", "none")


def _typed(cells: list[str]) -> Array:
    """Return whole numbers or floats where all cells are, missing ones NaN; else words or None."""
    filled = [None if cell.lower() in _MISSING else cell for cell in cells]
    for kind in (int, float):
        try:
            numbers = [kind(cell) if cell is not None else float("nan") for cell in filled]
        except ValueError:
            continue
        return np.array(numbers)
    return np.array(filled, dtype=object)
