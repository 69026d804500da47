"""Grade an explanation that is there already: how far can it be trusted?"""

from __future__ import annotations

from typing import Any

from kerascope.attribution import Attribution
from kerascope.errors import BadInput
from kerascope.explain import Again, view_of
from kerascope.grading import graded
from kerascope.memory import budget
from kerascope.run import Run
from kerascope.targets import Targets, resolve_targets


def grade(
    model: Any,
    attribution: Attribution,
    *,
    target: Any = None,
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> Attribution:
    """Return the explanation with a `Grade` for every sample: A to D, a score, and the reasons.

    Measured is, with at most 200 forward passes over a sample: whether the score hangs on what the
    map points to, more than on what two random maps and the edges do; whether the evidence lies
    where covering costs most; whether the map stays under small noise and another seed, and changes
    when all weights are drawn anew (once per model and method, kept on disk: the environment's
    KERASCOPE_CACHE names the folder, or "off"); and the completeness gap. What would take more
    passes is left out, and the reasons say so. Score and letters are calibrated on nets whose
    evidence is known: see docs/trust.md.

    Args:
        model: the one explained.
        attribution: what `explain` gave for it.
        target: as it was given to `explain`.
        seed: drives controls, noise and the drawn weights.
        batch_size: as in `explain`.
        memory: as in `explain`.

    Raises:
        BadInput: the explanation is of another target.
    """
    method, score = attribution.method, attribution.provenance.score
    view = view_of(model, method.needs, score, batch_size, who=method.name)
    x = view.read(attribution.inputs)
    held = budget(memory)
    view.fit_into(held, gradients=False)
    spec = view.spec()
    target = method.default_target(spec) if target is None else target
    targets = resolve_targets(target, spec, len(attribution))
    view.scores(x, targets)
    targets = targets.pin(view.last["scores_of"])
    _check_same(attribution, targets)
    return graded(
        attribution,
        view,
        x,
        targets,
        lambda some: Again(model, method, some, seed, batch_size, memory, score),
        lambda: Run(seed=seed, memory=held, batch=view.batch),
    )


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
