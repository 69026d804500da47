"""The result of an explanation: numbers with everything needed to read them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.columns import Column, column_values, columns_of, place_names
from kerascope.errors import BadFile, BadInput, KerascopeError
from kerascope.files import write_whole
from kerascope.labels import Labels
from kerascope.method import AttributionMethod
from kerascope.packed import SCHEMA, pack, unpack
from kerascope.provenance import Provenance
from kerascope.timeline import Timeline
from kerascope.tokens import Tokens
from kerascope.verdict import Grade, Graded

if TYPE_CHECKING:
    from kerascope.types import Array, Tree

_FRAME = ("sample", "target", "channel")
_NO_DIFFERENCE = 1e-6  # of scores, below which a share of it says nothing
INPUTS = "shapley of inputs"  # the extra (sample, [target,] input) behind `input_values`
REDUCTIONS = ("sum", "max_abs", "sum_abs", "mean")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Attribution:
    """A map for every sample (and target), with the words and numbers that belong to it.

    Attributes:
        values: signed float32 at the method's native resolution; mirrors the inputs: an array for
            one input, a dict by name for several.
        axes: names of the axes of `values`, e.g. ("sample", "y", "x"); "target" follows "sample"
            when several targets were asked for. A dict by name for several inputs.
        inputs: what the model was given.
        input_axes: names of the axes of `inputs`, by input name.
        scores: (sample,) or (sample, target): the score that was explained.
        explained: in words, what each score is: "logit of 'tabby' (12.3)". A tuple per sample;
            with several targets a tuple of tuples.
        predictions: the model's outputs, as it gives them (probabilities stay probabilities).
        gap: score difference minus the sum of the values, where the method claims completeness.
        grade: how far the explanation can be trusted, where that was asked for: a `Grade` for every
            sample; with several targets, a tuple of them.
        extras: further arrays of the method, first axis "sample".
        display: the pictures to draw on, uint8 RGB, in their own size.
        names: a name for every sample.
        features: what the positions of an input are called, by input name: the `Column`s of a
            table, for text the `Tokens` of every sample, for series the `Timeline` of every sample.
    """

    values: Tree
    axes: tuple[str, ...] | dict[str, tuple[str, ...]]
    inputs: Tree
    input_axes: dict[str, tuple[str, ...]]
    scores: Array
    explained: tuple[Any, ...]
    predictions: Tree
    method: AttributionMethod
    target: str
    layer: str | dict[str, str] | None
    gap: Array | None
    notes: tuple[str, ...]
    provenance: Provenance
    grade: list[Graded] | None = None
    extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    labels: Labels | None = None
    display: tuple[Array, ...] | None = None
    names: tuple[str, ...] = ()
    features: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        first = self.explained[0] if self.explained else ""
        words = first if isinstance(first, str) else ", ".join(first)
        where = f" at {self.layer}" if self.layer else ""
        return f"<Attribution {self.method.name}{where}: {len(self)} × {words}>"

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs that have a map."""
        return (
            tuple(self.values)
            if isinstance(self.values, Mapping)
            else (next(iter(self.input_axes)),)
        )

    def _of(self, tree: Any, name: str) -> Any:
        return tree[name] if isinstance(tree, Mapping) else tree

    def heatmap(self, reduce: str | None = None) -> Tree:
        """Return signed maps at input resolution: (sample, [target,] *spatial) float32.

        reduce: how channels become one value, "sum", "max_abs", "sum_abs" or "mean"; by default as
            in the method's paper. Inputs without channels are returned as they are.

        Several inputs give a dict by name.
        """
        reduce = reduce or self.method.reduce
        if reduce not in REDUCTIONS:
            raise BadInput(f"reduce='{reduce}' is not one of {', '.join(REDUCTIONS)}")
        maps = {name: self._heatmap(name, reduce) for name in self.input_names}
        return maps if isinstance(self.values, Mapping) else next(iter(maps.values()))

    def _heatmap(self, name: str, reduce: str) -> Array:
        values, axes = self._of(self.values, name), self._of(self.axes, name)
        shape = self._of(self.inputs, name).shape
        return heatmap_of(self.method, values, axes, self.input_axes[name], shape, reduce)

    def maps(self) -> dict[str, Array]:
        """Return what `heatmap` does, by input name also for one input."""
        found = self.heatmap()
        return dict(found) if isinstance(found, Mapping) else {self.input_names[0]: found}

    def feature_names(self, name: str, sample: int) -> tuple[str, ...] | None:
        """Return what the positions of an input are called in a sample; None where unknown."""
        known = self.features.get(name)
        if not known or isinstance(known[0], Timeline):
            return None
        return known[sample].tokens if isinstance(known[0], Tokens) else place_names(known)

    @property
    def shares(self) -> dict[str, Array]:
        """How much of all evidence lies in each input, by name: (sample, [target]) from 0 to 1.

        The sum of the sizes of an input's values, over that of all inputs; NaN where all are zero.
        Of methods that explain each input at a layer of its own, sizes are in no common unit.
        """
        lead = self.scores.ndim
        sums = {
            name: np.abs(np.asarray(self._of(self.values, name), np.float64))
            .reshape(*self.scores.shape, -1)
            .sum(axis=lead)
            for name in self.input_names
        }
        whole = np.sum(list(sums.values()), axis=0)
        safe = np.where(whole > 0, whole, np.nan)
        return {name: (own / safe).astype(np.float32) for name, own in sums.items()}

    @property
    def input_values(self) -> dict[str, Array] | None:
        """The Shapley value of each input as a player, by name: (sample, [target]), in the score.

        They sum to the score minus the baseline's. None where `shares=True` was not asked for.
        """
        held = self.extras.get(INPUTS)
        if held is None:
            return None
        return {name: held[..., i] for i, name in enumerate(self.input_names)}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a table; none where the inputs are no table."""
        return columns_of(self)

    def by_column(self) -> Array:
        """Return the values of a table's columns: (sample, [target,] column) float32."""
        return column_values(self)

    def tokens(self, sample: int, name: str | None = None) -> Tokens | None:
        """Return the text of a sample as the model read it; None where the input is no text."""
        known = self.features.get(name or self.input_names[0])
        return known[sample] if known and isinstance(known[0], Tokens) else None

    def timeline(self, sample: int, name: str | None = None) -> Timeline:
        """Return what is known of a series: names of its channels and times, what came after."""
        known = self.features.get(name or self.input_names[0])
        return known[sample] if known and isinstance(known[0], Timeline) else Timeline()

    @property
    def relative_gap(self) -> Array | None:
        """The size of `gap` as a share of the score difference that the values should sum to.

        (sample,) or (sample, target); NaN where that difference is zero. None without a gap.
        """
        if self.gap is None:
            return None
        gap = np.asarray(self.gap, np.float64)
        sums = [
            np.asarray(self._of(self.values, name), np.float64).reshape(*gap.shape, -1).sum(axis=-1)
            for name in self.input_names
        ]
        difference = gap + np.sum(sums, axis=0)
        still = np.abs(difference) < _NO_DIFFERENCE
        return np.where(still, np.nan, np.abs(gap) / np.where(still, 1, np.abs(difference)))

    def grades(self, sample: int) -> tuple[Grade, ...]:
        """Return the grades of a sample, one per target; none where it was not graded."""
        found = () if self.grade is None else self.grade[sample]
        return found if isinstance(found, tuple) else (found,)

    def __getitem__(self, index: int | slice) -> Attribution:
        """Return the result of some samples; raise `IndexError` for one that is not there."""
        if not isinstance(index, slice) and not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} is out of range; there are {len(self)}")
        rows = range(len(self))
        return self.take(rows[index] if isinstance(index, slice) else [rows[index]])

    def take(self, rows: Sequence[int]) -> Attribution:
        """Return the result of these samples, in this order."""
        some = list(rows)
        cut = lambda tree: (  # noqa: E731
            {k: v[some] for k, v in tree.items()} if isinstance(tree, Mapping) else tree[some]
        )
        pick = lambda items: tuple(items[i] for i in some)  # noqa: E731
        made = self.provenance
        return dataclasses.replace(
            self,
            values=cut(self.values),
            inputs=cut(self.inputs),
            scores=self.scores[some],
            explained=pick(self.explained),
            predictions=cut(self.predictions),
            gap=None if self.gap is None else self.gap[some],
            grade=None if self.grade is None else [self.grade[i] for i in some],
            extras=cut(self.extras),
            display=None if self.display is None else pick(self.display),
            names=pick(self.names) if self.names else (),
            features={
                name: pick(of) if isinstance(of[0], (Tokens, Timeline)) else of
                for name, of in self.features.items()
            },
            provenance=dataclasses.replace(made, rows=pick(made.rows) if made.rows else ()),
        )

    def single_map(self) -> Array:
        """Return `heatmap` of a result of one input and one target; else raise `BadInput`."""
        maps = self.heatmap()
        if isinstance(maps, Mapping):
            raise BadInput(f"the explanation is of {len(maps)} inputs; one is needed")
        if any(not isinstance(words, str) for words in self.explained):
            raise BadInput("the explanation is of several targets; one is needed")
        return maps

    def plot(self, **options: Any) -> Any:
        """Return a matplotlib figure: picture, map, colour bar with words; see `plot.figure`.

        Of a table, see `plot.tables.table_figure`: a waterfall of one row, a beeswarm of many.
        """
        if {column.input for column in self.columns} >= set(self.input_names):
            from kerascope.plot import table_figure

            return table_figure(self, **options)
        from kerascope.plot import figure

        return figure(self, **options)

    def _repr_html_(self) -> str:
        from kerascope.plot import notebook_html

        return notebook_html(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header, whole or not at all.

        Raises `BadFile` when the place cannot be written.
        """
        from safetensors.numpy import save

        tensors, header = pack(self)
        return write_whole(path, save(tensors, metadata={"kerascope": json.dumps(header)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attribution:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(os.fspath(path), framework="numpy") as file:
                header = json.loads((file.metadata() or {}).get("kerascope", "null"))
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, json.JSONDecodeError) as error:
            raise BadFile(f"cannot read '{Path(path).name}' as a result: {error}") from error
        if not isinstance(header, dict) or header.get("schema") != SCHEMA:
            raise BadFile(f"'{Path(path).name}' is not a result of Kerascope (schema {SCHEMA})")
        try:
            return unpack(cls, tensors, header)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, KerascopeError):
                raise
            raise BadFile(
                f"'{Path(path).name}' is damaged: what it says of its result does not fit together "
                f"({type(error).__name__}: {str(error)[:160]})"
            ) from error


def heatmap_of(
    method: AttributionMethod, values: Array, axes: tuple[str, ...], known: tuple[str, ...],
    shape: tuple[int, ...], reduce: str,
) -> Array:  # fmt: skip
    """Return one input's map at its size; `known` names the axes of the input, of `shape`."""
    if "channel" in axes:
        axis = axes.index("channel")
        values = _reduce(values, axis, reduce)
        axes = tuple(a for a in axes if a != "channel")
    spatial = tuple(a for a in axes if a not in _FRAME)
    if not all(a in known for a in spatial):
        return values
    return method.project(values, axes, tuple(shape[known.index(a)] for a in spatial))


def _reduce(values: Array, axis: int, reduce: str) -> Array:
    if reduce == "max_abs":
        return np.abs(values).max(axis=axis)
    if reduce == "sum_abs":
        return np.abs(values).sum(axis=axis)
    return values.mean(axis=axis) if reduce == "mean" else values.sum(axis=axis)
