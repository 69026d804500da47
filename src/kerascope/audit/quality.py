"""The first page of an audit: how good the model is at all."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kerascope.audit.calibration import Calibration, calibration
from kerascope.audit.classes import class_name
from kerascope.audit.collected import Collected
from kerascope.audit.regression import Regression, regression
from kerascope.audit.shares import Share
from kerascope.audit.tally import TOP, Failure, Named, Tally
from kerascope.errors import BadInput
from kerascope.types import Array

_PAIRS = 200  # of classes taken for one another, in JSON
_FEW = 200  # samples under which a calibration error is mostly chance


class ClassQuality(NamedTuple):
    """How well one class is told: of its samples, and of what is taken for it."""

    label: int
    name: str
    recall: Share
    precision: Share

    @property
    def support(self) -> int:
        """How many samples have this label."""
        return self.recall.total

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where no sample is found."""
        return 2 * self.recall.hits / max(self.recall.total + self.precision.total, 1)


class Confusion(NamedTuple):
    """Samples of one class that are taken for another, as a share of the first."""

    true: str
    predicted: str
    share: Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quality:
    """How good a model is on the samples of an audit.

    Attributes:
        samples: all; errors: of which could not be read; failures: the first of those.
        classes: how many the model has; 1 where it gives one number.
        accuracy: of labelled samples. top: share whose class is among the first five.
        balanced: mean recall of the classes. always: share of the commonest class, which is what a
            model that always says it would be right in.
        per_class: of all classes that occur as label or prediction.
        confusions: most frequent first.
        pairs: (true, predicted) class: number of samples.
        predicted: class: number of samples.
        calibration: None without probabilities or labels.
        confidence: quantiles 0, .05, .25, .5, .75, .95, 1 over the samples without a label.
        mistakes: surest first. unsure: samples without a label, least sure first.
        regression: errors of a model's one number, where a column with the truth was named.
    """

    samples: int
    errors: int
    failures: tuple[Failure, ...]
    classes: int
    labelled: int
    accuracy: Share | None
    top: Share | None
    balanced: float | None
    always: Share | None
    per_class: tuple[ClassQuality, ...]
    confusions: tuple[Confusion, ...]
    pairs: Mapping[tuple[int, int], int]
    predicted: Mapping[int, int]
    names: tuple[str, ...] | None
    calibration: Calibration | None
    confidence: tuple[float, ...]
    mistakes: tuple[Named, ...]
    unsure: tuple[Named, ...]
    notes: tuple[str, ...]
    regression: Regression | None = None

    def name(self, index: int) -> str:
        """Return the name of a class."""
        return class_name(index, self.names)

    def matrix(self, classes: Array | None = None) -> Array:
        """Return counts (true, predicted) of some classes, of all that occur by default."""
        chosen = [c.label for c in self.per_class] if classes is None else list(classes)
        return np.array([[self.pairs.get((t, p), 0) for p in chosen] for t in chosen], np.int64)

    def hardest(self, count: int) -> list[int]:
        """Return at most `count` classes, those in the most frequent confusions, by index."""
        wrong = sorted((-n, t, p) for (t, p), n in self.pairs.items() if t != p)
        known = [c.label for c in self.per_class]
        chosen = known if len(known) <= count else [k for _, *pair in wrong for k in pair]
        return sorted(list(dict.fromkeys([*chosen, *known]))[:count])

    @property
    def words(self) -> tuple[str, ...]:
        """What there is to say, a sentence each."""
        return tuple(_sentences(self))

    def to_json(self) -> dict[str, Any]:
        """Return plain values; of classes taken for one another the 200 most frequent pairs."""
        plain = ("samples", "errors", "classes", "labelled", "balanced")
        shares = ("accuracy", "top", "always")
        return {
            **{name: getattr(self, name) for name in plain},
            **{name: s.to_json() if (s := getattr(self, name)) else None for name in shares},
            "failures": [failure._asdict() for failure in self.failures],
            "per_class": [_plain(one) for one in self.per_class],
            "confusions": [
                {"true": c.true, "predicted": c.predicted, **c.share.to_json()}
                for c in self.confusions[:_PAIRS]
            ],
            "confusions_left_out": max(0, len(self.confusions) - _PAIRS),
            "predicted": {self.name(i): n for i, n in sorted(self.predicted.items())},
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "regression": None if self.regression is None else self.regression.to_json(),
            "confidence": list(self.confidence),
            "mistakes": [self._named(one) for one in self.mistakes],
            "unsure": [self._named(one) for one in self.unsure],
            "notes": list(self.notes),
            "words": list(self.words),
        }

    def _named(self, one: Named) -> dict[str, Any]:
        label = None if one.label < 0 else self.name(one.label)
        return {**one._asdict(), "label": label, "predicted": self.name(one.predicted)}


