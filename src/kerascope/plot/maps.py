"""Take a result apart into single maps that are ready to draw: finite, named, with a meaning."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import BadInput
from kerascope.resize import linear

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

CLIP = 99.5
FRAME = ("sample", "target", "channel")
_SERIES_AXES = ("time", "step", "t")


class Kind(enum.StrEnum):
    """How a map is drawn."""

    PICTURE = "picture"
    VOLUME = "volume"
    VIDEO = "video"
    SERIES = "series"
    TOKENS = "tokens"
    TABLE = "table"  # named columns, of one input or several
    VECTOR = "vector"


class Meaning(enum.StrEnum):
    """What the numbers of a map say; decides colours and words."""

    SIGNED = "signed"  # below zero speaks against the target, above zero for it
    POSITIVE = "positive"  # evidence for the target only: the method cuts off the rest
    MAGNITUDE = "magnitude"  # strength without a direction


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Map:
    """One map of one sample, target and input.

    values: (*spatial) float32 at input resolution, finite; `broken` counts the values that were not
        and are zero now.
    """

    sample: int
    target: int
    input: str
    values: Array
    kind: Kind
    meaning: Meaning
    explained: str
    broken: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see: all values are zero."""
        return not self.values.any()


def maps_of(
    result: Attribution, *, samples: Iterable[int] | None = None, reduce: str | None = None
) -> list[Map]:
    """Return the maps of `result`, sample by sample, then input by input, then target by target.

    The columns of a table are one map, whatever inputs they go to; see `table_name`.

    samples: indices of the samples to take, in that order; by default all.
    reduce: see `Attribution.heatmap`.
    Raises `BadInput` for a sample that is not there and for maps of more than three dimensions.
    """
    chosen = pick(result, samples)
    tree = result.heatmap(reduce)
    trees = dict(tree) if isinstance(tree, Mapping) else {result.input_names[0]: tree}
    if result.columns:
        first = min(list(trees).index(column.input) for column in result.columns)
        kept = [(n, t) for n, t in trees.items() if n not in {c.input for c in result.columns}]
        trees = dict([*kept[:first], (table_name(result), result.by_column()), *kept[first:]])
    return [
        _map(result, values, sample=sample, target=target, name=name, reduce=reduce)
        for sample in chosen
        for name, all_values in trees.items()
        for target, values in enumerate(_by_target(result, name, all_values)[sample])
    ]


def pick(result: Attribution, samples: Iterable[int] | None) -> list[int]:
    """Return valid sample indices; raise `BadInput` for one that is not there."""
    count = len(result)
    if samples is None:
        return list(range(count))
    chosen = [int(index) for index in samples]
    for index in chosen:
        if not 0 <= index < count:
            raise BadInput(f"sample {index} is not there; the result has samples 0 … {count - 1}")
    return chosen


def axes_of(result: Attribution, name: str) -> tuple[str, ...]:
    """Return the names of the axes of the values that belong to input `name`."""
    return result.axes[name] if isinstance(result.axes, dict) else result.axes


def words_of(result: Attribution, sample: int, target: int) -> str:
    """Return what the score of one sample and target is, in words."""
    words = result.explained[sample]
    return words if isinstance(words, str) else str(words[target])


def target_count(result: Attribution) -> int:
    """Return the number of targets per sample."""
    return result.scores.shape[1] if result.scores.ndim > 1 else 1


def table_name(result: Attribution) -> str:
    """Return what the map of a table's columns is called: as their input, "columns" of several.

    "" where there is no table.
    """
    names = list(dict.fromkeys(column.input for column in result.columns))
    return names[0] if len(names) == 1 else "columns" if names else ""


def _by_target(result: Attribution, name: str, values: Array) -> Array:
    several = result.scores.ndim > 1 if result.columns else "target" in axes_of(result, name)
    return values if several else values[:, None]


def _map(
    result: Attribution, values: Array, *, sample: int, target: int, name: str, reduce: str | None
) -> Map:
    values = np.asarray(values, np.float32)
    finite = np.isfinite(values)
    values = np.where(finite, values, np.float32(0))
    return Map(
        sample=sample,
        target=target,
        input=name,
        values=values if values.ndim else values[None],
        kind=Kind.TABLE if name == table_name(result) else _kind(result, name, values.ndim),
        meaning=_meaning(result, name, reduce, values),
        explained=words_of(result, sample, target),
        broken=int(finite.size - finite.sum()),
    )


def _kind(result: Attribution, name: str, ndim: int) -> Kind:
    if ndim > 3:
        raise BadInput(
            f"maps of input '{name}' have {ndim} dimensions; at most 3 can be drawn: take slices"
        )
    if ndim >= 2:
        deep = Kind.VIDEO if "time" in result.input_axes[name] else Kind.VOLUME
        return Kind.PICTURE if ndim == 2 else deep
    spatial = [axis for axis in axes_of(result, name) if axis not in FRAME]
    known = result.input_axes[name]
    integers = np.asarray(input_of(result, name)).dtype.kind in "iu"
    if "token" in spatial or (integers and len(known) == 2):
        return Kind.TOKENS
    if "channel" in known or any(axis in _SERIES_AXES for axis in spatial):
        return Kind.SERIES
    return Kind.VECTOR


