"""The rows of one part: samples in batches of one shape, true classes where predicted wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.maps import rounded, share_inside
from kerascope.audit.reading import Sample
from kerascope.audit.rows import PREDICTED, TRUE
from kerascope.audit.seen import Eyes, Maps, Seen
from kerascope.errors import KerascopeError, Refused

T = TypeVar("T")
Row = dict[str, Any]


class Batches(Generic[T]):
    """Gathers what has equal keys into batches, in the order in which it comes."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._open: dict[Hashable, list[T]] = {}

    def add(self, key: Hashable, item: T) -> list[T]:
        """Add an item, and return its batch if that is full now, else nothing."""
        batch = self._open.setdefault(key, [])
        batch.append(item)
        return self._open.pop(key) if len(batch) == self.size else []

    def rest(self) -> Iterator[list[T]]:
        """Yield what is left, batch by batch."""
        yield from self._open.values()
        self._open = {}


@dataclasses.dataclass(eq=False)
class Computer:
    """Makes the rows of samples.

    progress: told of every sample that is done with, one at a time.
    """

    eyes: Eyes
    names: tuple[str, ...] | None
    progress: Callable[[], None]

    def rows(self, samples: Iterable[Sample]) -> list[Row]:
        """Return the rows of some samples, in their order, whatever the batches."""
        found: dict[int, list[Row]] = {}
        batches: Batches[Sample] = Batches(self.eyes.batch)
        others: Batches[Sample] = Batches(self.eyes.batch)
        for sample in samples:
            found[sample.id] = []
            if sample.inputs is None:
                found[sample.id] = [sample.facts]
                self.progress()
                continue
            for other in self._look(batches.add(_shape(sample), sample), found):
                self._towards(others.add(_shape(other), other), found)
        for batch in batches.rest():
            for other in self._look(batch, found):
                self._towards(others.add(_shape(other), other), found)
        for batch in others.rest():
            self._towards(batch, found)
        return [row for rows in found.values() for row in rows]

    def _look(self, batch: list[Sample], found: dict[int, list[Row]]) -> Iterator[Sample]:
        """Make the rows of a batch; yield the samples whose true class is not the predicted one."""
        for some, seen in _trying(batch, lambda b: self.eyes.look(_stacked(b), _ids(b))):
            for i, sample in enumerate(some):
                if seen is None or not np.isfinite(seen.scores[i]).all():
                    if seen is not None:
                        sample.failed("the model gives NaN or infinite scores")
                    found[sample.id] = [sample.facts]
                    continue
                found[sample.id] = self._both(sample, seen, i)
                if self.eyes.methods and sample.label not in (UNLABELLED, seen.predicted[i]):
                    yield sample
                else:
                    sample.inputs = None
        for _ in batch:
            self.progress()

    def _towards(self, batch: list[Sample], found: dict[int, list[Row]]) -> None:
        """Add the maps of the true class, which is not the predicted one, to the rows."""
        classes = lambda b: np.array([sample.label for sample in b], np.int32)  # noqa: E731
        look = lambda b: self.eyes.towards(_stacked(b), _ids(b), classes(b))  # noqa: E731
        for some, maps in _trying(batch, look):
            for i, sample in enumerate(some):
                for row in found[sample.id]:
                    if row["target"] == TRUE and maps is not None:
                        _add_map(row, maps[row["method"]], i)
                    elif row["target"] == TRUE:
                        row["error"] = sample.facts["error"]
                sample.inputs = None

    def _both(self, sample: Sample, seen: Seen, i: int) -> list[Row]:
        """Return the rows of a sample: of its true class, where it has one, and the predicted."""
        predicted = int(seen.predicted[i])
        chances = seen.probabilities
        common = {
            **sample.facts,
            "predicted": class_name(predicted, self.names),
            "predicted_index": predicted,
            "confidence": None if chances is None else float(chances[i, predicted]),
            "scores": rounded(seen.scores[i]),
            "embedding": None if seen.embedding is None else rounded(seen.embedding[i]),
        }
        targets = {TRUE: sample.label, PREDICTED: predicted}
        rows = []
        for target, index in targets.items():
            if index == UNLABELLED:
                continue
            for method in self.eyes.methods or (None,):
                row = {**common, **self._target(target, index, seen, i), "method": method}
                if method is not None and index == predicted:
                    _add_map(row, seen.maps[method], i)
                rows.append(row)
        return rows

    def _target(self, target: str, index: int, seen: Seen, i: int) -> Row:
        score = float(seen.scores[i, index])
        chances = seen.probabilities
        return {
            "target": target,
            "target_index": index,
            "target_name": class_name(index, self.names),
            "explained": f"{self.eyes.words(index)} ({score:.3g})",
            "score": score,
            "probability": None if chances is None else float(chances[i, index]),
        }


def _add_map(row: Row, maps: Maps, i: int) -> None:
    """Add a map and what is said of it to a row; a map that is not finite becomes an error."""
    low = maps.low[i]
    row["layer"] = maps.layer
    if not np.isfinite(low).all():
        row["error"] = "the map is NaN or infinite although the scores are finite"
        return
    row |= {"map": rounded(low), "map_shape": low.shape}
    for name, values in maps.measures.items():
        known = np.isfinite(values[i]).all()
        row[name] = (values[i] if values.ndim > 1 else float(values[i])) if known else None
    covered = row.get("mask")
    if covered is not None and covered.shape == low.shape:
        row["map_inside"] = share_inside(low, covered)


def _trying(
    batch: list[Sample], look: Callable[[list[Sample]], Any]
) -> Iterator[tuple[list[Sample], Any]]:
    """Yield samples with what `look` gives; one by one where it fails on all, None where on one."""
    if not batch:
        return
    try:
        yield batch, look(batch)
    except Refused:
        raise
    except KerascopeError as error:
        if len(batch) > 1:
            for sample in batch:
                yield from _trying([sample], look)
            return
        batch[0].failed((str(error).splitlines() or [type(error).__name__])[0])
        yield batch, None


def _shape(sample: Sample) -> Hashable:
    if isinstance(sample.inputs, Mapping):
        return tuple((name, array.shape) for name, array in sample.inputs.items())
    return np.shape(sample.inputs)  # type: ignore[arg-type]


def _stacked(batch: list[Sample]) -> Any:
    inputs: list[Any] = [sample.inputs for sample in batch]
    if isinstance(inputs[0], Mapping):
        return {name: np.stack([tree[name] for tree in inputs]) for name in inputs[0]}
    return np.stack(inputs)


def _ids(batch: list[Sample]) -> Any:
    return np.array([sample.id for sample in batch])
