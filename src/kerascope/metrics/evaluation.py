"""The result of measuring methods: numbers per sample, means with intervals, who beats whom."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.metrics.base import Family, Metric
from kerascope.metrics.statistics import (
    Difference,
    Mean,
    difference_of,
    holm,
    least_p,
    mean_of,
)

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.method import AttributionMethod
    from kerascope.types import Array

LEVEL = 0.05
# Of these, a map that knows nothing of the model is a fair rival; others it wins by being plain.
CONTESTED = (Family.FAITHFULNESS, Family.LOCALIZATION)


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """A method, or a control (None), with its (metric, sample) values."""

    name: str
    method: AttributionMethod | None
    values: Array


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two methods by one metric on the same samples.

    better: the one whose mean is better. p: of the difference, adjusted for all pairs of the metric
    (Holm). real: p < 0.05.
    """

    metric: str
    better: str
    worse: str
    difference: Difference
    p: float

    @property
    def real(self) -> bool:
        """True where chance hardly explains the difference."""
        return bool(self.p < LEVEL)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """What metrics say of methods.

    Attributes:
        values: (method, metric, sample) float64, NaN where undefined.
        methods: names; the last ones are controls. controls: which are.
        metrics: name, title, family and direction (higher is better) of every metric.
        samples: their names. explained: in words, what was explained of each.
        settings: of methods and metrics, as JSON values.
        notes: what was left out, and why.
    """

    values: Array
    methods: tuple[str, ...]
    controls: tuple[str, ...]
    metrics: tuple[str, ...]
    titles: tuple[str, ...]
    families: tuple[str, ...]
    higher: tuple[bool, ...]
    samples: tuple[str, ...]
    explained: tuple[str, ...]
    settings: dict[str, Any]
    notes: tuple[str, ...]
    seed: int = 0

    @classmethod
    def of(
        cls,
        entries: Sequence[Entry],
        metrics: Sequence[Metric],
        samples: tuple[str, ...],
        explained: tuple[str, ...],
        notes: tuple[str, ...],
        seed: int,
    ) -> Evaluation:
        """Return the result of measured entries."""
        pairs = len(entries) * (len(entries) - 1) // 2
        if pairs and pairs * least_p(len(samples)) >= LEVEL:
            few = (
                f"{len(samples)} samples: too few to tell a difference between {len(entries)} maps "
                "from chance"
            )
            notes = (*notes, few)
        settings = {
            "methods": {e.name: e.method.to_json() for e in entries if e.method is not None},
            "metrics": {metric.name: repr(metric) for metric in metrics},
        }
        return cls(
            values=np.stack([entry.values for entry in entries]),
            methods=tuple(entry.name for entry in entries),
            controls=tuple(entry.name for entry in entries if entry.method is None),
            metrics=tuple(metric.name for metric in metrics),
            titles=tuple(metric.title for metric in metrics),
            families=tuple(str(metric.family) for metric in metrics),
            higher=tuple(metric.higher for metric in metrics),
            samples=samples,
            explained=explained,
            settings=settings,
            notes=notes,
            seed=seed,
        )

    def __repr__(self) -> str:
        own = [name for name in self.methods if name not in self.controls]
        return (
            f"<Evaluation of {', '.join(own)} by {', '.join(self.metrics)}: "
            f"{len(self.samples)} samples>"
        )

    def __str__(self) -> str:
        """Return the table of means with their 95 % intervals, and the notes."""
        cells = [["method", "metric", "mean", "95 % interval", ""]]
        for method, metric, mean, low, high, _, verdict in self.rows():
            better = "↑" if self.higher[self.metrics.index(metric)] else "↓"
            cells.append(
                [method, f"{metric} {better}", f"{mean:.3g}", f"{low:.3g} … {high:.3g}", verdict]
            )
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
        return "\n".join([repr(self), *lines, *(f"note: {note}" for note in self.notes)])

    def of_method(self, method: str, metric: str) -> Array:
        """Return values (sample,) of a method by a metric; raise `BadInput` for unknown ones."""
        for name, known in ((method, self.methods), (metric, self.metrics)):
            if name not in known:
                raise BadInput(f"'{name}' was not measured{choices(name, known)}")
        return self.values[self.methods.index(method), self.metrics.index(metric)]

    def mean(self, method: str, metric: str) -> Mean:
        """Return the mean over samples with its 95 % interval."""
        return mean_of(self.of_method(method, metric), seed=self.seed)

    def compare(self, metric: str) -> tuple[Comparison, ...]:
        """Return every pair of methods and controls by a metric, the surest difference first."""
        found = self._compared(metric, tuple(itertools.combinations(self.methods, 2)))
        return tuple(sorted(found, key=lambda c: (np.isnan(c.p), c.p)))

    def beaten_by(self, method: str, metric: str) -> tuple[str, ...]:
        """Return the controls that a method is not really better than.

        p-values are adjusted for all pairs of a method and a control. Empty for metrics that
        controls win by being plain (robustness, complexity, …).
        """
        self.of_method(method, metric)
        if self.families[self.metrics.index(metric)] not in {str(f) for f in CONTESTED}:
            return ()
        own = [name for name in self.methods if name not in self.controls]
        pairs = tuple(itertools.product(own, self.controls))
        won = {c.worse for c in self._compared(metric, pairs) if c.better == method and c.real}
        return tuple(name for name in self.controls if name not in won)

    @functools.cached_property
    def _kept(self) -> dict[Any, tuple[Comparison, ...]]:
        return {}

    def _compared(self, metric: str, pairs: tuple[tuple[str, str], ...]) -> tuple[Comparison, ...]:
        """Return comparisons of pairs, their p-values adjusted for each other; made once."""
        key = (metric, pairs)
        if key not in self._kept:
            gaps = [
                difference_of(
                    self.of_method(one, metric), self.of_method(two, metric), seed=self.seed
                )
                for one, two in pairs
            ]
            higher = self.higher[self.metrics.index(metric)]
            found = []
            for (one, two), gap, p in zip(pairs, gaps, holm([g.p for g in gaps]), strict=True):
                swap = np.isfinite(gap.value) and (gap.value > 0) != higher
                better, worse = (two, one) if swap else (one, two)
                found.append(Comparison(metric, better, worse, gap, float(p)))
            self._kept[key] = tuple(found)
        return self._kept[key]

    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """Return (method, metric, mean, low, high, samples, better than controls) rows."""
        found = []
        for method in self.methods:
            for metric in self.metrics:
                mean = self.mean(method, metric)
                control = method in self.controls or not self.controls
                not_beaten = () if control else self.beaten_by(method, metric)
                verdict = "not better than " + ", ".join(not_beaten) if not_beaten else ""
                found.append((method, metric, mean.value, mean.low, mean.high, mean.count, verdict))
        return tuple(found)

    def plot(self) -> Any:
        """Return a matplotlib figure: means with intervals by metric, controls beside."""
        from kerascope.plot.evaluation import evaluation_figure

        means = [[self.mean(m, k) for m in self.methods] for k in self.metrics]
        values = np.array([[(m.value, m.low, m.high) for m in row] for row in means])
        marked = [
            [m not in self.controls and bool(self.controls and self.beaten_by(m, k))
             for m in self.methods]
            for k in self.metrics
        ]  # fmt: skip
        return evaluation_figure(
            values, self.methods, self.controls, self.titles, self.higher, marked,
            samples=len(self.samples),
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        header = {
            f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "values"
        }
        return write_tensors(path, "an evaluation", {"values": self.values}, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Evaluation:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "an evaluation")
        fields: dict[str, Any] = {name: as_tuples(value) for name, value in header.items()}
        return cls(values=arrays["values"], **fields)

    def _repr_html_(self) -> str:
        from kerascope.plot.attention import figure_html

        return figure_html(self.plot(), repr(self))
