"""The training film: documents of one model at many moments of its training, put together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.plot.maps import Kind, maps_of
from kerascope.report.document import (
    Detail,
    Document,
    document_of,
    empty,
    merged,
    method_id,
)
from kerascope.report.movement import Evidence, Frame, evidence_of, markers_of, moved

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

SIDE = 128  # values along an edge of a map in a film
INSIDE = "evidence on the object"
MOVEMENT = "evidence that moved"  # since the frame before
RIGHT = "probes that are right"


class Film:
    """A training film as it grows: add every explained moment, log numbers, take the document.

    title: of the page. truths: the right class of each sample, as the model's labels name it.
    masks: (y, x) for each sample, true on the object; None where there is none.
    side: most values along an edge of a map; larger ones are averaged, or films grow too large.

    Model, methods and targets keep their ids through the film; maps and predictions carry epochs.
    """

    def __init__(
        self,
        *,
        title: str = "",
        truths: Sequence[str | None] = (),
        masks: Sequence[Array | None] = (),
        side: int = SIDE,
    ) -> None:
        self.title, self.truths, self.masks, self.side = title, truths, list(masks), side
        self.frames: list[Frame] = []
        self._document = empty(title)
        self._curves: dict[tuple[str, str | None, str | None], list[tuple[float, float]]] = {}

    def log(self, epoch: float, numbers: Mapping[str, Any]) -> None:
        """Keep numbers of the training: loss, metrics; what is no single number is left out."""
        for name, value in numbers.items():
            number = _number(value)
            if number is not None:
                self._log(epoch, name, number)

    def _log(
        self,
        epoch: float,
        name: str,
        value: float,
        sample: str | None = None,
        method: str | None = None,
    ) -> None:
        self._curves.setdefault((name, sample, method), []).append((epoch, value))

    def add(
        self, epoch: float, results: Sequence[Attribution], *, label: str = ""
    ) -> dict[str, float]:
        """Add the maps of one moment; return what was measured on them, by name.

        epoch: epochs of training behind it, not always a whole number. label: its name in words.
        Raises `BadInput` for an epoch that is not after the one before, and for masks of another
        number of samples.
        """
        if self.frames and epoch <= self.frames[-1].epoch:
            raise BadInput(f"epoch {epoch} does not come after epoch {self.frames[-1].epoch}")
        if not results:
            raise BadInput(f"there is no result of epoch {epoch} to add")
        if self.masks and len(self.masks) != len(results[0]):
            raise BadInput(f"{len(self.masks)} masks for {len(results[0])} samples")
        lean = [_without_paths(result) for result in results]
        detail = Detail(side=self.side, exact=False)
        found = document_of(lean, title=self.title, truths=self.truths, epoch=epoch, detail=detail)
        steady = _steady(found, results)
        frame = self._frame(epoch, label or _words(epoch), results, steady, found)
        measured = self._measured(frame, found)
        self.frames.append(frame)
        self._document = merged([self._document, found])
        return measured

    def _frame(
        self,
        epoch: float,
        label: str,
        results: Sequence[Attribution],
        steady: Mapping[str, str],
        found: Document,
    ) -> Frame:
        names = [sample["id"] for sample in found["samples"]]
        evidence: dict[tuple[str, str], Evidence] = {}
        for result in results:
            method = steady[method_id(result)]
            for item in maps_of(result):
                mask = self.masks[item.sample] if self.masks else None
                known = (method, names[item.sample])
                if item.kind is Kind.PICTURE and item.target == 0 and known not in evidence:
                    one = evidence_of(item.values, mask)
                    if one is not None:
                        evidence[known] = one
        said = {p["sample"]: p["top"] for p in found["predictions"] if p["top"] is not None}
        return Frame(epoch, label, evidence, said)

    def _measured(self, frame: Frame, found: Document) -> dict[str, float]:
        """Log where the evidence lies and how far it moved; return the means over the samples."""
        titles = {method["id"]: method["title"] for method in found["methods"]}
        measured: dict[str, float] = {}
        for method, title in titles.items():
            own = {sample: e for (m, sample), e in frame.evidence.items() if m == method}
            kinds = {
                INSIDE: {s: e.inside for s, e in own.items() if e.inside is not None},
                MOVEMENT: self._moves(method, own),
            }
            for name, values in kinds.items():
                for sample, value in values.items():
                    self._log(frame.epoch, name, value, sample, method)
                if values:
                    mean = float(np.mean(list(values.values())))
                    self._log(frame.epoch, name, mean, None, method)
                    measured[f"{title}: {name}"] = mean
        known = [s for s in found["samples"] if s["truth"] is not None and s["id"] in frame.said]
        if known:
            share = sum(frame.said[s["id"]] == s["truth"] for s in known) / len(known)
            self._log(frame.epoch, RIGHT, share)
            measured[RIGHT] = share
        return measured

    def _moves(self, method: str, own: Mapping[str, Evidence]) -> dict[str, float]:
        before = self.frames[-1].evidence if self.frames else {}
        return {s: moved(before[method, s], e) for s, e in own.items() if (method, s) in before}

    def document(self, *, notes: Sequence[str] = ()) -> Document:
        """Return the document as it is now, with its film; notes: lines that its page shows."""
        methods = [method["id"] for method in self._document["methods"]]
        names = {sample["id"]: sample["name"] for sample in self._document["samples"]}
        film = {
            "epochs": [frame.epoch for frame in self.frames],
            "labels": [frame.label for frame in self.frames],
            "markers": markers_of(self.frames, methods=methods, names=names),
            "curves": list(self._drawn()),
            "notes": list(notes),
        }
        return {**self._document, "film": film}

    def _drawn(self) -> Iterator[Document]:
        for (name, sample, method), points in self._curves.items():
            values = [value if math.isfinite(value) else None for _, value in points]
            yield {
                "name": name,
                "group": name.removeprefix("val_"),
                "sample": sample,
                "method": method,
                "share": name in (INSIDE, MOVEMENT, RIGHT),
                "epochs": [epoch for epoch, _ in points],
                "values": values,
            }


def _words(epoch: float) -> str:
    return f"epoch {epoch:.4g}" if epoch else "before training"


def _number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return None
    return float(array.reshape(-1)[0]) if array.size == 1 else None


def _steady(found: Document, results: Sequence[Attribution]) -> dict[str, str]:
    """Give model and methods of a document ids that outlast new weights; return new ids by old."""
    ids = {model["id"]: "m0" for model in found["models"]}
    for result in results:
        said = [result.method.to_json(), result.layer, result.provenance.score]
        text = json.dumps(said, sort_keys=True, default=str)
        ids[method_id(result)] = "k" + hashlib.sha256(text.encode()).hexdigest()[:12]
    for kind in ("models", "methods"):
        for item in found[kind]:
            item["id"] = ids[item["id"]]
    for kind in ("methods", "predictions", "maps"):
        for item in found[kind]:
            item["model"] = ids[item["model"]]
            if "method" in item:
                item["method"] = ids[item["method"]]
    return ids


def _without_paths(result: Attribution) -> Attribution:
    """Return the result without what it kept of its paths, which no film shows."""
    kept = {k: v for k, v in result.extras.items() if k.partition(":")[0] != "path"}
    return dataclasses.replace(result, extras=kept)
