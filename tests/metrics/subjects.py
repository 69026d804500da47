"""Subjects to be measured: of a model and a method, or of arrays alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

import kerascope as ks
import zoo
from kerascope.defaults import seen_by
from kerascope.hooks import BlackBox, HookedModel
from kerascope.method import make_method
from kerascope.metrics.subject import Subject
from kerascope.run import Run
from kerascope.targets import resolve_targets

Array = np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Again:
    """A method run again, as `kerascope.evaluate` does it."""

    view: Any
    method: Any
    targets: Any
    fields: dict[str, Any]

    def __call__(
        self, x: Any, rows: Any, *, model: Any = None, targets: Any = None, seed: int = 0
    ) -> dict[str, Array]:
        inputs = self.view.structure.build(x)
        target = (targets or self.targets.take(rows)).items[0]
        result = ks.explain(
            model or self.view, inputs, self.method, target=target, seed=seed, **self.fields
        )
        found = result.heatmap()
        return dict(found) if isinstance(found, Mapping) else {result.input_names[0]: found}


def viewed(model: Any, *, score: str = "logit") -> HookedModel:
    """Return a model as it is measured: nets are tiny, so only JAX compiles."""
    return HookedModel(model, score=score, batch_size=64, compiled=keras.backend.backend() == "jax")


def of_model(
    model: Any, x: Any, method: Any, *, target: Any = None, score: str = "logit",
    view: Any = None, seed: int = 0, masks: Array | None = None, **fields: Any,
) -> Subject:  # fmt: skip
    """Return what a method says of a model, to be measured."""
    explained = view or viewed(model)
    explained.read(x)  # where it builds the model, the inputs get other names
    arrays = explained.read(x)
    count = len(next(iter(arrays.values())))
    spec = seen_by(make_method(method, fields), explained, arrays)
    targets = resolve_targets(target, spec, count)
    explained.scores(arrays, targets)
    targets = targets.pin(explained.last["scores_of"])
    result = ks.explain(explained, x, method, target=targets.items[0], seed=seed, **fields)
    again = Again(explained, method, targets, fields)
    measured = explained
    if score != "logit":
        measured = viewed(model, score=score)
        measured.read(x)
        said = resolve_targets(target, measured.spec(), count)
        measured.scores(arrays, said)
        targets = said.pin(measured.last["scores_of"])
    run = Run(seed=seed, batch=measured.batch)
    maps = result.heatmap()
    maps = dict(maps) if isinstance(maps, Mapping) else {result.input_names[0]: maps}
    return Subject(measured, arrays, targets, maps, run, masks, result.gap, again)


def of_zoo(name: str, method: Any, **options: Any) -> Subject:
    """Return what a method says of a net of the zoo."""
    case = zoo.SHAPES[name]()
    target = options.pop("target", case.target)
    return of_model(case.model, case.x, method, target=target, **options)


def of_function(
    scores: Callable[[Array], Array], x: Array, maps: Array | Callable[[Array], Array],
    *, target: Any = 0, seed: int = 0, masks: Array | None = None,
) -> Subject:  # fmt: skip
    """Return maps (sample, *spatial) of a plain function, given or computed from the inputs."""
    view = BlackBox(scores, batch_size=64)
    arrays = view.read(x)
    targets = resolve_targets(target, view.spec(), len(x))
    explain = None
    found = maps
    if callable(maps):
        (name,) = arrays
        found = maps(arrays[name])
        explain = lambda x, rows, **_: {name: maps(x[name])}  # noqa: E731
    return Subject(
        view, arrays, targets, dict.fromkeys(arrays, found), Run(seed=seed, batch=view.batch),
        masks, None, explain,
    )  # fmt: skip


def of_maps(maps: Array, masks: Array | None = None) -> Subject:
    """Return maps (sample, *spatial) of nothing in particular."""
    x = np.zeros((*maps.shape, 1), np.float32)
    return of_function(lambda x: np.zeros((len(x), 2)), x, maps, masks=masks)
