"""Strategies: the kinds of evidence that a class hangs on, found by clustering its maps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from kerascope.audit.classes import class_name
from kerascope.audit.collected import Collected
from kerascope.audit.components import block
from kerascope.audit.groups import Group, groups
from kerascope.audit.once import chosen_method, labelled_target
from kerascope.audit.spectral import LEAST, Clusters, clear_gap, clusters
from kerascope.checks import check_whole
from kerascope.errors import BadInput, choices
from kerascope.types import Array

MOST = 500  # samples of a class
SPACES = ("map", "both")
_NEAREST = 9
_BLOCK = 10  # components of maps, and of embeddings


class Strategy(NamedTuple):
    """One way in which a class is recognised.

    share: of the class's samples that were looked at. mean: (*grid) mean of its maps, each divided
    by its root sum of squares. members: ids; nearest: of those, the nearest to the centre first.
    """

    share: float
    mean: Array
    members: Array
    nearest: tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class ClassStrategies:
    """The strategies of one class, the commonest first.

    Attributes:
        label, name: of the class. samples: it has; ids: those looked at.
        assigned: (id,) number of the strategy. found: the clusters with eigenvalues and vectors.
    """

    label: int
    name: str
    samples: int
    ids: Array
    assigned: Array
    strategies: tuple[Strategy, ...]
    found: Clusters
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """What there is to say, in a sentence; honest where nothing separates."""
        count, gap = len(self.strategies), self.found.gap
        head = f"'{self.name}': {len(self.ids)} maps"
        if math.isnan(gap):
            return f"{head}, too few to tell strategies apart (at least {LEAST})"
        if count == 1:
            clear = clear_gap(len(self.ids))
            return f"{head} form one group: eigengap {gap:.2f}, which is clear from {clear:.2f} on"
        shares = ", ".join(f"{100 * s.share:.0f} %" for s in self.strategies)
        return f"{head} fall into {count} strategies ({shares}); eigengap {gap:.2f} of 1"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "class": self.name,
            "index": self.label,
            "samples": self.samples,
            "looked_at": len(self.ids),
            "gap": None if math.isnan(self.found.gap) else self.found.gap,
            "eigenvalues": self.found.eigenvalues.tolist(),
            "smallest": self.found.neighbours + 1,
            "words": self.words,
            "notes": list(self.notes),
            "strategies": [
                {
                    "share": s.share, "members": s.members.tolist(), "nearest": list(s.nearest),
                    "mean_map": s.mean.tolist(),
                }
                for s in self.strategies
            ],
        }  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Strategies:
    """The strategies of all classes, of maps of one method towards the true or predicted class."""

    space: str
    method: str | None
    target: str
    seed: int
    classes: tuple[ClassStrategies, ...]
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> ClassStrategies:
        """Return those of a class; raise `BadInput` for one without maps."""
        for one in self.classes:
            if one.name == name:
                return one
        raise BadInput(
            f"class '{name}' has no maps{choices(name, [one.name for one in self.classes])}"
        )

    @property
    def words(self) -> tuple[str, ...]:
        """What there is to say, a sentence for each class."""
        return tuple(one.words for one in self.classes)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        facts = {name: getattr(self, name) for name in ("space", "method", "target", "seed")}
        listed = [one.to_json() for one in self.classes]
        return {**facts, "notes": list(self.notes), "classes": listed}


def strategies(
    collected: Collected, *, space: str = "map", method: str | None = None,
    target: str | None = None, most: int = MOST, seed: int = 0,
) -> Strategies:  # fmt: skip
    """Return the strategies of every class: SpRAy (Lapuschkin et al. 2019) on the rows' maps.

    Args:
        collected: rows with maps.
        space: "map", or "both": components of the model's embedding beside those of the map, which
            also tells apart what is recognised by different features at the same place.
        method: whose maps; the first by default.
        target: maps towards the "true" or the "predicted" class; true where there are labels.
        most: samples of a class that are looked at; they are drawn, by seed and class.
        seed: of that and of k-means.

    Raises:
        BadInput: an unknown space, target or method.
    """
    check_whole(1, most=most)
    if space not in SPACES:
        raise BadInput(f"space='{space}' is not known{choices(space, SPACES)}")
    target = checked_target(collected, target)
    method = chosen_method(collected, method)
    notes: tuple[str, ...] = ()
    found: list[ClassStrategies] = []
    if method is None:
        notes = ("there are no maps to find strategies in",)
    else:
        found = list(_all(collected, space, method, target, most, seed))
    return Strategies(
        space=space, method=method, target=target, seed=seed, classes=tuple(found), notes=notes
    )


def checked_target(collected: Collected, target: str | None) -> str:
    """Return which class's maps are looked at; raise `BadInput` for what is none."""
    if target not in (None, "true", "predicted"):
        raise BadInput(f"target='{target}' is not known; it is 'true' or 'predicted'")
    return target or labelled_target(collected)


def _all(
    collected: Collected, space: str, method: str, target: str, most: int, seed: int
) -> Iterator[ClassStrategies]:
    names = collected.settings.get("classes")
    for group in groups(collected, method=method, target=target, most=most, seed=seed):
        yield of_group(group, class_name(group.label, names), space=space, seed=seed)


def of_group(group: Group, name: str, *, space: str = "map", seed: int = 0) -> ClassStrategies:
    """Return the strategies of one class."""
    flat = group.maps.reshape(len(group.ids), math.prod(group.maps.shape[1:])).astype(np.float64)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    features, notes = flat, list(group.notes)
    if space == "both" and group.embedding is None:
        notes.append("the rows have no embedding: the maps alone")
    elif space == "both" and len(flat) > 1:
        assert group.embedding is not None
        features = np.hstack([block(flat, _BLOCK), block(group.embedding, _BLOCK)])
    found = clusters(features, seed=seed)
    return ClassStrategies(
        label=group.label, name=name, samples=group.samples, ids=group.ids, assigned=found.labels,
        strategies=tuple(
            _strategy(group, flat, features, found.labels == k) for k in range(found.number)
        ),
        found=found, notes=tuple(notes),
    )  # fmt: skip


def _strategy(group: Group, flat: Array, features: Array, rows: Array) -> Strategy:
    ids, inside = group.ids[rows], features[rows]
    far = ((inside - inside.mean(axis=0)) ** 2).sum(axis=1)
    nearest = ids[np.argsort(np.round(far, 12), kind="stable")[:_NEAREST]]
    mean = flat[rows].mean(axis=0).reshape(group.maps.shape[1:]).astype(np.float32)
    return Strategy(len(ids) / len(group.ids), mean, ids, tuple(int(i) for i in nearest))
