"""`kerascope maximize`: pictures of what classes, channels and layers want to see."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import progress, say, say_json
from kerascope.cli.filters import figure_file
from kerascope.cli.names import file_names
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.errors import BadInput, choices

if TYPE_CHECKING:
    from kerascope.inside.maximize import Visualization
    from kerascope.report import Figure
    from kerascope.types import Array

KINDS = ("fourier", "pixel", "maco")
_MOST = 60  # pictures that the page shows one by one; of more there is the sheet


def maximize(
    model: options.Model,
    target: Annotated[
        list[str], typer.Option("-t", "--target", help="Class index or name; repeatable.")
    ] = [],  # noqa: B006 — typer reads it and never changes it
    classes: Annotated[str, typer.Option(help="all: a sheet of every class; or 0-9,42.")] = "",
    layer: Annotated[str, typer.Option("-l", "--layer", help="Layer to look into.")] = "",
    channel: Annotated[
        list[int], typer.Option("-c", "--channel", help="Channel of --layer; repeatable.")
    ] = [],  # noqa: B006
    count: Annotated[int, typer.Option(help="Pictures of every target.")] = 1,
    diverse: Annotated[
        str, typer.Option(help="Layer in which the pictures of a target are to differ.")
    ] = "",
    kind: Annotated[str, typer.Option("-k", "--kind", help="fourier, pixel or maco.")] = "fourier",
    steps: Annotated[int, typer.Option(help="Steps of the optimisation.")] = 256,
    views: Annotated[int, typer.Option(help="Random views of a picture in every step.")] = 1,
    start: Annotated[
        str, typer.Option(help="Picture to start from; with --layer alone: DeepDream.")
    ] = "",
    animate: Annotated[str, typer.Option(help="webp or gif: also a film of every picture.")] = "",
    size: Annotated[
        int, typer.Option(help="Picture size where the model leaves it open.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="Drives all randomness.")] = 0,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Find inputs that maximise a class, a layer or a channel.

    Writes PNGs, .safetensors files and one report.html.
    """
    _check(kind, animate)
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(model)}", quiet=as_json)
    from kerascope.inside.maximize import Diversity
    from kerascope.inside.maximize import maximize as climb
    from kerascope.loading import load_images, load_model

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    wanted = _wanted(target, classes, layer, channel)
    begin = load_images(start, net, size=size or None).inputs if start else None
    with progress(quiet=as_json) as at:
        at("maximize")
        found = climb(
            net, wanted, count=count, steps=steps, parametrization=_parametrization(kind),
            transforms=_transforms(views), start=begin, size=size or None, seed=seed,
            diversity=Diversity(diverse) if diverse else None, frames=24 if animate else 0,
        )  # fmt: skip
    _write(found, output, animate, as_json=as_json)


def _check(kind: str, animate: str) -> None:
    if kind not in KINDS:
        raise BadInput(f"kind '{kind}' is not known{choices(kind, KINDS)}")
    if animate not in ("", "webp", "gif"):
        raise BadInput(f"--animate {animate} is not known; it is webp or gif")


def _parametrization(kind: str) -> Any:
    from kerascope.inside import maximize as room

    return {"fourier": None, "pixel": room.Pixel(), "maco": room.MaCo()}[kind]


def _transforms(views: int) -> Any:
    from kerascope.inside.maximize import Transforms

    return dataclasses.replace(Transforms(), views=views)


def _wanted(targets: list[str], classes: str, layer: str, channels: list[int]) -> Any:
    """Return what the options ask for; raise `BadInput` when they ask for nothing."""
    from kerascope.targets import Neuron
    from kerascope.targets.inner import WholeLayer

    if channels and not layer:
        raise BadInput("--channel is of a layer: give --layer too")
    found: list[Any] = list(targets)
    if classes.lower() == "all":
        if found or layer:
            raise BadInput("--classes all stands alone; leave --target and --layer out")
        return "all"
    found += _numbers(classes)
    if layer:
        found += [Neuron(layer, unit) for unit in channels] or [WholeLayer(layer)]
    if not found:
        raise BadInput("nothing to maximise: give --target, --classes all, or --layer")
    return found


def _numbers(text: str) -> list[int]:
    """Return the indices that "0-9,42" says."""
    found: list[int] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match is None:
            raise BadInput(f"--classes '{text}' is not understood; give all, or like 0-9,42")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise BadInput(f"--classes '{part}' runs backwards; write {last}-{first}")
        found += range(first, last + 1)
    return found


def _write(found: Visualization, output: Path, animate: str, *, as_json: bool) -> None:
    """Write pictures, data and the page; say where."""
    from kerascope.report import Gallery, Table, write_report

    files = [found.save(output / "maximize.safetensors").name]
    figures = [figure_file(output / "sheet.png", found.plot(), found.words, found.words)]
    files.append("sheet.png")
    stems = file_names([re.sub(r" \([^()]*\)$", "", words) for words in found.explained])
    if found.picture:
        for k, (stem, pixels) in enumerate(zip(stems, found.image, strict=True)):
            figure = _picture(pixels, found.explained[k], output / f"{stem}.png")
            files.append(f"{stem}.png")
            if animate:
                figure = _film(found, k, output / f"{stem}.{animate}", figure)
                files.append(f"{stem}.{animate}")
            if 1 < len(found) <= _MOST or animate:
                figures.append(figure)
    rows = tuple(
        (words, float(score), float(path[0]), float(path[-1]))
        for words, score, path in zip(found.explained, found.scores, found.history, strict=True)
    )
    table = Table(columns=("maximised", "score", "first step", "last step"), rows=rows)
    gallery = Gallery(
        title=found.words,
        figures=tuple(figures),
        table=table,
        paragraphs=(found.provenance.method["reference"], *found.notes),
    )
    page = write_report(
        page_in(output), [gallery], title=f"What {found.provenance.model} wants to see"
    )
    files.append(page.name)
    if as_json:
        say_json(_told(found, files))
        return
    for words in found.explained[:_MOST]:
        say(words)
    for note in found.notes:
        say(f"note: {note}")
    say(f"{len(files)} files and the report are in {output}")
    say(f"report: {page}")


def _picture(pixels: Array, words: str, path: Path) -> Figure:
    """Write one picture pixel by pixel; return it for the page."""
    from PIL import Image

    from kerascope.files import write_whole
    from kerascope.report import Figure

    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    write_whole(path, buffer.getvalue())
    return Figure(
        content=buffer.getvalue(), alt=f"a picture that maximises the {words}", caption=words,
        width=picture.width, height=picture.height,
    )  # fmt: skip


def _film(found: Visualization, k: int, path: Path, still: Figure) -> Figure:
    found.animate(path, k)
    return dataclasses.replace(still, content=path.read_bytes(), alt=f"film of {still.alt}")


def _told(found: Visualization, files: list[str]) -> dict[str, Any]:
    return {
        "results": [
            {"explained": words, "score": float(score)}
            for words, score in zip(found.explained, found.scores, strict=True)
        ],
        "steps": found.steps,
        "notes": list(found.notes),
        "provenance": dataclasses.asdict(found.provenance),
        "files": files,
    }
