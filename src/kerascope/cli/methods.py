"""`kerascope methods`: what there is to choose from."""

from __future__ import annotations

import dataclasses
from typing import Any

from kerascope.cli import options
from kerascope.cli.console import out, say_json


def methods(
    as_json: options.Json = False,
) -> None:
    """List all methods with their fields, defaults and papers."""
    from kerascope.citations import cite
    from kerascope.method import registry

    rows = [
        {
            "name": name,
            "title": kind.title,
            "fields": {f.name: f.default for f in dataclasses.fields(kind)},
            "needs": sorted(need.value for need in kind.needs),
            "paper": cite([name])[0],
        }
        for name, kind in registry().items()
    ]
    if as_json:
        say_json({"methods": rows})
        return
    _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(
        "method", "fields", "needs", "paper", box=None, pad_edge=False, padding=(0, 2, 1, 0)
    )
    for row in rows:
        fields = ", ".join(f"{key}={value}" for key, value in row["fields"].items())
        table.add_row(row["name"], fields, ", ".join(row["needs"]), row["paper"])
    out.print(table)
