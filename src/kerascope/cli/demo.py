"""`kerascope demo`: the oldest story of this field, told by two bundled nets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import out, progress, say, say_json
from kerascope.cli.explain import check_folder


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the page.")] = Path(
        "kerascope-demo"
    ),
    scenes: Annotated[
        int, typer.Option(help="Scenes that the numbers are measured on.", min=20)
    ] = 240,
    as_json: options.Json = False,
) -> None:
    """Explain two bundled nets: one looks at the sky, one at the vehicle."""
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras()}", quiet=as_json)
    from kerascope.demo import story

    say(f"explaining two nets on {scenes} generated scenes …", quiet=as_json)
    with progress(quiet=as_json) as at:
        at("evidence")
        findings, nets = story.investigate(scenes=scenes)
        at("report")
        page = story.write(findings, nets, output / "report.html")
    rows = [finding.row() for finding in findings]
    if as_json:
        say_json({"findings": rows, "report": page.name})
    else:
        _print(rows)
        say(f"report: {page.resolve()}")
    story.check(findings)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(
        "net",
        "training",
        "right, like training",
        "right, any weather",
        "evidence on the vehicle",
        box=None,
    )
    for row in rows:
        low, high = row["interval_95"]
        interval = f"95 %: {low:.2f} to {high:.2f}, {row['scenes']} scenes"
        share = f"{row['share_inside_object']:.2f}  ({interval})"
        own, anywhere = (
            f"{row[key]:.0%}" for key in ("accuracy_like_training", "accuracy_any_weather")
        )
        table.add_row(row["net"], row["training"], own, anywhere, share)
    out.print(table)
