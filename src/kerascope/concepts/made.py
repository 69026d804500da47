"""What made a result of this room."""

from __future__ import annotations

import time
from typing import Any

import keras

import kerascope
from kerascope import backend
from kerascope.attribution import Provenance
from kerascope.facts import facts_of
from kerascope.hooks import HookedModel

REFERENCES = {
    "tcav": (
        "Kim, Wattenberg, Gilmer, Cai, Wexler, Viégas, Sayres (2018). Interpretability Beyond "
        "Feature Attribution: Quantitative Testing with Concept Activation Vectors. ICML."
    ),
    "craft": (
        "Fel, Picard, Béthune, Boissin, Vigouroux, Colin, Cadène, Serre (2023). CRAFT: Concept "
        "Recursive Activation FacTorization for Explainability. CVPR."
    ),
    "probe": (
        "Alain, Bengio (2016). Understanding intermediate layers using linear classifier probes. "
        "arXiv:1610.01644. Hewitt, Liang (2019). Designing and Interpreting Probes with Control "
        "Tasks. EMNLP."
    ),
}


def provenance(
    view: HookedModel, name: str, fields: dict[str, Any], target: Any, seed: int, started: float
) -> Provenance:
    """Return what made a result: versions, model, fields and the seconds since `started`."""
    facts = facts_of(view.model)
    return Provenance(
        kerascope=kerascope.__version__,
        keras=keras.__version__,
        backend=keras.backend.backend(),
        backend_version=backend.active().version(),
        model=facts.source or view.model.name or type(view.model).__name__,
        model_sha256=view.identity.sha256,
        method={"name": name, "fields": fields, "reference": REFERENCES[name]},
        target=str(target),
        score=view.score,
        seed=seed,
        seconds=round(time.perf_counter() - started, 4),
        preprocessing=facts.preprocessing,
    )
