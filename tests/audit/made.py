"""Rows of an audit made by hand: what a model would have said, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.audit.collected import Collected
from kerascope.audit.maps import rounded
from kerascope.audit.parts import Store
from kerascope.audit.rows import schema_of, table_of


def made(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    *,
    classes: Sequence[str] | None = None,
    methods: Sequence[str] = ("grad_cam",),
    part: int = 7,
    meta: Mapping[str, Sequence[Any]] | None = None,
) -> Collected:
    """Write rows, which are numbered by sample in order, as `collect` would; return them.

    meta: the data's own columns, of which rows hold "meta_…".
    """
    count = 1 + max(row["id"] for row in rows)
    settings = {
        "model": "made", "methods": [{"name": m, "fields": {}} for m in methods],
        "classes": None if classes is None else list(classes), "size": None, "fit": "squeeze",
    }  # fmt: skip
    store = Store(folder, settings, count=count, size=part)
    with store.opened():
        for number in store.parts:
            inside = [row for row in rows if row["id"] in store.samples(number)]
            store.write(number, table_of(inside, schema_of(meta or {})))
    return Collected.load(folder)


def said(
    scores: np.ndarray,
    labels: Sequence[int],
    *,
    chances: np.ndarray | None = None,
    method: str | None = None,
    **more: Sequence[Any],
) -> list[dict[str, Any]]:
    """Return rows of (sample, class) scores; labels of −1 are none. more: columns by sample."""
    rows = []
    for i, (values, label) in enumerate(zip(scores, labels, strict=True)):
        predicted = int(values.argmax())
        common = {
            "id": i, "path": f"{i}.png", "scores": rounded(values), "predicted_index": predicted,
            "predicted": str(predicted), "method": method,
            **{name: column[i] for name, column in more.items()},
        }  # fmt: skip
        if label >= 0:
            common |= {"label": str(label), "label_index": int(label)}
        if chances is not None:
            common["confidence"] = float(chances[i, predicted])
        for target, index in (("true", label), ("predicted", predicted)):
            if index >= 0:
                chance = None if chances is None else float(chances[i, index])
                rows.append({**common, "target": target, "target_index": index,
                             "target_name": str(index), "probability": chance})  # fmt: skip
    return rows


def failed(sample: int, error: str = "cannot be read") -> dict[str, Any]:
    """Return the row of a sample without numbers."""
    return {"id": sample, "path": f"{sample}.png", "error": error}
