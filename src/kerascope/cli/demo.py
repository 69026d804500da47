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
    for row in rows:
        say(f"{row['net']}: {row['training']}")
    from rich.table import Table

    table = Table("net", "right, like training", "right, any weather", box=None)
    for heading in ("evidence on the vehicle", "of the activation map"):
        table.add_column(heading)
    for row in rows:
        own, anywhere = (
            f"{row[key]:.0%}" for key in ("accuracy_like_training", "accuracy_any_weather")
        )
        shares = (
            _share(row["share_inside_object"], row["interval_95"]),
            _share(row["share_of_activation_map"], row["activation_map_interval_95"]),
        )
        table.add_row(row["net"], own, anywhere, *shares)
    out.print(table)
    say(
        "share of the positive evidence inside the vehicle's outline, mean over "
        f"{rows[0]['scenes']} scenes and its 95 % confidence interval"
    )


def _share(mean: float, interval: list[float]) -> str:
    return f"{mean:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
