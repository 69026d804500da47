"""From what a user wants maximised to rows: which pictures are of which target."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.hooks import HookedModel
from kerascope.targets import Contrast, Neuron, Targets, Weighted, resolve_targets
from kerascope.targets.inner import Direction
from kerascope.targets.pick import Pick

if TYPE_CHECKING:
    from kerascope.targets import Target
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Aim:
    """Rows that one compiled step maximises: one target after another, `count` rows each.

    rows: numbers of the rows in the result. words: what each of them maximises.
    """

    target: Target
    rows: Array
    words: tuple[str, ...]


def aims_of(view: HookedModel, wanted: Any, count: int, *, ranks: bool) -> list[Aim]:
    """Return the aims that `wanted` says, those that share a step together.

    ranks: a rank in the prediction makes sense, as there is a picture to predict from.
    """
    items = _items(view, wanted)
    spec = view.spec()
    resolved = [resolve_targets(_inner(view, item), spec, count) for item in items]
    aims: dict[Any, list[tuple[int, Target]]] = {}
    for k, target in enumerate(target for targets in resolved for target in targets):
        if ranked(target) and not ranks:
            raise BadTarget("a rank is of a prediction: give start=, the picture predicted from")
        aims.setdefault(target.key(), []).append((k, target))
    return [_joined(parts, count) for parts in aims.values()]


def _items(view: HookedModel, wanted: Any) -> list[Any]:
    if wanted is None:
        raise BadTarget("target is needed: a class, a Neuron, a direction, … or 'all' classes")
    if isinstance(wanted, str) and wanted.lower() == "all":
        return list(range(view.spec().output(None).classes))
    if isinstance(wanted, (list, tuple, range, np.ndarray)):
        if not len(wanted):
            raise BadTarget("an empty list of targets maximises nothing")
        return [int(w) if isinstance(w, np.integer) else w for w in wanted]
    return [wanted]


def _inner(view: HookedModel, item: Any) -> Any:
    """Return the target with channels as directions, which share one step, on the right axis."""
    if isinstance(item, Weighted):
        item.check()
        return Weighted(*((_inner(view, target), weight) for target, weight in item.terms))
    if isinstance(item, Contrast):
        return dataclasses.replace(item, a=_inner(view, item.a), b=_inner(view, item.b))
    if not isinstance(item, (Neuron, Direction)):
        return item
    site = view.site(item.layer)
    shape = view.survey.shape(site)
    axis = 1 if view.layout == "channels_first" and len(shape) > 1 else -1
    if isinstance(item, Direction):
        return dataclasses.replace(item, axis=axis) if item.axis == -1 else item
    channels = shape[0] if axis == 1 else shape[-1]
    if not 0 <= item.unit < channels:
        raise BadTarget(
            f"unit {item.unit} is out of range: layer '{site}' has {channels} units, 0 to "
            f"{channels - 1}"
        )
    vector = np.zeros(channels, np.float32)
    vector[item.unit] = 1
    label = f"unit {item.unit}"
    return Direction(site, vector, position=item.position, axis=axis, label=label)


def ranked(target: Any) -> bool:
    """Tell whether a target depends on the prediction."""
    if isinstance(target, Pick):
        return target.ranked
    parts = [getattr(target, name, None) for name in ("a", "b")]
    parts += [term for term, _ in getattr(target, "terms", ())]
    return any(ranked(part) for part in parts if part is not None)


def _joined(parts: list[tuple[int, Target]], count: int) -> Aim:
    """Return targets that differ in their arrays only as one, with the rows of all of them."""
    target = parts[0][1]
    arrays = [part.arrays() for _, part in parts]
    whole = {name: np.concatenate([each[name] for each in arrays]) for name in arrays[0]}
    rows = np.concatenate([np.arange(count) + k * count for k, _ in parts])
    words = tuple(part.words(i) for _, part in parts for i in range(count))
    return Aim(target.with_arrays(whole), rows, words)


def cut(aim: Aim, rows: Array) -> Targets:
    """Return the targets of some of an aim's rows."""
    return Targets((aim.target.take(rows),))
