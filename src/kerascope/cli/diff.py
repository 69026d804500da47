"""`kerascope diff`: a gate for reasons: did the new model look elsewhere?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import defined, out, progress, say, say_json
from kerascope.cli.given import Given, tell, unfolded
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.cli.words import parse_method
from kerascope.errors import BadInput

if TYPE_CHECKING:
    from kerascope.diff import Diff

_SHOWN = 8  # samples in the report, those that differ most


@unfolded
def diff(
    *,
    old: options.Model,
    new: Annotated[str, typer.Argument(help="The new model, likewise.")],
    method: Annotated[
        str,
        typer.Option(
            "-m",
            "--method",
            help="Method, with fields: layer_cam:layer=conv5. Default: as in explain.",
        ),
    ] = "",
    target: Annotated[
        str, typer.Option("-t", "--target", help="Class; default: what the old model predicts.")
    ] = "",
    fail_over: Annotated[
        float,
        typer.Option(
            help="Exit with 1 where a class's mean distance, 0 to 1, is above this; below 0: never."
        ),
    ] = -1.0,
    cells: Annotated[int, typer.Option(help="Cells along each axis of the maps.")] = 8,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    given: Given,
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006 — typer reads it and never changes it
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> int:
    """Compare where two models look, class by class.

    Exit code 1 where the distance is over --fail-over.
    """
    if fail_over != -1.0 and not 0 <= fail_over <= 1:
        raise BadInput(f"--fail-over {fail_over:g} must lie between 0 and 1")
    value = parse_method(method) if method else None
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(old, new)}", quiet=as_json)
    from kerascope.diff import diff as compare
    from kerascope.loading import load_model

    nets = [
        load_model(name, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
        for name in (old, new)
    ]
    first, second = (given.samples(net) for net in nets)
    aim = given.target(target or None, first.net)
    tell(first, second, quiet=as_json)
    with progress(quiet=as_json) as at:
        at("diff")
        found = compare(
            first.net, second.net, first.inputs, value, new_inputs=second.inputs, target=aim,
            cells=cells, seed=seed,
        )  # fmt: skip
    over = found.over(fail_over) if fail_over >= 0 else ()
    _write(found, output, over, fail_over, as_json=as_json)
    return 1 if over else 0


def _write(
    found: Diff, output: Path, over: tuple[str, ...], limit: float, *, as_json: bool
) -> None:
    """Write the page; say what was found."""
    from kerascope.report import Comparison, Gallery, Table, write_report

    columns = ("class", "mean distance", "low", "high", "samples", "over the limit")
    rows = tuple(
        (
            name,
            *defined((m.value, m.low, m.high)),
            m.count,
            "yes" if name in over else "",
        )
        for name, m in found.by_class()
    )
    turned = int(found.turned.sum())
    about = (
        f"Over {len(found)} samples, {found.mean().value:.0%} of the evidence lies elsewhere in "
        f"the new model; {turned} predictions differ. Distance: share of the evidence that would "
        "have to move to another cell."
    )
    sections: list[Any] = [
        Gallery(
            title="Where do they look?",
            paragraphs=(about,),
            table=Table(columns=columns, rows=rows),
        )
    ]
    worst = found.worst(_SHOWN)
    if worst:
        sections.append(
            Comparison(
                title="Where they differ most",
                results=(found.old, found.new),
                headings=("old", "new"),
                samples=worst,
            )
        )
    page = write_report(page_in(output), sections, title="Old and new model")
    if as_json:
        say_json(_told(found, columns, rows, over, limit) | {"files": [page.name]})
        return
    _print(columns, rows)
    say(about)
    for name in over:
        say(f"over the limit of {limit:g}: {name}")
    say(f"report: {page}")


def _told(
    found: Diff,
    columns: tuple[str, ...],
    rows: tuple[Any, ...],
    over: tuple[str, ...],
    limit: float,
) -> dict[str, Any]:
    """Return what the JSON holds."""
    each = zip(found.old.names, found.classes, found.distances, found.turned, strict=True)
    return {
        "mean": defined((found.mean().value,))[0],
        "turned": int(found.turned.sum()),
        "limit": None if limit < 0 else limit,
        "over": list(over),
        "classes": [dict(zip(columns, row, strict=True)) for row in rows],
        "samples": [
            {
                "name": name,
                "class": words,
                "distance": defined((float(gap),))[0],
                "turned": bool(turned),
            }
            for name, words, gap, turned in each
        ],
    }


def _print(columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...]) -> None:
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        cells = ["undefined" if v is None else f"{v:.2f}" if isinstance(v, float) else str(v)
                 for v in row]  # fmt: skip
        table.add_row(*cells)
    out.print(table)
