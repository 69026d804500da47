"""The result of linear probes: scores by layer beside what means nothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.provenance import Provenance

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.types import Array

_ARRAYS = ("values", "intervals", "control", "predictions", "labels")
_PLAIN = ("layers", "baseline", "classes", "features", "notes")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Probes:
    """How well linear probes tell labels, layer by layer.

    Attributes:
        layers: names, in the order asked for.
        values: (layer,) cross-validated accuracy, or R² for numbers.
        intervals: (layer, 2) their 95 % intervals over examples.
        control: (layer, shuffle) the same for shuffled labels.
        baseline: accuracy of the largest class alone; R² 0.
        predictions: (layer, example) by probes that have not seen the example; as `labels`.
        labels: (example,) places in `classes`, or numbers. classes: names; None for numbers.
        features: of every layer.
        notes: what you should know before you rely on the numbers.
    """

    layers: tuple[str, ...]
    values: Array
    intervals: Array
    control: Array
    baseline: float
    predictions: Array
    labels: Array
    classes: tuple[str, ...] | None
    features: tuple[int, ...]
    notes: tuple[str, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        best = int(self.values.argmax())
        return (
            f"<Probes of {len(self)} layers: best {self.measure} {self.values[best]:.3g} at "
            f"{self.layers[best]}>"
        )

    @property
    def measure(self) -> str:
        """What the values are: "accuracy" or "R²"."""
        return "R²" if self.classes is None else "accuracy"

    @property
    def selectivity(self) -> Array:
        """(layer,) values minus the mean over the control tasks."""
        return self.values - self.control.mean(axis=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """Headings of `table`."""
        return ("layer", "features", self.measure, "low", "high", "control", "selectivity")

    def table(self) -> tuple[tuple[Any, ...], ...]:
        """Return a row per layer; `columns` says what is in it."""
        rows = zip(
            self.values, *self.intervals.T, self.control.mean(axis=1), self.selectivity, strict=True
        )
        return tuple(
            (layer, count, *(round(float(value), 4) for value in row))
            for layer, count, row in zip(self.layers, self.features, rows, strict=True)
        )

    @property
    def words(self) -> str:
        """Say in one line what was probed."""
        kinds = "numbers" if self.classes is None else f"{len(self.classes)} classes"
        return f"{self.provenance.model}: linear probes of {kinds}, {len(self.labels)} examples"

    def plot(self) -> Any:
        """Return a matplotlib figure: the measure by depth, control tasks and baseline."""
        from kerascope.plot.concepts import probe_figure

        return probe_figure(
            self.values, self.intervals, self.control, self.baseline, layers=self.layers,
            measure=self.measure, words=self.words,
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        header = {name: getattr(self, name) for name in _PLAIN}
        header["provenance"] = dataclasses.asdict(self.provenance)
        return write_tensors(path, "probes", {n: getattr(self, n) for n in _ARRAYS}, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Probes:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "probes")
        made = Provenance(**header.pop("provenance"))
        plain: dict[str, Any] = {name: as_tuples(value) for name, value in header.items()}
        parts: dict[str, Any] = {**arrays, **plain}
        return cls(**parts, provenance=made)

    def _repr_html_(self) -> str:
        from kerascope.plot.attention import figure_html

        said = "; ".join(f"{row[0]}: {row[2]}" for row in self.table())
        return figure_html(self.plot(), f"{self.words}, {self.measure} by layer: {said}")
