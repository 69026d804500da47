"""A table on the command line: rows of columns, or one column of texts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadInput, choices

if TYPE_CHECKING:
    from kerascope.columns import Table
    from kerascope.texts import Texts

MOST = 100  # rows explained where none were chosen
_TEXTS = ("text", "texts", "review", "sentence", "comment")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What a command says of a CSV file.

    rows: "3,7" or "0-9". truth, column: names of columns. drop, categories: see `parse_categories`.
    background: a CSV file.
    """

    rows: str = ""
    truth: str = ""
    column: str = ""
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    background: str = ""

    def given(self) -> str:
        """Return the name of an option that was given, "" where none was."""
        return next((f.name for f in dataclasses.fields(self) if getattr(self, f.name)), "")


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Rows to explain, and the right class of each where a column says it."""

    samples: Table | Texts
    truths: tuple[str, ...] = ()


def parse_rows(text: str, option: str = "--rows") -> list[int]:
    """Return the rows that "3,7" or "0-9" names."""
    found: list[int] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise BadInput(f"{option}: '{part}' names no rows; write 3,7 or 0-9")
        if last and int(last) < int(first):
            raise BadInput(f"{option}: '{part}' runs backwards; write {last}-{first}")
        found += range(int(first), int(last or first) + 1)
    return found


def parse_categories(texts: tuple[str, ...] | list[str]) -> dict[str, list[str]]:
    """Return the words of columns from "COLUMN=word,word,…"."""
    found = {}
    for text in texts:
        name, sign, words = text.partition("=")
        if not sign or not words:
            raise BadInput(f"--categories: '{text}' must read COLUMN=word,word,…")
        found[name] = words.split(",")
    return found


def check_rows(rows: list[int], count: int, option: str = "--rows") -> None:
    """Raise `BadInput` for a row that is not there."""
    if rows and max(rows) >= count:
        raise BadInput(f"{option}: row {max(rows)} is not there; the table has {count}")


def read_rows(
    net: Any, source: str, asked: Options, *, vocabulary: str, length: int, most: int | None = None
) -> Rows:
    """Return the rows of a CSV or array file: texts where the model reads texts, else columns.

    most: rows that are taken where none are chosen; None: `MOST`.
    """
    from kerascope.loading.tables import read_table
    from kerascope.texts import reads_texts

    columns = read_table(source)
    count = len(next(iter(columns.values())))
    rows = parse_rows(asked.rows)
    check_rows(rows, count)
    most = most or MOST
    chosen = rows or list(range(min(count, most)))
    notes = (
        (f"the first {most} of {count} rows are taken: --rows says which",)
        if not rows and count > most
        else ()
    )
    truths = _truths(net, columns, asked.truth, chosen)
    if vocabulary or asked.column or reads_texts(net):
        texts = _texts(net, columns, asked, chosen, vocabulary=vocabulary, length=length)
        return Rows(dataclasses.replace(texts, notes=(*texts.notes, *notes)), truths)
    table = _table(net, source, asked).take(chosen)
    return Rows(dataclasses.replace(table, notes=(*table.notes, *notes)), truths)


def _table(net: Any, source: str, asked: Options) -> Table:
    from kerascope.loading.tables import load_table

    return load_table(
        source, net, drop=[*asked.drop, *filter(None, [asked.truth])],
        categories=parse_categories(asked.categories) or None,
        background=asked.background or None,
    )  # fmt: skip


def _texts(
    net: Any, columns: dict[str, Any], asked: Options, rows: list[int], *, vocabulary: str,
    length: int,
) -> Texts:  # fmt: skip
    from kerascope.loading.texts import load_texts

    name = asked.column or _text_column(columns, asked.truth)
    if name not in columns:
        raise BadInput(f"--column: '{name}' not found{choices(name, columns)}")
    texts = [columns[name][row] for row in rows]
    empty = next((row for row, text in zip(rows, texts, strict=True) if text is None), None)
    if empty is not None:
        raise BadInput(f"row {empty} has no text in column '{name}'")
    return load_texts(
        [str(text) for text in texts], net, vocabulary=vocabulary or None, length=length or None
    )


def _text_column(columns: dict[str, Any], truth: str) -> str:
    """Return the column that holds the texts: the one of that name, or the only one of words."""
    for name in columns:
        if name.lower() in _TEXTS:
            return name
    words = [name for name, held in columns.items() if held.dtype.kind == "O" and name != truth]
    if len(words) != 1:
        raise BadInput(
            f"which column holds the texts is not clear ({', '.join(columns)}): say --column NAME"
        )
    return words[0]


def _truths(net: Any, columns: dict[str, Any], name: str, rows: list[int]) -> tuple[str, ...]:
    """Return the right classes as the model's predictions name them."""
    from kerascope.facts import facts_of
    from kerascope.labels import one_list

    if not name:
        return ()
    if name not in columns:
        raise BadInput(f"--truth: column '{name}' not found{choices(name, columns)}")
    labels = one_list(facts_of(net).labels)
    held = [columns[name][row] for row in rows]
    if columns[name].dtype.kind not in "iu":
        return tuple(map(str, held))
    known = range(len(labels or ()))
    return tuple(labels[int(k)] if labels and int(k) in known else f"class {int(k)}" for k in held)
