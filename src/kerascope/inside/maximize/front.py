"""`maximize`: what a class, a channel or a neuron wants to see."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.checks import check_score, check_weights, check_whole
from kerascope.errors import BadInput, BadMethod, BadModel, choices
from kerascope.hooks import HookedModel
from kerascope.inside.maximize.aims import Aim, aims_of, cut, ranked
from kerascope.inside.maximize.canvas import Canvas, Scaling, scaling_of
from kerascope.inside.maximize.climb import Climb, Climbed, frame_steps
from kerascope.inside.maximize.parametrizations import Fourier, Parametrization, Pixel
from kerascope.inside.maximize.regularizers import Diversity, Norm, TotalVariation
from kerascope.inside.maximize.result import Visualization
from kerascope.inside.maximize.step import Recipe
from kerascope.inside.maximize.subject import Subject, subject_of
from kerascope.inside.maximize.transforms import Transforms
from kerascope.inside.net import net_of
from kerascope.memory import budget
from kerascope.provenance import Provenance, provenance_of
from kerascope.run import Run

if TYPE_CHECKING:
    from kerascope.types import Array

Regularizer = TotalVariation | Norm
_OUTSIDE = 0.02  # of the range: what rounding and resizing of a picture may exceed it by


def maximize(
    model: Any,
    target: Any,
    *,
    count: int = 1,
    steps: int = 256,
    parametrization: Parametrization | None = None,
    transforms: Transforms | None = None,
    regularizers: Sequence[Regularizer] = (),
    diversity: Diversity | None = None,
    start: Any = None,
    inputs: Any = None,
    over: str | None = None,
    size: int | tuple[int, ...] | None = None,
    limits: Any = None,
    frames: int = 0,
    score: str = "logit",
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> Visualization:
    """Find inputs that maximise a score inside a model or at its end (activation maximisation).

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        target: as in `explain`: a class by index or name, `Neuron`, `Direction`, `WholeLayer`
            (DeepDream, with `start`), `Contrast`, `Weighted`, a function of the outputs; a list or
            tuple of several; "all" for every class.
        count: pictures of every target, each from a start of its own.
        steps: steps of Adam.
        parametrization: `Fourier()` (the default where the input has positions), `Pixel()` or
            `MaCo()`, with their fields.
        transforms: random views in every step; None: `Transforms()`, `Transforms.none()` for none.
        regularizers: `TotalVariation(weight)`, `Norm(weight, power)`.
        diversity: `Diversity(layer)`: the `count` pictures of a target are to differ.
        start: an input, or one for every result, as the model takes it; None: noise.
        inputs: a sample of what the model takes: for shapes that it does not declare, and for the
            values of inputs that are not optimised, zero without.
        over: name of the input that is optimised; the first picture, or else the first.
        size: of axes that the model leaves open.
        limits: (low, high) of the values; None: what the model's preprocessing makes of pictures;
            "none" for no limits.
        frames: pictures kept along the way, for `.animate`.
        score: "logit" or "probability".
        seed: drives all sampling.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.

    Ctrl-C ends the optimisation with what is done, and a note that says so.

    Raises:
        BadInput: what is given does not fit the model.
        Refused: the model takes tokens only.
    """
    started = time.perf_counter()
    check_score(score)
    check_whole(1, count=count, steps=steps, batch_size=batch_size)
    check_whole(0, frames=frames)
    view = HookedModel(net_of(model), score=score, batch_size=batch_size)
    subject = subject_of(view, inputs, over, size)
    held = budget(memory)
    view.fit_into(held, gradients=True)
    check_weights(view.identity.broken)
    canvas, scaling, notes = scaling_of(view.model, subject.axes, subject.shape, limits)
    aims = aims_of(view, target, count, ranks=start is not None)
    begun = _start(
        start, subject, scaling, sum(len(aim.rows) for aim in aims), bounded=canvas.bounded
    )
    if begun is not None:
        aims = [_pinned(view, aim, subject, scaling.values(begun[aim.rows])) for aim in aims]
    recipe = _recipe(
        subject, canvas, scaling, count,
        {"parametrization": parametrization, "transforms": transforms,
         "regularizers": _several(regularizers), "diversity": diversity},
    )  # fmt: skip
    run = Run(seed=seed, memory=held, batch=view.batch)
    climb = Climb(
        view, recipe, run, steps, frame_steps(steps, frames), subject.others,
        _known(recipe, scaling), begun,
    )  # fmt: skip
    climbed = climb.all(aims)
    facts = provenance_of(view, _method(recipe), target=str(target), seed=seed, started=started)
    notes = [*subject.notes, *notes, *run.notes]
    return _result(view, subject, scaling, canvas, climbed, facts, tuple(notes), count)


def _several(regularizers: Any) -> tuple[Any, ...]:
    return tuple(regularizers) if isinstance(regularizers, (list, tuple)) else (regularizers,)


def _start(
    start: Any, subject: Subject, scaling: Scaling, rows: int, *, bounded: bool
) -> Array | None:
    """Return the canvases to start from, one a row; raise `BadInput` for another shape."""
    if start is None:
        return None
    given = getattr(start, "inputs", start)
    if isinstance(given, Mapping):
        if subject.name not in given:
            raise BadInput(f"start has no input '{subject.name}'{choices(subject.name, given)}")
        given = given[subject.name]
    try:
        values = np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"start is an array, or what load_images returns, not {type(given).__name__}"
        ) from error
    if values.shape == subject.shape:
        values = values[None]
    if values.shape[1:] != subject.shape or len(values) not in (1, rows):
        raise BadInput(
            f"start has shape {values.shape}; the model takes {subject.shape}, one or {rows} of "
            "it (size= sets axes that the model leaves open)"
        )
    if not np.isfinite(values).all():
        raise BadInput("start holds NaN or infinite values")
    canvases = scaling.canvas(values)
    outside = ((canvases < -_OUTSIDE) | (canvases > 1 + _OUTSIDE)).mean() if bounded else 0.0
    if outside:
        raise BadInput(
            f"{outside:.0%} of start lie outside the limits ({_limits(scaling)}): give it as the "
            "model takes it, or limits=(low, high)"
        )
    return np.repeat(canvases, rows, axis=0) if len(values) < rows else canvases


def _limits(scaling: Scaling) -> str:
    corners = scaling.values(np.array([[0.0], [1.0]]) * np.ones(len(scaling.offset)))
    return f"{corners.min():g} to {corners.max():g}"


def _inputs(subject: Subject, values: Array) -> dict[str, Array]:
    """Return all inputs of the model for values of the optimised one."""
    others = {name: np.repeat(v, len(values), axis=0) for name, v in subject.others.items()}
    return {subject.name: values, **others}


def _pinned(view: HookedModel, aim: Aim, subject: Subject, values: Array) -> Aim:
    """Return the aim with ranks fixed by what the model says of the start."""
    if not ranked(aim.target):
        return aim
    x = _inputs(subject, values)
    targets = cut(aim, np.arange(len(aim.rows)))
    pinned = targets.pin(view.scores(x, targets).logits).items[0]
    return Aim(pinned, aim.rows, tuple(pinned.words(i) for i in range(len(aim.rows))))


def _recipe(
    subject: Subject, canvas: Canvas, scaling: Scaling, count: int, fields: dict[str, Any]
) -> Recipe:
    """Return the recipe, checked: what was not asked for is the default for this input."""
    default = Fourier() if canvas.size else Pixel()
    parametrization = fields["parametrization"] or default
    transforms = fields["transforms"] or Transforms()
    kinds: tuple[tuple[str, Any, Any, str], ...] = (
        ("parametrization", parametrization, Parametrization, "Pixel(), Fourier() or MaCo()"),
        ("transforms", transforms, Transforms, "Transforms(…)"),
        ("diversity", fields["diversity"], (Diversity, type(None)), "Diversity(layer)"),
        *(("regularizers", r, (TotalVariation, Norm), "TotalVariation(…) or Norm(…)")
          for r in fields["regularizers"]),
    )  # fmt: skip
    for name, value, kind, words in kinds:
        if not isinstance(value, kind):
            raise BadMethod(f"{name} cannot be {value!r}; it is {words}")
    if fields["diversity"] is not None and count < 2:
        raise BadMethod("diversity is between several pictures of a target: give count=2 or more")
    return Recipe(
        subject.name, canvas, parametrization, transforms, fields["regularizers"],
        fields["diversity"], count if fields["diversity"] else 1, scaling.first,
    )  # fmt: skip


def _known(recipe: Recipe, scaling: Scaling) -> dict[str, Any]:
    """Return the constants of a step."""
    return {
        **recipe.parametrization.constants(recipe.canvas),
        "matrix": scaling.matrix,
        "offset": scaling.offset,
        "rate": np.float32(recipe.parametrization.rate),
    }


def _method(recipe: Recipe) -> dict[str, Any]:
    """Return what was done as JSON values."""
    fields = {
        name: repr(getattr(recipe, name))
        for name in ("parametrization", "transforms", "regularizers", "diversity")
    }
    name = f"maximize ({type(recipe.parametrization).__name__})"
    return {"name": name, "fields": fields, "reference": recipe.parametrization.reference}


def _result(
    view: HookedModel,
    subject: Subject,
    scaling: Scaling,
    canvas: Canvas,
    climbed: list[tuple[Aim, list[Climbed]]],
    facts: Provenance,
    notes: tuple[str, ...],
    count: int,
) -> Visualization:
    """Return the result in the order of the targets, scored as it is."""
    rows, values, scores, words = [], [], [], []
    for aim, parts in climbed:
        done = sum(len(part.rows) for part in parts)
        found = scaling.values(np.concatenate([part.canvases for part in parts]))
        seen = view.scores(_inputs(subject, found), cut(aim, np.arange(done))).values[:, 0]
        rows.append(np.concatenate([part.rows for part in parts]))
        values.append(found)
        scores.append(seen)
        words += [f"{aim.words[i]} ({seen[i]:.3g})" for i in range(done)]
    order = np.argsort(np.concatenate(rows), kind="stable")
    every = [part for _, parts in climbed for part in parts]
    steps = min(part.steps for part in every)
    history = np.concatenate([part.history[:, :steps] for part in every])
    frames = min(len(part.frames) for part in every)
    films = np.concatenate([part.frames[-frames:] for part in every], axis=1) if frames else None
    whole = np.concatenate(values)
    if not np.isfinite(whole).all():
        raise BadModel("the optimisation ended in NaN or infinite values; a smaller rate may help")
    return Visualization(
        values=whole[order],
        axes=("sample", *subject.axes),
        input=subject.name,
        others=tuple(subject.others),
        scores=np.concatenate(scores)[order],
        explained=tuple(words[i] for i in order),
        count=count,
        history=history[order],
        steps=steps,
        frames=np.zeros((0,), np.float32) if films is None else films[:, order],
        scaling=scaling,
        bounded=canvas.bounded,
        notes=notes,
        provenance=facts,
    )
