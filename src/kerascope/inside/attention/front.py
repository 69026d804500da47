"""`attention`: what a model attends to, and what that amounts to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerascope.checks import check_score, check_weights, check_whole
from kerascope.errors import BadInput, BadMethod, BadModel, Refused, choices
from kerascope.hooks import HookedModel, identity_of
from kerascope.hooks.attention import Attended, attended, attention_calls, chosen_calls
from kerascope.inside.attention.result import Attention
from kerascope.inside.attention.tokens import Tokens, read_queries, tokens_of
from kerascope.memory import budget
from kerascope.method import AttributionMethod, make_method
from kerascope.provenance import provenance_of
from kerascope.run import Run
from kerascope.targets import Targets, resolve_targets
from kerascope.types import Array

METHODS = {
    "rollout": "attention_rollout",
    "flow": "attention_flow",
    "chefer": "chefer",
    "attention_x_gradient": "attention_x_gradient",
    "legrad": "legrad",
    "token_cam": "grad_cam",
}
KINDS = ("raw", *METHODS)
_RAW = (
    "attention says where a head takes its values from; it is no attribution: a token that is "
    "attended to need not matter for the score"
)


def attention(
    model: Any,
    inputs: Any,
    *,
    kind: str = "raw",
    target: Any = None,
    layers: str | Sequence[str] | None = None,
    words: Sequence[Sequence[str]] | None = None,
    score: str = "logit",
    batch_size: int | None = None,
    memory: int | str | None = None,
    **fields: Any,
) -> Attention:
    """Look at what a model attends to, in every layer and head, also where attention is fused.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        inputs: what the model takes, with a sample axis, or what `load_images` returns.
        kind: "raw" for the weights; "rollout" or "flow" for all layers together, alike for every
            class; "chefer", "attention_x_gradient", "legrad" or "token_cam" for what speaks for a
            target.
        target: what is explained, as in `explain`; by default the predicted class.
        layers: paths of attention layers, or of what holds them; None for all.
        words: for sequences, the words of every sample's tokens.
        score: "logit" or "probability".
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.
        fields: hyper-parameters of the kind's method: `fusion="max"`, `discard=0.9`.

    Raises:
        BadInput: inputs, target, layers or fields do not fit the model.
        Refused: the model has no attention, or attention that the kind cannot chain (windows).
    """
    started = time.perf_counter()
    if kind not in KINDS:
        raise BadMethod(f"kind='{kind}' is not known{choices(kind, KINDS)}")
    method = _method(kind, layers, fields)
    view = _view(model, score, batch_size)
    x = view.read(inputs)
    view.fit_into(budget(memory), gradients=kind not in ("raw", "rollout", "flow"))
    samples = len(next(iter(x.values())))
    _check_words(words, samples)
    targets = resolve_targets(target, view.spec(), samples)
    if method is not None and not method.one_pass:
        targets = targets.pin(view.scores(x, targets).logits)
    parts = _raw(view, x, targets, layers) if method is None else _mixed(view, x, targets, method)
    _check_finite(view.last["raw"], parts["values"])
    targets = targets.pin(view.last["scores_of"])
    told = "predicted" if target is None else str(target)
    return _result(view, inputs, x, kind, targets, told, method, parts, words, started)


def _method(
    kind: str, layers: str | Sequence[str] | None, fields: Mapping[str, Any]
) -> AttributionMethod | None:
    if kind == "raw":
        if fields:
            raise BadMethod(f"kind='raw' has no field '{next(iter(fields))}'; it has none")
        return None
    chosen = layers if layers is None or isinstance(layers, str) else tuple(layers)
    if kind != "token_cam":
        return make_method(METHODS[kind], {"layers": chosen, **fields})
    if isinstance(chosen, tuple):
        raise BadMethod("kind='token_cam' is taken at one layer; give layers='NAME'")
    return make_method(METHODS[kind], {"layer": chosen, **fields})


def _view(model: Any, score: str, batch_size: int | None) -> HookedModel:
    """Return the model as passes see it; raise `BadInput` for what has no layers or is broken."""
    hooked = isinstance(model, HookedModel)
    net = model.model if hooked else model
    if not isinstance(net, keras.Model):
        raise BadModel(f"attention needs a keras.Model, not {type(net).__name__}")
    check_score(score)
    check_whole(1, batch_size=batch_size)
    check_weights(identity_of(net).broken if net.built else None)
    return HookedModel(
        net, score=score, batch_size=batch_size, compiled=model.compiled if hooked else True
    )


def _check_words(words: Sequence[Sequence[str]] | None, samples: int) -> None:
    if words is None:
        return
    if isinstance(words, str) or any(isinstance(row, str) for row in words):
        raise BadInput("words are a list of words for every sample: [['a', 'dog'], …]")
    if len(words) != samples:
        raise BadInput(f"words are given for {len(words)} samples; there are {samples}")


def _check_finite(raw: Mapping[str, Array], values: Any) -> None:
    for array in (*raw.values(), *(values.values() if isinstance(values, dict) else [values])):
        if not np.isfinite(array).all():
            raise BadModel("the model's outputs or attention are NaN or infinite on these inputs")


def _raw(view: HookedModel, x: Any, targets: Targets, layers: Any) -> dict[str, Any]:
    """Return the weights, stacked where all layers have the same shape."""
    chosen = layers if layers is None or isinstance(layers, str) else tuple(layers)
    calls = chosen_calls(attention_calls(view, x), chosen)
    read = read_queries(view, x, targets, calls[-1])
    found = attended(view, x, targets, calls)
    values, axes = _stacked(found)
    try:
        tokens, notes = tokens_of(view, x, calls, read), [_RAW]
    except Refused as error:
        tokens, notes = None, [_RAW, str(error)]
    return {
        "values": values, "axes": axes, "layers": tuple(map(str, calls)), "read": read,
        "tokens": tokens, "relevance": None, "notes": notes,
    }  # fmt: skip


def _stacked(found: Attended) -> tuple[Any, Any]:
    names = [str(call) for call in found.calls]
    kinds = {
        (weights.shape, call.axes) for weights, call in zip(found.weights, found.calls, strict=True)
    }
    if len(kinds) == 1:
        return np.stack(found.weights, axis=1), ("sample", "layer", *found.calls[0].axes)
    values = dict(zip(names, found.weights, strict=True))
    return values, {
        name: ("sample", *call.axes) for name, call in zip(names, found.calls, strict=True)
    }


def _mixed(view: HookedModel, x: Any, targets: Targets, method: Any) -> dict[str, Any]:
    """Return what a method makes of the weights."""
    run = Run(batch=view.batch)
    if method.name == METHODS["token_cam"]:
        return _cam(view, x, targets, method, run)
    mixture = method.mixture(view, x, targets, run)
    axes = method.axes_of_values
    values = mixture.values
    if targets.squeeze and "target" in axes:
        values, axes = values[:, 0], tuple(axis for axis in axes if axis != "target")
    return {
        "values": values.astype(np.float32), "axes": axes,
        "layers": tuple(map(str, mixture.found.calls)), "read": mixture.read,
        "tokens": mixture.tokens, "relevance": mixture.tokens.maps(mixture.relevance),
        "notes": [],
    }  # fmt: skip


def _cam(view: HookedModel, x: Any, targets: Targets, method: Any, run: Run) -> dict[str, Any]:
    """Return Grad-CAM at the tokens of the last layer that the score still reads."""
    raw = method.attribute(view, x, targets, run)
    (name, maps), *_ = raw.values.items()
    axes = raw.axes[name]
    known = view.axes(name, x[name].shape[1:])
    size = tuple(x[name].shape[1 + known.index(axis)] for axis in axes[2:])
    values = maps[:, 0] if targets.squeeze else maps
    layer = raw.layer if isinstance(raw.layer, str) else raw.layer[name]
    return {
        "values": values, "axes": axes if not targets.squeeze else ("sample", *axes[2:]),
        "layers": (layer,), "read": (), "relevance": maps, "notes": raw.notes,
        "tokens": Tokens(name, 0, maps.shape[2:], 0, axes[2:], size),
    }  # fmt: skip


def _result(
    view: HookedModel,
    inputs: Any,
    x: Mapping[str, Array],
    kind: str,
    targets: Targets,
    told: str,
    method: AttributionMethod | None,
    parts: dict[str, Any],
    words: Sequence[Sequence[str]] | None,
    started: float,
) -> Attention:
    """Return the result: target axis dropped for one target, words and provenance added."""
    scores = view.last["scores"]
    drop = lambda array: array[:, 0] if targets.squeeze else array  # noqa: E731
    said = tuple(
        tuple(f"{target.words(i)} ({row[k]:.3g})" for k, target in enumerate(targets))
        for i, row in enumerate(scores)
    )
    relevance, tokens = parts.pop("relevance"), parts["tokens"]
    if words is None and tokens is not None and tokens.input in view.survey.tokens:
        words = x[tokens.input].astype(str).tolist()
    names = getattr(inputs, "names", None) or [f"sample {i}" for i in range(len(scores))]
    return Attention(
        **parts,
        kind=kind,
        method=method,
        relevance=None if relevance is None else drop(relevance),
        scores=drop(scores),
        explained=tuple(row[0] for row in said) if targets.squeeze else said,
        words=None if words is None else tuple(tuple(map(str, row)) for row in words),
        inputs=x[tokens.input if tokens is not None else next(iter(x))],
        display=getattr(inputs, "display", None),
        names=tuple(names),
        provenance=provenance_of(
            view,
            {"name": "raw attention", "fields": {}} if method is None else method.to_json(),
            target=told,
            seed=0,  # nothing is drawn
            started=started,
            inputs=inputs,
        ),
    )
