"""What made a result of this room."""

from __future__ import annotations

from typing import Any

from kerascope.hooks import HookedModel
from kerascope.provenance import Provenance, provenance_of

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
    method = {"name": name, "fields": fields, "reference": REFERENCES[name]}
    words = "predicted class" if target is None else str(target)
    return provenance_of(view, method, target=words, seed=seed, started=started)
