"""Columns of the data, and facts of its files, that go with being right: seen, not intervened."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from kerascope.audit.collected import Collected
from kerascope.audit.interventions.effect import adjusted
from kerascope.types import Array

_FACTS = ("format", "jpeg_quality", "width", "height", "aspect", "bytes")
_FEWEST = 10  # files with a value
_VALUES = 12  # of a column; numbers with more are cut at their quartiles
_RATE = 0.05


def differences(collected: Collected) -> dict[str, list[str]]:
    """Return by class, in sentences, which values of a column go with another share of right ones.

    Fisher's exact test of each value against the rest, adjusted for all that was tried (Benjamini
    and Yekutieli 2001). A column that goes with being right need not be the cause.
    """
    own = [name for name in collected.columns if name.startswith("meta_")]
    columns = [*own, *_FACTS]
    table = collected.table(["id", "label", "label_index", "predicted_index", *columns])
    rows = table.to_pydict()
    first = {sample: i for i, sample in reversed(list(enumerate(rows["id"])))}
    kept = [
        i for i in sorted(first.values())
        if rows["label"][i] is not None and rows["predicted_index"][i] is not None
    ]  # fmt: skip
    labels = np.array([rows["label"][i] for i in kept], object)
    right = np.array([rows["label_index"][i] == rows["predicted_index"][i] for i in kept], bool)
    tried: list[tuple[float, str, str]] = []
    for column in columns:
        values = _grouped([rows[column][i] for i in kept])
        for label in dict.fromkeys(labels.tolist()):
            tried += _of_class(column, values, labels == label, right, str(label))
    p = adjusted(np.array([one[0] for one in tried]))
    found: dict[str, list[str]] = {}
    for (_, label, words), level in zip(tried, p, strict=True):
        if level <= _RATE:
            found.setdefault(label, []).append(f"{words} (p {level:.1g}, seen and not intervened)")
    return found


def _grouped(values: list[Any]) -> Array:
    """Return values as words: many different numbers by quartile."""
    known = [v for v in values if v is not None]
    if len(set(known)) <= _VALUES or not all(isinstance(v, int | float) for v in known):
        return np.array([None if v is None else str(v) for v in values], object)
    edges = np.quantile(np.array(known, float), (0.25, 0.5, 0.75))
    names = [
        f"up to {edges[0]:.4g}", f"{edges[0]:.4g} … {edges[1]:.4g}",
        f"{edges[1]:.4g} … {edges[2]:.4g}", f"above {edges[2]:.4g}",
    ]  # fmt: skip
    return np.array(
        [None if v is None else names[int(np.searchsorted(edges, v))] for v in values], object
    )


def _of_class(
    column: str, values: Array, own: Array, right: Array, label: str
) -> list[tuple[float, str, str]]:
    name = column.removeprefix("meta_")
    found = []
    known = list(dict.fromkeys(v for v in values[own] if v is not None))
    # Of two values, one says it all.
    for value in known[:1] if len(known) == 2 else known:
        here = own & (values == value)
        rest = own & (values != value)
        if min(here.sum(), rest.sum()) < _FEWEST:
            continue
        table = [[int(right[g].sum()), int((~right[g]).sum())] for g in (here, rest)]
        p = float(stats.fisher_exact(table).pvalue)
        words = (
            f"{name} = {value}: right in {100 * right[here].mean():.0f} % of {int(here.sum())}, "
            f"else in {100 * right[rest].mean():.0f} % of {int(rest.sum())}"
        )
        found.append((p, label, words))
    return found
