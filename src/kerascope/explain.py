"""The front door: a model, inputs and a method in, an `Attribution` out."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.attribution import INPUTS, Attribution
from kerascope.checks import check_score, check_weights, check_whole
from kerascope.columns import Table, as_table
from kerascope.defaults import by_kind, default_method, on_series, or_horizon, seen_by
from kerascope.errors import BadMethod, BadModel
from kerascope.hooks import BlackBox, HookedModel
from kerascope.hooks.inputs import Structure
from kerascope.memory import budget
from kerascope.method import BESIDE, AttributionMethod, Need, RawMap, make_method
from kerascope.methods.whole_inputs import shapley_of_inputs
from kerascope.outcome import wrapped
from kerascope.run import Run
from kerascope.several import Several, several_of
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
    shares: bool = False,
    **fields: Any,
) -> Attribution:
    """Explain why a model gives the score it gives, for every sample.

    Args:
        model: any Keras 3 model, untouched; a `HookedModel`; or any function of a batch, for
            methods that need scores only.
        inputs: what the model takes, with a sample axis: an array, a dict or list of arrays, a
            data frame, or what `load_images`, `load_texts`, `load_series`, `load_volumes` or
            `load_table` returns; a dict by input name may hold any of them. Values as the model
            takes them: nothing is preprocessed here. Strings, where the model brings what reads
            them.
        method: a name (see `methods()`), a method class or a method value. None: what suits the
            inputs and outputs: "grad_cam", for text, series, volumes and films
            "integrated_gradients", of a table "kernel_shap", of a segmentation "seg_grad_cam", of a
            detector "d_rise"; see `defaults.default_method`. What a table is compared with, where a
            method is not told, are rows of the table or of its background, as a note says.
        target: what is explained. None: the predicted class; of a forecast its sum, of a
            segmentation the largest predicted area but the background's, of a detector the surest
            detection. An index or a name; "top-5", "rank-2"; "horizon-3", "change-3"; a list: one
            per sample; a tuple: several for every sample; a `Target` such as
            `Contrast("tabby", "tiger cat")`; a function of the model's outputs.
        score: "logit", before the softmax or sigmoid, or "probability".
        batch_size: rows per pass; None finds the fastest, where the work is long enough to look for
            it. The result does not depend on it.
        memory: bytes, or words such as "512MB", that bound the rows per pass; None takes a quarter
            of what is free.
        seed: drives all sampling.
        grade: grade how far the explanation can be trusted, which takes up to 200 further passes
            over a sample; see `grade`.
        shares: of a model of several inputs, find also what each adds to the score: the exact
            Shapley value of whole inputs, covered by the method's baseline (2ⁿ passes), in
            `input_values`. The share of each in the map is in `shares` without being asked for.
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
    asked = _asked(model, inputs, method, fields, target, batch_size=batch_size, seed=seed)
    value, held = asked.method, budget(memory)
    view, x = asked.read(score)
    if grade:  # what was built just now names its inputs anew: the grade explains again
        view, x = asked.read(score)
    view.fit_into(held, gradients=Need.GRADIENTS in value.needs)
    check_weights(view.identity.broken)
    spec = on_series(seen_by(value, view, x), asked.inputs)
    target = or_horizon(target, spec)
    targets = resolve_targets(target, spec, len(next(iter(x.values()))))
    raw, targets, seen, run = _attributed(view, x, value, targets, seed=seed, memory=held)
    raw.notes += [*(getattr(asked.inputs, "notes", ()) if asked.reading else ()), *run.notes]
    raw.notes += [*asked.notes, *_hints(asked, x), *targets.notes]
    raw.extras |= {BESIDE + what: array for what, array in targets.beside(x, seen["raw"]).items()}
    if shares:
        raw.target_extras |= _players(view, x, value, targets, run)
    result = wrapped(view, asked.inputs, x, value, raw, targets, seen, score, run, target, started)
    if spec.at is not None:  # a language model's classes are its tokens
        result = dataclasses.replace(result, labels=spec.labels)
    if not grade:
        return result
    from kerascope.grading import graded  # the metrics behind it are not loaded without need

    again = view if asked.reading else asked.model
    return graded(
        result,
        view,
        x,
        targets,
        lambda some: Again(
            again, value, some, view.structure, seed, asked.batch_size, memory, score
        ),
        lambda: Run(seed=seed, memory=held, batch=view.batch),
    )


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Asked:
    """What `explain` works with: texts are read, tables have a method that suits them.

    notes: on what a table is compared with. reading: how texts became ids.
    """

    model: Any
    inputs: Any
    method: AttributionMethod
    batch_size: int | None
    notes: tuple[str, ...] = ()

    @property
    def reading(self) -> Reading | None:
        return getattr(self.inputs, "reading", None)

    def read(self, score: str) -> tuple[HookedModel | BlackBox, dict[str, Array]]:
        """Return the model as the method sees it, and the inputs by name."""
        view = view_of(
            self.model, self.method.needs, score, self.batch_size, who=self.method.name,
            reading=self.reading,
        )  # fmt: skip
        return view, view.read(self.inputs)


