"""The front door: a model, inputs and a method in, an `Attribution` out."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.attribution import Attribution
from kerascope.checks import check_score, check_weights, check_whole
from kerascope.columns import as_table
from kerascope.defaults import default_method, on_tokens
from kerascope.errors import BadMethod, BadModel
from kerascope.facts import facts_of
from kerascope.hooks import BlackBox, HookedModel
from kerascope.hooks.inputs import Structure
from kerascope.memory import budget
from kerascope.method import AttributionMethod, Need, RawMap, make_method
from kerascope.provenance import provenance_of
from kerascope.run import Run
from kerascope.tabular.defaults import ROWS, suited
from kerascope.targets import Targets, resolve_targets
from kerascope.texts import prepared
from kerascope.tokens import Reading
from kerascope.types import Array


def explain(
    model: Any,
    inputs: Any,
    method: str | type[AttributionMethod] | AttributionMethod | None = None,
    *,
    target: Any = None,
    score: str = "logit",
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
    grade: bool = False,
    **fields: Any,
) -> Attribution:
    """Explain why a model gives the score it gives, for every sample.

    Args:
        model: any Keras 3 model, untouched; a `HookedModel`; or any function of a batch, for
            methods that need scores only.
        inputs: what the model takes, with a sample axis: an array, a dict or list of arrays, a
            data frame, or what `load_images`, `load_texts` or `load_table` returns. Values as the
            model takes them: nothing is preprocessed here. Strings, where the model brings what
            reads them.
        method: a name (see `methods()`), a method class or a method value. None: what suits the
            inputs, "grad_cam" or for text "integrated_gradients"; see `defaults.default_method`. Of
            a table "kernel_shap". What a table is compared with, where a method is not told, are
            rows of the table or of its background, as a note says.
        target: what is explained. None: the predicted class. An index or a name; "top-5", "rank-2";
            a list: one per sample; a tuple: several for every sample; a `Target` such as
            `Contrast("tabby", "tiger cat")`; a function of the model's outputs.
        score: "logit", before the softmax or sigmoid, or "probability".
        batch_size: rows per pass; None finds the fastest, where the work is long enough to look for
            it. The result does not depend on it.
        memory: bytes, or words such as "512MB", that bound the rows per pass; None takes a quarter
            of what is free.
        seed: drives all sampling.
        grade: grade how far the explanation can be trusted, which takes up to 200 further passes
            over a sample; see `grade`.
        fields: hyper-parameters of the method: `samples=50`.

    Ctrl-C ends a method that samples (occlusion, RISE, LIME, SHAP, …) with what is done, and a
    note that says so; a second Ctrl-C interrupts.

    Raises:
        BadInput: inputs, target, layer or fields do not fit the model; the message says how.
        Refused: the method's theory excludes this model.
    """
    check_score(score)
    check_whole(1, batch_size=batch_size)
    started = time.perf_counter()
    seen: dict[str, Any] = {}
    table = as_table(inputs, model)
    # Strings become ids.
    plain = model.model if isinstance(model, (HookedModel, BlackBox)) else model
    inner, inputs = prepared(plain, inputs) if table is None else (plain, table)
    model = model if inner is plain else inner
    reading = getattr(inputs, "reading", None)
    chosen = default_method(model, inputs, fields) if method is None else None
    value = chosen or make_method(method, fields)
    said: list[str] = []
    if table is not None:
        value, said = suited(value, table, seed)
        batch_size = batch_size or (None if isinstance(model, HookedModel) else ROWS)
    view = view_of(model, value.needs, score, batch_size, who=value.name, reading=reading)
    x = view.read(inputs)
    if grade:  # what was built just now names its inputs anew: the grade explains again
        view = view_of(model, value.needs, score, batch_size, who=value.name, reading=reading)
        x = view.read(inputs)
    held = budget(memory)
    view.fit_into(held, gradients=Need.GRADIENTS in value.needs)
    check_weights(view.identity.broken)
    samples = len(next(iter(x.values())))
    spec = on_tokens(view.spec(), view, x)
    target = value.default_target(spec) if target is None else target
    targets = resolve_targets(target, spec, samples)
    if not value.one_pass:
        view.scores(x, targets)
        _check_finite(view.last["raw"], "output")
        seen, targets = view.last, targets.pin(view.last["scores_of"])
    given = {} if value.one_pass else {"scores": seen["scores"]}
    run = Run(seed=seed, memory=held, batch=view.batch, **given)
    with run.stoppable() if value.partial else contextlib.nullcontext():
        raw = value.attribute(view, x, targets, run)
    raw.notes += [*getattr(inputs, "notes", ()), *run.notes] if reading else run.notes
    raw.notes += said
    raw.values = {name: array for name, array in raw.values.items() if name not in view.held}
    if value.one_pass:
        seen = view.last
        _check_finite(seen["raw"], "output")
        targets = targets.pin(seen["scores_of"])
    _check_finite(raw.values, "map")
    result = _wrap(view, inputs, x, value, raw, targets, seen, score, run, target, started)
    if spec.at is not None:  # a language model's classes are its tokens
        result = dataclasses.replace(result, labels=spec.labels)
    if not grade:
        return result
    from kerascope.grading import graded  # the metrics behind it are not loaded without need

    return graded(
        result,
        view,
        x,
        targets,
        lambda some: Again(
            view if reading else model, value, some, view.structure, seed, batch_size, memory, score
        ),
        lambda: Run(seed=seed, memory=held, batch=view.batch),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Again:
    """A method, to be run again on the same samples or near ones; see `metrics.subject.Explain`.

    targets: one for every sample, pinned. structure: how the model is called.
    """

    model: Any
    method: AttributionMethod
    targets: Targets
    structure: Structure
    seed: int = 0
    batch_size: int | None = None
    memory: int | str | None = None
    score: str = "logit"

    def explained(self, inputs: Any) -> Attribution:
        """Return the explanation of the samples as they are."""
        return self._explained(self.model, inputs, self.targets, self.seed)

    def __call__(
        self,
        x: Mapping[str, Array],
        rows: Array,
        *,
        model: Any = None,
        targets: Targets | None = None,
        seed: int = 0,
    ) -> dict[str, Array]:
        """Return signed maps (row, *spatial) by input name."""
        inputs = self.structure.given(x)
        model = self.model if model is None else model
        return self._explained(model, inputs, targets or self.targets.take(rows), seed).maps()

    def _explained(self, model: Any, inputs: Any, targets: Targets, seed: int) -> Attribution:
        return explain(
            model, inputs, self.method, target=targets.items[0], score=self.score, seed=seed,
            batch_size=self.batch_size, memory=self.memory,
        )  # fmt: skip


def view_of(
    model: Any,
    needs: frozenset[Need],
    score: str,
    batch_size: int | None,
    *,
    who: str,
    reading: Reading | None = None,
) -> HookedModel | BlackBox:
    """Return the model as something with these needs sees it; `who` stands in the error."""
    view = _view_of(model, needs, score, batch_size, who)
    view.reading = reading or getattr(model, "reading", None) or Reading()
    return view


def _view_of(
    model: Any, needs: frozenset[Need], score: str, batch_size: int | None, who: str
) -> HookedModel | BlackBox:
    if isinstance(model, BlackBox):
        return BlackBox(model.model, batch_size=batch_size or model.batch.size)
    if isinstance(model, HookedModel):
        if batch_size is None and model.score == score:
            batch_size = model.batch_size
        return HookedModel(model.model, score=score, batch_size=batch_size, compiled=model.compiled)
    if isinstance(model, keras.Model):
        return HookedModel(model, score=score, batch_size=batch_size)
    if isinstance(model, keras.Layer) or not callable(model):
        raise BadModel(
            f"a model is a keras.Model or a function of a batch, not {type(model).__name__}"
        )
    if not needs <= {Need.SCORES}:
        words = ", ".join(sorted(need.value for need in needs - {Need.SCORES}))
        raise BadMethod(
            f"{who} needs {words}, which a plain function does not give; occlusion needs scores "
            "only"
        )
    return BlackBox(model, batch_size=batch_size)


def _check_finite(arrays: Mapping[str, Array], what: str) -> None:
    """Raise when a NaN or infinity came out: it must never reach a picture."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            sample = int(np.argwhere(~np.isfinite(array))[0][0])
            raise BadModel(
                f"the {what} '{name}' of sample {sample} is NaN or infinite although weights and "
                "inputs are finite"
            )


def _wrap(
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
        notes=(*view.notes, *_head_notes(view, seen["raw"]), *raw.notes),
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
        extras={**raw.extras, **{key: drop(array) for key, array in raw.target_extras.items()}},
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
