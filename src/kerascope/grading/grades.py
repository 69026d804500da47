"""Grade an explanation: measure, score, say why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput, BadModel, Refused
from kerascope.grading.checks import MOST_PASSES, Removal, forwards, removal, stability, weights
from kerascope.grading.kept import keep, read_kept
from kerascope.grading.reasons import reasons_of
from kerascope.grading.scale import bundled
from kerascope.method import passes_on
from kerascope.metrics.again import is_keras
from kerascope.metrics.subject import Explain, Subject
from kerascope.perturb import spatial_axes, spatial_size
from kerascope.provenance import digest
from kerascope.run import Run, whole_or_not
from kerascope.targets import Target, Targets
from kerascope.verdict import Grade, Graded

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_FIRST = 4  # samples of a call that the check of the weights is made on
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
    on some targets. run: returns a run of its own for every check. Maps that cannot be laid over
    the inputs have no grade, and a note says so.
    """
    try:
        laid = _Laid(result, view, x)
        found = laid.over(result.maps())
    except BadInput as error:
        return dataclasses.replace(result, notes=(*result.notes, f"not graded: {error}"))
    gaps = result.relative_gap
    rows = []
    with whole_or_not():
        for k, target in enumerate(targets):
            one = Targets((target,))
            maps = {name: m if targets.squeeze else m[:, k] for name, m in found.items()}
            gap = gaps if gaps is None or targets.squeeze else gaps[:, k]
            subject = Subject(view, x, one, maps, run(), gaps=gap, explain=laid.again(again(one)))
            rows.append(_of_target(result, subject, target))
    several: list[Graded] = [tuple(each) for each in zip(*rows, strict=True)]
    return dataclasses.replace(result, grade=list(rows[0]) if targets.squeeze else several)


@dataclasses.dataclass(frozen=True, eq=False)
class _Laid:
    """Lays maps over the inputs, by input name at the inputs' sizes.

    A map without one of the axes, such as (y, x) of a film's last picture, is the same all along
    it.
    """

    result: Attribution
    view: Any
    x: Mapping[str, Array]

    def over(self, maps: dict[str, Array]) -> dict[str, Array]:
        """Return maps (sample, [target,] *spatial); raise `BadInput` for others that do not fit."""
        if len(maps) == len(self.x) == 1:  # Keras makes names up: one input is that input
            maps = {next(iter(self.x)): next(iter(maps.values()))}
        return {name: self._laid(name, array) for name, array in maps.items()}

    def _laid(self, name: str, array: Array) -> Array:
        size = spatial_size(self.view, name, self.x[name])
        if array.shape[-len(size) :] == size:
            return array
        axes = self.result.axes
        known = axes.get(name, ()) if isinstance(axes, dict) else axes
        names = spatial_axes(self.view, name, self.x[name])
        missing = [k - len(names) for k, axis in enumerate(names) if axis not in known]
        if len(missing) == 1:
            wide = np.expand_dims(array, missing[0])
            wide = np.repeat(wide, size[missing[0]], axis=missing[0])
            if wide.shape[-len(size) :] == size:
                return wide
        raise BadInput(f"maps of shape {array.shape} do not lie over input '{name}', {size}")

    def again(self, explain: Explain) -> Explain:
        """Return the method run again, with its maps laid."""

        def explained(x: Mapping[str, Array], rows: Array, **options: Any) -> dict[str, Array]:
            return self.over(explain(x, rows, **options))

        return explained


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
    nothing = np.full(len(subject), np.nan)
    once = forwards(passes_on(subject.view, result.method, subject.x, result.layer))
    missing = {
        "cells": "nothing in the map speaks for the score",
        "gap": "the method claims no completeness",
    }
    try:
        found = removal(subject)
    except BadModel as error:  # of inputs that the model was not made for: it takes no zeros
        found = Removal(nothing, nothing, nothing, nothing, 0)
        missing["removal"] = missing["cells"] = str(error)
    checks, passes = {"removal": found.own, "cells": found.cells}, found.passes
    checks["stability"], missing["stability"] = nothing, _dear(once, MOST_PASSES - passes)
    if passes + once < MOST_PASSES:
        passes += once
        checks["stability"], missing["stability"] = _tried(
            subject, lambda: stability(subject),
            "nothing was changed: ids cannot be noised, and it draws nothing",
        )  # fmt: skip
    checks["weights"], missing["weights"] = _weights(result, subject, once)
    checks["gap"] = nothing if subject.gaps is None else np.asarray(subject.gaps, np.float64)
    return Measured(checks, found.random, found.edge, missing, passes)


def _dear(once: int, left: int) -> str:
    return f"explaining once more takes up to {once:,} passes, and {left} are left for it"


def _tried(subject: Subject, check: Callable[[], Any], why: str) -> tuple[Array, str]:
    """Return a check's values, NaN where it fails, and why some may be missing."""
    try:
        return np.broadcast_to(check(), len(subject)), why
    except (BadModel, Refused) as error:
        return np.full(len(subject), np.nan), str(error)


def _weights(result: Attribution, subject: Subject, once: int) -> tuple[Array, str]:
    """Return the check of the weights for all samples, and why it may be missing.

    Made on the first samples of the call and kept by their hash, that of the model and of what is
    explained: a number that all calls shared would hang on which picture came first.
    """
    nothing = np.full(len(subject), np.nan)
    if not is_keras(subject.view):
        return nothing, "a plain function has no weights to draw"
    if once >= MOST_PASSES:
        return nothing, _dear(once, MOST_PASSES)
    few = _first(subject, _FIRST)
    target = subject.targets.items[0]
    said = [target.words(i) for i in range(len(few))]
    marks = [digest(few.x, i) for i in range(len(few))]
    made = [
        _SCHEMA, subject.view.identity.sha256, _by_content(result.method.to_json()),
        result.provenance.score, subject.run.seed, said, marks,
    ]  # fmt: skip
    why = "the map is constant"
    value = read_kept(made)
    if value is None:
        values, why = _tried(subject, lambda: weights(few), why)
        value = float(values[0])
        keep(made, value)
    return np.full(len(subject), value), why


def _by_content(data: Any) -> Any:
    """Return JSON values without the names of files: arrays are told by their hash."""
    if isinstance(data, dict):
        return {key: _by_content(value) for key, value in data.items() if key != "file"}
    return [_by_content(item) for item in data] if isinstance(data, list) else data


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
        known = {name: value for name, value in known.items() if np.isfinite(value)}
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
