"""`kerascope metrics`: what explanations can be measured by."""

from __future__ import annotations

import dataclasses
from typing import Any

from kerascope.cli import options
from kerascope.cli.console import out, say_json

_PICTURE = 224 * 224  # positions of the map whose cost is told


def metrics(
    as_json: options.Json = False,
) -> None:
    """List all metrics that evaluate measures by.

    What they ask, which way is better, what they need and cost, and their papers.

    Cost is of one sample of 224 by 224: passes, and how many times it is explained again.
    """
    from kerascope.citations import cite
    from kerascope.metrics.base import metrics as known

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "title": kind.title,
            "family": kind.family.value,
            "better": "higher" if kind.higher else "lower",
            "range": list(kind.bounds),
            "fields": {f.name: f.default for f in dataclasses.fields(kind)},
            "needs": sorted(need.value for need in kind.requires),
            "passes": kind().passes(_PICTURE),
            "explanations": kind().explanations(),
            "paper": cite([kind])[0],
        }
        for name, kind in known().items()
    ]
    if as_json:
        say_json({"metrics": [{**row, "range": _finite(row["range"])} for row in rows]})
        return
    _print(sorted(rows, key=lambda row: (row["family"], row["name"])))


def _finite(bounds: list[float]) -> list[float | None]:
    """Return bounds with None where there is none, which JSON has no number for."""
    return [None if abs(value) == float("inf") else value for value in bounds]


def _cost(row: dict[str, Any]) -> str:
    parts = (("passes", "× forward"), ("explanations", "× explained"))
    return ", ".join(f"{row[key]} {words}" for key, words in parts if row[key])


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Column, Table

    names = (Column("metric", no_wrap=True), Column("family", no_wrap=True))
    table = Table(
        *names, "better", "range", "needs", "cost", "paper", box=None, pad_edge=False,
        padding=(0, 2, 1, 0),
    )  # fmt: skip
    for row in rows:
        low, high = row["range"]
        table.add_row(
            row["name"], row["family"], row["better"], f"{low:g} … {high:g}",
            ", ".join(row["needs"]), _cost(row), row["paper"],
        )  # fmt: skip
    out.print(table)
