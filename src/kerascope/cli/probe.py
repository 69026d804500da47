"""`kerascope probe`: what linear probes read off the layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kerascope.cli import options
from kerascope.cli.concepts import finish
from kerascope.cli.console import progress, say
from kerascope.cli.filters import figure_file
from kerascope.cli.output import Output, check_folder
from kerascope.errors import BadFile

if TYPE_CHECKING:
    from kerascope.concepts.probe import Probes


def probe(
    model: options.Model,
    images: Annotated[Path, typer.Argument(help="Folder with a folder of pictures per class.")],
    layer: Annotated[
        list[str], typer.Option("-l", "--layer", help="Layer; repeatable. Default: a spread.")
    ] = [],  # noqa: B006 — typer reads it and never changes it
    pool: Annotated[str, typer.Option(help="mean, or none: all activations.")] = "mean",
    folds: Annotated[int, typer.Option(help="Parts of the cross-validation.")] = 5,
    shuffles: Annotated[int, typer.Option(help="Control tasks.")] = 3,
    most: Annotated[int, typer.Option(help="Layers of the spread.")] = 12,
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto",
    seed: Annotated[int, typer.Option(help="Drives all splits and shuffles.")] = 0,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Fit linear probes to layers.

    Writes a PNG, a .safetensors file and one report.html.
    """
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(model)}", quiet=as_json)
    from kerascope.concepts.probe import probe as fit
    from kerascope.loading import load_model

    files, labels = _labelled(images)
    net = load_model(model, custom=tuple(custom), unsafe=unsafe)
    with progress(quiet=as_json) as at:
        at("probe")
        found = fit(
            net, files, labels, list(layer) or None, pool=None if pool == "none" else pool,
            folds=folds, shuffles=shuffles, most=most, preprocess=preprocess, seed=seed,
        )  # fmt: skip
    _write(found, output, as_json=as_json)


def _labelled(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the pictures of all classes and their labels, the names of the sub-folders."""
    from kerascope.loading.sources import picture_files

    if not folder.is_dir():
        raise BadFile(f"'{folder}' is not a folder with a folder of pictures per class")
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if len(classes) < 2:
        raise BadFile(
            f"folder '{folder.name}' holds {len(classes)} folders; a class needs one, and there "
            "must be two or more"
        )
    found = [(file, path.name) for path in classes for file in picture_files(path)[0]]
    return [file for file, _ in found], [name for _, name in found]


def _write(found: Probes, output: Path, *, as_json: bool) -> None:
    """Write picture, data and page; say what was found."""
    from kerascope.report import Gallery, Table

    found.save(output / "probe.safetensors")
    said = [
        f"{layer}: {found.measure} {value:.3g} ({low:.3g} to {high:.3g}), control {control:.3g}"
        for layer, _, value, low, high, control, _ in found.table()
    ]
    figure = figure_file(
        output / "probe.png", found.plot(),
        f"{found.measure.capitalize()} by layer: {'; '.join(said)}", found.words,
    )  # fmt: skip
    about = f"The baseline, the largest class alone, is {found.baseline:.3g}."
    gallery = Gallery(
        title="Linear probes",
        figures=(figure,),
        table=Table(columns=found.columns, rows=found.table()),
        paragraphs=(about, found.provenance.method["reference"], *found.notes),
    )
    told = {
        "measure": found.measure,
        "baseline": found.baseline,
        "results": [dict(zip(found.columns, row, strict=True)) for row in found.table()],
    }
    files = ["probe.png", "probe.safetensors"]
    finish(found, gallery, output, files, [about, *said], told if as_json else None)
