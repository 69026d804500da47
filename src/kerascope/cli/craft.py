"""`kerascope craft`: the concepts that a class is seen by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kerascope.cli import options
from kerascope.cli.concepts import finish
from kerascope.cli.console import progress, say
from kerascope.cli.filters import figure_file
from kerascope.cli.output import Output, check_folder

if TYPE_CHECKING:
    from kerascope.concepts.craft import Craft


def craft(
    model: options.Model,
    images: Annotated[list[str], typer.Argument(help="Pictures of the class, or their folder.")],
    target: Annotated[str, typer.Option("-t", "--target", help="Class index or name.")],
    layer: Annotated[
        str, typer.Option("-l", "--layer", help="Layer without negative values: one with a ReLU.")
    ],
    concepts: Annotated[int, typer.Option(help="How many concepts.")] = 10,
    crop: Annotated[
        float, typer.Option(help="Side of a crop as a share of the picture's; 0: no crops.")
    ] = 0.3,
    designs: Annotated[
        int, typer.Option(help="Points of the Sobol design; more are more exact.")
    ] = 32,
    crops: Annotated[int, typer.Option(help="Example crops shown for each concept.", min=1)] = 8,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto",
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006 — typer reads it and never changes it
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Find and rank a layer's concepts (CRAFT).

    Writes PNGs, .safetensors files and one report.html.
    """
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(model)}", quiet=as_json)
    from kerascope.concepts.craft import craft as find
    from kerascope.loading import load_images, load_model

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    pictures = load_images(images[0] if len(images) == 1 else images, net, preprocess=preprocess)
    with progress(quiet=as_json) as at:
        at("craft")
        found = find(
            net, pictures, target, layer, concepts=concepts, crop=crop or None, designs=designs,
            seed=seed,
        )  # fmt: skip
    _write(found, output, crops, as_json=as_json)


def _write(found: Craft, output: Path, crops: int, *, as_json: bool) -> None:
    """Write pictures, data and page; say what was found."""
    from kerascope.concepts.craft.result import COLUMNS
    from kerascope.report import Gallery, Table

    found.save(output / "craft.safetensors")
    files = ["craft.safetensors", "concepts.png"]
    said = [
        f"concept {k}: importance {value:.3g} ± {error:.2g}, most in {name}"
        for k, value, error, name in found.table()
    ]
    figures = [
        figure_file(
            output / "concepts.png", found.plot(crops=crops, most=len(found)),
            f"The crops with most of each concept. {'; '.join(said)}", found.words,
        )
    ]  # fmt: skip
    if found.maps.ndim > 2:
        alt = f"maps of the {min(5, len(found))} most important concepts over the pictures"
        figures.append(figure_file(output / "maps.png", found.plot_maps(), alt, "Where they are"))
        files.append("maps.png")
    gallery = Gallery(
        title=f"CRAFT, {found.words}",
        figures=tuple(figures),
        table=Table(columns=COLUMNS, rows=found.table()),
        paragraphs=(found.provenance.method["reference"], *found.notes),
    )
    told = {
        "explained": found.explained,
        "layer": found.layer,
        "results": [dict(zip(COLUMNS, row, strict=True)) for row in found.table()],
        "error": found.error,
        "map_error": found.map_error,
    }
    finish(found, gallery, output, files, said, told if as_json else None)
