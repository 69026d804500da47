"""Accumulated local effects of one column and of two (Apley and Zhu 2020)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from kerascope.checks import check_whole
from kerascope.columns import Column, pick
from kerascope.errors import BadInput
from kerascope.tabular.asked import Asked
from kerascope.tabular.ordering import category_order
from kerascope.tabular.stored import TableResult
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Effects(TableResult):
    """What a column's value adds to the score, others as they are near that value.

    edges: by column, the bin edges; of a category, its places in the order that likeness gives.
    values: by column, the effect at every edge, whose mean over the rows is 0. counts: by column,
    rows per bin, of a category per value. data: by column, what the rows hold.
    pairs: columns of the second order, by name; surfaces: by pair, (edge, edge), what the two add
    together beyond what each adds alone; pair_edges: two arrays for each pair.
    """

    kind: ClassVar[str] = "accumulated local effects"

    edges: tuple[Array, ...]
    values: tuple[Array, ...]
    counts: tuple[Array, ...]
    data: tuple[Array, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    surfaces: tuple[Array, ...] = ()
    pair_edges: tuple[Array, ...] = ()

    def importance(self) -> Array:
        """Return by column the standard deviation of the effect over the rows."""
        found = []
        for column, edges, values, data in zip(
            self.columns, self.edges, self.values, self.data, strict=True
        ):
            found.append(_at_rows(column, edges, values, data).std())
        return np.array(found)

    def plot(self, column: str | None = None) -> Any:
        """Return a figure of one column or all, and of the pairs: effects and a rug."""
        from kerascope.plot.dependence import effects_figure

        return effects_figure(self, column)


def ale(
    model: Any,
    table: Any,
    columns: str | Sequence[str] | None = None,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    target: Any = None,
    score: str = "logit",
    bins: int = 32,
    rows: int | None = None,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
) -> Effects:
    """Return accumulated local effects: unlike partial dependence, of likely rows only.

    Every row moves to the two edges of its own bin and no further, so columns that go together are
    not torn apart. Two passes per row and column, four per row and pair, for any number of bins.

    Args:
        model: any Keras 3 model, or any function of a batch.
        table: a data frame, a dict of columns, or what `load_table` returns.
        columns: names; None: all.
        pairs: pairs of numeric columns for the second order.
        target: as in `explain`, the same for every row; None: the only output, or the class that is
            predicted most often.
        score: "logit" or "probability".
        bins: most bins, between quantiles, so that each holds about as many rows.
        rows: rows drawn where there are more; None: all.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.
        seed: drives all sampling.

    Raises:
        BadInput: unknown column, or a pair that is not of two numeric columns.
    """
    check_whole(1, bins=bins)
    asked = Asked(
        model, table, columns, target=target, score=score, batch_size=batch_size, memory=memory,
        seed=seed, rows=rows,
    )  # fmt: skip
    two = [_pair(asked, pair) for pair in pairs]
    first = []
    for column in asked.columns:
        data = column.read(asked.x)
        if len(np.unique(data)) < 2:
            asked.notes.append(f"column '{column.name}' has one value only: it was left out")
            continue
        one = _category if column.categories else _number
        first.append((column, *one(asked, column, data, bins), np.asarray(data, np.float64)))
    if not first:
        raise BadInput("every column has one value only: there is nothing to vary")
    second = [_second(asked, a, b, bins) for a, b in two]
    kept, edges, values, counts, datas = zip(*first, strict=True)
    return Effects(
        columns=kept, edges=edges, values=values, counts=counts, data=datas,
        pairs=tuple((a.name, b.name) for a, b in two),
        surfaces=tuple(s for s, _, _ in second),
        pair_edges=tuple(edge for _, x, y in second for edge in (x, y)),
        explained=asked.explained, rows=asked.rows, passes=asked.passes, notes=tuple(asked.notes),
        provenance=asked.made("ale", {"bins": bins, "rows": rows}),
    )  # fmt: skip


def _pair(asked: Asked, pair: tuple[str, str]) -> tuple[Column, Column]:
    if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise BadInput(f"pairs: {pair!r} is not two different columns")
    found = pick(asked.all, pair)
    for column in found:
        if column.categories:
            raise BadInput(
                f"pairs: '{column.name}' holds categories, which have no order that effects of "
                "the second order could be summed along: give two numeric columns, or ask "
                "interactions, which takes any"
            )
        if np.ptp(column.read(asked.x)) == 0:
            raise BadInput(f"pairs: column '{column.name}' has one value only")
    return found[0], found[1]


def edges_of(data: Array, bins: int) -> tuple[Array, Array]:
    """Return bin edges at quantiles that are data values, and the bin of every row.

    Bins are (z_{k−1}, z_k], the first one closed (section 2.2): none is empty.
    """
    levels = np.linspace(0, 1, bins + 1)
    edges = np.unique(np.quantile(data, levels, method="inverted_cdf"))
    return edges, np.clip(np.searchsorted(edges, data, side="left") - 1, 0, len(edges) - 2)


def _number(asked: Asked, column: Column, data: Array, bins: int) -> tuple[Array, Array, Array]:
    """Return edges, effects and rows per bin (equations 15 and 16)."""
    edges, place = edges_of(data, bins)
    every = np.arange(asked.rows)
    ends = np.concatenate([edges[place + 1], edges[place]])
    found = asked.with_values(
        [(column, ends)], np.concatenate([every, every]), f"local effects of {column.name}"
    )
    change = found[: asked.rows] - found[asked.rows :]
    counts = np.bincount(place, minlength=len(edges) - 1)
    local = np.bincount(place, change, minlength=len(edges) - 1) / counts
    effect = np.concatenate([[0.0], np.cumsum(local)])
    # Between the edges the effect is drawn as a line, so that line's mean over the rows is 0.
    return edges, effect - np.interp(data, edges, effect).mean(), counts


def _category(asked: Asked, column: Column, data: Array, _: int) -> tuple[Array, Array, Array]:
    """Return places in order, effects and rows per category (appendix E).

    Rows of two neighbours in the order move to the other one; both tell what lies between.
    """
    order = category_order(asked, column)
    place = np.argsort(order)[np.searchsorted(np.sort(order), data)]
    up, down = np.flatnonzero(place < len(order) - 1), np.flatnonzero(place > 0)
    new = np.concatenate([order[place[up] + 1], order[place[down] - 1]])
    found = asked.with_values(
        [(column, new)], np.concatenate([up, down]), f"local effects of {column.name}"
    )
    plain = asked.plain()
    change = np.concatenate([found[: len(up)] - plain[up], plain[down] - found[len(up) :]])
    between = np.concatenate([place[up], place[down] - 1])
    local = np.bincount(between, change) / np.bincount(between)
    effect = np.concatenate([[0.0], np.cumsum(local)])
    counts = np.bincount(place, minlength=len(order))
    return order.astype(np.float64), effect - effect @ counts / counts.sum(), counts


def _at_rows(column: Column, edges: Array, values: Array, data: Array) -> Array:
    if not column.categories:
        return np.interp(data, edges, values)
    return values[np.argsort(edges)[np.searchsorted(np.sort(edges), data)]]


def _second(asked: Asked, a: Column, b: Column, bins: int) -> tuple[Array, Array, Array]:
    """Return the surface over both columns' edges, and these (equations 17 to 20)."""
    side = max(1, round(bins / 2))
    (x, i), (y, j) = (edges_of(column.read(asked.x), side) for column in (a, b))
    rows = np.tile(np.arange(asked.rows), 4)
    corners = [(u, v) for u in (1, 0) for v in (1, 0)]
    found = asked.with_values(
        [
            (a, np.concatenate([x[i + u] for u, _ in corners])),
            (b, np.concatenate([y[j + v] for _, v in corners])),
        ],
        rows, f"local effects of {a.name} with {b.name}",
    ).reshape(4, -1)  # fmt: skip
    change = (found[0] - found[1]) - (found[2] - found[3])
    shape = (len(x) - 1, len(y) - 1)
    counts, sums = np.zeros(shape), np.zeros(shape)
    np.add.at(counts, (i, j), 1)
    np.add.at(sums, (i, j), change)
    local = nearest(sums, counts)
    surface = np.zeros((len(x), len(y)))
    surface[1:, 1:] = local.cumsum(axis=0).cumsum(axis=1)
    return centred(surface, counts), x, y