def quality(collected: Collected, *, truth: str | None = None, seed: int = 0) -> Quality:
    """Return how good the model is, from the rows alone, read in batches.

    truth: of a model that gives one number, the column with the true one: "meta_age". Raises
    `BadInput` for a model with classes, and for a column that is not there or holds no numbers.
    """
    tally = Tally.of(collected)
    if truth is not None and tally.width > 1:
        raise BadInput(
            f"truth='{truth}' goes with a model that gives one number; this one has {tally.width} "
            "classes, whose truth are the labels"
        )
    names = collected.settings.get("classes")
    names = None if names is None else tuple(names)
    per_class = _per_class(tally, names)
    labelled = tally.labelled if tally.width > 1 else 0
    alone = np.concatenate([*tally.alone, np.zeros(0, np.float32)])
    found = calibrated(tally, seed) if labelled else None
    recalls = [c.recall.value for c in per_class if c.support]
    support = [c.support for c in per_class]
    spread = np.quantile(alone, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)) if len(alone) else ()
    return Quality(
        samples=tally.samples, errors=tally.errors, failures=tuple(tally.failures),
        classes=tally.width, labelled=labelled,
        accuracy=Share(tally.right, labelled) if labelled else None,
        top=Share(tally.top, labelled) if labelled and tally.width > 2 * TOP else None,
        balanced=float(np.mean(recalls)) if labelled else None,
        always=Share(max(support), labelled) if labelled else None,
        per_class=per_class, confusions=_confusions(tally, names),
        pairs=dict(tally.pairs), predicted=dict(tally.predicted), names=names,
        calibration=found, confidence=tuple(float(v) for v in spread),
        mistakes=tuple(tally.mistakes) if labelled else (), unsure=tuple(tally.unsure),
        notes=tuple(_notes(tally, found)),
        regression=None if truth is None else regression(collected, truth),
    )  # fmt: skip


def calibrated(tally: Tally, seed: int) -> Calibration | None:
    """Return the calibration of what was counted; None without probabilities."""
    confidence = np.concatenate(tally.confidence)
    if not len(confidence):
        return None
    squares = np.concatenate([*tally.brier, np.zeros(0)])
    losses = np.concatenate([*tally.losses, np.zeros(0)])
    return calibration(
        confidence, np.concatenate(tally.hits), seed=seed,
        brier=float(squares.mean()) if tally.distribution and len(squares) else None,
        log_loss=float(losses.mean()) if tally.distribution and len(losses) else None,
    )  # fmt: skip


def _per_class(tally: Tally, names: tuple[str, ...] | None) -> tuple[ClassQuality, ...]:
    if tally.width < 2:
        return ()
    true: dict[int, int] = {}
    said: dict[int, int] = {}
    for (label, predicted), count in tally.pairs.items():
        true[label] = true.get(label, 0) + count
        said[predicted] = said.get(predicted, 0) + count
    hits = {i: tally.pairs.get((i, i), 0) for i in {*true, *said}}
    return tuple(
        ClassQuality(
            i, class_name(i, names), Share(hits[i], true.get(i, 0)), Share(hits[i], said.get(i, 0))
        )
        for i in sorted(hits)
    )


def _confusions(tally: Tally, names: tuple[str, ...] | None) -> tuple[Confusion, ...]:
    support: dict[int, int] = {}
    for (label, _), count in tally.pairs.items():
        support[label] = support.get(label, 0) + count
    wrong = [(n, t, p) for (t, p), n in tally.pairs.items() if t != p]
    ordered = sorted(wrong, key=lambda item: (-item[0], *item[1:]))
    return tuple(
        Confusion(class_name(t, names), class_name(p, names), Share(n, support[t]))
        for n, t, p in ordered
    )


def _notes(tally: Tally, found: Calibration | None) -> list[str]:
    notes = []
    if tally.width == 1:
        notes.append("the model gives one number: there are no classes to be right or wrong about")
        return notes
    missing = tally.samples - tally.errors - tally.labelled
    if missing:
        notes.append(f"{missing} samples have no label: nothing says whether the model is right")
    if not any(len(c) for c in (*tally.confidence, *tally.alone)):
        notes.append("the model gives no probabilities: no confidence, no calibration")
    elif found is not None and found.brier is None:
        notes.append(
            "the probabilities are of classes that do not exclude each other: no Brier score and "
            "no log loss"
        )
    if found is not None and found.right.total < _FEW:
        notes.append(
            f"a calibration error of {found.right.total} samples is mostly chance: compare it with "
            f"{found.chance:.3f}, under which true confidences stay in 95 of 100 draws"
        )
    return notes


def _sentences(found: Quality) -> list[str]:
    said = []
    if found.accuracy is not None and found.always is not None:
        said.append(
            f"right in {found.accuracy.words} of {found.labelled} labelled samples; always saying "
            f"the commonest class would be right in {100 * found.always.value:.1f} %"
        )
        worst = min((c for c in found.per_class if c.support), key=lambda c: c.recall.value)
        said.append(
            f"mean recall of the classes {100 * (found.balanced or 0):.1f} %, least of "
            f"'{worst.name}': {worst.recall.hits} of {worst.recall.total}"
        )
    if found.confusions:
        pair = found.confusions[0]
        said.append(
            f"most often '{pair.true}' is taken for '{pair.predicted}': {pair.share.hits} of "
            f"{pair.share.total}"
        )
    said += [one.words for one in (found.calibration, found.regression) if one is not None]
    if found.confidence and not math.isnan(found.confidence[3]):
        said.append(f"median confidence of samples without a label {found.confidence[3]:.3f}")
    if found.errors:
        said.append(
            f"{found.errors} of {found.samples} samples have no numbers, the first: "
            f"{found.failures[0].error}"
        )
    return said


def _plain(one: ClassQuality) -> dict[str, Any]:
    return {
        "index": one.label, "name": one.name, "support": one.support, "f1": one.f1,
        "recall": one.recall.to_json(), "precision": one.precision.to_json(),
    }  # fmt: skip
