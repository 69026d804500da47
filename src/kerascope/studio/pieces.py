"""Pieces of the document: what a model's process hands to the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerascope.report.document import document_of
from kerascope.report.entries import Predicted, prediction_entry
from kerascope.targets import Spec
from kerascope.targets.found import scene_of

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

Piece = dict[str, Any]


def piece_of(result: Attribution, samples: Sequence[Mapping[str, Any]]) -> Piece:
    """Return the document of one result; samples: their ids, right classes and facets."""
    piece = document_of(
        [result],
        samples=[sample["id"] for sample in samples],
        truths=[sample["truth"] for sample in samples],
        shared_scale=False,
    )
    facets = {sample["id"]: sample["facets"] for sample in samples}
    rows = [{**row, "facets": facets.get(row["id"], {})} for row in piece["samples"]]
    return {**piece, "samples": rows}


def renamed(piece: Piece, model: str, name: str) -> Piece:
    """Return a piece of one model in which it has the studio's id and name."""
    return {
        **piece,
        "models": [{**item, "id": model, "name": name} for item in piece["models"]],
        "methods": [{**item, "model": model} for item in piece["methods"]],
        "predictions": [{**item, "model": model} for item in piece["predictions"]],
        "maps": [{**item, "model": model} for item in piece["maps"]],
    }


def predictions_of(
    outputs: Mapping[str, Array], samples: Sequence[str], model: str, spec: Spec
) -> list[Piece]:
    """Return `predictions` of samples, by their ids, from outputs by name (sample, …)."""
    tree: Any = outputs if len(outputs) > 1 else next(iter(outputs.values()))
    extras = scene_of(spec, outputs, None).extras
    made = Predicted(predictions=tree, labels=spec.labels, extras=extras, size=spec.input_size)
    return [
        prediction_entry(made, row, sample=name, model=model) for row, name in enumerate(samples)
    ]
