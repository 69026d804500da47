"""What is compiled or found once and kept with a model: passes, charts of rules, dead calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from kerascope.hooks.names import Site
from kerascope.hooks.passes import Plan
from kerascope.hooks.rules import Rules
from kerascope.hooks.skip import skippable
from kerascope.targets import Targets
from kerascope.types import Array

_NOTHING = Targets(())
KEPT = 64  # compiled functions kept per model


def pass_function(
    view: Any,
    kind: str,
    targets: Targets,
    sites: tuple[Site, ...],
    replaced: tuple[Site, ...],
    dead: frozenset[Site] = frozenset(),
    rules: Rules | None = None,
    chart: Any = None,
) -> Callable[..., dict[str, Any]]:
    """Return the function that runs one kind of pass on (inputs, replaced outputs, target arrays).

    view: the `HookedModel`; what is built is kept with its model, at most 64 functions.
    """
    key = (
        kind, targets.key(), sites, replaced, dead, view.score, view.compiled, view.structure,
        tuple(view.survey.tokens.items()), view.fingerprint(),
        None if rules is None else rules.key(),
    )  # fmt: skip
    kept = view.store.compiled
    with view.store.lock:
        if key not in kept:
            plan = Plan.of(view, kind, targets, sites, replaced, dead, rules=rules, chart=chart)
            kept[key] = _build(view, plan)
            while len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]


def chart_of(view: Any, rules: Rules, x: Mapping[str, Array]) -> Any:
    """Return what rules find in the model, by one look at one sample of inputs like `x`."""
    names = view.structure.names
    signature = tuple((name, x[name].shape[1:]) for name in names)
    memo = view.store.memo
    key = ("chart", rules.key(), signature, view.fingerprint())
    with view.store.lock:
        if key not in memo:
            plan = Plan.of(view, "forward", _NOTHING, (), (), rules=rules)
            one = {name: ops.convert_to_tensor(x[name][:1]) for name in names}
            found: list[Any] = []

            def look(values: dict[str, Any]) -> list[Any]:
                found.append(plan.look(values))
                return []

            with view.seam.inference():
                view.seam.described(look, view.model)(one)
            memo[key] = found[0]
        return memo[key]


def dead_calls(
    view: Any,
    targets: Targets,
    sites: tuple[Site, ...],
    values: Mapping[str, Array],
    replaced: Mapping[Site, Array],
) -> frozenset[Site]:
    """Return the layer calls that may be left out, as nothing depends on them any more.

    Compiled graphs leave them out by themselves; PyTorch would compute them for nothing.
    """
    if not replaced or keras.backend.backend() != "torch":
        return frozenset()
    memo = view.store.memo
    key = ("dead", targets.key(), sites, tuple(replaced), view.score, view.fingerprint())
    if key not in memo:
        with view.store.lock:
            memo[key] = skippable(view, targets, sites, values, replaced)
    return memo[key]


def ready(view: Any, fn: Callable[..., Any], model: Any) -> Callable[..., Any]:
    """Return `fn` ready to run on tensors: compiled, counting how often it is traced, or eager."""
    if not view.compiled:
        return view.seam.eager(fn, model)
    if keras.backend.backend() == "torch":  # runs eagerly: there is nothing to count
        return view.seam.compiled(fn, model)
    store = view.store

    def counted(*args: Any) -> Any:
        store.traces += 1
        return fn(*args)

    return view.seam.compiled(counted, model)


def _build(view: Any, plan: Plan) -> Callable[..., dict[str, Any]]:
    replaced = plan.replaced
    function = plan.bind(lambda fn, model: ready(view, fn, model))
    lock, half = view.store.lock, view.half

    def call(x: Any, at: dict[Site, Array], arrays: Any) -> dict[str, Any]:
        keyed = {str(i): at[site] for i, site in enumerate(replaced)}
        with lock:  # one pass at a time per model: an eager pass shadows layers while it runs
            return function(x, keyed, arrays, half)

    return call
