"""What the app shows of an audit: some samples with their maps, and the data set they stand for."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import kerascope
from kerascope.attribution import Attribution
from kerascope.audit.classes import class_name
from kerascope.audit.drawing import drawn
from kerascope.audit.once import chosen_method, labelled_target, once, towards
from kerascope.audit.pictures import Pictures
from kerascope.audit.result import Audit
from kerascope.audit.scatter import Scatter, scatter
from kerascope.method import method_class
from kerascope.provenance import Provenance
from kerascope.report.dataset import dataset_of
from kerascope.report.document import document_of
from kerascope.types import Array

SAMPLES = 240  # shown with picture and map
LONGEST = 320  # pixels of a picture
_COLUMNS = ["id", "label_index", "predicted_index", "path", "scores", "probability", "confidence"]
_MAPS = ["id", "map", "map_shape", "explained", "score", "layer"]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class _Chosen:
    """Samples of an audit that are shown: rows by id, and pictures."""

    rows: dict[int, dict[str, Any]]
    maps: dict[int, dict[str, Any]]
    pictures: dict[int, Array]

    @property
    def ids(self) -> list[int]:
        """Samples that have all three, in the order of the data."""
        return sorted(self.rows.keys() & self.maps.keys() & self.pictures.keys())


def audit_document(found: Audit, *, most: int = SAMPLES) -> dict[str, Any] | None:
    """Return the document of an audit; None where it has no pictures or no maps to show.

    most: samples that are shown: examples of findings and strategies first, then drawn ones.
    """
    method = chosen_method(found.collected, None)
    if found.source is None or method is None:
        return None
    points = scatter(found.collected)
    chosen = _chosen(found, points, method, most)
    if not chosen.ids:
        return None
    result = _result(found, chosen)
    names = [_name(i) for i in chosen.ids]
    labels = [chosen.rows[i]["label_index"] for i in chosen.ids]
    classes = found.collected.settings.get("classes")
    made = document_of(
        [result], samples=names, longest=LONGEST,
        truths=[None if k is None else class_name(k, classes) for k in labels],
    )  # fmt: skip
    for entry in made["methods"]:
        entry["python"] = 'ks.audit(model, "photos/")'
        entry["seconds"] = ""
    count = f"{len(names)} of {found.samples} samples"
    rows, columns = chosen.maps[chosen.ids[0]]["map_shape"]
    return made | {
        "stamps": [],  # maps of an audit are means over cells: they are made again with all others
        "notes": [f"{count} of the data; maps are means over {rows} × {columns} cells."],
        "dataset": dataset_of(found, points, {i: _name(i) for i in chosen.ids}),
    }


def _name(sample: int) -> str:
    return f"s{sample}"


def _chosen(found: Audit, points: Scatter, method: str, most: int) -> _Chosen:
    """Return samples to show, with what is known of them."""
    assert found.source is not None
    ways = () if found.strategies is None else found.strategies.classes
    first = [i for one in found.findings for i in one.shown]
    first += [i for way in ways for s in way.strategies for i in s.nearest]
    firsts = list(dict.fromkeys(first))[:most]
    rest = [i for i in points.ids.tolist() if i not in set(firsts)]
    wanted = {*firsts, *drawn(rest, max(0, most - len(firsts)), seed=0).tolist()}
    target = labelled_target(found.collected)
    maps = towards(found.collected, _MAPS, method=method, target=target)
    pictures = Pictures(found.source, found.collected.settings)
    shown = {i: pictures.rgb(i) for i in sorted(wanted)}
    held = {i: pixels for i, pixels in shown.items() if pixels is not None}
    return _Chosen(
        rows=_by_id(once(found.collected, _COLUMNS), wanted),
        maps=_alike(_by_id(maps, wanted)),
        pictures=_alike_pictures(held),
    )


def _by_id(batches: Any, wanted: set[int]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for b in batches for row in b.to_pylist() if row["id"] in wanted}


def _alike(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return the rows whose maps have the commonest height and width."""
    shapes = {i: tuple(row["map_shape"] or ()) for i, row in rows.items()}
    flat = Counter(shape for shape in shapes.values() if len(shape) == 2).most_common(1)
    return {i: row for i, row in rows.items() if flat and shapes[i] == flat[0][0]}


def _alike_pictures(pictures: dict[int, Array]) -> dict[int, Array]:
    """Return the pictures of the commonest size: all of a model with one input size."""
    sizes = Counter(pixels.shape for pixels in pictures.values()).most_common(1)
    return {i: pixels for i, pixels in pictures.items() if pixels.shape == sizes[0][0]}


def _result(found: Audit, chosen: _Chosen) -> Attribution:
    """Return the rows of the chosen samples as a result."""
    settings, ids = found.collected.settings, chosen.ids
    maps = [chosen.maps[i] for i in ids]
    described = settings["methods"][0]
    method = method_class(described["name"]).from_json(described)
    pictures = [chosen.pictures[i] for i in ids]
    classes = settings.get("classes")
    return Attribution(
        values=np.stack(
            [np.asarray(row["map"], np.float32).reshape(row["map_shape"]) for row in maps]
        ),
        axes=("sample", "y", "x"),
        inputs=np.stack(pictures),
        input_axes={"picture": ("sample", "y", "x", "channel")},
        scores=np.array([row["score"] for row in maps], np.float32),
        explained=tuple(row["explained"] for row in maps),
        predictions=_predictions([chosen.rows[i] for i in ids]),
        method=method,
        target=labelled_target(found.collected),
        layer=maps[0]["layer"],
        gap=None,
        notes=(),
        labels=None if classes is None else tuple(classes),
        names=tuple(chosen.rows[i]["path"] or f"sample {i}" for i in ids),
        display=tuple(pictures),
        provenance=Provenance(
            kerascope=settings.get("kerascope", kerascope.__version__),
            keras="", backend="", backend_version="", model=found.model,
            model_sha256=settings["model_sha256"], method=described,
            target=labelled_target(found.collected), score=settings["score"],
            seed=settings["seed"], seconds=0.0, preprocessing=settings.get("preprocess"),
        ),
    )  # fmt: skip


def _predictions(rows: Sequence[dict[str, Any]]) -> Array:
    """Return (sample, class): probabilities where the model gives some, else its scores."""
    scores = np.asarray([row["scores"] for row in rows], np.float64)
    said = np.array([np.nan if r["confidence"] is None else r["confidence"] for r in rows], float)
    if np.isfinite(said).all() and scores.shape[1] > 1:
        grown = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares = grown / grown.sum(axis=1, keepdims=True)
        if np.abs(shares.max(axis=1) - said).max() < 0.01:  # a softmax it was
            return shares.astype(np.float32)
    return scores.astype(np.float32)
