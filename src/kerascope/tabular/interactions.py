"""Which columns act together: the H-statistic (Friedman and Popescu 2008, section 8)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from kerascope.checks import check_whole
from kerascope.columns import Column
from kerascope.errors import BadInput, choices
from kerascope.tabular.asked import Asked
from kerascope.tabular.stored import TableResult
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Interactions(TableResult):
    """How much of what columns do they do together.

    total: (column,) H of each with all others. pairwise: (column, column) H of two, NaN on the
    diagonal and where it was not asked for. H is from 0 (they add up) to 1 (nothing but
    interaction), a share, large also where two columns hardly matter. strength: (column, column)
    the standard deviation over the rows of what two add together, in units of the score.
    """

    kind: ClassVar[str] = "interactions"

    total: Array
    pairwise: Array
    strength: Array

    def strongest(self, most: int = 10) -> list[tuple[str, str, float, float]]:
        """Return pairs of names with H and strength, by strength."""
        upper = np.triu(~np.isnan(self.pairwise), 1)
        found = [
            (self.names[i], self.names[j], float(self.pairwise[i, j]), float(self.strength[i, j]))
            for i, j in np.argwhere(upper)
        ]
        return sorted(found, key=lambda row: -row[3])[:most]

    def of(self, first: str, second: str) -> tuple[float, float]:
        """Return H and strength of two columns."""
        for name in (first, second):
            if name not in self.names:
                raise BadInput(f"column '{name}' not found{choices(name, self.names)}")
        at = self.names.index(first), self.names.index(second)
        return float(self.pairwise[at]), float(self.strength[at])

    def plot(self) -> Any:
        """Return a figure: H of every pair as a heat map, with that of each column alone."""
        from kerascope.plot.dependence import interactions_figure

        return interactions_figure(self)


def interactions(
    model: Any,
    table: Any,
    columns: str | Sequence[str] | None = None,
    *,
    target: Any = None,
    score: str = "logit",
    rows: int = 64,
    most: int = 8,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
) -> Interactions:
    """Return how much columns act together on the score.

    H²_jk = Σ(F_jk − F_j − F_k)² / ΣF_jk² and H²_j = Σ(F − F_j − F_∖j)² / ΣF², of centred partial
    dependences at the rows themselves (equations 44 and 45). `rows`² passes for each column, twice,
    and for each pair.

    Args:
        model: any Keras 3 model, or any function of a batch.
        table: a data frame, a dict of columns, or what `load_table` returns.
        columns: names; None: all.
        target: as in `explain`, the same for every row; None: the only output, or the class that is
            predicted most often.
        score: "logit" or "probability".
        rows: rows drawn where there are more.
        most: columns whose pairs are looked at: those that interact most.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.
        seed: drives all sampling.

    Raises:
        BadInput: unknown column, fewer than two columns that vary, or rows of one score.
    """
    check_whole(2, rows=rows, most=most)
    asked = Asked(
        model, table, columns, target=target, score=score, batch_size=batch_size, memory=memory,
        seed=seed, rows=rows,
    )  # fmt: skip
    kept = [c for c in asked.columns if np.ptp(c.read(asked.x)) > 0]
    still = [c.name for c in asked.columns if c not in kept]
    asked.notes += [f"column '{name}' has one value only: it was left out" for name in still]
    if len(kept) < 2:
        raise BadInput("interactions need two or more columns that vary over the rows")
    whole = asked.plain()
    whole -= whole.mean()
    if (whole**2).sum() < 1e-12:
        raise BadInput("all rows have the same score: there is nothing that columns could do")
    alone = [_partial(asked, [c]) for c in kept]
    rest = [_without(asked, c) for c in kept]
    total = np.array([
        _share(whole - mine - others, whole) for mine, others in zip(alone, rest, strict=True)
    ])  # fmt: skip
    chosen = sorted(np.argsort(-total, kind="stable")[:most])
    if len(chosen) < len(kept):
        asked.notes.append(f"pairs among the {most} columns that interact most, of {len(kept)}")
    count = len(kept)
    pairwise, strength = np.full((count, count), np.nan), np.full((count, count), np.nan)
    for place, i in enumerate(chosen):
        for j in chosen[place + 1 :]:
            both = _partial(asked, [kept[i], kept[j]])
            left = both - alone[i] - alone[j]
            pairwise[i, j] = pairwise[j, i] = _share(left, both)
            strength[i, j] = strength[j, i] = np.sqrt((left**2).mean())
    return Interactions(
        columns=tuple(kept), total=total, pairwise=pairwise, strength=strength,
        explained=asked.explained, rows=asked.rows, passes=asked.passes, notes=tuple(asked.notes),
        provenance=asked.made("interactions", {"rows": rows, "most": most}),
    )  # fmt: skip


def _share(part: Array, whole: Array) -> float:
    """Return H: the root of the share that is interaction; more than 1 is noise of few rows."""
    size = (whole**2).sum()
    return float(np.sqrt((part**2).sum() / size)) if size > 1e-12 else 0.0


def _partial(asked: Asked, columns: list[Column]) -> Array:
    """Return the centred partial dependence of columns at every row, (row,)."""
    count = asked.rows
    at, other = np.repeat(np.arange(count), count), np.tile(np.arange(count), count)
    changes = [(c, c.read(asked.x)[at]) for c in columns]
    words = " with ".join(c.name for c in columns)
    found = asked.with_values(changes, other, f"interactions of {words}")
    means = found.reshape(count, count).mean(axis=1)
    return means - means.mean()


def _without(asked: Asked, column: Column) -> Array:
    """Return the centred partial dependence of all columns but one at every row, (row,)."""
    count = asked.rows
    at, other = np.repeat(np.arange(count), count), np.tile(np.arange(count), count)
    changes = [(column, column.read(asked.x)[other])]
    found = asked.with_values(changes, at, f"interactions of {column.name}")
    means = found.reshape(count, count).mean(axis=1)
    return means - means.mean()
