"""`kerascope evaluate`: which method to trust on these samples, with numbers."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import defined, out, progress, say, say_json
from kerascope.cli.filters import figure_file
from kerascope.cli.given import Given, tell, unfolded
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.cli.words import parse_method
from kerascope.errors import BadInput

if TYPE_CHECKING:
    from kerascope.metrics import Evaluation

_ABOUT = (
    "Intervals hold the mean with 95 % (bootstrap over samples). A method that is not better than "
    "a map that knows nothing of the model, in a paired test on the same samples (sign flips, "
    "Holm), says so."
)
COLUMNS = ("method", "metric", "mean", "low", "high", "samples", "verdict")


@unfolded
def evaluate(
    *,
    model: options.Model,
    method: Annotated[
        list[str],
        typer.Option("-m", "--method", help="Method, with fields: rise:masks=500; repeatable."),
    ] = [],  # noqa: B006 — typer reads it and never changes it
    metric: Annotated[
        list[str], typer.Option("--metric", help="Metric; repeatable. Default: a few cheap ones.")
    ] = [],  # noqa: B006
    target: Annotated[
        str, typer.Option("-t", "--target", help="Class or words as in explain; one target.")
    ] = "",
    boxes: Annotated[
        str, typer.Option(help="JSON: file name to [x0, y0, x1, y1], or a list of such.")
    ] = "",
    masks: Annotated[
        str, typer.Option(help="Folder of PNGs named as the pictures, white on the object.")
    ] = "",
    score: Annotated[str, typer.Option(help="probability or logit.")] = "probability",
    controls: Annotated[
        bool, typer.Option(help="Measure random, centre and edge maps as well.")
    ] = True,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    given: Given,
    batch_size: Annotated[int, typer.Option(help="Rows per pass; 0 finds the best.")] = 0,
    memory: Annotated[str, typer.Option(help="Memory budget, such as 512MB.")] = "",
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Measure which method to trust on your samples.

    Methods are compared with each other, and with maps that know nothing of the model.
    """
    check_folder(output)
    if boxes and masks:
        raise BadInput("--boxes and --masks are both given; give one of them")
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(model)}", quiet=as_json)
    from kerascope.evaluate import DEFAULT_METHODS
    from kerascope.evaluate import evaluate as measure
    from kerascope.loading import load_model
    from kerascope.loading.regions import masks_in_files

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    seen = given.samples(net)
    aim = given.target(target or None, seen.net)
    where = masks_in_files(given.images, seen.inputs, boxes=boxes or None, folder=masks or None)
    tell(seen, quiet=as_json)
    with progress(quiet=as_json) as at:
        at("evaluate")
        found = measure(
            seen.net, seen.inputs, [parse_method(text) for text in method] or DEFAULT_METHODS,
            list(metric) or None, target=aim, masks=where, score=score,
            controls=controls, seed=seed, batch_size=batch_size or None, memory=memory or None,
        )  # fmt: skip
    _write(found, output, as_json=as_json)


def _write(found: Evaluation, output: Path, *, as_json: bool) -> None:
    """Write table, picture, data and page; say what was found."""
    from kerascope.files import write_whole
    from kerascope.report import Gallery, Table, write_report

    rows = found.rows()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    write_whole(output / "evaluation.csv", text.getvalue().encode())
    found.save(output / "evaluation.safetensors")
    figure = figure_file(output / "evaluation.png", found.plot(), _said(found), "Means by metric")
    gallery = Gallery(
        title="How far can these methods be trusted?",
        figures=(figure,),
        table=Table(columns=COLUMNS, rows=tuple(defined(row) for row in rows)),
        paragraphs=(_ABOUT, *found.notes),
    )
    page = write_report(page_in(output), [gallery], title="Evaluation of explanations")
    files = ["evaluation.png", "evaluation.csv", "evaluation.safetensors", page.name]
    if as_json:
        results = [dict(zip(COLUMNS, defined(row), strict=True)) for row in rows]
        say_json({"results": results, "settings": found.settings, "notes": list(found.notes),
                  "files": files})  # fmt: skip
        return
    _print(found, rows)
    for note in found.notes:
        say(f"note: {note}")
    say(f"{len(files)} files and the report are in {output}")
    say(f"report: {page}")


def _said(found: Evaluation) -> str:
    means = [
        f"{method} {title} {found.mean(method, metric).value:.3g}"
        for metric, title in zip(found.metrics, found.titles, strict=True)
        for method in found.methods
    ]
    return f"Means over {len(found.samples)} samples: {'; '.join(means)}"


def _print(found: Evaluation, rows: tuple[tuple[Any, ...], ...]) -> None:
    from rich.table import Table

    arrows = ("↑" if higher else "↓" for higher in found.higher)
    heads = [f"{title} {arrow}" for title, arrow in zip(found.titles, arrows, strict=True)]
    table = Table("method", *heads, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for method in found.methods:
        cells = []
        for row in rows:
            if row[0] == method:
                weak = "*" if row[-1] else ""
                cells.append("undefined" if row[2] != row[2] else f"{row[2]:.3g}{weak}")
        table.add_row(method, *cells)
    out.print(table)
    if any(row[-1] for row in rows):
        say("* not really better than every control (random, centre and edge map)")
