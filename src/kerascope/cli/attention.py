"""`kerascope attention`: what a model attends to, as pictures, numbers and a page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import progress, say, say_json
from kerascope.cli.names import file_names
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.errors import BadMethod, choices

if TYPE_CHECKING:
    from kerascope.inside.attention.result import Attention
    from kerascope.report import Figure, Gallery

KINDS = ("raw", "rollout", "flow", "chefer", "attention_x_gradient", "legrad", "token_cam")


def attention(
    model: options.Model,
    images: Annotated[
        list[str], typer.Argument(help="Pictures, folders, patterns, or .npy files.")
    ],
    kind: Annotated[
        list[str], typer.Option("-k", "--kind", help=f"{', '.join(KINDS)}; repeatable.")
    ] = ["raw", "rollout", "chefer"],  # noqa: B006 — typer reads it and never changes it
    target: Annotated[
        str | None,
        typer.Option("-t", "--target", help="Class index or name, top-3, …; default: predicted."),
    ] = None,
    output: Output = Path("kerascope-out"),
    layer: Annotated[
        list[str], typer.Option(help="Attention layer, or what holds some; repeatable.")
    ] = [],  # noqa: B006
    query: Annotated[
        int,
        typer.Option(help="Token whose attention is drawn; -1: those that the head reads.", min=-1),
    ] = -1,
    words: Annotated[
        Path | None, typer.Option(help="File with the words of a sequence, a sample per line.")
    ] = None,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto",
    size: Annotated[
        int, typer.Option(help="Picture size where the model leaves it open.", min=0)
    ] = 0,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Show what a transformer attends to.

    Writes PNGs, .safetensors files and one report.html.
    """
    for name in kind:
        if name not in KINDS:
            raise BadMethod(f"kind '{name}' is not known{choices(name, KINDS)}")
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(model)}", quiet=as_json)
    from kerascope.loading import load_model

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    given = _inputs(net, images, size, preprocess)
    for note in getattr(given, "notes", ()):
        say(f"note: {note}", quiet=as_json)
    rows = _words(words)
    results = []
    with progress(quiet=as_json) as at:
        from kerascope.inside.attention.front import attention as look

        for name in kind:
            at(name)
            chosen: dict[str, Any] = {"layers": tuple(layer) or None, "words": rows}
            results.append(look(net, given, kind=name, target=target, **chosen))
    _write(results, output, None if query < 0 else query, as_json=as_json)


def _inputs(net: Any, sources: list[str], size: int, preprocess: str) -> Any:
    """Return pictures, or the sequences of an array file where the model takes no pictures."""
    from kerascope.loading import load_images, load_inputs
    from kerascope.loading.sources import is_array_file
    from kerascope.loading.wants import input_shapes

    flat = all(shape is not None and len(shape) < 3 for shape in input_shapes(net).values())
    if flat and len(sources) == 1 and is_array_file(sources[0]):
        return load_inputs(sources[0], net)
    given: Any = sources[0] if len(sources) == 1 else list(sources)
    return load_images(given, net, size=size or None, preprocess=preprocess)


def _words(path: Path | None) -> list[list[str]] | None:
    from kerascope.errors import BadFile

    if path is None:
        return None
    try:
        return [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"cannot read the words in '{path.name}': {error}") from error


def _write(results: list[Attention], output: Path, query: int | None, *, as_json: bool) -> None:
    """Write pictures, data and the page; say where."""
    from kerascope.files import write_whole
    from kerascope.report import write_report

    files: list[str] = []
    sections = []
    names = file_names(results[0].names)
    for result in results:
        figures = [_figure(result, i, query) for i in range(len(names))]
        data = result.save(output / f"attention-{result.kind}.safetensors")
        files.append(data.name)
        for name, figure in zip(names, figures, strict=True):
            file = f"{name}-attention-{result.kind}.png"
            write_whole(output / file, figure.content)
            files.append(file)
        sections.append(_section(result, figures))
    page = write_report(page_in(output), sections, title="Attention")
    files.append(page.name)
    if as_json:
        say_json({"results": [_row(result) for result in results], "files": files})
        return
    for result in results:
        say(f"{result.title}: {len(result.layers)} layers, {', '.join(result.names)}")
        for note in result.notes:
            say(f"note: {note}")
    say(f"{len(files)} files and the report are in {output}")
    say(f"report: {page}")


def _figure(result: Attention, sample: int, query: int | None) -> Figure:
    from kerascope.plot.attention import png_figure
    from kerascope.report import Figure

    drawn = result.plot(sample, **({"query": query} if result.kind == "raw" else {}))
    content, width, height = png_figure(drawn)
    return Figure(
        content=content, alt=result.words_for(sample), width=width, height=height,
        caption=result.words_for(sample),
    )  # fmt: skip


def _section(result: Attention, figures: list[Figure]) -> Gallery:
    from kerascope.report import Gallery, Table

    table = None
    if result.kind == "raw" and result.tokens is not None:
        means = {name: values.mean(axis=0) for name, values in result.distances().items()}
        rows = tuple(
            (name, *(f"{f(values):.3g}" for f in (min, max)), f"{values.mean():.3g}")
            for name, values in means.items()
        )
        table = Table(
            columns=("layer", "nearest head", "farthest head", "mean"),
            rows=rows,
            caption="Mean attention distance, in pixels of the input (in steps, for a sequence)",
        )
    return Gallery(title=result.title, paragraphs=result.notes, figures=tuple(figures), table=table)


def _row(result: Attention) -> dict[str, Any]:
    place = result.tokens
    row: dict[str, Any] = {
        "kind": result.kind,
        "pictures": list(result.names),
        "explained": list(result.explained),
        "layers": list(result.layers),
        "read": list(result.read),
        "tokens": None if place is None else dataclasses.asdict(place),
        "notes": list(result.notes),
        "provenance": dataclasses.asdict(result.provenance),
    }
    if result.kind == "raw" and place is not None:
        row["distances"] = {n: v.mean(axis=0).tolist() for n, v in result.distances().items()}
    return row
