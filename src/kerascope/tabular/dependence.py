"""Partial dependence (Friedman 2001) and individual conditional expectation (Goldstein 2015)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from kerascope.checks import check_whole
from kerascope.columns import Column
from kerascope.errors import BadInput, choices
from kerascope.tabular.asked import Asked
from kerascope.tabular.stored import TableResult
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Dependence(TableResult):
    """How the score goes when one column is set to other values, row by row and on average.

    grids: by column, the values it was set to; of a category, their places. curves: by column,
    (row, point): the score of every row, individual conditional expectation. data: by column, what
    the rows hold.
    """

    kind: ClassVar[str] = "partial dependence"

    grids: tuple[Array, ...]
    curves: tuple[Array, ...]
    data: tuple[Array, ...]

    def _at(self, column: str) -> int:
        if column not in self.names:
            raise BadInput(f"column '{column}' not found{choices(column, self.names)}")
        return self.names.index(column)

    def grid(self, column: str) -> Array:
        """Return the values that a column was set to."""
        return self.grids[self._at(column)]

    def partial(self, column: str) -> Array:
        """Return the partial dependence, (point,): the mean of all rows' curves."""
        return self.curves[self._at(column)].mean(axis=0)

    def ice(self, column: str, *, centred: bool = False) -> Array:
        """Return the curve of every row, (row, point); centred: above its first point."""
        curves = self.curves[self._at(column)]
        return curves - curves[:, :1] if centred else curves

    def importance(self) -> Array:
        """Return by column how far the partial dependence goes: its standard deviation.

        Half its range for a category over four, as Greenwell et al. (2018, section 3.1) have it.
        """
        return np.array([
            np.ptp(self.partial(c.name)) / 4 if c.categories else self.partial(c.name).std(ddof=1)
            for c in self.columns
        ])  # fmt: skip

    def heterogeneity(self) -> Array:
        """Return by column how much rows differ: the standard deviation of their centred curves.

        Root of the mean variance over points; 0 where the column acts alone.
        """
        centred = [curves - curves.mean(axis=1, keepdims=True) for curves in self.curves]
        return np.array([np.sqrt(c.var(axis=0).mean()) for c in centred])

    def plot(
        self, column: str | None = None, *, centred: bool | None = None, most: int = 80
    ) -> Any:
        """Return a figure of one column or all: the rows' curves, their mean, and a rug.

        centred: every curve begins at 0; None: where all columns are drawn.
        """
        from kerascope.plot.dependence import dependence_figure

        centred = column is None if centred is None else centred
        return dependence_figure(self, column, centred=centred, most=most)


def partial_dependence(
    model: Any,
    table: Any,
    columns: str | Sequence[str] | None = None,
    *,
    target: Any = None,
    score: str = "logit",
    grid: int | Mapping[str, Sequence[float]] = 20,
    rows: int | None = 500,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
) -> Dependence:
    """Set a column of every row to each value of a grid, and look at the score.

    Args:
        model: any Keras 3 model, or any function of a batch.
        table: a data frame, a dict of columns, or what `load_table` returns.
        columns: names; None: all.
        target: as in `explain`, the same for every row; None: the only output, or the class that is
            predicted most often.
        score: "logit" or "probability".
        grid: points from a column's 5th to its 95th percentile, all its values where they are
            fewer; or the points themselves, by column. A category takes all its values.
        rows: rows drawn where there are more; None: all.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.
        seed: drives all sampling.

    Raises:
        BadInput: unknown column, or a grid of fewer than two points.
    """
    points = grid if isinstance(grid, int) else 20
    check_whole(2, grid=points)
    asked = Asked(
        model, table, columns, target=target, score=score, batch_size=batch_size, memory=memory,
        seed=seed, rows=rows,
    )  # fmt: skip
    given = {} if isinstance(grid, int) else dict(grid)
    for name in given:
        if name not in [c.name for c in asked.columns]:
            raise BadInput(f"grid: column '{name}' not found"
                           f"{choices(name, [c.name for c in asked.columns])}")  # fmt: skip
    grids, curves, data, kept = [], [], [], []
    for column in asked.columns:
        values = column.read(asked.x)
        points_ = _grid(column, values, given.get(column.name), points)
        if len(points_) < 2:
            asked.notes.append(f"column '{column.name}' has one value only: it was left out")
            continue
        rows_ = np.repeat(np.arange(asked.rows), len(points_))
        new = np.tile(points_, asked.rows)
        found = asked.with_values([(column, new)], rows_, f"partial dependence of {column.name}")
        curves.append(found.reshape(asked.rows, len(points_)))
        grids.append(np.asarray(points_, np.float64))
        data.append(np.asarray(values, np.float64))
        kept.append(column)
    if not kept:
        raise BadInput("every column has one value only: there is nothing to vary")
    return Dependence(
        columns=tuple(kept), grids=tuple(grids), curves=tuple(curves), data=tuple(data),
        explained=asked.explained, rows=asked.rows, passes=asked.passes, notes=tuple(asked.notes),
        provenance=asked.made("partial_dependence", {"grid": points, "rows": rows}),
    )  # fmt: skip


def _grid(column: Column, values: Array, given: Any, points: int) -> Array:
    """Return the values that a column is set to."""
    if given is not None:
        return np.asarray(given, np.float64)
    if column.categories:
        return np.arange(len(column.categories))
    there = np.unique(values)
    if len(there) <= points:
        return there
    low, high = np.quantile(values, [0.05, 0.95])
    return np.linspace(low, high, points) if high > low else there[[0, -1]]
