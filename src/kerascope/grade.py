"""Grade an explanation that is there already: how far can it be trusted?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kerascope.attribution import Attribution
from kerascope.checks import check_weights, check_whole
from kerascope.defaults import on_series, or_horizon, seen_by
from kerascope.errors import BadInput, BadMethod
from kerascope.explain import Again, view_of
from kerascope.grading import graded
from kerascope.hooks.inputs import Structure
from kerascope.memory import budget
from kerascope.method import AttributionMethod, Data
from kerascope.run import Run
from kerascope.targets import Targets, resolve_targets
from kerascope.tokens import reading_of


def grade(
    model: Any,
    attribution: Attribution,
    *,
    target: Any = None,
    method: AttributionMethod | None = None,
    seed: int | None = None,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> Attribution:
    """Return the explanation with a `Grade` for every sample: A to D, a score, and the reasons.

    Measured is, with at most 200 forward passes over a sample and target: whether the score hangs
    on what the map points to, more than on a random map and the edges; whether the evidence lies
    where covering costs most; whether the map stays under small noise and another seed, and changes
    when all weights are drawn anew; and the completeness gap. What would take more passes is left
    out, and the reasons say so. The weights are not among the 200: they are drawn once for a model,
    a method and the first four samples, and the number is kept on disk (the environment's
    KERASCOPE_CACHE names the folder, or "off"). Score and letters are calibrated on nets whose
    evidence is known: see docs/trust.md.

    Args:
        model: the one explained.
        attribution: what `explain` gave for it.
        target: as it was given to `explain`.
        method: the method value again, where it holds arrays and the explanation comes from a file.
        seed: drives controls, noise and the drawn weights; None: the explanation's own.
        batch_size: as in `explain`.
        memory: as in `explain`.

    Raises:
        BadInput: the explanation is of another target, method or model.
    """
    check_whole(1, batch_size=batch_size)
    check_whole(0, seed=seed)
    method, score = _method(attribution, method), attribution.provenance.score
    seed = attribution.provenance.seed if seed is None else seed
    inputs = _as_called(attribution)
    known = getattr(model, "reading", None)
    reading = known if known is not None and known.texts else reading_of(attribution)
    opened = lambda: view_of(  # noqa: E731
        model, method.needs, score, batch_size, who=method.name, reading=reading
    )
    opened().read(inputs)  # may build it
    view = opened()
    x = view.read(inputs)
    check_weights(view.identity.broken)
    if view.identity.sha256 != attribution.provenance.model_sha256:
        raise BadInput(
            f"the explanation is of another model, or of other weights: "
            f"{attribution.provenance.model}, sha256 {attribution.provenance.model_sha256[:12]}…; "
            f"given is {view.identity.sha256[:12]}…"
        )
    held = budget(memory)
    view.fit_into(held, gradients=False)
    spec = on_series(seen_by(method, view, x), attribution)
    target = or_horizon(target, spec)
    targets = resolve_targets(target, spec, len(attribution))
    view.scores(x, targets)
    targets = targets.pin(view.last["scores_of"])
    _check_same(attribution, targets)
    return graded(
        dataclasses.replace(attribution, method=method),  # with its arrays
        view,
        x,
        targets,
        lambda some: Again(
            view if reading else model,
            method,
            some,
            view.structure,
            seed,
            batch_size,
            memory,
            score,
        ),
        lambda: Run(seed=seed, memory=held, batch=view.batch),
    )


def _method(attribution: Attribution, given: AttributionMethod | None) -> AttributionMethod:
    """Return the method value, with its arrays; raise `BadMethod` where they are missing."""
    own = attribution.method
    if given is not None and given != own:
        raise BadMethod(f"method={given!r} is not what made the explanation: {own!r}")
    method = own if given is None else given
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if isinstance(value, Data) and value.source is None:
            raise BadMethod(
                f"the array {method.name}.{field.name} is not stored with the explanation: give "
                "method= again, with it"
            )
    return method


def _as_called(attribution: Attribution) -> Any:
    """Return the inputs as the model takes them."""
    inputs: Any = attribution.inputs
    kind = attribution.provenance.called
    named = dict(inputs) if isinstance(inputs, Mapping) else None
    if kind is None or (kind == "single" and named is None):
        return inputs
    named = dict.fromkeys(attribution.input_axes, inputs) if named is None else named
    return Structure(kind, tuple(attribution.input_axes)).build(named)


def _check_same(attribution: Attribution, targets: Targets) -> None:
    """Raise `BadInput` unless these targets are what was explained."""
    for sample, said in enumerate(attribution.explained):
        words = (said,) if isinstance(said, str) else said
        asked = [target.words(sample) for target in targets]
        if [each.rpartition(" (")[0] for each in words] != asked:
            raise BadInput(
                f"the explanation is of the {', '.join(words)}; asked is the {', '.join(asked)}: "
                "give target= as it was given to explain, and the same model"
            )
