"""Which layer owns which weights, in the order in which a forward pass reaches the layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kerascope.hooks.names import Site, children
from kerascope.types import Array


class Weight(NamedTuple):
    """A variable, the layer that made it, and whether training would change it."""

    variable: Any
    layer: Any
    learned: bool


def weights_by_layer(view: Any) -> dict[str, list[Weight]]:
    """Return the weights of every layer that has some, by path, as the forward pass reaches them.

    view: a `HookedModel` that has read inputs. What runs inside a recurrent layer or a loop counts
    as that layer's; what belongs to the model itself has the path "".
    """
    seen: set[int] = set()
    reached = dict.fromkeys(call.site.path for call in view.survey.calls)
    found = {}
    for path in [*reached, *(p for p in view.table if p not in reached), ""]:
        layer = view.table[path] if path else view.model
        loop = isinstance(layer, (keras.layers.RNN, keras.layers.TimeDistributed))
        own = [
            weight
            for part in ([layer, *_inside(layer)] if loop else [layer])
            for weight in _own(part)
            if id(weight.variable) not in seen
        ]
        seen.update(id(weight.variable) for weight in own)
        if own:
            found[path] = own
    return found


def before_the_head(view: Any) -> Site | None:
    """Return the call whose output the last layer with weights is given; None where it is first."""
    calls = [call for call in view.survey.calls if call.leaf and not call.alias]
    weighted = weights_by_layer(view)
    last = max((i for i, call in enumerate(calls) if call.site.path in weighted), default=0)
    return calls[last - 1].site if last else None


def kernel_of(layer: Any) -> Array | None:
    """Return the kernel that a layer multiplies with, float32: adapters merged, int8 scaled back.

    None: it has none, or holds it packed.
    """
    kernel, mode = getattr(layer, "kernel", None), getattr(layer, "quantization_mode", None)
    if kernel is None or not hasattr(kernel, "shape"):
        return None
    if mode is None:
        return np.asarray(ops.convert_to_numpy(kernel), np.float32)
    if mode != "int8" or not isinstance(layer, keras.layers.Dense):
        return None
    # Quantised, `layer.kernel` adds adapters to whole numbers that are not scaled back yet.
    whole, scale, *low_rank = (
        np.asarray(ops.convert_to_numpy(v), np.float32)
        for v in (layer._kernel, layer.kernel_scale, *_adapters(layer))  # noqa: SLF001
    )
    kernel = whole / scale
    if low_rank:
        kernel += (layer.lora_alpha / layer.lora_rank) * low_rank[0] @ low_rank[1]
    return np.asarray(kernel, np.float32)


def _adapters(layer: Any) -> list[Any]:
    if not getattr(layer, "lora_enabled", False):
        return []
    return [layer.lora_kernel_a, layer.lora_kernel_b]


def _inside(layer: Any) -> Iterator[Any]:
    for child in children(layer):
        yield child
        yield from _inside(child)


def _own(layer: Any) -> list[Weight]:
    """Return the variables that a layer made itself: the one use of Keras's private lists."""
    kinds = ((True, "_trainable_variables"), (False, "_non_trainable_variables"))
    return [
        Weight(variable, layer, learned)
        for learned, name in kinds
        for variable in getattr(layer, name, ())
    ]
