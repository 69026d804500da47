"""Columns of the data, and facts of its files, that tell a class or go with being right.

Seen, not intervened: a column that goes with the class need not be what the model looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from kerascope.audit.arrow import arrow
from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.collected import Collected
from kerascope.audit.interventions.effect import adjusted
from kerascope.audit.once import once
from kerascope.audit.tested import RATE
from kerascope.types import Array

_FACTS = ("format", "jpeg_quality", "width", "height", "aspect", "bytes")
_FEWEST = 10  # files with a value
_VALUES = 12  # of a column of numbers; with more they are cut at their quartiles
_TELLS = 0.9  # share of one class among the files with a value, from which the value tells it
_MOST = 6  # sentences of a class


class _Column(NamedTuple):
    """A column: by file the number of its value, −1 for none, and the values in words."""

    name: str
    codes: Array
    values: list[str]


def differences(collected: Collected) -> dict[str, list[str]]:
    """Return by class, in sentences, which values of a column go with it, or with being right.

    Fisher's exact test of each value against the rest, adjusted for all that was tried (Benjamini
    and Yekutieli 2001).
    """
    own = [name for name in collected.columns if name.startswith("meta_")]
    labels, predicted, columns = _read(collected, [*own, *_FACTS])
    tried: list[tuple[float, int, str]] = []
    for column in columns:
        for label in np.unique(labels[labels != UNLABELLED]):
            tried += _of_class(column, labels, predicted, int(label))
    p = adjusted(np.array([one[0] for one in tried]))
    names = collected.settings.get("classes")
    found: dict[str, list[str]] = {}
    for (_, label, words), level in sorted(zip(tried, p, strict=True), key=lambda t: t[1]):
        said = found.setdefault(class_name(label, names), [])
        if level <= RATE and len(said) < _MOST:
            said.append(f"{words} (p {level:.1g}, seen and not intervened)")
    return {name: said for name, said in found.items() if said}


def _read(collected: Collected, names: list[str]) -> tuple[Array, Array, list[_Column]]:
    """Return true and predicted classes of readable samples, and columns."""
    pa = arrow()
    wanted = ["label_index", "predicted_index", *names]
    batches = [batch.select(wanted) for batch in once(collected, wanted)]
    if not batches:
        return np.zeros(0, int), np.zeros(0, int), []
    table = pa.Table.from_batches(batches)
    table = table.filter(pa.compute.is_valid(table.column("predicted_index")))
    labels, predicted = (
        table.column(name).fill_null(UNLABELLED).to_numpy().astype(np.int64) for name in wanted[:2]
    )
    return labels, predicted, [_coded(name, table.column(name)) for name in names]


def _coded(name: str, column: Any) -> _Column:
    """Return a column with its values numbered: many different numbers by quartile."""
    pa = arrow()
    told = name.removeprefix("meta_")
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if number and len(column.unique()) > _VALUES:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        edges = np.nanquantile(values, (0.25, 0.5, 0.75))
        words = [
            f"up to {edges[0]:.4g}", f"{edges[0]:.4g} … {edges[1]:.4g}",
            f"{edges[1]:.4g} … {edges[2]:.4g}", f"above {edges[2]:.4g}",
        ]  # fmt: skip
        codes = np.where(np.isnan(values), -1, np.searchsorted(edges, values))
        return _Column(told, codes, words)
    coded = column.dictionary_encode().combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return _Column(told, codes, [str(value) for value in coded.dictionary.to_pylist()])


def _of_class(
    column: _Column, labels: Array, predicted: Array, label: int
) -> Iterator[tuple[float, int, str]]:
    """Yield p, class and words of each value of a column that enough files of the class have."""
    own = labels == label
    known, counts = np.unique(column.codes[own & (column.codes >= 0)], return_counts=True)
    often = known[counts >= _FEWEST]
    for code in often:
        here = column.codes == code
        yield from _telling(column, int(code), own, here, label)
        # Of two values, one says it all.
        if len(known) > 2 or code == known[0]:
            yield from _right(column, int(code), own, here, (predicted == label, label))


def _telling(
    column: _Column, code: int, own: Array, here: Array, label: int
) -> Iterator[tuple[float, int, str]]:
    rest = (column.codes >= 0) & ~here
    share = float(own[here].mean())
    if share < _TELLS or rest.sum() < _FEWEST or own[rest].mean() > 0.5:
        return
    words = (
        f"{column.name} = {column.values[code]}: {100 * share:.0f} % of its {int(here.sum())} "
        f"files are of this class, of the others {100 * own[rest].mean():.0f} %"
    )
    yield _fisher(own, here, rest), label, words


def _right(
    column: _Column, code: int, own: Array, here: Array, told: tuple[Array, int]
) -> Iterator[tuple[float, int, str]]:
    right, label = told
    one, rest = own & here, own & (column.codes >= 0) & ~here
    if min(one.sum(), rest.sum()) < _FEWEST:
        return
    words = (
        f"{column.name} = {column.values[code]}: right in {100 * right[one].mean():.0f} % of "
        f"{int(one.sum())}, else in {100 * right[rest].mean():.0f} % of {int(rest.sum())}"
    )
    yield _fisher(right, one, rest), label, words


def _fisher(true: Array, one: Array, rest: Array) -> float:
    table = [[int(true[g].sum()), int((~true[g]).sum())] for g in (one, rest)]
    return float(stats.fisher_exact(table).pvalue)
