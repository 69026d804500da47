"""`kerascope filters`: kernels as pictures, and what is wrong with which unit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import progress, say, say_json
from kerascope.cli.given import Given, tell, unfolded
from kerascope.cli.output import Output, check_folder, page_in

if TYPE_CHECKING:
    from kerascope.inside.filters import Filters
    from kerascope.report import Table


@unfolded
def filters(
    *,
    model: options.Model,
    layer: Annotated[
        str, typer.Option(help="Layer whose kernels are drawn; default: the first.")
    ] = "",
    view: Annotated[str, typer.Option(help="auto, colour, channels, norm or matrix.")] = "auto",
    similar: Annotated[
        float, typer.Option(help="Cosine from which kernels are duplicates.")
    ] = 0.99,
    given: Given,
    output: Output = Path("kerascope-out"),
    custom: options.Custom = [],  # noqa: B006 — typer reads it and never changes it
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Draw kernels; find dead, duplicated and stuck units.

    With samples, also units that never fire or are always saturated.
    """
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    import_keras(model)
    from kerascope.inside.filters import filters as look
    from kerascope.loading import load_model
    from kerascope.report import write_report

    net = load_model(model, custom=tuple(custom), unsafe=unsafe)
    seen = given.samples(net, needed=False)
    tell(seen, quiet=as_json)
    with progress(quiet=as_json) as at:
        at("units")
        found = look(seen.net, layer or None, data=seen.inputs, similar=similar)
    sections = _sections(found, view, output)
    found.save(output / "filters.safetensors")
    page = write_report(page_in(output), sections, title=_title(found))
    files = ["filters.png", "histograms.png", "filters.safetensors", page.name]
    if as_json:
        say_json({**_summary(found), "files": files})
        return
    say(_title(found))
    for words in _findings(found):
        say(words)
    say(f"{len(files)} files are in {output}")
    say(f"report: {page}")


def _title(found: Filters) -> str:
    return f"Kernels of {found.model}"


def _sections(found: Filters, view: str, output: Path) -> list[Any]:
    """Write the pictures; return the sections of the page."""
    from kerascope.report import Gallery

    shown = next(s for s in found.statistics if s.name == found.layer)
    kernels = figure_file(
        output / "filters.png",
        found.plot(view=view),
        f"{shown.units} kernels of {found.layer}; {len(shown.dead)} are zero",
    )
    histograms = figure_file(
        output / "histograms.png",
        found.plot_statistics(),
        f"Histograms of the weights of {len(found.statistics)} kernels",
    )
    words = (*_findings(found), *found.notes)
    sections = [
        Gallery(title=f"Layer {found.layer}", figures=(kernels,), paragraphs=words),
        Gallery(title="Weights", figures=(histograms,), table=_weights(found)),
    ]
    if found.activity:
        sections.append(Gallery(title="Activity over data", table=_activity(found)))
    return sections


def figure_file(path: Path, figure: Any, alt: str, caption: str = "") -> Any:
    """Write a figure as PNG; return it for the page."""
    from kerascope.files import write_whole
    from kerascope.plot.export import png_of
    from kerascope.report import Figure

    content = png_of(figure)
    write_whole(path, content)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Figure(content=content, alt=alt, width=width, height=height, caption=caption)


def _weights(found: Filters) -> Table:
    from kerascope.report import Table

    return Table(
        columns=("kernel", "kind", "units", "dead", "duplicates", "mean", "deviation"),
        rows=tuple(
            (s.name, s.kind, s.units, _some(s.dead), len(s.duplicates), s.mean, s.deviation)
            for s in found.statistics
        ),
        caption="Dead: all weights are zero. Duplicates: the cosine with an earlier kernel of the "
        "layer is near 1 or −1.",
    )


def _activity(found: Filters) -> Table:
    from kerascope.report import Table

    return Table(
        columns=("layer", "activation", "units", "never fire", "always saturated", "firing"),
        rows=tuple(
            (a.layer, a.activation, a.units, _some(a.never), _some(a.always),
             sum(a.firing) / a.units)
            for a in found.activity
        ),
        caption=f"Over {found.activity[0].samples} samples and all positions. Firing: the mean "
        "share of positions above the lower bound.",
    )  # fmt: skip


def _some(units: tuple[int, ...]) -> str:
    """Return how many units, and the first of them by number."""
    if not units:
        return "0"
    return f"{len(units)}: {', '.join(map(str, units[:8]))}" + (" …" if len(units) > 8 else "")


def _findings(found: Filters) -> list[str]:
    """Say what is wrong, a line for each kind."""
    dead = sum(len(s.dead) for s in found.statistics)
    twins = sum(len(s.duplicates) for s in found.statistics)
    units = sum(s.units for s in found.statistics)
    lines = [f"{dead} of {units:,} units have no weights; {twins} repeat another of their layer"]
    if found.activity:
        seen = found.activity
        never, always = sum(len(a.never) for a in seen), sum(len(a.always) for a in seen)
        total, samples = sum(a.units for a in seen), seen[0].samples
        lines.append(
            f"over {samples} samples, {never} of {total:,} units never fire, {always} are always "
            "saturated"
        )
    return lines


def _summary(found: Filters) -> dict[str, Any]:
    return {
        "layer": found.layer,
        "shape": list(found.values.shape),
        "statistics": [dataclasses.asdict(s) for s in found.statistics],
        "activity": [dataclasses.asdict(a) for a in found.activity],
        "notes": list(found.notes),
    }
