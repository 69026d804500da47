"""Attention weights of one pass, and gradients at them: at a zero shift added to the weights."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascope.errors import BadLayer, Refused, choices
from kerascope.hooks.attention_calls import AttentionCall, Stream
from kerascope.hooks.attention_guide import LookForAttention, ReadAttention
from kerascope.hooks.chunks import in_chunks, padded
from kerascope.hooks.passes import Plan
from kerascope.hooks.rules import Guide
from kerascope.targets import Targets
from kerascope.types import Array

_HELD = 2**30  # bytes of weights and gradients per pass
_SCALES = (2.0**12, 2.0**6, 1.0)  # float16 gradients underflow: the score is scaled up meanwhile


class _Seen:
    """Rules that change nothing and look where a model attends."""

    def key(self) -> Hashable:
        """Return what tells these rules from others."""
        return "attention"

    def open(self, chart: Any) -> Guide:
        """Return the guide that looks."""
        return LookForAttention()


@dataclasses.dataclass(frozen=True)
class Attended:
    """Attention weights of one pass.

    weights: by place, (sample, [window,] head, query, key). gradients: of every target's score at
    them, (sample, target, …); empty where none were asked for. scores: (sample, target).
    """

    calls: tuple[AttentionCall, ...]
    weights: list[Array]
    gradients: list[Array]
    scores: Array


def attention_calls(view: Any, x: Mapping[str, Array]) -> tuple[AttentionCall, ...]:
    """Return the places where a model attends, in the order of the pass.

    view: a `HookedModel` that has read `x`.
    Raises `Refused` when there is none.
    """
    found = view.chart(_Seen(), x)
    returned = tuple(call for call in found if call.source == "returned")
    if returned:
        key = ("attention returned", returned, view.fingerprint())
        if key not in view.store.memo:
            one = {name: array[:1] for name, array in x.items()}
            weights = attended(view, one, Targets(()), returned).weights
            view.store.memo[key] = {
                call for call, array in zip(returned, weights, strict=True)
                if (array >= 0).all() and np.allclose(array.sum(-1), 1, atol=1e-2)
            }  # fmt: skip
        found = tuple(c for c in found if c not in returned or c in view.store.memo[key])
    if not found:
        kinds = ", ".join(sorted({call.kind for call in view.survey.calls}))
        raise Refused(
            "no attention was found in the model: no layer multiplies values with a softmax or "
            f"returns weights '(output, weights)'; its layers are {kinds}"
        )
    return found


def chosen_calls(
    found: tuple[AttentionCall, ...], layers: str | tuple[str, ...] | None
) -> tuple[AttentionCall, ...]:
    """Return the places of the given layers, or below them; all for None. Raises `BadLayer`."""
    if layers is None:
        return found
    kept: set[AttentionCall] = set()
    for name in (layers,) if isinstance(layers, str) else layers:
        fits = [
            c for c in found if name in (str(c), c.key.site.path, c.key.site.path.split("/")[-1])
        ]
        fits = fits or [c for c in found if c.key.site.path.startswith(name.rstrip("/") + "/")]
        if not fits:
            raise BadLayer(f"no attention in layer '{name}'{choices(name, map(str, found))}")
        kept.update(fits)
    return tuple(call for call in found if call in kept)


def attended(
    view: Any,
    x: Mapping[str, Array],
    targets: Targets,
    calls: tuple[AttentionCall, ...],
    kind: str = "forward",
) -> Attended:
    """Return the weights at some places, and gradients at them.

    kind: "forward" for weights only; "gradient" of every target's score; "formation": the gradient
        at each block of the score that the model's head gives to that block's tokens (Bousselham et
        al. 2024).

    Raises `Refused` where weights are a returned copy and a gradient is asked for, or where no
    tokens are found behind a block.
    """
    if kind != "forward":
        _check_shiftable(calls)
    if kind == "formation":
        _streams(calls)
    function = _function(view, targets, calls, kind)
    rows = len(next(iter(x.values())))
    arrays = targets.arrays()

    def run(cut: slice, size: int) -> dict[str, Any]:
        take = lambda tree: {k: padded(v[cut], size) for k, v in tree.items()}  # noqa: E731
        return function(take(x), [take(part) for part in arrays])

    need = 12 * sum(int(np.prod(call.shape)) for call in calls) * (1 + len(targets))
    view.batch.limit(_HELD // need)
    result = in_chunks(run, rows, view.batch, None, view.seam.out_of_memory)
    counted = {"forward": "forward", "gradient": "layer gradient", "formation": "layer gradient"}
    view.store.passes[counted[kind]] += rows
    if kind != "forward":
        view.store.passes["extra backward"] += rows * max(0, len(targets) - 1)
    if len(targets):
        view.last = {key: result[key] for key in ("scores", "raw", "scores_of")}
    order = lambda part: [call.arranged(part[str(i)]) for i, call in enumerate(calls)]  # noqa: E731
    gradients = order(result["gradients"]) if kind != "forward" else []
    return Attended(calls, order(result["weights"]), gradients, result["scores"])


def _check_shiftable(calls: tuple[AttentionCall, ...]) -> None:
    for call in calls:
        if call.source == "returned":
            raise Refused(
                f"layer '{call}' returns its attention weights but makes them without Keras: there "
                "is no gradient at them; kind='raw', 'rollout' and 'flow' need none"
            )


def _streams(calls: tuple[AttentionCall, ...]) -> tuple[Stream, ...]:
    """Return where the tokens behind blocks are seen, in order; raise `Refused` where they are not.

    A last layer that pools needs none: its score is the model's own.
    """
    size = calls[0].sizes[2]
    own = [call.stream if call.sizes[2] == size else None for call in calls]
    for call, key in zip(calls[:-1], own, strict=False):
        if key is None:
            raise Refused(
                f"no tokens were found behind '{call}': LeGrad hands them to the model's head, and "
                "needs sums made by Keras layers or operations, or blocks that are layers"
            )
    return tuple(dict.fromkeys(key for key in own if key is not None))


def _function(
    view: Any, targets: Targets, calls: tuple[AttentionCall, ...], kind: str
) -> Callable[..., dict[str, Any]]:
    """Return the pass, compiled once per model, targets and places."""
    key = (
        "attention", kind, targets.key(), calls, view.score, view.compiled, view.structure,
        tuple(view.survey.tokens.items()), view.fingerprint(),
    )  # fmt: skip
    kept = view.store.compiled
    with view.store.lock:
        if key not in kept:
            plan = Plan.of(view, "forward", targets, (), (), rules=_Seen())
            kept[key] = _AttentionPass(plan, calls, kind).bind(view)
        return kept[key]


@dataclasses.dataclass(frozen=True, eq=False)
class _AttentionPass:
    """A pass that reads attention weights; holds no strong reference to the model."""

    plan: Plan
    calls: tuple[AttentionCall, ...]
    kind: str

    def bind(self, view: Any) -> Callable[..., dict[str, Any]]:
        """Return the pass as a function of NumPy arrays."""
        inner = self._forward if self.kind == "forward" else self._backward
        function = view.compile(inner, view.model)
        context = view.seam.inference if self.kind == "forward" else contextlib.nullcontext
        scales = _SCALES if view.half and self.kind != "forward" else (1.0,)
        lock, unpack = view.store.lock, self._unpack

        def call(x: Any, arrays: Any) -> dict[str, Any]:
            with lock, context():
                for scale in scales:
                    result = unpack(function(*_tensors((x, arrays, np.float32(scale)))), scale)
                    if all(np.isfinite(g).all() for g in result["gradients"].values()):
                        break
            return result

        return call

    def _run(
        self, x: dict[str, Any], arrays: Any, guide: ReadAttention
    ) -> tuple[list[Any], dict[str, Any]]:
        """Run the model; returns every target's scores, and the rest."""
        outputs = self.plan.call(x, self.plan.tap({}, {}, guide))
        scores = [
            ops.cast(target.with_arrays(part)(outputs), "float32")
            for target, part in zip(self.plan.targets, arrays, strict=True)
        ]
        weights = {str(i): tensor for i, tensor in guide.found.items()}
        rest = {"raw": outputs.raw, "scores_of": outputs.scores, "weights": weights}
        return scores, {**rest, "scores": scores}

    def _forward(self, x: dict[str, Any], arrays: Any, scale: Any) -> dict[str, Any]:
        return {**self._run(x, arrays, ReadAttention(self.calls))[1], "gradients": []}

    def _backward(self, x: dict[str, Any], arrays: Any, scale: Any) -> dict[str, Any]:
        """Run forward and backward; a gradient at weights is one at a zero shift added to them."""
        rows = next(iter(x.values())).shape[0]
        zeros = {
            str(i): ops.zeros((rows * call.shape[0], *call.shape[1:]), "float32")
            for i, call in enumerate(self.calls)
        }
        keys = _streams(self.calls) if self.kind == "formation" else ()

        def scores(shifts: dict[str, Any]) -> Any:
            moved = {int(i): shift for i, shift in shifts.items()}
            guide = ReadAttention(self.calls, moved, keys)
            values, rest = self._run(x, arrays, guide)
            for key in keys[:-1]:
                # Tokens went on without gradient, so the scores of all blocks can be summed: each
                # depends on the weights of its own block only.
                again = ReadAttention((), {}, keys, guide.tokens[key])
                block, _ = self._run(x, arrays, again)
                values = [value + more for value, more in zip(values, block, strict=True)]
            return [value * scale for value in values], rest

        (_, rest), pullback = self.plan.seam.vjp(scores, zeros)
        return {**rest, "gradients": [pullback(k) for k in range(len(self.plan.targets))]}

    def _unpack(self, result: dict[str, Any], scale: float) -> dict[str, Any]:
        """Return the result as NumPy arrays: samples first, targets next, then windows."""
        host = keras.tree.map_structure(ops.convert_to_numpy, result)
        rows = len(next(iter(host["raw"].values())))
        scores = host["scores"]
        split = lambda array: array.reshape(rows, -1, *array.shape[1:])  # noqa: E731
        gradients = {}
        for i in host["weights"] if host["gradients"] else ():
            parts = [split(part[i]) for part in host["gradients"]]
            gradients[i] = parts[0][:, None] if len(parts) == 1 else np.stack(parts, axis=1)
            if scale != 1:
                gradients[i] = gradients[i] / np.float32(scale)
        return {
            "scores": np.stack(scores, 1) if scores else np.zeros((rows, 0), np.float32),
            "raw": host["raw"],
            "scores_of": host["scores_of"],
            "weights": {i: split(array) for i, array in host["weights"].items()},
            "gradients": gradients,
        }


def _tensors(tree: Any) -> Any:
    return keras.tree.map_structure(ops.convert_to_tensor, tree)
