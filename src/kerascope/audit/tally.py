"""What the rows say of predictions, counted batch by batch; about 17 bytes a sample are held."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, softmax

from kerascope.audit.arrow import arrow
from kerascope.audit.calibration import loss
from kerascope.audit.classes import UNLABELLED
from kerascope.audit.collected import Collected
from kerascope.audit.once import matrix, numbers, once, whole_numbers
from kerascope.audit.rows import TRUE
from kerascope.types import Array

NAMED = 20  # samples that are named: errors, mistakes, the least sure
TOP = 5
_NEAR = 0.01  # scores are rounded to 11 binary digits: a logit of 30 by 0.007


class Named(NamedTuple):
    """A sample that is named: a mistake, or one the model is not sure of.

    confidence: of the predicted class, None without probabilities. margin: its score less that of
    the true class, of an unlabelled sample less that of the second.
    """

    id: int
    path: str | None
    label: int
    predicted: int
    confidence: float | None
    margin: float


class Failure(NamedTuple):
    """A sample that could not be read, and why."""

    id: int
    path: str | None
    error: str


@dataclasses.dataclass(eq=False)
class Tally:
    """Counts over all samples.

    pairs: (true, predicted) class. confidence, right: by sample with a label and probabilities;
    alone: confidences of all others. scored: sum, sum of squares, least and greatest, where the
    model gives one number.
    """

    samples: int = 0
    errors: int = 0
    width: int = 0
    pairs: Counter[tuple[int, int]] = dataclasses.field(default_factory=Counter)
    predicted: Counter[int] = dataclasses.field(default_factory=Counter)
    labelled: int = 0
    right: int = 0
    top: int = 0
    brier: list[Array] = dataclasses.field(default_factory=list)
    losses: list[Array] = dataclasses.field(default_factory=list)
    distribution: bool = True
    confidence: list[Array] = dataclasses.field(default_factory=list)
    hits: list[Array] = dataclasses.field(default_factory=list)
    alone: list[Array] = dataclasses.field(default_factory=list)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    mistakes: list[Named] = dataclasses.field(default_factory=list)
    unsure: list[Named] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, collected: Collected) -> Tally:
        """Return the counts of all rows."""
        found = cls()
        columns = ["path", "label_index", "predicted_index", "confidence", "scores", "error"]
        for batch in once(collected, columns):
            found._add(batch)
        for batch in once(collected, ["probability"], target=TRUE):
            chances = numbers(batch.column("probability"))
            found.losses.append(loss(chances[np.isfinite(chances)]))
        return found

    def _add(self, batch: Any) -> None:
        self.samples += batch.num_rows
        good = np.array([t is not None for t in batch.column("target").to_pylist()], bool)
        for row in np.flatnonzero(~good):
            self.errors += 1
            if len(self.failures) < NAMED:
                cells = [batch.column(c)[int(row)].as_py() for c in ("id", "path", "error")]
                self.failures.append(Failure(*cells))
        rows = batch.filter(arrow().array(good))
        if rows.num_rows:
            self._count(rows)

    def _count(self, rows: Any) -> None:
        label = whole_numbers(rows.column("label_index"))
        predicted = whole_numbers(rows.column("predicted_index"))
        scores, confidence = matrix(rows.column("scores")), numbers(rows.column("confidence"))
        self.width = max(self.width, scores.shape[1])
        self.predicted.update(predicted.tolist())
        known = (label != UNLABELLED) & (label < scores.shape[1])
        self.labelled += int(known.sum())
        self.right += int((label == predicted)[known].sum())
        self.pairs.update(zip(label[known].tolist(), predicted[known].tolist(), strict=True))
        place = np.flatnonzero(known)
        own = scores[place, label[place]]
        self.top += int(((scores[place] > own[:, None]).sum(axis=1) < TOP).sum())
        sure = np.isfinite(confidence)
        self.confidence.append(confidence[known & sure].astype(np.float32))
        self.hits.append((label == predicted)[known & sure])
        self.alone.append(confidence[~known & sure].astype(np.float32))
        self._squares(scores, predicted, confidence, label, known)
        self._name(rows, label, predicted, confidence, scores, known)

    def _squares(
        self, scores: Array, predicted: Array, confidence: Array, label: Array, known: Array
    ) -> None:
        """Add the squared distances of probabilities from the truth, where they are any."""
        chances = distribution_of(scores, predicted, confidence)
        if chances is None:
            self.distribution = False
        elif known.any():
            own = chances[known, label[known]]
            self.brier.append((chances[known] ** 2).sum(axis=1) - 2 * own + 1)

    def _name(
        self, rows: Any, label: Array, predicted: Array, confidence: Array, scores: Array,
        known: Array,
    ) -> None:  # fmt: skip
        """Keep the surest mistakes and, of samples without a label, the least sure."""
        place = np.arange(len(label))
        best = scores[place, predicted]
        rest = scores.copy()
        rest[place, predicted] = -np.inf
        other = np.where(known, scores[place, np.where(known, label, 0)], rest.max(axis=1))
        margin = (best - other).astype(np.float64)
        order = np.where(np.isfinite(confidence), confidence, margin)

        def named(wanted: Array, keys: Array) -> list[Named]:
            chosen = np.flatnonzero(wanted)
            chosen = chosen[np.argsort(keys[chosen], kind="stable")][:NAMED]
            return [
                Named(
                    rows.column("id")[int(i)].as_py(), rows.column("path")[int(i)].as_py(),
                    int(label[i]), int(predicted[i]),
                    float(confidence[i]) if np.isfinite(confidence[i]) else None,
                    float(margin[i]),
                )
                for i in chosen
            ]  # fmt: skip

        mistakes = [*self.mistakes, *named(known & (label != predicted), -order)]
        self.mistakes = sorted(mistakes, key=lambda m: (-_key(m), m.id))[:NAMED]
        unsure = [*self.unsure, *named(~known & np.isfinite(margin), order)]
        self.unsure = sorted(unsure, key=lambda m: (_key(m), m.id))[:NAMED]


def _key(one: Named) -> float:
    return one.margin if one.confidence is None else one.confidence


def distribution_of(scores: Array, predicted: Array, confidence: Array) -> Array | None:
    """Return probabilities (sample, class) that sum to 1; None where the model gives none.

    Rows keep scores and the probability of one class: of scores themselves, their softmax and their
    sigmoid, the one that gives this probability is taken.
    """
    if scores.shape[1] < 2 or not np.isfinite(confidence).all():
        return None
    values = scores.astype(np.float64)
    place = np.arange(len(values))
    for chances in (values, softmax(values, axis=1), expit(values)):
        alike = np.abs(chances[place, predicted] - confidence) < _NEAR
        if alike.all() and (np.abs(chances.sum(axis=1) - 1) < _NEAR).all():
            return chances
    return None
