"""Path names of layers: "base/block5_conv3", with "@1" for the second call of the same layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

from kerascope.errors import BadLayer, choices


class Site(NamedTuple):
    """A place in the forward pass: the output of one call of one layer.

    `stage` is "output", or "linear" for the value that a fused activation is applied to.
    """

    path: str
    call: int = 0
    stage: str = "output"

    def __str__(self) -> str:
        return self.path + (f"@{self.call}" if self.call else "")


def children(layer: Any) -> list[Any]:
    """Return the layers directly inside `layer`: the one use of Keras's private list of them."""
    return list(getattr(layer, "_layers", ()))


def layer_table(model: Any) -> dict[str, Any]:
    """Return every hookable layer by path name, in the order of definition.

    Layers that run inside a loop (the cell of a recurrent layer, the layer inside TimeDistributed)
    are left out: their values never leave the loop.
    """
    table: dict[str, Any] = {}
    seen: set[int] = set()

    def walk(parent: Any, prefix: str) -> None:
        if isinstance(parent, (keras.layers.RNN, keras.layers.TimeDistributed)):
            return
        for child in children(parent):
            if id(child) in seen or isinstance(
                child, (keras.layers.InputLayer, keras.metrics.Metric)
            ):
                continue
            seen.add(id(child))
            path, twin = prefix + child.name, 1
            while path in table:
                path, twin = f"{prefix}{child.name}~{twin}", twin + 1
            table[path] = child
            walk(child, path + "/")

    walk(model, "")
    return table


def find_site(text: str | int | Site, table: dict[str, Any]) -> Site:
    """Return the site that a user's words name.

    The words are a path, a unique end of one, or an index; "@call" may follow. Raises `BadLayer`
    with the nearest names.
    """
    if isinstance(text, Site):
        return text
    paths = list(table)
    if isinstance(text, int):
        if not -len(paths) <= text < len(paths):
            raise BadLayer(f"layer index {text} is out of range; the model has {len(paths)} layers")
        return Site(paths[text])
    path, at, call = str(text).partition("@")
    if at and not call.isdigit():
        raise BadLayer(f"layer '{text}': after @ comes the index of the call, such as {path}@1")
    if path not in table:
        ends = [name for name in paths if name.endswith("/" + path)]
        if len(ends) > 1:
            raise BadLayer(f"layer '{path}' is ambiguous: {', '.join(ends[:6])}")
        if not ends:
            raise BadLayer(f"layer '{path}' not found{choices(path, paths)}")
        path = ends[0]
    return Site(path, int(call or 0))
