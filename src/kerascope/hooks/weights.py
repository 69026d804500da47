"""Which layer owns which weights, in the order in which a forward pass reaches the layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from kerascope.hooks.names import Site, children


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
