"""Permutation importance (Breiman 2001; Fisher et al. 2019): what a column is worth to the loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from kerascope.checks import check_whole
from kerascope.errors import BadInput, choices
from kerascope.tabular.asked import Asked
from kerascope.tabular.stored import TableResult
from kerascope.types import Array

LOSSES = ("error", "cross-entropy", "squared", "change")
_RESAMPLES = 1000


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Importance(TableResult):
    """How much worse the model gets when one column is shuffled among the rows.

    values: (column,) mean rise of the loss. intervals: (column, 2), 95 %, over the rows by the
    bootstrap. loss: which. base: the loss of the rows as they are.
    """

    kind: ClassVar[str] = "permutation importance"

    values: Array
    intervals: Array
    loss: str
    base: float

    def order(self) -> list[int]:
        """Return the columns' places, most important first."""
        return [int(i) for i in np.argsort(-self.values, kind="stable")]

    def plot(self, most: int = 20) -> Any:
        """Return a figure: a bar for every column with its interval, most important first."""
        from kerascope.plot.dependence import importance_figure

        return importance_figure(self, most=most)


def permutation_importance(
    model: Any,
    table: Any,
    truth: Any = None,
    columns: str | Sequence[str] | None = None,
    *,
    loss: str | None = None,
    repeats: int = 10,
    target: Any = None,
    score: str = "logit",
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
) -> Importance:
    """Shuffle one column at a time, and look how much worse the model gets.

    Args:
        model: any Keras 3 model, or any function of a batch.
        table: a data frame, a dict of columns, or what `load_table` returns.
        truth: one for each row: class numbers or names, or for a regression numbers. None: how far
            the score moves takes the place of a loss.
        columns: names; None: all.
        loss: "error" (share of wrong classes), "cross-entropy", "squared", or without a truth
            "change" (of the score, absolute). None: "error" of classes, "squared" of numbers.
        repeats: shuffles per column.
        target: as in `explain`, of the score that moves where there is no truth.
        score: "logit" or "probability", of that score.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.
        seed: drives all sampling.

    Raises:
        BadInput: unknown column or loss, or a truth that does not fit the rows or the model.
    """
    check_whole(1, repeats=repeats)
    asked = Asked(
        model, table, columns, target=target, score=score, batch_size=batch_size, memory=memory,
        seed=seed,
    )  # fmt: skip
    if asked.rows < 2:
        raise BadInput("one row cannot be shuffled; give two or more")
    judge = _Judge(asked, truth, loss)
    base = judge(asked.x)
    values, intervals = [], []
    for number, column in enumerate(asked.columns):
        data = column.read(asked.x)
        rise = np.zeros(asked.rows)
        for repeat in range(repeats):
            order = asked.run.generator(number, repeat).permutation(asked.rows)
            rise += judge(column.write(asked.x, data[order])) - base
            asked.run.report(f"shuffles of {column.name}", repeat + 1, repeats)
        values.append((rise / repeats).mean())
        intervals.append(_bootstrap(rise / repeats, asked.run.generator(number, 2**20)))
    return Importance(
        columns=asked.columns, values=np.array(values), intervals=np.array(intervals),
        loss=judge.loss, base=float(base.mean()), explained=asked.explained, rows=asked.rows,
        passes=asked.passes, notes=tuple(asked.notes),
        provenance=asked.made("permutation_importance", {"repeats": repeats, "loss": judge.loss}),
    )  # fmt: skip


def _bootstrap(rises: Array, generator: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of a mean over rows (Efron 1979, percentiles)."""
    picks = generator.integers(0, len(rises), (_RESAMPLES, len(rises)))
    low, high = np.quantile(rises[picks].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


class _Judge:
    """The loss of every row."""

    def __init__(self, asked: Asked, truth: Any, loss: str | None) -> None:
        self.asked, self.plain = asked, None
        if truth is None:
            self.loss = _known(loss or "change", ("change",))
            self.plain = asked.plain()
            return
        self.output = asked.view.spec().output(None)
        found = np.asarray(truth).ravel()
        if len(found) != asked.rows:
            raise BadInput(f"there are {len(found)} truths for {asked.rows} rows")
        number = self.output.number and found.dtype.kind in "fiub" and self.output.single
        fits = ("squared",) if number else ("error", "cross-entropy")
        self.loss = _known(loss or fits[0], fits)
        self.truth = found.astype(np.float64) if number else self._classes(found)

    def _classes(self, found: Array) -> Array:
        """Return class numbers of numbers or names."""
        count = max(2, self.output.classes)
        names = self.asked.view.spec().names(self.output)
        if found.dtype.kind in "OUST":
            if names is None:
                raise BadInput("the truth holds names, but the model's classes have none: give "
                               "their numbers")  # fmt: skip
            for word in found:
                if str(word) not in names:
                    raise BadInput(f"class '{word}' not found{choices(str(word), names)}")
            return np.array([names.index(str(word)) for word in found])
        whole = np.rint(found).astype(int)
        if (whole != found).any() or whole.min() < 0 or whole.max() >= count:
            raise BadInput(f"the truth must hold class numbers from 0 to {count - 1}")
        return whole

    def __call__(self, x: dict[str, Array]) -> Array:
        """Return the loss of every row, (row,)."""
        if self.plain is not None:
            count = len(self.plain)
            found = self.asked.scores(
                lambda rows: {name: array[rows] for name, array in x.items()}, count, "shuffles"
            )
            return np.abs(found - self.plain)
        said = self.asked.outputs(x)[self.output.name].astype(np.float64)
        said = said.reshape(len(said), -1)
        if self.loss == "squared":
            return (said[:, 0] - self.truth) ** 2
        if said.shape[1] == 1:
            high = said if self.output.kind != "linear" else 1 / (1 + np.exp(-said))
            said = np.concatenate([1 - high, high], axis=1)
        if self.loss == "error":
            return (said.argmax(axis=1) != self.truth).astype(np.float64)
        if self.output.kind == "linear" and said.shape[1] > 1 and self.output.classes > 1:
            said = np.exp(said - said.max(axis=1, keepdims=True))
            said /= said.sum(axis=1, keepdims=True)
        picked = said[np.arange(len(said)), self.truth]
        return -np.log(np.clip(picked, 1e-12, 1))


def _known(loss: str, fits: tuple[str, ...]) -> str:
    if loss not in LOSSES:
        raise BadInput(f"loss='{loss}' is not known{choices(loss, LOSSES)}")
    if loss not in fits:
        raise BadInput(f"loss='{loss}' does not fit here; {' or '.join(fits)} does")
    return loss
