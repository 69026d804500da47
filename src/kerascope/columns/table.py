"""Named columns of a table: where each stands in a model's inputs, and its categories as words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.types import Array, Tree

BACKGROUND = 64  # rows of a table that stand for the training data where none were given


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    input: the model's input that holds it, "" of the only one. places: where, along that input's
        last axis; several for a category written as one-hot columns. categories: words; none for a
        number. codes: the numbers in the input that stand for them; none for one-hot columns.
    """

    name: str
    input: str
    places: tuple[int, ...] = (0,)
    categories: tuple[str, ...] = ()
    codes: tuple[float, ...] = ()

    @property
    def hot(self) -> bool:
        """Whether the category is written as one-hot columns."""
        return bool(self.categories) and not self.codes

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        """Return what `to_json` described."""
        parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**parts)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)

    def read(self, x: Mapping[str, Array]) -> Array:
        """Return the column of rows: numbers (float64), or the place of a category among all."""
        part = x[self.input].reshape(len(x[self.input]), -1)[:, list(self.places)]
        if self.hot:
            return part.argmax(axis=1)
        if not self.categories:
            return part[:, 0].astype(np.float64)
        return np.abs(part - np.asarray(self.codes)).argmin(axis=1)

    def write(self, x: Mapping[str, Array], values: Array) -> dict[str, Array]:
        """Return rows with the column set to `values`, given as `read` returns them."""
        array = x[self.input].copy()
        flat = array.reshape(len(array), -1)
        if self.hot:
            flat[:, list(self.places)] = np.eye(len(self.places))[np.asarray(values, int)]
        elif self.categories:
            flat[:, self.places[0]] = np.asarray(self.codes)[np.asarray(values, int)]
        else:
            flat[:, self.places[0]] = values
        return {**x, self.input: flat.reshape(array.shape)}

    def words(self, value: float) -> str:
        """Return a value, as `read` gives it, in words."""
        return self.categories[int(value)] if self.categories else f"{float(value):.4g}"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Rows of named columns in the form that a model takes.

    inputs: an array, or a dict by input name; categories are numbers. words: by name, what the
    numbers of an input stand for where the model takes words. background: rows in the same form
    that stand for the training data; None: rows of the table itself. cut: these are some rows of a
    table, and `background` is all of it. names: of the rows.
    """

    inputs: Tree
    columns: tuple[Column, ...]
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    background: Tree | None = None
    cut: bool = False
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def features(self) -> dict[str, tuple[Column, ...]]:
        """The columns by input."""
        found: dict[str, tuple[Column, ...]] = {}
        for column in self.columns:
            found[column.input] = (*found.get(column.input, ()), column)
        return found

    def __getitem__(self, index: int | slice) -> Table:
        """Return the table of some rows; all the rows stand for the training data still."""
        rows = range(len(self))
        return self.take(rows[index] if isinstance(index, slice) else [rows[index]])

    def take(self, rows: Sequence[int]) -> Table:
        """Return the table of these rows; all the rows stand for the training data still."""
        some = list(rows)
        return dataclasses.replace(
            self,
            inputs=_cut(self.inputs, some),
            names=tuple(self.names[i] for i in some),
            background=self.inputs if self.background is None else self.background,
            cut=self.cut or self.background is None,
        )

    def covers(self, seed: int = 0, most: int = BACKGROUND) -> tuple[Tree, str]:
        """Return at most `most` rows that stand for the training data, and a note.

        Raises:
            BadInput: one row is no background for itself.
        """
        given = self.background is not None and not self.cut
        whole = self.background if self.background is not None else self.inputs
        count = len(next(iter(_parts(whole))))
        if count < 2 and not given:
            raise BadInput(
                "one row is no background to compare it with: give the training data as "
                "background=, or a baseline"
            )
        key = np.array([seed & (2**64 - 1), 2**33], np.uint64)
        order = np.random.Generator(np.random.Philox(key=key)).permutation(count)
        rows = np.sort(order[:most])
        whose = "the background" if given else "the table itself, which stands for training data"
        return _cut(whole, rows), f"{len(rows)} of {count} rows of {whose}"


def _parts(tree: Tree) -> Iterable[Array]:
    return tree.values() if isinstance(tree, Mapping) else (tree,)


def _cut(tree: Tree, rows: Any) -> Tree:
    if isinstance(tree, Mapping):
        return {name: array[rows] for name, array in tree.items()}
    return tree[rows]


def named_inputs(columns: Sequence[Column], x: Mapping[str, Array]) -> tuple[Column, ...]:
    """Return columns whose input has a name: that of the only one where they name none."""
    return tuple(
        column if column.input in x else dataclasses.replace(column, input=next(iter(x)))
        for column in columns
    )


def middle(columns: Sequence[Column], x: Mapping[str, Array]) -> dict[str, Array]:
    """Return one row by input: the median of every number, the most frequent category."""
    row = {name: array[:1].copy() for name, array in x.items()}
    for column in columns:
        values = column.read(x)
        typical = np.bincount(values).argmax() if column.categories else np.median(values)
        row = column.write(row, np.array([typical]))
    return row


def columns_of(result: Any) -> tuple[Column, ...]:
    """Return the columns that an attribution is of; none where it is of no table."""
    return tuple(
        column if column.input == name else dataclasses.replace(column, input=name)
        for name, of in result.features.items()
        for column in of
        if isinstance(column, Column)
    )


def column_values(result: Any) -> Array:
    """Return an attribution's values by column: (sample, [target,] column) float32.

    A one-hot category has one value: that of its segment where the method gave it to the whole,
    and the sum of its columns otherwise.

    Raises:
        BadInput: the result is not of a table.
    """
    columns = columns_of(result)
    if not columns:
        raise BadInput("the explanation is not of a table with named columns")
    whole = "segments" in result.extras or any(k.startswith("segments:") for k in result.extras)
    trees = result.values if isinstance(result.values, Mapping) else None
    found = []
    for column in columns:
        array = result.values if trees is None else trees[column.input]
        lead = result.scores.ndim
        part = array.reshape(*array.shape[:lead], -1)[..., list(column.places)]
        found.append(part[..., 0] if whole or not column.hot else part.sum(axis=-1))
    return np.stack(found, axis=-1)


def place_names(columns: Sequence[Column]) -> tuple[str, ...]:
    """Return a name for every position of an input: one-hot ones as "colour=red"."""
    names = {
        place: f"{column.name}={word}" if column.hot else column.name
        for column in columns
        for place, word in zip(column.places, column.categories or ("",), strict=False)
    }
    return tuple(names[place] for place in sorted(names))


def pick(columns: Sequence[Column], names: str | Iterable[str] | None) -> tuple[Column, ...]:
    """Return the columns of these names, all for None; raise `BadInput` for one not there."""
    if names is None:
        return tuple(columns)
    known = {column.name: column for column in columns}
    wanted = [names] if isinstance(names, str) else [str(name) for name in names]
    for name in wanted:
        if name not in known:
            raise BadInput(f"column '{name}' not found{choices(name, known)}")
    if not wanted:
        raise BadInput("no column was named")
    return tuple(known[name] for name in dict.fromkeys(wanted))
