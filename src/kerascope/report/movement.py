"""Where evidence lies in a frame of a training film, and how it moved between two, in words."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.whereabouts import place
from kerascope.report.surprise import cells_of
from kerascope.resize import linear
from kerascope.wording import percentage

if TYPE_CHECKING:
    from kerascope.types import Array

MOVED = 0.35  # share of the evidence from which on it has moved
CROSSED = 0.15  # the same over the border of the objects, which noise does not cross
_LISTED = 3  # names of samples in one marker

Marker = dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """Where the evidence of one map lies.

    cells: (8, 8) shares that sum to 1. inside: share on the object, 0 … 1, where a mask was given.
    """

    cells: Array
    inside: float | None


@dataclasses.dataclass(frozen=True)
class Frame:
    """What one explained moment of a training is judged by; keys of `evidence`: (method, sample).

    said: the predicted class by sample.
    """

    epoch: float
    label: str
    evidence: Mapping[tuple[str, str], Evidence]
    said: Mapping[str, str]


def evidence_of(values: Array, mask: Array | None) -> Evidence | None:
    """Return where the evidence of a (y, x) map lies; None for an empty one.

    Evidence is what is above zero; where nothing is, sizes count. mask: (y, x) of any size, 0 … 1,
    1 on the object.
    """
    cells = cells_of(values)
    if cells is None:
        return None
    if mask is None:
        return Evidence(cells, None)
    strength = np.maximum(values, 0).astype(np.float64)
    strength = strength if strength.any() else np.abs(values).astype(np.float64)
    on = np.asarray(mask, np.float32)
    on = on if on.shape == strength.shape else linear(on, strength.shape)
    return Evidence(cells, float((strength * on).sum() / strength.sum()))


def moved(before: Evidence, after: Evidence) -> float:
    """Return the share of the evidence that lies elsewhere now: 1 − overlap, over 8 × 8 cells."""
    return float(1 - np.minimum(before.cells, after.cells).sum())


def markers_of(
    frames: Sequence[Frame], *, methods: Iterable[str], names: Mapping[str, str]
) -> list[Marker]:
    """Return what happened in a film, in words, in the order in which it happened.

    methods: ids. names: of samples, by id. Every frame is compared with the one at which the last
    marker of its kind stands, so that a slow drift is told too.
    """
    found: list[Marker] = []
    for method in methods:
        held = [key for frame in frames for key in frame.evidence if key[0] == method]
        samples = list(dict.fromkeys(sample for _, sample in held))
        several = len(samples) > 1
        groups = [(None, samples)] if several else []
        for sample, group in [*groups, *((sample, [sample]) for sample in samples)]:
            found += _movements(frames, method, sample, group)
    found += _changes(frames, names)
    order = {frame.epoch: index for index, frame in enumerate(frames)}
    return sorted(found, key=lambda marker: order[marker["epoch"]])


def _movements(
    frames: Sequence[Frame], method: str, sample: str | None, group: Sequence[str]
) -> list[Marker]:
    """Return the markers of one method, of all samples together or of one."""
    found = []
    since, last = 0, len(frames)
    for now in range(1, last):
        pairs = _pairs(frames[since], frames[now], method, group)
        words = _told(pairs, many=sample is None)
        if not words:
            continue
        if since < now - 1:
            words = f"since {frames[since].label}, {words}"
        found.append(_marker(frames[now], words, "evidence", sample=sample, method=method))
        since = now
    return found


def _marker(
    frame: Frame, words: str, kind: str, *, sample: str | None = None, method: str | None = None
) -> Marker:
    return {
        "epoch": frame.epoch, "words": words, "kind": kind, "sample": sample, "method": method,
    }  # fmt: skip


def _pairs(
    before: Frame, after: Frame, method: str, samples: Iterable[str]
) -> list[tuple[Evidence, Evidence]]:
    keys = [(method, sample) for sample in samples]
    return [
        (before.evidence[key], after.evidence[key])
        for key in keys
        if key in before.evidence and key in after.evidence
    ]


def _told(pairs: Sequence[tuple[Evidence, Evidence]], *, many: bool) -> str:
    """Return how the evidence of some samples moved, on average; "" where it did not."""
    masked = [
        (a.inside, b.inside) for a, b in pairs if a.inside is not None and b.inside is not None
    ]
    if masked:
        before, after = (float(np.mean(column)) for column in zip(*masked, strict=True))
        if abs(after - before) >= CROSSED:
            return _crossed(before, after, many=many)
    if not pairs:
        return ""
    share = float(np.mean([moved(a, b) for a, b in pairs]))
    return "" if share < MOVED else f"{percentage(share)} of the evidence moved, {_whither(pairs)}"


def _crossed(before: float, after: float, *, many: bool) -> str:
    share = percentage(abs(after - before))
    if after < before:
        rest = percentage(1 - after)
        return f"{share} of the evidence moved to the background: {rest} lies there now"
    objects = "the objects" if many else "the object"
    return f"{share} of the evidence moved onto {objects}: {percentage(after)} lies there now"


def _whither(pairs: Sequence[tuple[Evidence, Evidence]]) -> str:
    gained = np.sum([np.maximum(b.cells - a.cells, 0) for a, b in pairs], axis=0)
    where = place(gained)
    part = where.removeprefix("spread out, most in the ").removesuffix(" part")
    spread = "to many places, " if part != where else ""
    return f"{spread}most of it into the {part}"


def _changes(frames: Sequence[Frame], names: Mapping[str, str]) -> list[Marker]:
    """Return what the model says otherwise than in the frame before."""
    found = []
    for before, after in itertools.pairwise(frames):
        said = {s: (before.said[s], after.said[s]) for s in after.said if s in before.said}
        changed = {sample: pair for sample, pair in said.items() if pair[0] != pair[1]}
        for sample, (old, new) in changed.items():
            words = f"{names[sample]} is '{new}' now, '{old}' before"
            found.append(_marker(after, words, "prediction", sample=sample))
        if len(changed) > 1:
            listed = [names[sample] for sample in changed][:_LISTED]
            rest = f" and {len(changed) - len(listed)} more" if len(changed) > _LISTED else ""
            count = f"{len(changed)} of {len(said)} samples are of another class now"
            found.append(_marker(after, f"{count}: {', '.join(listed)}{rest}", "prediction"))
    return found
