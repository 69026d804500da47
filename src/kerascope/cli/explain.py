"""`kerascope explain`: pictures, numbers and a page that say why."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import say
from kerascope.cli.explaining import Work
from kerascope.cli.given import Given, tell, unfolded
from kerascope.cli.output import Output, check_folder
from kerascope.errors import BadMethod

if TYPE_CHECKING:
    from kerascope.method import AttributionMethod


SWEEP = "all-blocks"


@unfolded
def explain(
    *,
    model: options.Model,
    method: Annotated[
        list[str],
        typer.Option(
            "-m",
            "--method",
            help="Method, with fields: smooth_grad:samples=50; repeatable. Default: grad_cam; of "
            "text, series, volumes and films integrated_gradients, of columns kernel_shap.",
        ),
    ] = [],  # noqa: B006
    target: Annotated[
        str | None,
        typer.Option(
            "-t",
            "--target",
            help="Class index or name, top-3, rank-2, 'a vs b', value-2, 'value vs 21.5', "
            "expected-rank, horizon (the sum of a forecast), horizon-3, change-3, reconstruction, "
            "'like FILE'; of a named output output:…; detection-2; of a segmentation tank@area, "
            "tank@120,80, tank@mask; default: the predicted class, the largest area or the surest "
            "box. predicted: of several labels, all above ½.",
        ),
    ] = None,
    mask: Annotated[
        str, typer.Option(help="Picture of a mask, white where the target's class is explained.")
    ] = "",
    boxes: options.Boxes = "",
    score: Annotated[str, typer.Option(help="logit or probability.")] = "logit",
    output: Output = Path("kerascope-out"),
    layer: Annotated[
        str,
        typer.Option(help=f"Layer for methods that take one; {SWEEP} sweeps from shallow to deep."),
    ] = "",
    labels: Annotated[str, typer.Option(help="File with the class names.")] = "",
    given: Given,
    batch_size: Annotated[int, typer.Option(help="Rows per pass; 0: by itself.")] = 0,
    memory: Annotated[
        str, typer.Option(help="Bound on memory: 512MB; default: a quarter of what is free.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Drives all sampling.")] = 0,
    grade: Annotated[
        bool, typer.Option(help="Grade how far each map can be trusted, after it is shown.")
    ] = True,
    custom: options.Custom = [],  # noqa: B006
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """Explain pictures, texts, rows, series or volumes.

    Writes PNGs, .safetensors files and one report.html.
    """
    from kerascope.cli.words import parse_method

    chosen = [_with_layer(parse_method(text), layer) for text in method]
    check_folder(output)
    from kerascope.cli.quiet import import_keras

    backend = import_keras(model)
    say(f"backend: {backend}", quiet=as_json)
    from kerascope.cli.sources import boxed, masked
    from kerascope.loading import load_model

    net = load_model(model, labels=labels or None, custom=tuple(custom), unsafe=unsafe)
    found = given.samples(net)
    net, pictures = found.net, found.inputs
    aim = given.target(target, net)
    truths = found.truths or _truths(net, given.images, pictures)
    if boxes:
        boxed(net, pictures, boxes)
    asked = masked(net, pictures, target, mask) if mask else aim
    if not chosen:
        chosen = [_with_layer(_suited(net, pictures, layer, aim), layer)]
    tell(found, quiet=as_json)
    Work(
        net=net, pictures=pictures, methods=chosen, output=output, target=asked, score=score,
        batch_size=batch_size or None, memory=memory or None, seed=seed, sweep=layer == SWEEP,
        grade=grade, as_json=as_json, truths=truths,
        told=found.notes,
    ).run()  # fmt: skip


def _truths(net: Any, sources: list[str], pictures: Any) -> tuple[str | None, ...]:
    """Return the classes that the pictures' folders name; () where the model knows none of them."""
    from kerascope.facts import classes_named, facts_of
    from kerascope.labels import all_names
    from kerascope.loading import Images
    from kerascope.loading.sources import picture_items

    labels = all_names(facts_of(net).labels)
    if not labels or not isinstance(pictures, Images):
        return ()
    found = picture_items(sources[0] if len(sources) == 1 else sources)
    names = [Path(item).absolute().parent.name for item in found[0]] if found else []
    truths = tuple(classes_named(names, labels))
    return truths if len(truths) == len(pictures.names) and any(truths) else ()


def _with_layer(method: AttributionMethod, layer: str) -> AttributionMethod:
    if not layer:
        return method
    if not hasattr(method, "layer"):
        raise BadMethod(f"--layer: {method.name} takes no layer")
    return method if layer == SWEEP else dataclasses.replace(method, layer=layer)  # type: ignore[call-arg]


def _suited(net: Any, pictures: Any, layer: str, target: Any) -> AttributionMethod:
    """Return the method where none was asked for; a layer asks for one that takes it."""
    from kerascope.defaults import PICTURES, default_method
    from kerascope.method import make_method

    return make_method(PICTURES, {}) if layer else default_method(net, pictures, {}, target)
