"""`kerascope replay`: make an explanation again; bit for bit the same, or what differs?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import progress, say, say_json
from kerascope.cli.names import file_names
from kerascope.cli.output import check_folder, page_in, to_folder
from kerascope.errors import BadInput

if TYPE_CHECKING:
    from kerascope.replay import Replay, Replayed


def replay(
    file: Annotated[
        Path, typer.Argument(help="PNG, report.html or .safetensors of kerascope explain.")
    ],
    pictures: Annotated[
        list[str],
        typer.Argument(
            help="The inputs, where no .safetensors holds them: pictures, .npy, .npz, a .csv."
        ),
    ] = [],  # noqa: B006 — typer reads it and never changes it
    model: Annotated[
        str, typer.Option("--model", help="The model: .keras or .h5, keras:NAME or hub:PRESET.")
    ] = "",
    data: Annotated[
        list[str],
        typer.Option(help="FIELD=FILE.npy for an array of the method; repeatable."),
    ] = [],  # noqa: B006
    background: options.Background = "",
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", callback=to_folder, help="Folder for what was made now."),
    ] = None,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> int:
    """Make an explanation again, and say what differs.

    Exit code 1 unless every map has the same bits.
    """
    from kerascope import backend
    from kerascope.cli.quiet import import_keras
    from kerascope.replay.again import opened, replay_records
    from kerascope.replay.stamps import read_records

    if not model:
        raise BadInput("--model MODEL is missing: which model is the explanation of?")
    arrays = _arrays(data)
    records = read_records(file)
    if output is not None:
        check_folder(output)
    then = records[0].provenance.backend
    backend.prefer(then)
    running = import_keras(model)
    why = "" if running == then else f", not {then} as recorded: {_why(then)}"
    say(f"backend: {running}{why}", quiet=as_json)
    net = opened(model, records, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    with progress(quiet=as_json) as at:
        at("replay")
        found = replay_records(
            records, net, file, pictures or None, data=arrays,
            background=background or None,
        )  # fmt: skip
    if output is not None:
        _write(found, output)
    if as_json:
        say_json(found.to_json())
    else:
        _print(found)
    return 0 if found.same else 1


def _arrays(data: list[str]) -> dict[str, str]:
    """Return files by field of "field=file" words; raise `BadInput` for others."""
    for text in data:
        field, equals, path = text.partition("=")
        if not (field and equals and path):
            raise BadInput(f"--data '{text}' is not FIELD=FILE.npy")
    return dict(text.split("=", 1) for text in data)  # type: ignore[misc]


def _why(backend_: str) -> str:
    from kerascope.backend import installed

    return "KERAS_BACKEND is set" if backend_ in installed() else "it is not installed"


def _print(found: Replay) -> None:
    for sample in found.samples:
        say(_line(sample))
    for words in found.changed:
        say(f"changed: {words}")
    for note in found.notes:
        say(f"note: {note}")


def _line(sample: Replayed) -> str:
    what = "; ".join(sample.differs) or "bit for bit the same"
    if sample.same and sample.differs:
        what = f"the map is bit for bit the same; {what}"
    return f"{sample.name}  {sample.method}: {what}"


def _write(found: Replay, folder: Path) -> None:
    """Write what was made now as `explain` does, and the comparison as JSON."""
    import json

    from kerascope.files import write_whole
    from kerascope.plot import save_png
    from kerascope.report import Explanations, Gallery, Table, write_report

    stems = file_names([f"{result.names[0]}-{result.method.name}" for result in found.results])
    for stem, result in zip(stems, found.results, strict=True):
        save_png(result, folder / f"{stem}.png")
        result.save(folder / f"{stem}.safetensors")
    told: dict[str, Any] = found.to_json()
    write_whole(folder / "replay.json", (json.dumps(told, indent=2) + "\n").encode())
    rows = tuple(
        (s.name, s.method, "; ".join(s.differs) or "bit for bit the same") for s in found.samples
    )
    table = Table(columns=("sample", "method", "now"), rows=rows)
    words = (*found.changed, *found.notes)
    first = Gallery(title="Then and now", paragraphs=words, table=table)
    made = [Explanations(results=(result,), title="Made again") for result in found.results]
    write_report(page_in(folder), [first, *made], title="An explanation made again")
