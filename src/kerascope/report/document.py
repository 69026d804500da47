"""The document: all that a page shows of explanations, as one JSON value; see docs/front-end.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadInput
from kerascope.plot.maps import maps_of
from kerascope.plot.stamp import stamp
from kerascope.report.blobs import Blobs
from kerascope.report.entries import (
    method_entry,
    method_id,
    model_entry,
    model_id,
    prediction_entry,
    python_of,
    sample_entries,
)
from kerascope.report.map_entries import Detail, Setting, map_entries

if TYPE_CHECKING:
    from kerascope.attribution import Attribution

__all__ = ["Detail", "document_of", "empty", "merged", "method_id", "model_id", "python_of"]

SCHEMA = 1
LONGEST = 640  # pixels of a picture's longest side
_LISTS = ("models", "methods", "samples", "predictions", "maps")

Document = dict[str, Any]


def document_of(
    results: Sequence[Attribution],
    *,
    title: str = "",
    samples: Sequence[str] = (),
    truths: Sequence[str | None] = (),
    facets: Sequence[Mapping[str, Any]] = (),
    epoch: float | None = None,
    shared_scale: bool = True,
    detail: Detail = Detail(),  # noqa: B008 — frozen
    longest: int = LONGEST,
    room: int | None = None,
) -> Document:
    """Return the document of results of the same samples.

    samples: ids of the samples; by default "s0", "s1" … truths: the right class of each, where it
        is known. facets: further traits of each, by name.
    epoch: of the training run that the model had then.
    shared_scale: one scale for all maps of a method and input; else one for every sample.
    detail: how exactly maps are kept. longest: pixels of a picture's longest side.
    room: bytes for maps and pictures; where they take more, `TooLong` is raised.

    Names are made of contents, so that documents of the same samples can be put together: see
    `merged`. Raises `BadInput` for results of unequal numbers of samples.
    """
    if any(len(result) != len(results[0]) for result in results):
        raise BadInput(
            f"results of {sorted({len(r) for r in results})} samples are no one document"
        )
    ids = list(samples) or [f"s{index}" for index in range(len(results[0]) if results else 0)]
    if results and len(ids) != len(results[0]):
        raise BadInput(f"{len(ids)} names of samples for {len(results[0])} samples")
    blobs = Blobs(room)
    setting = Setting(blobs=blobs, ids=ids, epoch=epoch, shared_scale=shared_scale, detail=detail)
    found = empty(title)
    found["samples"] = sample_entries(
        results, ids=ids, blobs=blobs, longest=longest, truths=truths, facets=facets
    )
    for result in results:
        items = maps_of(result)
        model = model_id(result)
        found["models"].append(model_entry(result))
        found["methods"].append(method_entry(result))
        found["predictions"] += [
            prediction_entry(result, i, sample=name, model=model, epoch=epoch, blobs=blobs)
            for i, name in enumerate(ids)
        ]
        found["maps"] += map_entries(result, items, setting)
        found["stamps"].append(stamp(result))
    found["blobs"] = blobs.held
    for name in _LISTS:
        found[name] = _once(found[name])
    return found


def empty(title: str = "") -> Document:
    """Return a document that holds nothing yet."""
    lists: Document = {name: [] for name in (*_LISTS, "stamps", "notes")}
    return {"schema": SCHEMA, "title": title, **lists, "dataset": None, "film": None, "blobs": {}}


def merged(documents: Sequence[Document]) -> Document:
    """Return documents put together; where two hold the same thing, the later one's counts."""
    found = empty(next((d["title"] for d in documents if d["title"]), ""))
    for name in _LISTS:
        found[name] = _once([item for document in documents for item in document[name]])
    for name in ("stamps", "notes"):
        found[name] = [item for document in documents for item in document.get(name, ())]
    for document in documents:
        found["blobs"] |= document["blobs"]
        found["dataset"] = document["dataset"] or found["dataset"]
        found["film"] = document["film"] or found["film"]
    return found


def _once(items: list[Document]) -> list[Document]:
    """Keep the last of those with one name, in the order of the first."""
    keys = ("id",) if items and "id" in items[0] else ("sample", "model", "epoch")
    return list({tuple(item[key] for key in keys): item for item in items}.values())
