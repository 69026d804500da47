"""Grade an explanation: measure, score, say why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import Refused
from kerascope.grading.checks import MOST_PASSES, forwards, removal, stability, weights
from kerascope.grading.kept import keep, read_kept
from kerascope.grading.reasons import reasons_of
from kerascope.grading.scale import bundled
from kerascope.method import passes_on
from kerascope.metrics.again import is_keras
from kerascope.metrics.subject import Explain, Subject
from kerascope.run import Run
from kerascope.targets import Target, Targets
from kerascope.verdict import Grade, Graded

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_SCHEMA = 1  # of numbers kept: a change of how they are measured changes it
_INSENSITIVE = 0.8  # correlation from which on a map hardly hangs on the weights


def graded(
    result: Attribution,
    view: Any,
    x: dict[str, Array],
    targets: Targets,
    again: Callable[[Targets], Explain],
    run: Callable[[], Run],
) -> Attribution:
    """Return the result with a grade for every sample; for several targets, a tuple of them.

    view: of the model, and x: what it was given, by name. targets: pinned. again: runs the method
    on some targets. run: returns a run of its own for every check.
    """
    gaps = result.relative_gap
    rows = []
    for k, target in enumerate(targets):
        one = Targets((target,))
        maps = {name: m if targets.squeeze else m[:, k] for name, m in result.maps().items()}
        gap = gaps if gaps is None or targets.squeeze else gaps[:, k]
        subject = Subject(view, x, one, maps, run(), gaps=gap, explain=again(one))
        rows.append(_of_target(result, subject, target))
    several: list[Graded] = [tuple(each) for each in zip(*rows, strict=True)]
    return dataclasses.replace(result, grade=list(rows[0]) if targets.squeeze else several)


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of every sample by check, (sample,), and why others were not.

    random, edge: what `removal` is of a random map, and of the edge map.
    """

    checks: dict[str, Array]
    random: Array
    edge: Array
    missing: dict[str, str]
    passes: int


def measure(result: Attribution, subject: Subject) -> Measured:
    """Make all checks that 200 forward passes over a sample allow."""
    found = removal(subject)
    checks = {"removal": found.own, "cells": found.cells}
    missing: dict[str, str] = {}
    passes = found.passes
    once = forwards(passes_on(subject.view, result.method, subject.x, result.layer))
    if passes + once <= MOST_PASSES:
        checks["stability"] = stability(subject)
        passes += once
        missing["stability"] = "nothing was changed: ids cannot be noised, and it draws nothing"
    else:
        missing["stability"] = _dear(once, MOST_PASSES - passes)
    checks["weights"], missing["weights"] = _weights(result, subject, once)
    if subject.gaps is not None:
        checks["gap"] = np.asarray(subject.gaps, np.float64)
    nothing = np.full(len(subject), np.nan)
    return Measured(
        {"stability": nothing, "gap": nothing, **checks}, found.random, found.edge, missing, passes
    )


def _dear(once: int, left: int) -> str:
    return f"explaining once more takes up to {once:,} passes, and {left} are left for it"


def _weights(result: Attribution, subject: Subject, once: int) -> tuple[Array, str]:
    """Return the check of the weights for all samples, and why it may be missing."""
    nothing = np.full(len(subject), np.nan)
    if not is_keras(subject.view):
        return nothing, "a plain function has no weights to draw"
    made = [_SCHEMA, subject.view.identity.sha256, result.method.to_json(), result.provenance.score]
    value = read_kept(made)
    if value is None and once > MOST_PASSES:
        return nothing, _dear(once, MOST_PASSES)
    if value is None:
        few = _first(subject, subject.run.batch.size)  # a batch more: no shape is traced anew
        try:
            value = weights(few)
        except Refused as error:
            return nothing, str(error)
        keep(made, value)
    return np.full(len(subject), value), "the map of drawn weights is constant or not finite"


def _first(subject: Subject, count: int) -> Subject:
    """Return the first samples of a subject."""
    rows = np.arange(min(count, len(subject)))
    return dataclasses.replace(
        subject,
        x={name: array[rows] for name, array in subject.x.items()},
        maps={name: array[rows] for name, array in subject.maps.items()},
        targets=subject.targets.take(rows),
        gaps=None,
    )


def _of_target(result: Attribution, subject: Subject, target: Target) -> list[Grade]:
    scale = bundled()
    found = measure(result, subject)
    scores = scale.scores(found.checks)
    grades = []
    for i, score in enumerate(scores):
        values = {name: float(v[i]) for name, v in found.checks.items() if np.isfinite(v[i])}
        known = {**values, "random": float(found.random[i]), "edge": float(found.edge[i])}
        best = best_letter(known)
        grades.append(
            Grade(
                letter=scale.letter(float(score), best),
                score=float(score),
                reasons=reasons_of(known, found.missing, target.words(i)),
                checks=known,
                passes=found.passes,
            )
        )
    return grades


def best_letter(checks: dict[str, float]) -> str:
    """Return the best letter that some findings leave, whatever the score."""
    own = checks.get("removal", -1.0)
    if own <= 0:
        return "D"
    if checks.get("weights", 0.0) >= _INSENSITIVE:
        return "C"
    return "B" if own <= max(checks["random"], checks["edge"]) else "A"
