"""A look at all pictures at once: an audit in the model's process, as the drawer shows it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascope.audit.result import Audit

Message = dict[str, Any]
_PREDICTED = (
    "the right classes are not known, so pictures are taken by the class that the model "
    "predicts: put them into a folder per class"
)


def looked_at(model: Any, job: Message, *, name: str, preprocess: str, room: Path) -> Message:
    """Return the piece of the document with `dataset`; name: of the model in the studio.

    room: a folder that rows may be written below while it lasts. Raises what `audit` raises.
    """
    from kerascope.audit.front import audit
    from kerascope.report.document import empty

    samples = job["samples"]
    labels = labels_of(model, samples)
    with tempfile.TemporaryDirectory(prefix="audit-", dir=room) as folder:
        found = audit(
            model, [sample["path"] for sample in samples], folder, labels=labels,
            preprocess=preprocess, score=job["score"], seed=job["seed"],
        )  # fmt: skip
        notes = [*found.notes, *([_PREDICTED] if labels is None else [])]
        blobs, dataset = _dataset(found, samples, labels)
    told = {"model": name, "summary": found.summary, "notes": notes}
    return {**empty(), "dataset": {**dataset, **told}, "blobs": blobs}


def labels_of(model: Any, samples: Sequence[Message]) -> list[str | None] | None:
    """Return the right classes; of a model without names of classes, the names of the folders.

    None where nothing tells them.
    """
    from kerascope.audit.classes import class_width
    from kerascope.facts import facts_of

    truths: list[str | None] = [sample["truth"] for sample in samples]
    if any(truth is not None for truth in truths):
        return truths
    folders: list[str | None] = [sample["facets"].get("folder") for sample in samples]
    count = len({folder for folder in folders if folder})
    named = facts_of(model).labels is not None
    return None if named or count == 0 or count != class_width(model) else folders


def _dataset(
    found: Audit, samples: Sequence[Message], labels: Sequence[str | None] | None
) -> tuple[dict[str, str], Message]:
    """Return blobs, and the data set with what its findings turned."""
    from kerascope.audit.pictures import data_uri
    from kerascope.audit.scatter import scatter
    from kerascope.report.audit import turned
    from kerascope.report.blobs import Blobs
    from kerascope.report.dataset import dataset_of

    names = {number: sample["id"] for number, sample in enumerate(samples)}
    dataset, blobs = dataset_of(found, scatter(found.collected), names), Blobs()
    for entry, one in zip(dataset["findings"], found.findings, strict=True):
        entry["page"] = ""  # a studio has none
        entry["beside"] = [
            {"words": figure.caption, "figure": blobs.text(data_uri(figure.content))}
            for figure in turned(one)
        ]
    return blobs.held, {**dataset, "files": dict(_files(found, samples, labels))}


def _files(
    found: Audit, samples: Sequence[Message], labels: Sequence[str | None] | None
) -> Iterator[tuple[str, Message]]:
    """Yield what the model says of every file, by its sample."""
    from kerascope.audit.once import once

    for batch in once(found.collected, ["predicted", "confidence"]):
        for row in batch.to_pylist():
            sample, sure = samples[row["id"]], row["confidence"]
            yield sample["id"], {
                "name": sample["name"], "truth": labels[row["id"]] if labels else None,
                "top": row["predicted"],
                "share": None if sure is None else round(sure, 4),
            }  # fmt: skip
