"""Targets on class outputs: an index, a name, a rank, what is predicted, a contrast, an output."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget, choices
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target
from kerascope.tokens import spellings
from kerascope.types import Array, Tensor


def _static(default: Any = None) -> Any:
    """Return a field that words need but computation does not: not part of the compile key."""
    return dataclasses.field(default=default, metadata={"static": False})


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
    labels: tuple[str, ...] | None = _static()
    several: bool = _static(default=False)  # the model has several outputs: words name this one
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
            return (
                "the predicted class"
                if self.rank[row] == 1
                else f"the class of rank {self.rank[row]}"
            )
        index = int(self.index[row])
        return f"'{self.labels[index]}'" if self.labels is not None else f"class {index}"

    def words(self, row: int) -> str:
        """Say which score of which class this is."""
        where = f" of output '{self.output.name}'" if self.several else ""
        if self.output.number:
            return (
                f"output value{where}"
                if self.labels is None
                else f"value of {self.labels[-1]}{where}"
            )
        kind = (
            self.score if self.output.kind != "linear" or self.score == "probability" else "score"
        )
        place = "" if self.position is None else f" after token {int(self.position[row]) + 1}"
        return f"{kind} of {self.class_name(row)}{place}{where}"


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
    count = 2 if chosen.single and not chosen.number else chosen.classes
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
            f"{output.classes - 1} or labels"
        )
    spelled = [token for token in spellings(name) if names.count(token) == 1]
    if spec.at is not None and spelled:
        return names.index(spelled[0])
    what = "class" if spec.at is None else "token"
    raise BadTarget(f"{what} '{name}' not found{choices(name, filter(None, names))}")


@dataclasses.dataclass(frozen=True, eq=False)
class _Unresolved(Target):
    """A target that says nothing before it is resolved."""

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        raise BadTarget(f"{self!r} must be resolved against a model first")

    def words(self, row: int) -> str:
        """Say what was asked for."""
        return repr(self)


@dataclasses.dataclass(frozen=True, eq=False)
class Class(_Unresolved):
    """A class by index or name; a list gives one per sample. `output` names one of several."""

    class_: int | str | list[Any]
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the class and broadcast it."""
        chosen = spec.output(self.output)
        given = self.class_ if isinstance(self.class_, (list, np.ndarray)) else [self.class_]
        indices = [
            class_index(c, spec, chosen) if isinstance(c, str) else _integer(c) for c in given
        ]
        if len(indices) not in (1, samples):
            raise BadTarget(
                f"{len(indices)} classes for {samples} samples: a list holds one per sample"
            )
        index = indices[0] if len(indices) == 1 else indices
        return pick(spec, samples, output=self.output, index=index)


def _integer(value: Any) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise BadTarget(f"a class is an index or a name, not {value!r}")
    return int(value)


@dataclasses.dataclass(frozen=True, eq=False)
class Rank(_Unresolved):
    """The class of a rank in each sample's prediction; 1 is the predicted class."""

    rank: int = 1
    output: str | None = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check the rank."""
        if _integer(self.rank) < 1:
            raise BadTarget(f"rank {self.rank} is out of range: ranks start at 1")
        return pick(spec, samples, output=self.output, rank=self.rank)


@dataclasses.dataclass(frozen=True, eq=False)
class Top(_Unresolved):
    """The k classes that each sample's prediction puts first: k targets."""

    k: int = 5
    output: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Predicted(_Unresolved):
    """Every class that a multi-label output says: k targets, k being the most of any sample.

    An output of several sigmoids says all classes above `threshold`, by default ½; others say one,
    unless a threshold is given.
    """

    threshold: float | None = None
    output: str | None = None

    def settled(self, spec: Spec, samples: int) -> tuple[Rank | Top, str]:
        """Return the ranks it stands for, and a note where samples say different numbers of them.

        Raises `BadTarget` for a threshold outside 0 to 1 or an output without classes.
        """
        chosen = spec.output(self.output)
        if self.threshold is not None and not 0 <= self.threshold < 1:
            raise BadTarget(f"threshold={self.threshold} must be from 0 to below 1")
        several = len(chosen.shape) == 1 and not chosen.single
        if not several or (chosen.kind != "sigmoid" and self.threshold is None):
            return Rank(1, self.output), ""
        if spec.predict is None and self.threshold is None:
            return Rank(1, self.output), ""
        if spec.predict is None:
            raise BadTarget("which classes are predicted is known of inputs only: name the classes")
        least = 0.5 if self.threshold is None else self.threshold
        counts = (np.asarray(spec.predict()[chosen.name]) > least).sum(axis=1)
        most = max(1, int(counts.max()))
        fewer = int((counts < most).sum())
        note = (
            f"{fewer} of {samples} samples say fewer than {most} classes above {least:g}: their "
            "next ranks are shown, with what they score"
        )
        return Top(most, self.output), note if fewer else ""


@dataclasses.dataclass(frozen=True, eq=False)
class Contrast(_Unresolved):
    """Why a rather than b: the score of `a` minus the score of `b`, each any target."""

    a: Any
    b: Any

    def __str__(self) -> str:
        return f"{self.a} vs {self.b}"

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Resolve both sides."""
        from kerascope.targets.parse import one_target

        return Difference(one_target(self.a, spec, samples), one_target(self.b, spec, samples))


@dataclasses.dataclass(frozen=True, eq=False)
class Difference(Target):
    """A resolved contrast."""

    a: Target
    b: Target

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        return self.a(outputs) - self.b(outputs)

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Pin both sides."""
        return dataclasses.replace(self, a=self.a.pin(scores), b=self.b.pin(scores))

    def sites(self) -> tuple[Any, ...]:
        """Return the sites of both sides."""
        return self.a.sites() + self.b.sites()

    @property
    def reads_inputs(self) -> bool:  # type: ignore[override]
        """Whether either side does."""
        return self.a.reads_inputs or self.b.reads_inputs

    def words(self, row: int) -> str:
        """Say both sides."""
        return f"{self.a.words(row)} minus {self.b.words(row)}"


@dataclasses.dataclass(frozen=True, eq=False)
class Output(_Unresolved):
    """A target on a named output of a model with several: `Output("kind", 1)`."""

    name: str
    target: Any = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Resolve the inner target against this output alone."""
        from kerascope.targets.parse import one_target

        alone = dataclasses.replace(spec, outputs={self.name: spec.output(self.name)})
        return _named(one_target(self.target, alone, samples))


def _named(target: Target) -> Target:
    """Return the target with words that name its output."""
    if isinstance(target, Pick):
        return dataclasses.replace(target, several=True)
    if isinstance(target, Difference):
        return dataclasses.replace(target, a=_named(target.a), b=_named(target.b))
    return target
