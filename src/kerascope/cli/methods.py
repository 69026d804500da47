"""`kerascope methods`: what there is to choose from."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import out, say, say_json


def methods(
    name: Annotated[
        str | None, typer.Argument(help="Tell all of this method: formula, cost, when to use it.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List all methods, or tell all of one.

    With formula, cost, fields, when to use it and when not, and its paper.
    """
    from kerascope.cli.costs import cost
    from kerascope.method import method_class, registry

    if name is None:
        rows = [_row(kind) for kind in registry().values()]
        if as_json:
            say_json({"methods": rows})
        else:
            _print(rows)
        return
    kind = method_class(name)
    row = _row(kind) | {"cost": cost(kind())}
    if as_json:
        say_json(row)
    else:
        _tell(row)


def _row(kind: Any) -> dict[str, Any]:
    """Return what a method declares."""
    from kerascope.citations import cite

    return {
        "name": kind.name,
        "title": kind.title,
        "fields": {f.name: f.default for f in dataclasses.fields(kind)},
        "needs": sorted(need.value for need in kind.needs),
        "axioms": sorted(axiom.value for axiom in kind.axioms),
        "formula": kind.formula,
        "use": kind.use,
        "avoid": kind.avoid,
        "paper": cite([kind])[0],
    }


def _tell(row: dict[str, Any]) -> None:
    """Print what there is to say of one method; what it does not declare is left out."""
    say(f"{row['title']} ({row['name']})\n")
    for words, text in (
        ("formula", row["formula"]),
        ("use it", row["use"]),
        ("beware", row["avoid"]),
        ("cost", row["cost"]),
        ("needs", ", ".join(row["needs"])),
        ("satisfies", ", ".join(row["axioms"])),
        ("fields", ", ".join(f"{key}={value}" for key, value in row["fields"].items())),
        ("paper", row["paper"]),
    ):
        if text:
            say(f"{words:>9}: {text}")


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Column, Table

    names = Column("method", no_wrap=True)
    table = Table(names, "when to use it", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(row["name"], row["use"])
    out.print(table)
    say("\nkerascope methods NAME: formula, cost, fields, when not to use it, paper")
