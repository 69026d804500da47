"""Tables: named columns put where a model takes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.columns.declared import Declared, declared_of, width_of
from kerascope.columns.reading import Raw, chosen, framed, read_columns
from kerascope.columns.table import Column, Table
from kerascope.errors import BadInput, choices
from kerascope.types import Array


def as_table(inputs: Any, model: Any) -> Table | None:
    """Return inputs as a `Table` where they are one, or None.

    A frame is one, and a dict of flat columns; where some hold words, the model must take them as
    words (a lookup reads them, or it is a function of several columns): they may be texts else.
    Columns may be (row, 1) where the model takes each at an input of that name, and there is more
    than one row and column: one row is no background for itself.
    """
    if isinstance(inputs, Table):
        return inputs
    if framed(inputs):
        return make_table(inputs, model)
    if not isinstance(inputs, Mapping) or not inputs:
        return None
    declared = declared_of(model)
    if len(inputs) > 1 and _single(inputs, declared or ()):
        inputs = {name: np.asarray(column).reshape(-1) for name, column in inputs.items()}
    if any(np.ndim(column) != 1 for column in inputs.values()):
        return None
    words = {name for name, c in inputs.items() if np.asarray(c).dtype.kind in "OUST"}
    looked = {spec.name for spec in declared or () if spec.dtype == "string" and spec.lookup}
    if words <= (set(inputs) if declared is None and len(inputs) > 1 else looked):
        return make_table(inputs, model)
    return None


def _single(inputs: Mapping[str, Any], declared: Iterable[Declared]) -> bool:
    """Tell whether inputs are columns (row, 1), each for an input of its own of that shape."""
    taken = {spec.name for spec in declared if spec.shape == (1,)}
    shapes = {tuple(getattr(column, "shape", ())) for column in inputs.values()}
    if len(shapes) > 1 or not set(inputs) <= taken:
        return False
    (shape,) = shapes
    return len(shape) == 2 and shape[0] > 1 and shape[1] == 1


def make_table(
    source: Any,
    model: Any,
    *,
    columns: Any = None,
    categories: Mapping[str, Any] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    background: Any = None,
) -> Table:
    """Return a table in the form that `model` takes; see `loading.load_table`."""
    by_input = columns if isinstance(columns, Mapping) else None
    listed = None if by_input is not None else columns
    raw, names = read_columns(source, listed)
    other = None
    if background is not None:
        other, _ = read_columns(background, listed)
        missing = [name for name in raw if name not in other]
        if missing:
            raise BadInput(
                f"the background has no column '{missing[0]}'{choices(missing[0], other)}"
            )
        other = {name: other[name] for name in raw}
    for name in categories or {}:
        if name not in raw:
            raise BadInput(f"categories: column '{name}' not found{choices(name, raw)}")
    maker = _Maker(raw, other, dict(categories or {}), declared_of(model))
    return maker.table(by_input, groups, names)


class _Maker:
    """Columns on their way into the inputs of a model."""

    def __init__(
        self, raw: Raw, other: Raw | None, categories: dict[str, Any], inputs: list[Declared] | None
    ) -> None:
        self.raw, self.other, self.categories, self.inputs = raw, other, categories, inputs
        self.notes: list[str] = []
        self.words: dict[str, tuple[str, ...]] = {}
        self.columns: list[Column] = []

    def table(
        self, by_input: Mapping[str, Any] | None, groups: Any, names: tuple[str, ...]
    ) -> Table:
        """Return the table, with one-hot columns merged."""
        plan = self._plan(by_input)
        made = {spec.name: self._input(spec, mine) for spec, mine in plan}
        self._merge(made, groups)
        one = len(made) == 1 and (self.inputs is not None or plan[0][0].name == "")
        tree = lambda which: next(iter(which.values())) if one else which  # noqa: E731
        return Table(
            inputs=tree({name: pair[0] for name, pair in made.items()}),
            background=None
            if self.other is None
            else tree({name: pair[1] for name, pair in made.items()}),
            # The only input goes without a name, so that the table fits any model like this.
            columns=tuple(dataclasses.replace(c, input="") if one else c for c in self.columns),
            words=tuple(self.words.items()),
            names=names,
            notes=tuple(self.notes),
        )

    def _plan(self, by_input: Mapping[str, Any] | None) -> list[tuple[Declared, list[str]]]:
        """Return which columns go to which input."""
        raw = self.raw
        if self.inputs is None:
            words = [n for n, c in raw.items() if c.dtype.kind == "O" and n not in self.categories]
            if by_input is not None:
                return [_own(name, mine, raw, words) for name, mine in by_input.items()]
            if not words:
                return [(Declared("", (len(raw),), "float32"), list(raw))]
            return [(Declared(n, (), "string" if n in words else "float32"), [n]) for n in raw]
        if len(self.inputs) == 1 and by_input is None:
            return [(self.inputs[0], list(raw))]
        given = {k: [v] if isinstance(v, str) else list(v) for k, v in (by_input or {}).items()}
        for name in given:
            if name not in [spec.name for spec in self.inputs]:
                known = [spec.name for spec in self.inputs]
                raise BadInput(f"the model has no input '{name}'{choices(name, known)}")
        for listed in given.values():
            chosen(raw, listed)
        for spec in self.inputs:
            if spec.name not in given and spec.name in raw:
                given[spec.name] = [spec.name]
        used = {name for mine in given.values() for name in mine}
        left = [column for column in raw if column not in used]
        without = [spec for spec in self.inputs if spec.name not in given]
        if len(without) == 1 and left and width_of(without[0]) == len(left):
            given[without[0].name] = left
            left, without = [], []
        if without:
            raise BadInput(
                f"the table has no column '{without[0].name}', which the model takes; its "
                f"columns: {', '.join(list(raw)[:12])}"
            )
        if left:
            takes = ", ".join(spec.name for spec in self.inputs)
            raise BadInput(f"the model has no input for column '{left[0]}'; it takes {takes}")
        return [(spec, given[spec.name]) for spec in self.inputs]

    def _input(self, spec: Declared, mine: list[str]) -> tuple[Array, Array | None]:
        """Return an input's array for the table and for the background."""
        width = width_of(spec)
        if width is not None and width != len(mine):
            raise BadInput(
                f"the table has {len(mine)} columns for input '{spec.name}', which takes {width}: "
                f"{', '.join(mine[:8])}{' …' if len(mine) > 8 else ''}"
                + ("; leave out what is no input: drop=, --drop or --truth" * (len(mine) > width))
            )
        parts, others = [], []
        for place, name in enumerate(mine):
            codes, beside, column = self._column(spec, name, place)
            parts.append(codes)
            others.append(beside)
            self.columns.append(column)
        return self._stack(spec, parts), None if self.other is None else self._stack(spec, others)

    def _stack(self, spec: Declared, parts: list[Any]) -> Array:
        array = np.stack(parts, axis=1)
        # Whole numbers keep their kind, so that an embedding is known to read them.
        array = array.astype(np.int32 if "int" in spec.dtype else np.float32)
        return array[:, 0] if spec.shape == () else array

    def _column(self, spec: Declared, name: str, place: int) -> tuple[Array, Any, Column]:
        values, beside = self.raw[name], None if self.other is None else self.other[name]
        seen = values if beside is None else np.concatenate([values, beside])
        text = spec.dtype in ("string", "str")
        words: tuple[str, ...] = ()
        codes: tuple[float, ...] = ()
        if text:
            seen = np.array([str(v) for v in seen], dtype=object)
            words = self._known(spec, name, seen)
            self.words[spec.name] = words
            codes = tuple(float(i) for i in range(len(words)))
        elif name in self.categories:
            words, codes = _given(self.categories[name])
        elif seen.dtype.kind == "O":
            raise BadInput(
                f"column '{name}' holds words ({seen[0]!r}), the model takes numbers: give its "
                f"categories in the model's order, categories={{'{name}': […]}}, or encode it"
            )
        elif "int" in spec.dtype:
            if (seen != np.rint(seen)).any():
                raise BadInput(f"column '{name}' must hold whole numbers: input '{spec.name}' does")
            codes = tuple(float(v) for v in np.unique(seen))
            words = tuple(f"{v:g}" for v in codes)
        column = Column(name=name, input=spec.name, places=(place,), categories=words, codes=codes)
        if not words:
            return values, beside, column
        other = None if beside is None else _coded(beside, column)
        return _coded(values, column), other, column

    def _known(self, spec: Declared, name: str, seen: Array) -> tuple[str, ...]:
        """Return the categories of a column of words."""
        if name in self.categories:
            return tuple(str(word) for word in self.categories[name])
        if not spec.vocabulary:
            return tuple(sorted(set(seen)))
        others = sorted(set(seen) - set(spec.vocabulary))
        if others and not spec.open:
            raise BadInput(_strange(name, others[0], spec.vocabulary))
        if others:
            self.notes.append(
                f"column '{name}': {', '.join(others[:5])}{' …' if len(others) > 5 else ''} not in "
                "the model's vocabulary: read as unknown"
            )
        return (*spec.vocabulary, *others)

    def _merge(self, made: Mapping[str, tuple[Array, Array | None]], groups: Any) -> None:
        """Make one column of each one-hot group, given or found by names "colour=red"."""
        known = {column.name: column for column in self.columns}
        for name, members in (groups or _guessed(self.columns)).items():
            strange = [m for m in members if m not in known]
            if strange:
                raise BadInput(f"group '{name}': column '{strange[0]}' not found"
                               f"{choices(strange[0], known)}")  # fmt: skip
            parts = [known[m] for m in members]
            if len(parts) < 2 or len({p.input for p in parts}) > 1:
                raise BadInput(f"group '{name}' must hold two or more columns of one input")
            places = tuple(p.places[0] for p in parts)
            arrays = [a[:, list(places)] for a in made[parts[0].input] if a is not None]
            hot = np.concatenate(arrays)
            wrong = ~(((hot == 0) | (hot == 1)).all(axis=1) & (hot.sum(axis=1) == 1))
            if wrong.any() and groups is None:
                continue
            if wrong.any():
                raise BadInput(
                    f"group '{name}' is not one-hot in row {int(wrong.argmax())}: exactly one of "
                    "its columns must be 1, the others 0"
                )
            merged = Column(
                name=name, input=parts[0].input, places=places,
                categories=tuple(_tail(m, name) for m in members),
            )  # fmt: skip
            at = self.columns.index(parts[0])
            self.columns[at] = merged
            self.columns = [c for c in self.columns if c not in parts]


