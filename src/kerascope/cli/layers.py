"""`kerascope layers`: which layers there are, and which a class activation map can be taken at."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import typer

from kerascope.cli import options
from kerascope.cli.console import out, say, say_json
from kerascope.cli.given import Given, unfolded
from kerascope.errors import BadInput, Refused


@unfolded
def layers(
    *,
    model: options.Model,
    every: Annotated[
        bool, typer.Option("--all", help="List all layers, not only those with a map.")
    ] = False,
    given: Given,
    custom: options.Custom = [],  # noqa: B006 — typer reads it and never changes it
    unsafe: options.Unsafe = False,
    as_json: options.Json = False,
) -> None:
    """List the layers that a map can be taken at.

    With their shapes, from shallow to deep. A sample is needed where the model leaves its input
    size open.
    """
    from kerascope.cli.quiet import import_keras

    import_keras(model)
    from kerascope.hooks import HookedModel
    from kerascope.hooks.places import cam_places, candidates
    from kerascope.loading import load_model
    from kerascope.targets import resolve_targets

    net = load_model(model, custom=tuple(custom), unsafe=unsafe)
    seen = given.samples(net, needed=False)
    view = HookedModel(seen.net, compiled=False)
    x = view.read(_blank(net) if seen.inputs is None else seen.inputs[:1])
    maps = {str(place.site): place.grid for name in x for place in _maps(candidates, view, x, name)}
    default: list[str] = []
    if maps:
        targets = resolve_targets(None, view.spec(), 1)
        with contextlib.suppress(Refused):  # several inputs, and a map of none of them alone
            default = [str(place.site) for place in cam_places(view, x, targets, None).values()]
    rows = [
        {"layer": str(c.site), "kind": c.kind, "shape": list(c.shape),
         "map": list(maps.get(str(c.site), ())), "default": str(c.site) in default}
        for c in view.survey.calls
        if every or str(c.site) in maps
    ]  # fmt: skip
    if as_json:
        say_json({"layers": rows})
        return
    _print(rows)
    if not maps:
        say("no layer has spatial positions: class activation maps do not apply to this model")


def _maps(candidates: Any, view: Any, x: Any, name: str) -> list[Any]:
    axes = view.axes(name, x[name].shape[1:])
    return [] if axes == ("feature",) else candidates(view, x, name)


def _blank(net: Any) -> Any:
    """Return one blank sample of the shape that the model declares."""
    import numpy as np

    try:
        declared = [(tensor.name, tuple(tensor.shape)[1:], tensor.dtype) for tensor in net.inputs]
    except (AttributeError, ValueError, TypeError):
        declared = []
    if not declared or any(size is None for _, shape, _ in declared for size in shape):
        raise BadInput(
            "the model does not say how large its input is; give a sample: kerascope layers "
            "MODEL FILE"
        )
    arrays = [
        np.zeros((1, *shape), "int32" if "int" in dtype else "float32")
        for _, shape, dtype in declared
    ]
    if len(arrays) == 1:
        return arrays[0]
    return (
        dict(zip((name for name, _, _ in declared), arrays, strict=True))
        if isinstance(getattr(net, "input", None), dict)
        else arrays
    )


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("layer", "kind", "output shape", "map", box=None, pad_edge=False)
    for row in rows:
        grid = "×".join(map(str, row["map"]))
        mark = "  ← default" if row["default"] else ""
        table.add_row(row["layer"], row["kind"], "×".join(map(str, row["shape"])), grid + mark)
    out.print(table)
