"""Pieces of the document: what a model's process hands to the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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
        "methods": [_settable({**item, "model": model}) for item in piece["methods"]],
        "predictions": [{**item, "model": model} for item in piece["predictions"]],
        "maps": [{**item, "model": model} for item in piece["maps"]],
    }


def _settable(method: Piece) -> Piece:
    """Return a method whose settings can be asked for: without arrays, which come of the inputs."""
    kept = {
        name: value
        for name, value in method["settings"].items()
        if not any(isinstance(part, (dict, list)) for part in _parts(value))
    }
    return {**method, "settings": kept}


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def predicted(view: Any, inputs: Any, samples: Sequence[str], model: str) -> list[Piece]:
    """Return `predictions` of samples, by their ids, as a model gives them for its inputs."""
    from kerascope.defaults import on_series, on_tokens

    x = view.read(inputs)
    outputs, _ = view.predict(x)
    spec = on_series(on_tokens(view.spec(), view, x), inputs)
    if spec.at is not None:  # a language model: what comes after the last token
        outputs = {
            name: array[np.arange(len(array)), spec.at] if array.ndim == 3 else array
            for name, array in outputs.items()
        }
    known = getattr(inputs, "features", None) or {}
    features = {name or next(iter(x)): of for name, of in known.items()}
    given = {"inputs": x, "features": features} if spec.forecast else {}
    axes = {name: ("sample", *view.axes(name, array.shape[1:])) for name, array in x.items()}
    return predictions_of(outputs, samples, model, spec, **given, input_axes=axes)


def predictions_of(
    outputs: Mapping[str, Array], samples: Sequence[str], model: str, spec: Spec, **given: Any
) -> list[Piece]:
    """Return `predictions` of samples, by their ids, from outputs by name (sample, …).

    given: what else `Predicted` holds.
    """
    tree: Any = outputs if len(outputs) > 1 else next(iter(outputs.values()))
    extras = scene_of(spec, outputs, None).extras
    made = Predicted(
        predictions=tree, labels=spec.labels, extras=extras, size=spec.input_size, **given
    )
    return [
        prediction_entry(made, row, sample=name, model=model) for row, name in enumerate(samples)
    ]
