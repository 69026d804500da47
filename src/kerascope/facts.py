"""What is known about a model beside the model: class names, preprocessing, where it came from.

A Keras model has no room for these facts and must not be changed, so they are kept beside it, for
as long as the model lives.
"""

from __future__ import annotations

import dataclasses
import re
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from kerascope.labels import Labels


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """Facts beside a model; every one may be unknown."""

    labels: Labels | None = None  # class names, in the order of the model's output
    preprocessing: str | None = None  # name of the known preprocessing, see `loading`
    source: str | None = None  # file name, preset or application; never a folder
    sha256: str | None = None  # of the model file
    boxes: str | None = None  # how a detector writes boxes, see `targets.boxes`
    notes: tuple[str, ...] = ()  # what loading decided or dropped, in words


_FACTS: weakref.WeakKeyDictionary[Any, ModelFacts] = weakref.WeakKeyDictionary()


def facts_of(model: Any) -> ModelFacts:
    """Return what is known about `model`; an empty `ModelFacts` when nothing is."""
    try:
        return _FACTS.get(model, ModelFacts())
    except TypeError:  # callables that cannot be hashed or weakly referenced
        return ModelFacts()


def remember(model: Any, **facts: Any) -> ModelFacts:
    """Add or replace facts about `model`, named as the fields of `ModelFacts`; return them all."""
    merged = dataclasses.replace(facts_of(model), **facts)
    _FACTS[model] = merged
    return merged


def classes_named(names: Iterable[str], labels: Sequence[str] | None) -> list[str | None]:
    """Return the class that each name, of a folder, stands for, as labels spell it; None for none.

    Folders and labels write one class differently: "Egyptian_cat", "egyptian cat".
    """
    known = {_plain(label): label for label in reversed(labels or ())}
    return [known.get(_plain(name)) if name else None for name in names]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().lower()
