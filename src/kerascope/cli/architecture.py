"""`kerascope architecture`: what a model is made of, as table, diagram and page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kerascope.cli import options
from kerascope.cli.console import say, say_json
from kerascope.cli.given import Given, unfolded
from kerascope.cli.output import Output, check_folder, page_in


@unfolded
def architecture(
    *,
    model: options.Model,
    output: Output = Path("kerascope-out"),
    depth: Annotated[
        int, typer.Option(help="Levels of blocks that the diagram unfolds; -1: all.", min=-1)
    ] = -1,
    given: Given,
    custom: options.Custom = [],  # noqa: B006 — typer reads it and never changes it
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Show every layer: shape, receptive field, share of work.

    A sample is needed where the model leaves its input size open.
    """
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    import_keras(model)
    from kerascope.inside.architecture import architecture as look
    from kerascope.loading import load_model
    from kerascope.report import Structure, write_report

    net = load_model(model, custom=tuple(custom), unsafe=unsafe)
    seen = given.samples(net, needed=False)
    result = look(seen.net, None if seen.inputs is None else seen.inputs[:1])
    result.plot(output / "architecture.svg", depth=None if depth < 0 else depth)
    result.save(output / "architecture.json")
    words = (
        f"{result.parameters:,} parameters, {result.trainable:,} of them trained. Lines are in the "
        "order of the forward pass; a rail that passes lines by is a skip connection."
    )
    section = Structure(
        title="Layers",
        items=result.items(),
        edges=result.edges,
        paragraphs=(words, *result.notes),
    )
    page = write_report(page_in(output), [section], title=result.title)
    if as_json:
        files = ["architecture.svg", "architecture.json", page.name]
        say_json({**result.to_json(), "files": files})
        return
    say(str(result))
    say(f"architecture.svg, architecture.json and the report are in {output}")
    say(f"report: {page}")
