"""`kerascope activations`: feature maps of any layer, and the samples that a channel likes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import say, say_json
from kerascope.cli.filters import figure_file
from kerascope.cli.given import Given, tell, unfolded
from kerascope.cli.names import file_names
from kerascope.cli.output import Output, check_folder, page_in
from kerascope.errors import BadInput, Refused

if TYPE_CHECKING:
    from kerascope.inside.activations import Activations, TopImages


@unfolded
def activations(
    *,
    model: options.Model,
    layer: Annotated[
        list[str],
        typer.Option(
            "-l",
            "--layer",
            help="Layer; repeatable. Default: that of Grad-CAM, else the last hidden.",
        ),
    ] = [],  # noqa: B006 — typer reads it and never changes it
    target: Annotated[
        str, typer.Option("-t", "--target", help="Class that channels contribute to.")
    ] = "",
    sort: Annotated[
        str, typer.Option(help="strength, contribution (gradient × activation) or none.")
    ] = "strength",
    channel: Annotated[
        int, typer.Option(help="Show the samples on which this channel is strongest.", min=-1)
    ] = -1,
    most: Annotated[
        int,
        typer.Option(help="How many channels are drawn; with --channel, how many samples.", min=1),
    ] = 48,
    own_scale: Annotated[
        bool, typer.Option("--own-scale", help="Give every map a colour scale of its own.")
    ] = False,
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    given: Given,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Show the feature maps of layers.

    Writes PNGs, .safetensors files and one report.html.
    """
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    import_keras(model)
    from kerascope.inside.activations import activations as look
    from kerascope.inside.activations import top_images
    from kerascope.loading import load_model
    from kerascope.report import write_report

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    seen = given.samples(net)
    net, samples = seen.net, seen.inputs
    aim = given.target(target or None, net)
    layers = list(layer) or [_default(net, samples)]
    tell(seen, quiet=as_json)
    if channel >= 0:
        if len(layers) > 1:
            raise BadInput("--channel is of one layer; give --layer once")
        top = top_images(net, samples, layers[0], channel, k=min(most, len(samples)))
        sections, files, told = _top(top, output)
    else:
        order = None if sort == "none" else "contribution" if target else sort
        found = look(net, samples, layers, target=aim, sort=order)
        found.save(output / "activations.safetensors")
        options_ = {"most": most, "shared_scale": not own_scale}
        sections, files, told = _maps(found, output, options_)
    page = write_report(page_in(output), sections, title=f"Activations of {told['model']}")
    if as_json:
        say_json({**told, "files": [*files, page.name]})
        return
    for words in told["words"]:
        say(words)
    say(f"{len(files)} files and the report are in {output}")
    say(f"report: {page}")


def _default(net: Any, samples: Any) -> str:
    """Return the layer where Grad-CAM takes its map; where none has positions, the last hidden."""
    from kerascope.hooks import HookedModel
    from kerascope.hooks.places import cam_places
    from kerascope.targets import resolve_targets

    view = HookedModel(net, compiled=False)
    x = view.read(samples[:1])
    try:
        places = cam_places(view, x, resolve_targets(None, view.spec(), 1), None)
    except Refused:
        return _last_hidden(view)
    return str(next(iter(places.values())).site)


def _last_hidden(view: Any) -> str:
    """Return the layer that is read by the last one with weights."""
    calls = [call.site for call in view.survey.calls]
    weighted = [k for k, site in enumerate(calls) if view.table[site.path].weights]
    return str(calls[max((weighted or [len(calls) - 1])[-1] - 1, 0)])


def _maps(
    found: Activations, output: Path, drawing: dict[str, Any]
) -> tuple[list[Any], list[str], dict[str, Any]]:
    """Write the grids; return sections of the page, names of files, and what is told."""
    from kerascope.report import Gallery

    stems = file_names(found.names)
    ends = file_names(found.layers)
    sections, files, rows, words = [], ["activations.safetensors"], [], []
    for k, stem in enumerate(stems):
        figures = []
        for layer, end in zip(found.layers, ends, strict=True):
            first = [int(c) for c in found.order(layer, sample=k)[:5]]
            said = f"{found.names[k]}, {layer}: channels {', '.join(map(str, first))} come first"
            file = f"{stem}-{end}.png"
            figure = found.plot(k, layer, **drawing)
            figures.append(figure_file(output / file, figure, said, layer))
            files.append(file)
            words.append(said)
            rows.append({
                "picture": found.names[k], "layer": layer, "first": first,
                "shape": list(found.of(layer).shape[1:]),
            })  # fmt: skip
        to = (f"Contributions are to the {found.explained[k]}.",) if found.explained else ()
        sections.append(
            Gallery(title=found.names[k], figures=tuple(figures), paragraphs=(*to, *found.notes))
        )
    told = {"model": found.model, "sort": found.sort, "results": rows, "words": words}
    return sections, files, told


def _top(top: TopImages, output: Path) -> tuple[list[Any], list[str], dict[str, Any]]:
    """Write the strongest samples of a channel; return as `_maps` does."""
    from kerascope.report import Gallery, Table

    said = f"{top.layer}, channel {top.channel}: strongest on {top.names[0]} ({top.values[0]:.3g})"
    file = f"{file_names([top.layer])[0]}-channel-{top.channel}.png"
    figure = figure_file(output / file, top.plot(), said)
    rows = tuple((n, float(v)) for n, v in zip(top.names, top.values, strict=True))
    table = Table(columns=("sample", f"{top.measure} of the channel"), rows=rows)
    told = {
        "model": top.layer,
        "channel": top.channel,
        "results": [{"picture": name, "value": value} for name, value in rows],
        "words": [said],
    }
    return [Gallery(title=said, figures=(figure,), table=table)], [file], told
