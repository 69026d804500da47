"""A resolved class of an output, and how it is found by index, name or rank."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget, choices
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target, static
from kerascope.tokens import spellings
from kerascope.types import Array, Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Pick(Target):
    """One class per sample, resolved: by index, or by rank where `rank` > 0.

    On outputs with positions (sample, …, class) the score is the mean over positions, or that at
    one `position` of each sample. On a single unit, index 1 is the unit and index 0 its other side.
    """

    output: OutputSpec
    score: str
    index: Array  # (sample,) int32
    rank: Array  # (sample,) int32, 0: use `index`
    ranked: bool
    labels: tuple[str, ...] | None = static()
    several: bool = static(default=False)  # the model has several outputs: words name this one
    position: Array | None = None  # (sample,) int32, on outputs (sample, position, class)

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.scores[self.output.name]
        if self.output.single:
            return self._one_unit(ops.reshape(values, (-1,)))
        values = _over_positions(values) if self.position is None else self._there(values)
        index = self.index
        if self.ranked:
            order = ops.argsort(-ops.stop_gradient(values), axis=-1)
            place = ops.maximum(self.rank, 1) - 1
            by_rank = ops.take_along_axis(order, ops.expand_dims(place, 1), axis=1)[:, 0]
            index = ops.where(self.rank > 0, ops.cast(by_rank, "int32"), index)
        return ops.take_along_axis(values, ops.expand_dims(ops.cast(index, "int32"), 1), axis=1)[
            :, 0
        ]

    def _there(self, values: Tensor) -> Tensor:
        """Return (sample, class): the values at the position of each sample."""
        from keras import ops

        place = ops.reshape(ops.cast(self.position, "int32"), (-1, 1, 1))
        return ops.take_along_axis(values, place, axis=1)[:, 0]

    def _one_unit(self, values: Tensor) -> Tensor:
        from keras import ops

        if self.output.number:
            return values
        middle = 0.5 if self.score == "probability" else 0.0
        said = ops.cast(ops.stop_gradient(values) > middle, "int32")
        by_rank = ops.where(self.rank == 1, said, 1 - said)
        index = ops.where(self.rank > 0, by_rank, self.index)
        return middle + (values - middle) * ops.cast(2 * index - 1, values.dtype)

    def pin(self, scores: Mapping[str, Array]) -> Pick:
        """Replace ranks by the indices they have in `scores`."""
        if not self.ranked:
            return self
        values = np.asarray(scores[self.output.name], np.float32)
        if self.output.single:
            middle = 0.5 if self.score == "probability" else 0.0
            said = (values.reshape(-1) > middle).astype(np.int32)
            said = np.ones_like(said) if self.output.number else said
            index = np.where(self.rank == 1, said, 1 - said)
        else:
            flat = values.reshape(len(values), -1, values.shape[-1])
            here = self.position
            flat = flat.mean(axis=1) if here is None else flat[np.arange(len(flat)), here]
            order = np.argsort(-flat, axis=1, kind="stable")
            index = order[np.arange(len(order)), np.maximum(self.rank, 1) - 1]
        index = np.where(self.rank > 0, index, self.index).astype(np.int32)
        return dataclasses.replace(self, index=index, rank=np.zeros_like(self.rank), ranked=False)

    def class_name(self, row: int) -> str:
        """Return the class of one sample in words."""
        if self.ranked and self.rank[row] > 0:
            if self.output.numbers:
                return "the largest" if self.rank[row] == 1 else f"rank {self.rank[row]}"
            return (
                "the predicted class"
                if self.rank[row] == 1
                else f"the class of rank {self.rank[row]}"
            )
        index = int(self.index[row])
        if self.labels is not None:
            return f"'{self.labels[index]}'"
        return f"output {index}" if self.output.numbers else f"class {index}"

    def words(self, row: int) -> str:
        """Say which score of which class this is."""
        where = f" of output '{self.output.name}'" if self.several else ""
        if self.output.number:
            return (
                f"output value{where}"
                if self.labels is None
                else f"value of {self.labels[-1]}{where}"
            )
        raw = self.output.kind == "linear" and self.score != "probability"
        kind = ("value" if self.output.numbers else "score") if raw else self.score
        place, mean = "", ""
        if self.position is not None:
            place = f" after token {int(self.position[row]) + 1}"
        elif not self.output.single and (positions := int(np.prod(self.output.shape[:-1]))) > 1:
            place, mean = f" over {positions} positions", "mean "
        return f"{mean}{kind} of {self.class_name(row)}{place}{where}"


def _over_positions(values: Tensor) -> Tensor:
    """Return (sample, class): the mean over every position between."""
    from keras import ops

    rank = len(values.shape)
    return ops.mean(values, axis=tuple(range(1, rank - 1))) if rank > 2 else values


def pick(
    spec: Spec,
    samples: int,
    *,
    output: str | None,
    index: Any = 0,
    rank: Any = 0,
    position: Array | None = None,
) -> Pick:
    """Return a resolved `Pick`; `index` and `rank` are numbers or one per sample."""
    chosen = spec.output(output)
    if spec.score == "probability" and chosen.kind == "linear":
        raise BadTarget(
            f"score='probability' needs a softmax or sigmoid; output '{chosen.name}' ends in raw "
            "values, use score='logit'"
        )
    indices = np.broadcast_to(np.asarray(index, np.int32), (samples,)).copy()
    ranks = np.broadcast_to(np.asarray(rank, np.int32), (samples,)).copy()
    count = class_count(chosen)
    _check_range(indices[ranks == 0], count, chosen)
    if (ranks > count).any() or (ranks < 0).any():
        raise BadTarget(
            f"rank {ranks[(ranks > count) | (ranks < 0)][0]} is out of range: output "
            f"'{chosen.name}' has {count} classes, ranks 1 to {count}"
        )
    return Pick(
        output=chosen,
        score=spec.score,
        index=indices,
        rank=ranks,
        ranked=bool((ranks > 0).any()),
        labels=spec.names(chosen),
        several=len(spec.outputs) > 1,
        position=spec.at if position is None and len(chosen.shape) == 2 else position,
    )


def class_count(output: OutputSpec) -> int:
    """Return how many indices an output has: a sigmoid unit has two sides, a number itself."""
    return 2 if output.single and not output.number else output.classes


def _check_range(indices: Array, count: int, output: OutputSpec) -> None:
    """Raise unless every index exists. JAX would clamp a wrong index without a word."""
    bad = indices[(indices < 0) | (indices >= count)]
    if bad.size:
        raise BadTarget(
            f"class {int(bad[0])} is out of range: output '{output.name}' has {count} classes, 0 "
            f"to {count - 1}"
            if count > 1
            else f"class {int(bad[0])} is out of range: output '{output.name}' is a single "
            "value, its only index is 0"
        )


def class_index(name: str, spec: Spec, output: OutputSpec) -> int:
    """Return the index of a class by its name; digits are an index.

    Raises `BadTarget` with near names.
    """
    names = spec.names(output)
    if names is not None and names.count(name) == 1:
        return names.index(name)
    if names is not None:
        plain = [n.lower().replace("_", " ") for n in names]
        wanted = name.strip().lower().replace("_", " ")
        if plain.count(wanted) > 1:
            twins = [str(i) for i, n in enumerate(plain) if n == wanted]
            raise BadTarget(
                f"class name '{name}' stands for several classes: give one of {', '.join(twins)}"
            )
        if wanted in plain:
            return plain.index(wanted)
    if re.fullmatch(r"-?\d+", name.strip()):
        return int(name)
    if names is None:
        raise BadTarget(
            f"class '{name}' not found: the model's class names are not known, give an index 0 to "
            f"{class_count(output) - 1} or labels"
        )
    spelled = [token for token in spellings(name) if names.count(token) == 1]
    if spec.at is not None and spelled:
        return names.index(spelled[0])
    what = "class" if spec.at is None else "token"
    raise BadTarget(f"{what} '{name}' not found{choices(name, filter(None, names))}")


def integer(value: Any) -> int:
    """Return an index; raise `BadTarget` for anything else."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise BadTarget(f"a class is an index or a name, not {value!r}")
    return int(value)
