"""`kerascope benchmark`: which method finds evidence that is known to be there."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kerascope.cli import options
from kerascope.cli.console import defined, out, progress, say, say_json
from kerascope.cli.filters import figure_file
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.cli.words import parse_method

if TYPE_CHECKING:
    from kerascope.planted.benchmark import Benchmark

_ABOUT = (
    "Every net decides by one planted cue: it is right with the cue, at chance without it, and "
    "right again when all else is drawn anew. mass: share of the map on the evidence; rank: share "
    "of the highest pixels, as many as the evidence has; pointing: the peak is on it, or 2 pixels "
    "off; false evidence: share of the map on objects that never matter."
)


def benchmark(
    method: Annotated[
        list[str], typer.Option("-m", "--method", help="Method; repeatable. Default: all.")
    ] = [],  # noqa: B006 — typer reads it and never changes it
    cue: Annotated[list[str], typer.Option(help="Planted cue; repeatable. Default: all.")] = [],  # noqa: B006
    samples: Annotated[int, typer.Option(help="Scenes per cue.")] = 24,
    seed: Annotated[int, typer.Option(help="Drives scenes and sampling.")] = 0,
    output: Output = Path("kerascope-out"),
    as_json: options.Json = False,
) -> None:
    """Score methods on bundled nets whose evidence is known."""
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras()}", quiet=as_json)
    from kerascope.planted.benchmark import benchmark as score

    methods = [parse_method(text) for text in method] or None
    with progress(quiet=as_json) as at:
        found = score(methods, cue or None, samples=samples, seed=seed, report=at)
    _write(found, output, as_json=as_json)


def _write(found: Benchmark, output: Path, *, as_json: bool) -> None:
    """Write tables, pictures and the page; say what was found."""
    from kerascope.files import write_whole
    from kerascope.report import Gallery, Table, write_report

    columns = ("method", "all", *found.cues)
    galleries, files = [], []
    for measure in found.measures:
        rows = tuple(map(defined, found.rows(measure)))
        stem = measure.replace(" ", "_")
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *rows])
        write_whole(output / f"{stem}.csv", text.getvalue().encode())
        best = ", ".join(f"{row[0]} {row[1]:.2f}" for row in rows[:3] if row[1] is not None)
        figure = figure_file(
            output / f"{stem}.png", found.plot(measure), f"{measure}: best {best}", measure
        )
        table = Table(columns=columns, rows=rows)
        galleries.append(
            Gallery(title=measure.capitalize(), figures=(figure,), table=table, paragraphs=())
        )
        files += [f"{stem}.png", f"{stem}.csv"]
    about = Gallery(title="Planted evidence", figures=(), paragraphs=(_ABOUT, *found.notes))
    page = write_report(page_in(output), [about, *galleries], title="Which method to trust")
    files.append(page.name)
    if as_json:
        tables = {m: [dict(zip(columns, row, strict=True)) for row in map(defined, found.rows(m))]
                  for m in found.measures}  # fmt: skip
        say_json({"results": tables, "notes": list(found.notes), "files": files})
        return
    _print(found, columns)
    for note in found.notes:
        say(f"note: {note}")
    say(f"{len(files)} files and the report are in {output}")
    say(f"report: {page}")


def _print(found: Benchmark, columns: tuple[str, ...]) -> None:
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in map(defined, found.rows()):
        table.add_row(row[0], *("–" if v is None else f"{v:.2f}" for v in row[1:]))
    out.print(table)
    say("share of each map that lies on the planted evidence")