def _own(name: str, mine: Any, raw: Raw, words: Sequence[str]) -> tuple[Declared, list[str]]:
    """Return an input of a function, and the columns it is made of."""
    parts = list(chosen(raw, [mine] if isinstance(mine, str) else list(mine)))
    return Declared(name, (len(parts),), "string" if parts[0] in words else "float32"), parts


def _given(known: Any) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return words and codes of categories given as a list of words or numbers, or code: word."""
    if isinstance(known, Mapping):
        return tuple(map(str, known.values())), tuple(float(code) for code in known)
    items = list(known)
    if items and all(isinstance(i, int | float | np.number) for i in items):
        return tuple(f"{i:g}" for i in items), tuple(float(i) for i in items)
    return tuple(map(str, items)), tuple(float(i) for i in range(len(items)))


def _coded(values: Array, column: Column) -> Array:
    """Return the codes of a column's words, or its numbers, checked against the categories."""
    if values.dtype.kind == "O":
        code = dict(zip(column.categories, column.codes, strict=True))
        strange = [v for v in values if v not in code]
        if strange:
            raise BadInput(_strange(column.name, strange[0], column.categories))
        return np.array([code[v] for v in values])
    strange = sorted(set(values.tolist()) - set(column.codes))
    words = [f"{value:g}" for value in values]
    if strange and set(words) <= set(column.categories):  # numbers as words
        return _coded(np.array(words, dtype=object), column)
    if strange:
        raise BadInput(_strange(column.name, f"{strange[0]:g}", column.categories))
    return np.asarray(values, np.float64)


def _strange(name: str, word: Any, known: Sequence[str]) -> str:
    return f"column '{name}': category '{word}' is not known{choices(str(word), known)}"


def _guessed(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Return groups of columns by the name before "=", as "colour" of "colour=red"."""
    found: dict[str, list[str]] = {}
    for column in columns:
        if "=" in column.name:
            found.setdefault(column.name.split("=", 1)[0], []).append(column.name)
    return {name: mine for name, mine in found.items() if len(mine) > 1}


def _tail(member: str, group: str) -> str:
    """Return "red" of "colour=red" or "colour_red", for the group "colour"."""
    return member.removeprefix(group).lstrip("=_ :-") or member
