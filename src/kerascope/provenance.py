"""What made a result: versions, model, settings, seed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance:
    """What made a result: enough to make it again. Holds no path, user name or host name."""

    kerascope: str
    keras: str
    backend: str
    backend_version: str
    model: str  # class name, or the file name it was loaded from
    model_sha256: str  # of configuration and weights
    method: dict[str, Any]
    target: str
    score: str
    seed: int
    seconds: float
    preprocessing: str | None = None


def provenance_of(
    view: Any,
    method: Mapping[str, Any],
    *,
    target: str,
    seed: int,
    started: float,
    inputs: Any = None,
    score: str | None = None,
) -> Provenance:
    """Return what made a result of a model's view (`HookedModel` or `BlackBox`).

    method: name and fields as JSON values. started: `time.perf_counter()` at the start. inputs: may
    say how they were preprocessed, as what `load_images` returns does. score: what was asked for,
    where that is not the view's.
    """
    import keras

    import kerascope
    from kerascope import backend
    from kerascope.facts import facts_of

    facts = facts_of(view.model)
    return Provenance(
        kerascope=kerascope.__version__,
        keras=keras.__version__,
        backend=keras.backend.backend(),
        backend_version=backend.active().version(),
        model=facts.source or getattr(view.model, "name", None) or type(view.model).__name__,
        model_sha256=view.identity.sha256,
        method=dict(method),
        target=target,
        score=score or view.score,
        seed=seed,
        seconds=round(time.perf_counter() - started, 4),
        preprocessing=getattr(inputs, "preprocessing", None) or facts.preprocessing,
    )
