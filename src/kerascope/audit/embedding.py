"""The penultimate embedding: what the layer that tells the classes apart reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.hooks import HookedModel, LayerCall, Site
from kerascope.hooks.weights import kernel_of
from kerascope.types import Array

_MOST = 4096  # values; a larger layer is averaged over its positions
_NEAR = 12  # calls before the class layer that are looked at


def embedding_site(view: HookedModel, x: Mapping[str, Array], classes: int) -> Site | None:
    """Return the layer call whose output is the penultimate embedding; None where there is none.

    Of the calls before the last layer with weights for every class, the one whose output, times the
    weights of that layer, is its output; of a layer that is not dense, the call right before it.
    """
    calls = [call for call in view.survey.calls if call.leaf and not call.alias and call.merge == 1]
    heads = [
        i for i, call in enumerate(calls)
        if classes in (call.shape[0], call.shape[-1]) and view.table[call.site.path].weights
    ]  # fmt: skip
    last = heads[-1] if heads else len(calls)
    before = calls[max(0, last - _NEAR) : last]
    if not before:
        return None
    head = view.table[calls[last].site.path] if heads else None
    if isinstance(head, keras.layers.Dense):
        found = _read_by(view, x, calls[last], head, before)
        if found is not None:
            return found
    return before[-1].site


def _read_by(
    view: HookedModel, x: Mapping[str, Array], call: LayerCall, head: Any, before: list[LayerCall]
) -> Site | None:
    """Return which of some calls a dense layer reads: by its numbers, on one sample."""
    kernel = kernel_of(head)
    if kernel is None:
        return None
    one = {name: array[:1] for name, array in x.items()}
    sites = [c.site for c in before]
    # A layer without an activation of its own has no place before it.
    plain = getattr(head, "activation", None) in (None, keras.activations.linear)
    linear = call.site if plain else call.site._replace(stage="linear")
    values = view.activations(one, [*sites, linear])
    bias = 0 if head.bias is None else np.asarray(keras.ops.convert_to_numpy(head.bias))
    wanted = np.asarray(values[linear], np.float32).reshape(-1)
    far: dict[Site, float] = {}
    for site in sites:
        for form in (values[site].reshape(1, -1), pooled(view, values[site])):
            if form.shape[1] == len(kernel) and kernel.shape[1] == len(wanted):
                far[site] = float(np.abs((form @ kernel + bias).reshape(-1) - wanted).max())
    if not far:
        return None
    # Of equals the last: a dropout or a copy of the same values changes nothing.
    return min(reversed(list(far)), key=lambda site: round(far[site], 4))


def pooled(view: HookedModel, values: Array) -> Array:
    """Return (sample, channel) means over positions; vectors as they are."""
    if values.ndim == 2:
        return values
    first = view.layer_axes(values.shape[1:])[0] == "channel"
    axes = range(2, values.ndim) if first else range(1, values.ndim - 1)
    return values.mean(axis=tuple(axes))


def small_enough(view: HookedModel, site: Site) -> Site:
    """Return the site, or the last one with positions before it where its vectors are too long."""
    shape = view.survey.shape(site)
    if len(shape) > 1 or shape[0] <= _MOST:
        return site
    sites = [call.site for call in view.survey.calls if len(call.shape) > 1 and call.merge == 1]
    earlier = [s for s in sites if s != site]
    return earlier[-1] if earlier else site
