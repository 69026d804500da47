"""The result of an explanation, put together: words, provenance, the tree of the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.attribution import Attribution
from kerascope.facts import facts_of
from kerascope.method import AttributionMethod, RawMap
from kerascope.provenance import provenance_of
from kerascope.run import Run
from kerascope.targets import Targets
from kerascope.targets.found import scene_of
from kerascope.types import Array


def wrapped(
    view: Any,
    inputs: Any,
    x: dict[str, Array],
    method: AttributionMethod,
    raw: RawMap,
    targets: Targets,
    seen: dict[str, Any],
    score: str,
    run: Run,
    target: Any,
    started: float,
) -> Attribution:
    """Return the result: target axis dropped for one target, words and provenance added."""
    one = targets.squeeze
    drop = lambda array: array[:, 0] if one else array  # noqa: E731
    axes = {n: tuple(a for a in raw.axes[n] if not (one and a == "target")) for n in raw.values}
    values = {n: np.ascontiguousarray(drop(array), np.float32) for n, array in raw.values.items()}
    several = len([name for name in x if name not in view.held]) > 1
    names = getattr(inputs, "names", None)
    scene = scene_of(view.spec(), seen["raw"], targets, asked=target is not None)
    beside = {**raw.target_extras, **scene.target_extras}
    return Attribution(
        values=values if several else next(iter(values.values())),
        axes=axes if several else next(iter(axes.values())),
        inputs=x if len(x) > 1 else next(iter(x.values())),
        input_axes={
            n: ("sample", *view.axes(n, x[n].shape[1:]))
            for n in dict.fromkeys((*raw.values, *x))  # what is explained comes first
        },
        scores=drop(seen["scores"]),
        explained=_words(targets, seen["scores"]),
        predictions=seen["raw"] if len(seen["raw"]) > 1 else next(iter(seen["raw"].values())),
        method=method,
        target=_target_words(target),
        layer=raw.layer,
        gap=None if raw.gap is None else drop(raw.gap),
        notes=(*view.notes, *_head_notes(view, seen["raw"]), *raw.notes, *scene.notes),
        provenance=provenance_of(
            view,
            method.to_json(),
            target=_target_words(target),
            seed=run.seed,
            started=started,
            inputs=inputs,
            score=score,
            run=run,
            asked=target,
            x=x,
            settled=raw.settled,
        ),
        extras={
            **raw.extras,
            **scene.extras,
            **{key: drop(array) for key, array in beside.items()},
        },
        labels=facts_of(view.model).labels,
        display=getattr(inputs, "display", None),
        features={
            n or next(iter(x)): of for n, of in (getattr(inputs, "features", None) or {}).items()
        },
        names=tuple(names)
        if names is not None
        else tuple(f"sample {i}" for i in range(len(seen["scores"]))),
    )


def _words(targets: Targets, scores: Array) -> tuple[Any, ...]:
    """Say for every sample (and target) what was explained: "logit of 'tabby' (12.3)"."""
    rows = [
        tuple(f"{target.words(i)} ({row[k]:.3g})" for k, target in enumerate(targets))
        for i, row in enumerate(scores)
    ]
    return tuple(row[0] for row in rows) if targets.squeeze else tuple(rows)


def _target_words(target: Any) -> str:
    return "predicted" if target is None else str(target)


def _head_notes(view: Any, raw: Mapping[str, Array]) -> list[str]:
    """Note outputs that look like probabilities with no softmax or sigmoid found before them."""
    notes = []
    for name, array in raw.items():
        kind = view.survey.outputs[name].kind
        sums = np.abs(array.sum(axis=-1) - 1) < 1e-3
        if kind == "linear" and array.shape[-1] > 1 and (array >= 0).all() and sums.all():
            notes.append(
                f"output '{name}' looks like probabilities, but no softmax or sigmoid was found "
                "before it: it is explained as it is"
            )
        if kind == "unknown":
            notes.append("a plain function gives no logits: its output is explained as it is")
    return notes
