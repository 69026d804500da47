"""The layers of a model that a map can be taken at."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerascope.errors import KerascopeError


def layers_of(model: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return layers from shallow to deep, with kind, shape, grid of the map; and notes.

    A model that does not say how large its input is has none before its first picture.
    """
    from kerascope.hooks import HookedModel
    from kerascope.texts import net_of_ids

    try:
        model = net_of_ids(model)
        view = HookedModel(model, compiled=False)
        blank = _blank(model)
        return ([], []) if blank is None else (_layers(view, view.read(blank)), [])
    except KerascopeError as error:
        return [], [f"layers are not known: {error}"]


def _layers(view: Any, x: Any) -> list[dict[str, Any]]:
    from kerascope.hooks.places import cam_places, candidates
    from kerascope.targets import resolve_targets

    flat = [name for name in x if view.axes(name, x[name].shape[1:]) == ("feature",)]
    places = [place for name in x if name not in flat for place in candidates(view, x, name)]
    grids = {str(place.site): list(place.grid) for place in places}
    default: set[str] = set()
    if grids:
        targets = resolve_targets(None, view.spec(), 1)
        default = {str(place.site) for place in cam_places(view, x, targets, None).values()}
    return [
        {"layer": str(call.site), "kind": call.kind, "shape": list(call.shape),
         "map": grids.get(str(call.site)), "default": str(call.site) in default}
        for call in view.survey.calls
    ]  # fmt: skip


def _blank(model: Any) -> Any:
    """Return a blank sample of the shape that a model declares; None where it leaves it open."""
    from kerascope.loading.wants import wanted_picture

    tensors = getattr(model, "inputs", None) or []
    if len(tensors) != 1:
        return None
    shape, dtype = tuple(tensors[0].shape)[1:], str(tensors[0].dtype)
    if None in shape:
        wanted = wanted_picture(model)
        if wanted.size is None or wanted.channels is None:
            return None
        shape = (*wanted.size, wanted.channels)
        shape = (wanted.channels, *wanted.size) if wanted.channels_first else shape
    return np.zeros((1, *shape), "int32" if "int" in dtype else "float32")
