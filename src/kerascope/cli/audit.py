"""`kerascope audit`: what does each class really hang on? A gate with --fail-on-finding."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import out, progress, say, say_json
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.errors import BadInput, choices

if TYPE_CHECKING:
    from kerascope.audit.result import Audit
    from kerascope.engines import Engine

ENGINES = ("local", "ray")
_MILLION = 1_000_000


def audit(
    model: Annotated[str, typer.Argument(help=options.MODEL_HELP)] = "",
    data: Annotated[
        str,
        typer.Argument(
            help="A folder with a folder per class, called as the model's classes; a CSV or "
            "Parquet file of paths and labels; .npy."
        ),
    ] = "",
    method: Annotated[
        list[str],
        typer.Option("-m", "--method", help="Method of the maps, with fields; repeatable."),
    ] = [],  # noqa: B006
    output: Output = Path("kerascope-out"),
    labels: Annotated[
        str, typer.Option(help="The model's class names: a JSON list, or one name per line.")
    ] = "",
    masks: Annotated[
        str, typer.Option(help="Folder of object masks, named as the pictures; a few will do.")
    ] = "",
    boxes: Annotated[
        str, typer.Option(help="JSON file in place of masks: picture → [x0, y0, x1, y1], or more.")
    ] = "",
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto",
    fit: Annotated[
        str, typer.Option(help="squeeze the whole picture, or crop its centre.")
    ] = "squeeze",
    size: Annotated[
        int, typer.Option(help="Picture size where the model leaves it open.", min=0)
    ] = 0,
    pictures: Annotated[
        int, typer.Option(help="Most pictures of a class that interventions edit.")
    ] = 500,
    most_classes: Annotated[
        int, typer.Option(help="Most classes that are examined, the commonest first.")
    ] = 20,
    batch_size: Annotated[int, typer.Option(help="Rows per pass; 0: measured.")] = 0,
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    engine: Annotated[str, typer.Option(help="Where rows are made: local or ray.")] = "local",
    address: Annotated[
        str, typer.Option(help="HOST:PORT of a Ray cluster; default: one is started.")
    ] = "",
    concurrency: Annotated[
        str, typer.Option(help="Ray workers: N, or LEAST,MOST; else as the cluster allows.")
    ] = "",
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what time, memory and disk it takes, and stop.")
    ] = False,
    benchmark: Annotated[
        bool,
        typer.Option("--benchmark", help="Plant shortcuts, train nets on them, and audit those."),
    ] = False,
    seeds: Annotated[int, typer.Option(help="With --benchmark: data sets of each kind.")] = 1,
    fail_on_finding: Annotated[
        bool, typer.Option("--fail-on-finding", help="Exit with 1 where a cue looks added.")
    ] = False,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> int:
    """Find the shortcuts of a model, by intervention.

    What does each class really hang on? Cues are put into other pictures, and predictions counted.
    """
    if benchmark:
        check_folder(output)
        return _benchmark(seeds, output / "benchmark", as_json=as_json)
    if not model or not data:
        raise BadInput("audit needs a model and data: kerascope audit MODEL DATA")
    from kerascope.cli.quiet import import_keras
    from kerascope.cli.words import parse_method
    from kerascope.loading import load_model

    workers = _workers(concurrency)
    works = _engine(engine, address, workers)
    if not plan:
        check_folder(output)
    known: dict[str, Any] = {
        "methods": [parse_method(text) for text in method] or None,
        "classes": labels or None, "masks": masks or None, "boxes": boxes or None,
        "preprocess": preprocess, "fit": fit, "size": size or None,
        "batch_size": batch_size or None, "seed": seed,
    }  # fmt: skip
    import_keras(model)
    net = load_model(model, custom=custom, unsafe=unsafe)
    if plan:
        return _plan(net, data, known, max(workers), as_json=as_json)
    from kerascope.audit.front import audit as examine

    with progress(quiet=as_json) as at:
        at("audit")
        found = examine(
            net, data, output / "rows", pictures=pictures, most_classes=most_classes,
            engine=works, **known,
        )  # fmt: skip
    _write(found, output)
    if as_json:
        say_json(found.to_json())
    else:
        _print(found)
        say(f"report: {page_in(output)}")
    if found.stopped:
        return 130
    if fail_on_finding and not found.tested:
        raise BadInput(
            "nothing could be tested by intervention, so this gate is not passed: "
            + "; ".join(found.notes)
        )
    return 1 if fail_on_finding and found.added else 0


def _workers(text: str) -> tuple[int, ...]:
    """Return the workers asked for: one number, or the least and the most; none: (0,)."""
    numbers = [part.strip() for part in text.split(",")] if text else ["0"]
    if len(numbers) > 2 or not all(number.isdecimal() for number in numbers):
        raise BadInput(f"--concurrency '{text}' must be a number of workers, or LEAST,MOST")
    return tuple(map(int, numbers))


def _engine(name: str, address: str, workers: tuple[int, ...]) -> Engine | None:
    if name not in ENGINES:
        raise BadInput(f"engine='{name}' is not known{choices(name, ENGINES)}")
    if name == "local":
        if address or any(workers):
            raise BadInput("--address and --concurrency go with --engine ray")
        return None
    from kerascope.engines import Ray

    concurrency = workers[0] or None if len(workers) == 1 else (workers[0], workers[1])
    return Ray(address=address or None, concurrency=concurrency)


def _plan(net: Any, data: str, known: dict[str, Any], workers: int, *, as_json: bool) -> int:
    from kerascope.audit.plan import plan

    made = plan(net, data, workers=max(1, workers), **known)
    if as_json:
        say_json(made.to_json())
    else:
        for line in made.words():
            say(line)
    return 0


def _benchmark(seeds: int, folder: Path, *, as_json: bool) -> int:
    from kerascope.planted.shortcuts.benchmark import run

    with progress(quiet=as_json) as at:
        at("benchmark")
        found = run(seeds=seeds, folder=folder)
    if as_json:
        say_json(found.to_json())
    else:
        for line in found.words():
            say(line)
    return 0


def _print(found: Audit) -> None:
    from rich.table import Table

    for words in found.quality.words:
        say(words)
    say("")
    say(found.summary)
    table = Table("", "class", "kind", "prevalence", "effect", "control", "p", box=None,
                  pad_edge=False, padding=(0, 2, 0, 0))  # fmt: skip
    for i, one in enumerate(found.findings, start=1):
        held = "" if one.prevalence is None else f"{one.prevalence.value:.0%}"
        table.add_row(
            f"{i}. {one.level}", one.label, one.cue, held, f"{one.effect:+.0%}",
            f"{one.control:.0%}", f"{one.p:.1g}",
        )  # fmt: skip
    if found.findings:
        out.print(table)
    for i, one in enumerate(found.findings, start=1):
        say(f"{i}. {one.sentence}")
    for words in found.unseen:
        say(f"not seen: {words}")
    for note in found.notes:
        say(f"note: {note}")


def _write(found: Audit, folder: Path) -> None:
    """Write findings, their files, and the page."""
    from kerascope.report.audit import write_audit

    with contextlib.suppress(FileNotFoundError):
        for old in folder.glob("finding-*"):
            old.unlink()
    found.save(folder)
    write_audit(page_in(folder), found)