def through_time(result: Attribution, item: Map) -> bool:
    """Tell whether a map is drawn like a picture whose rows are steps of time: (time, x)."""
    if item.kind is not Kind.PICTURE:
        return False
    return [axis for axis in result.input_axes[item.input] if axis not in FRAME] == ["time", "x"]


def _meaning(result: Attribution, name: str, reduce: str | None, values: Array) -> Meaning:
    method = result.method
    absolute = (reduce or method.reduce) in ("max_abs", "sum_abs") and (
        name != table_name(result) and "channel" in axes_of(result, name)
    )
    if values.size and values.min() < 0:  # whatever was declared: never hide evidence against
        return Meaning.SIGNED
    if getattr(method, "relu", False):
        return Meaning.POSITIVE
    return Meaning.MAGNITUDE if absolute or not method.signed else Meaning.SIGNED


def input_of(result: Attribution, name: str) -> Array:
    """Return the model's input `name`, all samples."""
    return result.inputs[name] if isinstance(result.inputs, Mapping) else result.inputs


def inputs_of(result: Attribution) -> dict[str, Array]:
    """Return a result's inputs by name."""
    if isinstance(result.inputs, Mapping):
        return dict(result.inputs)
    return {next(iter(result.input_axes)): np.asarray(result.inputs)}


def cells_of(result: Attribution, sample: int) -> list[str]:
    """Return what the columns of a table hold in a sample, in words, with a real minus sign."""
    x = {name: array[sample : sample + 1] for name, array in inputs_of(result).items()}
    held = [column.words(column.read(x)[0]) for column in result.columns]
    return [words.replace("-", "−", 1) if words[1:2].isdigit() else words for words in held]


def limit_of(maps: Sequence[Map], *, clip: float = CLIP) -> float:
    """Return the size of a value that gets the full colour: a percentile of sizes; 1 if all are 0.

    clip: percentile in (0, 100]; what lies beyond is drawn in the full colour too.
    """
    if not 0 < clip <= 100:
        raise BadInput(f"clip={clip} must be above 0 and at most 100")
    if not maps:
        return 1.0
    sizes = np.concatenate([np.abs(m.values).ravel() for m in maps])
    # A sparse map has its percentile at zero: then the largest value sets the scale.
    return float(np.percentile(sizes, clip)) or float(sizes.max()) or 1.0


def as_drawn(result: Attribution, item: Map) -> Map:
    """Return a map as it is drawn: of a series (channel, time), where each channel has values."""
    if item.kind is not Kind.SERIES:
        return item
    axes, tree = axes_of(result, item.input), result.values
    values = np.asarray(tree[item.input] if isinstance(tree, Mapping) else tree)[item.sample]
    if "target" in axes:
        values = values[item.target]
    own: Array
    if axes[-2:] == ("channel", "time"):
        own = values
    elif axes[-2:] == ("time", "channel"):
        own = values.T
    else:
        return dataclasses.replace(item, values=item.values[None])
    own = np.nan_to_num(own, nan=0, posinf=0, neginf=0).astype(np.float32)
    if own.shape[1] != len(item.values):
        own = linear(own, (len(item.values),))
    sizes = item.meaning is Meaning.MAGNITUDE
    meaning = Meaning.SIGNED if not sizes and (own < 0).any() else item.meaning
    return dataclasses.replace(item, values=np.abs(own) if sizes else own, meaning=meaning)


def word_values(result: Attribution, item: Map) -> Array:
    """Return the values of a text's words, the sums over their tokens; of anything else, as is."""
    tokens = result.tokens(item.sample, item.input)
    return item.values if tokens is None or item.values.ndim != 1 else tokens.per_word(item.values)


def beside_words(result: Attribution, item: Map) -> float:
    """Return the share of all that lies on special tokens of a text, which no word shows."""
    tokens = result.tokens(item.sample, item.input)
    total = float(np.abs(item.values).sum())
    if tokens is None or item.values.ndim != 1 or not total:
        return 0.0
    return float(np.abs(item.values[np.array(tokens.words) < 0]).sum()) / total


def portion(result: Attribution, item: Map) -> float | None:
    """Return the share of all evidence that lies in a map's input; None of one input alone."""
    return _of_input(result, item, result.shares)


def worth(result: Attribution, item: Map) -> float | None:
    """Return the Shapley value of a map's whole input; None where it was not asked for."""
    values = result.input_values
    return None if values is None else _of_input(result, item, values)


def _of_input(result: Attribution, item: Map, held: Mapping[str, Array]) -> float | None:
    """Return what is held of the inputs that a map shows; None where it shows all of them."""
    names = {item.input}
    if item.input not in result.input_names:  # the columns of a table, each an input
        names = {column.input for column in result.columns}
    if names >= set(result.input_names):
        return None
    total = sum(float(np.reshape(held[n][item.sample], -1)[item.target]) for n in names)
    return total if np.isfinite(total) else None
