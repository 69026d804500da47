"""Which method makes the maps of an audit: of those that cost one pass, the one graded best."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.audit.features import Features
from kerascope.audit.prepared import Prepared, eyes_of
from kerascope.errors import BadInput, Refused
from kerascope.explain import explain
from kerascope.method import AttributionMethod, make_method
from kerascope.run import reporting

CHEAP = ("hires_cam", "layer_cam", "gradient_x_input")  # beside what is taken without a look
LOOKED_AT = 4  # samples that are graded
WORTH = 500  # samples: grading takes up to 3200 forward passes, 200 of each sample and method
AHEAD = 0.1  # of the score (0 … 1), by which another method must be better


def best_maps(ready: Prepared) -> tuple[Prepared, tuple[str, ...]]:
    """Return the work with the method whose maps deserve most trust, and notes on the choice.

    Methods of one gradient pass explain four samples spread over the data and are graded (see
    `kerascope.grade`). The one in hand stays unless another's mean score is .1 higher. It stays
    without a look where there are fewer than 500 samples, or where they can be read once only.
    """
    source, eyes = ready.source, ready.eyes
    again = source.paths is not None or hasattr(source.given, "__getitem__")
    if not isinstance(eyes, Features) or not eyes.values or len(source) < WORTH or not again:
        return ready, ()
    first = eyes.values[0]
    inputs = _samples(ready)
    if inputs is None:
        return ready, ()
    names = dict.fromkeys((first.name, *CHEAP))
    scores = {name: score for name in names if (score := _score(ready, name, inputs)) is not None}
    if not scores:
        return ready, ()
    best = max(scores, key=lambda name: (scores[name], name == first.name))
    better = first.name not in scores or scores[best] >= scores[first.name] + AHEAD
    chosen = best if better else first.name
    titles = {name: make_method(name, {}).title for name in scores}
    listed = ", ".join(f"{titles[name]} {score:.2f}" for name, score in scores.items())
    note = f"maps are made by {titles[chosen]}; mean grades of {LOOKED_AT} samples: {listed}"
    return (ready if chosen == first.name else _with(ready, chosen)), (note,)


def _samples(ready: Prepared) -> Any:
    """Return inputs of samples spread over the data, as a batch; None where few can be read."""
    count = len(ready.source)
    places = np.linspace(0, count - 1, 4 * LOOKED_AT).astype(int)
    read = []
    for place in places:
        handle = next(iter(ready.source.handles(range(int(place), int(place) + 1))))
        sample = ready.decoder(handle)
        if sample.inputs is not None:
            read.append(sample.inputs)
    if len(read) < LOOKED_AT:
        return None
    some = [read[i] for i in np.linspace(0, len(read) - 1, LOOKED_AT).astype(int)]
    if isinstance(some[0], Mapping):
        return {name: np.stack([one[name] for one in some]) for name in some[0]}
    return np.stack(some)


def _score(ready: Prepared, name: str, inputs: Any) -> float | None:
    """Return the mean score of a method's grades; None where the model refuses it."""
    looking = ready.looking
    with reporting(lambda what, done, total: None):  # noqa: ARG005 — an audit counts samples
        try:
            found = explain(
                ready.net, inputs, name, score=looking["score"], memory=looking["memory"],
                seed=looking["seed"], grade=True,
            )  # fmt: skip
        except (Refused, BadInput):
            return None
    return float(np.mean([grade.score for i in range(len(found)) for grade in found.grades(i)]))


def _with(ready: Prepared, name: str) -> Prepared:
    method: AttributionMethod = make_method(name, {})
    eyes = eyes_of(
        ready.net, [method], ready.first, ready.source.classes, batch_size=ready.eyes.batch,
        **ready.looking,
    )  # fmt: skip
    return dataclasses.replace(ready, eyes=eyes)
