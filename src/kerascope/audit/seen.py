"""What looks at samples for an audit, and what it says of them; a plain function does so here."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from kerascope.audit.classes import class_name
from kerascope.errors import BadModel
from kerascope.types import Array


class Maps(NamedTuple):
    """Maps of some samples: (sample, *grid) means over cells, measures by column, the layer."""

    low: Array
    measures: dict[str, Array]
    layer: str | None


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What a model says of some samples.

    scores: (sample, class). probabilities: the same, None where the model gives none. predicted:
    (sample,) indices. embedding: (sample, feature), None where the model shows nothing inside.
    maps: of the predicted class, by method.
    """

    scores: Array
    probabilities: Array | None
    predicted: Array
    embedding: Array | None = None
    maps: dict[str, Maps] = dataclasses.field(default_factory=dict)


class Eyes(Protocol):
    """Looks at batches of samples; `settings` are what its results hang on, as JSON values."""

    batch: int
    classes: int
    methods: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know of the model."""

    def look(self, inputs: Any, ids: Array) -> Seen:
        """Return what the model says of a batch; `ids` number its samples."""

    def towards(self, inputs: Any, ids: Array, classes: Array) -> dict[str, Maps]:
        """Return the maps of other classes, one for each sample, by method."""

    def scores_of(self, inputs: Any) -> Array:
        """Return (sample, class) scores of a batch of at most `batch`, and nothing else."""

    def words(self, index: int) -> str:
        """Say what the score of a class is: "logit of 'tabby'"."""


class Plain:
    """A function of a batch that gives scores (sample, class): no maps, nothing inside; no Keras.

    Raises `BadModel` where it gives something else.
    """

    methods: tuple[str, ...] = ()
    notes = ("a plain function shows nothing inside: no maps; methods='occlusion' makes some",)

    def __init__(
        self, function: Callable[[Any], Any], first: Any, names: tuple[str, ...] | None, batch: int
    ) -> None:
        self.function, self.names, self.batch = function, names, batch
        self.classes = self._scores(first).shape[1]
        name = f"{getattr(function, '__module__', '')}.{_name(function)}"
        self.settings = {
            "model": _name(function),
            "model_sha256": hashlib.sha256(name.encode()).hexdigest(),
            "methods": [],
        }

    def look(self, inputs: Any, ids: Array) -> Seen:
        """Return the scores of a batch."""
        scores = self._scores(inputs)
        return Seen(
            scores=scores,
            probabilities=scores if like_probabilities(scores) else None,
            predicted=scores.argmax(axis=1),
        )

    def towards(self, inputs: Any, ids: Array, classes: Array) -> dict[str, Maps]:
        """Return no maps."""
        return {}

    def scores_of(self, inputs: Any) -> Array:
        """Return (sample, class) scores of a batch."""
        return self._scores(inputs)

    def words(self, index: int) -> str:
        """Say what the score of a class is."""
        return f"score of {quoted(index, self.names)}"

    def _scores(self, inputs: Any) -> Array:
        rows = len(next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs)
        scores = np.asarray(self.function(inputs), np.float32)
        if scores.ndim != 2 or len(scores) != rows or not scores.shape[1]:
            raise BadModel(
                f"the function returned shape {scores.shape} for {rows} samples; it must be "
                "(sample, class)"
            )
        return scores


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def quoted(index: int, names: tuple[str, ...] | None) -> str:
    """Return a class as sentences name it."""
    name = class_name(index, names)
    return name if names is None else f"'{name}'"


def like_probabilities(scores: Array) -> bool:
    """Say whether rows of several numbers are probabilities of classes that exclude each other."""
    good = np.isfinite(scores).all(axis=1)
    rows = scores[good]
    sums = np.abs(rows.sum(axis=1, dtype=np.float64) - 1) < 1e-3
    return scores.shape[1] > 1 and bool((rows >= 0).all() and sums.all())
