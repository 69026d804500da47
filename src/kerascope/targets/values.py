"""Targets that are values: a unit of a regression, its change, the expected rank."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope.errors import BadTarget, choices
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target, static
from kerascope.targets.pick import integer
from kerascope.types import Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Regression(Target):
    """A value of a regression output, as the model gives it.

    index: which of the values of one sample, in row-major order, or its name. direction: −1 asks
    what makes the value lower. reference: a number, or one per sample, that the value is counted
    from: the score is the change against it. output: by default the first that is one of values.
    """

    index: int | str = 0
    output: str | None = None
    direction: int = 1
    reference: Any = None
    label: str = static(default="")

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check output, index, direction and reference."""
        chosen = _output(spec, self.output)
        size = int(np.prod(chosen.shape))
        index = _named(self.index, spec, chosen) if isinstance(self.index, str) else self.index
        if not 0 <= integer(index) < size:
            raise BadTarget(
                f"value {index} is out of range: output '{chosen.name}' has {size} values, 0 "
                f"to {size - 1}"
            )
        if self.direction not in (1, -1):
            raise BadTarget(f"direction={self.direction} must be 1 (higher) or -1 (lower)")
        return dataclasses.replace(
            self, output=chosen.name, index=int(index), label=_label(spec, chosen, int(index)),
            reference=_references(self.reference, samples),
        )  # fmt: skip

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.raw[self.output or ""]
        flat = ops.reshape(values, (-1, int(np.prod(values.shape[1:]))))
        value = flat[:, self.index]
        if self.reference is not None:
            value = value - ops.cast(self.reference, value.dtype)
        return self.direction * value

    def words(self, row: int) -> str:
        """Say which value this is."""
        sign = "" if self.direction > 0 else "minus "
        if self.reference is None:
            return sign + self.label
        return f"{sign}change of {self.label} against {float(self.reference[row]):.4g}"


def _output(spec: Spec, name: str | None) -> OutputSpec:
    """Return an output by name; for None the first of values, or else the first."""
    values = [output for output in spec.outputs.values() if output.kind in ("linear", "unknown")]
    return values[0] if name is None and values else spec.output(name)


def _named(name: str, spec: Spec, output: OutputSpec) -> int:
    names = spec.names(output)
    if names is None:
        raise BadTarget(
            f"value '{name}' not found: the names of the values are not known, give an index 0 to "
            f"{int(np.prod(output.shape)) - 1} or labels"
        )
    if names.count(name) != 1:
        raise BadTarget(f"value '{name}' not found{choices(name, names)}")
    return 0 if output.single else names.index(name)


def _label(spec: Spec, output: OutputSpec, index: int) -> str:
    names = spec.names(output)
    if output.single:
        return f"value of '{names[-1]}'" if names else f"value of output '{output.name}'"
    return f"value of '{names[index]}'" if names else f"value {index} of output '{output.name}'"


def _references(given: Any, samples: int) -> Any:
    """Return one number per sample; None for none."""
    if given is None:
        return None
    try:
        values = np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise BadTarget(f"reference={given!r} must be a number, or one per sample") from error
    if values.shape not in ((), (samples,)) or not np.isfinite(values).all():
        raise BadTarget(
            f"the reference has shape {values.shape}; it must be a finite number, or one for each "
            f"of the {samples} samples"
        )
    return np.broadcast_to(values, (samples,)).copy()


@dataclasses.dataclass(frozen=True, eq=False)
class ExpectedRank(Target):
    """The rank that an ordinal head expects, ranks counted from 0.

    cumulative: the units say "more than rank k" (CORAL, Cao et al. 2020; CORN, Shi et al. 2021;
        the proportional odds model), as sigmoids or as their logits: the score is the sum of
        P(y > k). False: the units are a distribution over the ranks, and the score is Σ k·p(k).
        None: True but for a softmax.
    conditional: the units say "more than rank k, given at least k" (CORN): probabilities are
        multiplied up before they are summed.
    """

    output: str | None = None
    cumulative: bool | None = None
    conditional: bool = False
    kind: str = ""  # of the output, found when resolved

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check that the output holds ranks."""
        chosen = spec.output(self.output)
        cumulative = chosen.kind != "softmax" if self.cumulative is None else self.cumulative
        if len(chosen.shape) != 1 or (chosen.single and not cumulative):
            raise BadTarget(
                f"ExpectedRank needs an output (rank,); output '{chosen.name}' has shape "
                f"{chosen.shape}"
            )
        if not cumulative and chosen.kind not in ("softmax", "unknown"):
            raise BadTarget(
                f"ExpectedRank(cumulative=False) needs a softmax; output '{chosen.name}' ends in "
                f"{chosen.kind} values"
            )
        if self.conditional and not cumulative:
            raise BadTarget("ExpectedRank(conditional=True) is of cumulative units, not a softmax")
        return dataclasses.replace(
            self, output=chosen.name, cumulative=cumulative, kind=chosen.kind
        )

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.raw[self.output or ""]
        if not self.cumulative:
            ranks = ops.arange(values.shape[-1], dtype=values.dtype)
            return ops.sum(values * ranks, axis=-1)
        chances = ops.sigmoid(values) if self.kind == "linear" else values
        chances = ops.cumprod(chances, axis=-1) if self.conditional else chances
        return ops.sum(chances, axis=-1)

    def words(self, row: int) -> str:
        """Say of which output."""
        return f"expected rank of output '{self.output}'"
