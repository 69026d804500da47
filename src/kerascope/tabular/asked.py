"""What is asked of a model over a table: one score of every row, of rows as they are or changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from kerascope.checks import check_score, check_weights, check_whole
from kerascope.columns import Column, Table, as_table, named_inputs, pick
from kerascope.errors import BadInput, BadModel
from kerascope.hooks import BlackBox, HookedModel
from kerascope.memory import budget
from kerascope.provenance import Provenance, provenance_of
from kerascope.run import Run
from kerascope.tabular.defaults import ROWS
from kerascope.targets import Targets, resolve_targets
from kerascope.types import Array

REFERENCES = {
    "partial_dependence": "Friedman 2001, Annals of Statistics 29(5); Goldstein et al. 2015, "
    "Journal of Computational and Graphical Statistics 24(1)",
    "ale": "Apley and Zhu 2020, Journal of the Royal Statistical Society B 82(4)",
    "interactions": "Friedman and Popescu 2008, Annals of Applied Statistics 2(3)",
    "permutation_importance": "Breiman 2001, Machine Learning 45; Fisher et al. 2019, JMLR 20(177)",
    "surrogate": "Craven and Shavlik 1996, NeurIPS 8",
}


class Asked:
    """A model, a table and a scalar target; `scores` counts every row that goes through the model.

    x: the inputs by name. columns: those asked about. notes: what must be said beside the result.
    """

    def __init__(
        self,
        model: Any,
        table: Any,
        columns: Any = None,
        *,
        target: Any = None,
        score: str = "logit",
        batch_size: int | None = None,
        memory: int | str | None = None,
        seed: int = 0,
        rows: int | None = None,
    ) -> None:
        check_score(score)
        check_whole(1, batch_size=batch_size, rows=rows)
        self.started = time.perf_counter()
        found = as_table(table, model)
        if found is None:
            raise BadInput(
                "a table is a data frame, a dict of columns or what load_table returns, not "
                f"{type(table).__name__}"
            )
        self.table: Table = found
        self.view = _view(model, score, batch_size)
        self.x: dict[str, Array] = self.view.read(found)
        self.view.fit_into(budget(memory), gradients=False)
        check_weights(self.view.identity.broken)
        self.all = named_inputs(found.columns, self.x)
        self.columns = pick(self.all, columns)
        self.passes = 0
        self.run = Run(seed=seed, memory=budget(memory), batch=self.view.batch)
        self.notes: list[str] = [*found.notes]
        self.given = target
        self.targets = self._targets(target)
        self._limit(rows)

    @property
    def rows(self) -> int:
        """How many rows are looked at."""
        return len(next(iter(self.x.values())))

    @property
    def explained(self) -> str:
        """The score in words: "logit of 'benign'"."""
        return self.targets.items[0].words(0)

    def _targets(self, target: Any) -> Targets:
        """Return the one target, the same for every row: by default the class predicted most."""
        spec = self.view.spec()
        if target is None and not spec.output(None).single:
            output = spec.output(None)
            logits = self.outputs(self.x)[output.name]
            if logits.ndim != 2:
                raise BadInput(f"output '{output.name}' has no classes: name a target")
            target = int(np.bincount(logits.argmax(axis=1)).argmax())
            self.notes.append("target: the class predicted most often")
        # Of a single sigmoid unit, class 1 is the unit itself.
        usual = int(spec.output(None).kind == "sigmoid")
        targets = resolve_targets(usual if target is None else target, spec, 1)
        if len(targets) != 1 or not targets.squeeze:
            raise BadInput(f"one target is needed; {target!r} names {len(targets)}")
        return targets

    def _limit(self, most: int | None) -> None:
        """Keep at most so many rows, drawn at random."""
        if most is None or self.rows <= most:
            return
        order = self.run.generator(0, 2**33 + 1).permutation(self.rows)[:most]
        some = np.sort(order)
        self.notes.append(f"{most} of {self.rows} rows, drawn at random")
        self.x = {name: array[some] for name, array in self.x.items()}

    def outputs(self, x: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs of rows by name, as the model gives them."""
        rows = len(next(iter(x.values())))
        self.passes += rows
        return dict(self.view.scores(dict(x), Targets(())).raw)

    def scores(self, make: Callable[[Array], Mapping[str, Array]], count: int, what: str) -> Array:
        """Return the scores of `count` rows, float64; `make` gives those of some indices."""
        found = np.empty(count)
        for _, chosen in self.run.pairs(1, count, what):
            rows = dict(make(chosen))
            targets = self.targets.take(np.zeros(len(chosen), int))
            found[chosen] = self.view.scores(rows, targets, pad=self.run.chunk).values[:, 0]
        if not np.isfinite(found).all():
            raise BadModel("the model gives scores that are NaN or infinite for rows of the table")
        self.passes += count
        return found

    def plain(self) -> Array:
        """Return the scores of the rows as they are."""
        return self.scores(lambda rows: self.some(rows), self.rows, "rows")

    def some(self, rows: Array) -> dict[str, Array]:
        """Return some rows."""
        return {name: array[rows] for name, array in self.x.items()}

    def with_values(self, changes: list[tuple[Column, Array]], rows: Array, what: str) -> Array:
        """Return the scores of `rows` with columns set to values, all of one length."""

        def make(chosen: Array) -> dict[str, Array]:
            x = self.some(rows[chosen])
            for column, values in changes:
                x = column.write(x, values[chosen])
            return x

        return self.scores(make, len(rows), what)

    def made(self, name: str, fields: Mapping[str, Any]) -> Provenance:
        """Return what made a result."""
        return provenance_of(
            self.view,
            {"name": name, "fields": dict(fields), "reference": REFERENCES[name]},
            target=str(self.given),
            seed=self.run.seed,
            started=self.started,
            run=self.run,
            asked=self.given,
            x=self.x,
        )


def _view(model: Any, score: str, batch_size: int | None) -> HookedModel | BlackBox:
    net = model.model if isinstance(model, HookedModel) else model
    if isinstance(net, keras.Model):
        return HookedModel(net, score=score, batch_size=batch_size or ROWS)
    if isinstance(net, keras.Layer) or not callable(net):
        raise BadModel(
            f"a model is a keras.Model or a function of a batch, not {type(net).__name__}"
        )
    return BlackBox(net, batch_size=batch_size or ROWS)
