"""Samples as points in a plane: near each other where the model sees them alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascope.audit.arrow import arrow
from kerascope.audit.collected import Collected
from kerascope.audit.components import principal
from kerascope.audit.drawing import drawn
from kerascope.audit.once import matrix, numbers, once, whole_numbers
from kerascope.checks import check_whole
from kerascope.types import Array

MOST = 3000  # points
NEIGHBOURED = 1500  # points up to which they are placed by t-SNE; it takes seconds for these
_COMPONENTS = 30
_FEW = 12  # samples for whose neighbourhoods t-SNE has no room
_FEATURES = {"embedding": "the model's embedding", "map": "their maps", "scores": "their scores"}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Scatter:
    """Samples in a plane.

    Attributes:
        ids: (point,), ascending. xy: (point, 2), each axis within −1 … 1.
        labels, predicted: (point,) class, −1 for none. confidence: NaN for none.
        paths: of their files. samples: how many there are in all.
        words: how they were placed.
    """

    ids: Array
    xy: Array
    labels: Array
    predicted: Array
    confidence: Array
    paths: tuple[str | None, ...]
    samples: int
    words: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values, a list for each column."""
        return {
            "id": self.ids.tolist(),
            "x": np.round(self.xy[:, 0], 4).tolist(),
            "y": np.round(self.xy[:, 1], 4).tolist(),
            "label": [None if k < 0 else k for k in self.labels.tolist()],
            "predicted": self.predicted.tolist(),
            "confidence": [None if c != c else round(c, 4) for c in self.confidence.tolist()],  # noqa: PLR0124
            "path": list(self.paths),
        }


def scatter(collected: Collected, *, most: int = MOST, seed: int = 0) -> Scatter:
    """Return the samples as points, at most `most`, drawn.

    Placed by the embedding, by maps or scores where there is none: by its first 30 principal
    components with t-SNE (van der Maaten and Hinton 2008) for up to 1500 points, by the first two
    alone for more.
    """
    check_whole(1, most=most)
    every = [
        ids[targets]
        for batch in once(collected, [])
        for ids, targets in [(whole_numbers(batch.column("id")), _read(batch))]
    ]
    known = np.concatenate([*every, np.zeros(0, np.int64)])
    chosen = drawn(known, most, seed=seed)
    facts = _facts(collected, chosen)
    name, features = _features(collected, chosen)
    xy, how = placed(features, seed)
    words = f"{len(chosen)} of {len(known)} samples by {_FEATURES[name]}: {how}"
    return Scatter(ids=chosen, xy=xy, samples=len(known), words=words, **facts)


def placed(features: Array, seed: int) -> tuple[Array, str]:
    """Return (row, 2) places of (row, feature) values within −1 … 1, and how they were found."""
    count = len(features)
    if count <= _FEW or count > NEIGHBOURED or not features.std(axis=0).any():
        plane = principal(features, 2) if count else np.zeros((0, 2))
        return _scaled(plane), "their first two principal components"
    return neighboured(features, seed)


def neighboured(features: Array, seed: int) -> tuple[Array, str]:
    """Return (row, 2) places by t-SNE of at least 5 rows, started from principal components."""
    from sklearn.manifold import TSNE

    components = principal(features, _COMPONENTS)
    size = min(30.0, (len(features) - 1) / 3)
    start = _scaled(principal(components, 2))
    start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4
    plane = TSNE(perplexity=size, init=start, random_state=seed % 2**32).fit_transform(components)
    return _scaled(plane), f"t-SNE with perplexity {size:.0f} of {components.shape[1]} components"


def _scaled(plane: Array) -> Array:
    plane = np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    if not len(plane):
        return plane.astype(np.float32)
    plane = plane - (plane.max(axis=0) + plane.min(axis=0)) / 2
    return (plane / max(float(np.abs(plane).max()), 1e-300)).astype(np.float32)


def _read(batch: Any) -> Array:
    """Return which rows are of samples that could be read."""
    return np.array(batch.column("target").is_valid())


def _facts(collected: Collected, chosen: Array) -> dict[str, Any]:
    columns = ["label_index", "predicted_index", "confidence", "path"]
    found = [_some(batch, chosen) for batch in once(collected, columns)]
    paths = [path for batch in found for path in batch.column("path").to_pylist()]
    several = {
        "labels": [whole_numbers(batch.column("label_index")) for batch in found],
        "predicted": [whole_numbers(batch.column("predicted_index")) for batch in found],
        "confidence": [numbers(batch.column("confidence")) for batch in found],
    }
    return {"paths": tuple(paths), **{k: np.concatenate(v) for k, v in several.items()}}


def _features(collected: Collected, chosen: Array) -> tuple[str, Array]:
    """Return what the samples are placed by, and its (sample, feature) values."""
    for name in _FEATURES:
        parts = [matrix(_some(b, chosen).column(name)) for b in once(collected, [name])]
        parts = [part for part in parts if len(part)]
        whole = _stacked(parts)
        if whole is not None:
            return name, whole
    return "scores", np.zeros((len(chosen), 1), np.float32)


def _stacked(parts: Sequence[Array]) -> Array | None:
    """Return rows one after the other; None where some have no, or not as many, numbers."""
    widths = {part.shape[1] for part in parts}
    if len(widths) != 1 or widths == {0}:
        return None
    whole = np.concatenate(parts)
    return whole if np.isfinite(whole).all() else None


def _some(batch: Any, chosen: Array) -> Any:
    return batch.filter(arrow().array(np.isin(batch.column("id").to_numpy(), chosen)))
