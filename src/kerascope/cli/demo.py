"""`kerascope demo`: the oldest story of this field, told by two bundled nets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import out, progress, say, say_json
from kerascope.cli.output import Output, check_folder, page_in


def demo(
    output: Output = Path("kerascope-demo"),
    scenes: Annotated[
        int, typer.Option(help="Scenes that the numbers are measured on.", min=20)
    ] = 240,
    as_json: options.Json = False,
) -> None:
    """Explain two bundled nets, one right for a wrong reason."""
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras()}", quiet=as_json)
    from kerascope.demo import story

    say(f"explaining two nets on {scenes} generated scenes …", quiet=as_json)
    with progress(quiet=as_json) as at:
        at("evidence")
        findings, nets = story.investigate(scenes=scenes)
        at("audit")
        said = story.unasked(nets)
        at("report")
        page = story.write(findings, nets, page_in(output), said)
    rows = [finding.row() for finding in findings]
    if as_json:
        say_json({"findings": rows, "audit": said, "report": page.name})
    else:
        _print(rows)
        for name, words in said.items():
            say(f"the audit, not told where to look, of {name}: {words}")
        say(f"report: {page.resolve()}")
    story.check(findings)


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        say(f"{row['net']}: {row['training']}")
    from rich.table import Table

    table = Table(
        "net",
        "right,\nlike training",
        "right,\nany weather",
        "evidence on\nthe vehicle",
        "by integrated\ngradients",
        box=None,
    )
    for row in rows:
        table.add_row(*_cells(row))
    out.print(table)
    say(
        "evidence: share of the positive part of the class activation map inside the vehicle's "
        f"outline, mean over {rows[0]['scenes']} scenes with its 95 % confidence interval"
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    from kerascope.wording import percentage

    def share(mean: float, interval: list[float]) -> str:
        low, high = map(percentage, interval)
        return f"{percentage(mean)} ({low.removesuffix(' %')} – {high})"

    return (
        row["net"],
        percentage(row["accuracy_like_training"]),
        percentage(row["accuracy_any_weather"]),
        share(row["share_inside_object"], row["interval_95"]),
        share(row["share_by_integrated_gradients"], row["integrated_gradients_interval_95"]),
    )
