"""`kerascope tcav`: how much a class depends on concepts that pictures show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.concepts import finish
from kerascope.cli.console import progress, say
from kerascope.cli.filters import figure_file
from kerascope.cli.output import Output, check_folder
from kerascope.errors import BadInput

if TYPE_CHECKING:
    from kerascope.concepts.tcav import TCAV


def tcav(
    model: options.Model,
    images: Annotated[str, typer.Argument(help="Folder with pictures of the class.")],
    concept: Annotated[
        list[str], typer.Option("-c", "--concept", help="NAME=FOLDER of examples; repeatable.")
    ],
    random: Annotated[
        list[str],
        typer.Option(
            "-r",
            "--random",
            help="Folder of pictures of anything else, to compare with; several: random sets.",
        ),
    ],
    target: Annotated[str, typer.Option("-t", "--target", help="Class index or name.")],
    layer: Annotated[list[str], typer.Option("-l", "--layer", help="Layer; repeatable.")],
    runs: Annotated[
        int, typer.Option(help="Vectors of every concept; 0: 20, or one for each random set.")
    ] = 0,
    pool: Annotated[str, typer.Option(help="none (all activations) or mean.")] = "none",
    examples: Annotated[int, typer.Option(help="Examples on each side of a vector; 0: all.")] = 0,
    alpha: Annotated[
        float, typer.Option(help="Significance level, corrected for all tests.")
    ] = 0.05,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    preprocess: Annotated[str, typer.Option(help=options.PREPROCESS_HELP)] = "auto",
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006 — typer reads it and never changes it
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Test concepts with significance (TCAV).

    Writes a PNG, a .safetensors file and one report.html.
    """
    folders = _concepts(concept)
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    say(f"backend: {import_keras(model)}", quiet=as_json)
    from kerascope.concepts.tcav import tcav as test
    from kerascope.loading import load_model

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    with progress(quiet=as_json) as at:
        at("tcav")
        found = test(
            net, folders, images, target, list(layer),
            random=random[0] if len(random) == 1 else list(random), runs=runs or None,
            pool=None if pool == "none" else pool, examples=examples or None, alpha=alpha,
            preprocess=preprocess, seed=seed,
        )  # fmt: skip
    _write(found, output, as_json=as_json)


def _concepts(given: list[str]) -> dict[str, str]:
    """Return name → folder of "NAME=FOLDER" options; raise `BadInput` for others."""
    folders: dict[str, str] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            raise BadInput(f"--concept '{text}' is not NAME=FOLDER")
        if name in folders:
            raise BadInput(f"concept '{name}' is given twice")
        folders[name] = folder
    return folders


def _write(found: TCAV, output: Path, *, as_json: bool) -> None:
    """Write picture, data and page; say what was found."""
    from kerascope.concepts.tcav.result import COLUMNS
    from kerascope.report import Gallery, Table

    found.save(output / "tcav.safetensors")
    said = [_sentence(row) for row in found.table()]
    figure = figure_file(output / "tcav.png", found.plot(), "; ".join(said), found.words)
    gallery = Gallery(
        title=f"TCAV of the {found.explained}",
        figures=(figure,),
        table=Table(columns=COLUMNS, rows=found.table()),
        paragraphs=(found.provenance.method["reference"], *found.notes),
    )
    more = {
        "explained": found.explained,
        "results": [dict(zip(COLUMNS, row, strict=True)) for row in found.table()],
        "scores": found.scores.tolist(),
        "random": found.random_scores.tolist(),
    }
    finish(
        found, gallery, output, ["tcav.png", "tcav.safetensors"], said,
        more if as_json else None,
    )  # fmt: skip


def _sentence(row: tuple[Any, ...]) -> str:
    concept, layer, mean, deviation, random, p, significant, accuracy = row
    sure = "significant" if significant == "yes" else "not significant"
    return (
        f"{concept} at {layer}: TCAV {mean:.2f} ± {deviation:.2f}, random {random:.2f}, "
        f"p {p:.2g}, {sure}; held-out accuracy {accuracy:.2f}"
    )