def nearest(sums: Array, counts: Array) -> Array:
    """Return mean local effects; a cell without rows takes that of the nearest one with some."""
    from scipy import ndimage

    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    scale = [1 / n for n in counts.shape]  # in quantiles, as the cells are cut
    at = ndimage.distance_transform_edt(
        counts == 0, sampling=scale, return_distances=False, return_indices=True
    )
    return means[tuple(at)]


def centred(surface: Array, counts: Array) -> Array:
    """Return a surface without what its two columns do alone, of mean 0 over the rows.

    The accumulated mean change along each axis is taken off (equation 19), then the mean over the
    cells, each at the average of its corners, by the rows in it (equation 20).
    """
    along_x = np.diff(surface, axis=0)
    along_x = counts * (along_x[:, 1:] + along_x[:, :-1]) / 2
    along_y = np.diff(surface, axis=1)
    along_y = counts * (along_y[1:] + along_y[:-1]) / 2
    first = np.cumsum(along_x.sum(axis=1) / counts.sum(axis=1))
    second = np.cumsum(along_y.sum(axis=0) / counts.sum(axis=0))
    rest = surface - np.append(0, first)[:, None] - np.append(0, second)[None]
    middle = (rest[1:, 1:] + rest[1:, :-1] + rest[:-1, 1:] + rest[:-1, :-1]) / 4
    return rest - (counts * middle).sum() / counts.sum()