def _asked(
    model: Any, inputs: Any, method: Any, fields: Mapping[str, Any], target: Any, *,
    batch_size: int | None, seed: int,
) -> _Asked:  # fmt: skip
    model, inputs = taken(model, inputs)
    table = inputs if isinstance(inputs, Table) else None
    together = inputs if isinstance(inputs, Several) else None
    value = None if method is None else make_method(method, fields)
    value = value or default_method(model, inputs, fields, target)
    if together is not None:
        value = by_kind(value, together)
    if table is None:
        return _Asked(model=model, inputs=inputs, method=value, batch_size=batch_size)
    value, notes = suited(value, table, seed)
    size = batch_size or (None if isinstance(model, HookedModel) else ROWS)
    return _Asked(model=model, inputs=inputs, method=value, batch_size=size, notes=tuple(notes))


def taken(model: Any, inputs: Any) -> tuple[Any, Any]:
    """Return model and inputs as a method takes them: tables, texts and several kinds are read.

    The model is another one only where what takes ids stands in for one that takes strings.
    """
    table = as_table(inputs, model)
    if table is not None:
        return model, table
    plain = model.model if isinstance(model, (HookedModel, BlackBox)) else model
    together = several_of(inputs, plain)
    inner, inputs = prepared(plain, inputs if together is None else together)
    inner = getattr(together, "model", None) or inner
    return (model if inner is plain else inner), inputs


def _hints(asked: _Asked, x: Mapping[str, Array]) -> list[str]:
    """Say where pictures in an array of a user's own lie in another range than the model's."""
    loaded = hasattr(asked.inputs, "notes")  # and told of then
    if loaded or isinstance(asked.model, (HookedModel, BlackBox)):
        return []
    from kerascope.loading import range_hint

    hints = [range_hint(asked.model, array) for array in x.values() if array.ndim == 4]
    return [f"hint: {hint}" for hint in hints if hint is not None]


def _attributed(
    view: HookedModel | BlackBox, x: dict[str, Array], method: AttributionMethod, targets: Targets,
    *, seed: int, memory: int | None,
) -> tuple[RawMap, Targets, dict[str, Any], Run]:  # fmt: skip
    """Return the method's map, the targets pinned, what the model gave for them, and the run."""
    given: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    if not method.one_pass:
        view.scores(x, targets)
        _check_finite(view.last["raw"], "output")
        seen, targets = view.last, targets.pin(view.last["scores_of"])
        given = {"scores": seen["scores"]}
    run = Run(seed=seed, memory=memory, batch=view.batch, **given)
    with run.stoppable() if method.partial else contextlib.nullcontext():
        raw = method.attribute(view, x, targets, run)
    raw.values = {name: array for name, array in raw.values.items() if name not in view.held}
    if method.one_pass:
        seen = view.last
        _check_finite(seen["raw"], "output")
        targets = targets.pin(seen["scores_of"])
    _check_finite(raw.values, "map")
    return raw, targets, seen, run


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


def _players(
    view: HookedModel | BlackBox, x: dict[str, Array], method: AttributionMethod, targets: Targets,
    run: Run,
) -> dict[str, Array]:  # fmt: skip
    """Return what whole inputs add to the score, as an extra; nothing of one input."""
    if len([name for name in x if name not in view.held]) < 2:
        return {}
    baseline = getattr(method, "baseline", None) or getattr(method, "background", None)
    covers = "zero" if baseline is None else baseline
    return {INPUTS: shapley_of_inputs(view, x, targets, run, covers)}


def _check_finite(arrays: Mapping[str, Array], what: str) -> None:
    """Raise when a NaN or infinity came out: it must never reach a picture."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            sample = int(np.argwhere(~np.isfinite(array))[0][0])
            raise BadModel(
                f"the {what} '{name}' of sample {sample} is NaN or infinite although weights and "
                "inputs are finite"
            )
