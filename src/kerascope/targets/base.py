"""What a target is: model outputs in, one score per sample out."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from kerascope.errors import BadTarget, choices
from kerascope.labels import Labels, names_for
from kerascope.types import Array, Tensor


@dataclasses.dataclass(frozen=True)
class OutputSpec:
    """One output of a model: its name, its shape without the sample axis, and its head.

    `kind` is "softmax", "log_softmax", "sigmoid", "linear", or "unknown" of a plain function.
    `trained_on_numbers` is True where the model was compiled with a loss of regressions.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    trained_on_numbers: bool = False

    @property
    def classes(self) -> int:
        """Number of classes: the size of the last axis; 1 for a single unit."""
        return self.shape[-1] if self.shape else 1

    @property
    def single(self) -> bool:
        """True for an output of one number per sample."""
        return int(np.prod(self.shape)) == 1

    @property
    def number(self) -> bool:
        """True for one number per sample that no sigmoid was found before: no class, a value."""
        return self.single and self.kind in ("linear", "unknown")

    @property
    def numbers(self) -> bool:
        """True for raw values of which a loss says that they are numbers, no scores of classes."""
        return self.kind == "linear" and self.trained_on_numbers


@dataclasses.dataclass(frozen=True)
class Spec:
    """What targets must know of a model to be checked before any pass."""

    outputs: dict[str, OutputSpec]
    score: str = "logit"
    labels: Labels | None = None
    input_size: tuple[int, ...] = ()  # spatial size of the first input
    layers: Mapping[Any, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    find_layer: Any = None  # words -> hooks.names.Site
    axes: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # of a sample
    channels: tuple[str, ...] = ()  # of a series, as its `Timeline` names them
    forecast: tuple[int, ...] = ()  # the channels that the output continues
    boxes: str | None = None  # how a detector writes boxes, see `targets.boxes`
    anchors: Array | None = None  # of a detector's offsets: corners (box, 4) in pixels
    gradients: bool = False  # the method asks for slopes: a target may take one that has some
    at: Array | None = None  # of a language model, each sample's last token: what comes next there
    inputs: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)  # a sample's
    predict: Any = None  # () -> outputs of the samples by name, as the model gives them
    embed: Any = None  # (inputs, output name or site) -> (sample, …) values there

    def output(self, name: str | None) -> OutputSpec:
        """Return an output by name; for None the first one of classes, or else the first."""
        if name is None:
            heads = [spec for spec in self.outputs.values() if spec.kind != "linear"]
            return heads[0] if heads else next(iter(self.outputs.values()))
        if name not in self.outputs:
            raise BadTarget(f"output '{name}' not found{choices(name, self.outputs)}")
        return self.outputs[name]

    def names(self, output: OutputSpec) -> tuple[str, ...] | None:
        """Return the class names of an output, where they fit it."""
        names = names_for(self.labels, output.name)
        if names is None:
            return None
        fits = (1, 2) if output.number else (2,) if output.single else (output.classes,)
        return names if len(names) in fits else None


@dataclasses.dataclass
class Outputs:
    """The outputs of one forward pass, as a target sees them inside it.

    scores: by output name, what `score` asked for: logits where a softmax or sigmoid was found, or
        probabilities. raw: by output name, as the model gives them. tree: the same in the model's
        own structure. activations: by site, for targets inside the model. inputs: by name, for
        targets that compare an output with what the model was given.
    """

    scores: dict[str, Tensor]
    raw: dict[str, Tensor]
    tree: Any = None
    activations: dict[Any, Tensor] = dataclasses.field(default_factory=dict)
    inputs: dict[str, Tensor] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Target(ABC):
    """A scalar per sample, made of a model's outputs.

    `resolve` checks the target against the model and pins per-sample choices to arrays with a
    leading sample axis; `__call__` computes the score, with `keras.ops` only, differentiable.
    """

    reads_inputs: ClassVar[bool] = False  # the score hangs on the inputs, not on outputs alone
    degree: ClassVar[int] = 1  # slope × value is this many times the score; 2 of a square

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Return the target checked against `spec`, broadcast to `samples`; raise `BadTarget`."""
        return self

    @abstractmethod
    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""

    @abstractmethod
    def words(self, row: int) -> str:
        """Say what the score of one sample is, e.g. "logit of 'tabby'"."""

    def sites(self) -> tuple[Any, ...]:
        """Return the sites inside the model that the target reads."""
        return ()

    def everywhere(self) -> Target:
        """Return the target over all positions of its output, itself where it has no region."""
        return self

    @property
    def rest(self) -> str:
        """What else the score is made of, in words: it gets no relevance."""
        return ""

    def shared_out(self) -> Target:
        """Return a target of the same score whose slope × value is what relevance starts from.

        Rules of relevance hold what a value is divided by, such as a length, as it is.
        """
        return self

    def beside(self, x: Mapping[str, Array], raw: Mapping[str, Array]) -> dict[str, Array]:
        """Return arrays (sample, …) to be seen beside the map, by what they are in words.

        x, raw: inputs and outputs by name.
        """
        return {}

    def pin(self, scores: Mapping[str, Array]) -> Target:
        """Return the target with choices that depend on the prediction fixed, from `scores`."""
        return self

    def arrays(self) -> dict[str, Array]:
        """Return the per-sample arrays of a resolved target; the rest of it is static."""
        found: dict[str, Array] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                found[field.name] = value
            elif isinstance(value, Target):
                found.update({f"{field.name}.{k}": v for k, v in value.arrays().items()})
        return found

    def with_arrays(self, arrays: Mapping[str, Any]) -> Target:
        """Return the target with its per-sample arrays replaced, also by traced tensors."""
        changed: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Target):
                head = field.name + "."
                inner = {k[len(head) :]: v for k, v in arrays.items() if k.startswith(head)}
                changed[field.name] = value.with_arrays(inner)
            elif field.name in arrays:
                changed[field.name] = arrays[field.name]
        return dataclasses.replace(self, **changed)

    def key(self) -> tuple[Any, ...]:
        """Return what identifies the target but for its arrays; equal keys share compiled code."""
        parts: list[Any] = [type(self)]
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Target):
                parts.append(value.key())
            elif not isinstance(value, np.ndarray) and field.metadata.get("static", True):
                parts.append(value)
        return tuple(parts)

    def take(self, rows: Array) -> Target:
        """Return the resolved target of some samples."""
        return self.with_arrays({name: array[rows] for name, array in self.arrays().items()})


@dataclasses.dataclass(frozen=True, eq=False)
class Targets:
    """K resolved targets that share every forward pass; always a "target" axis, also for K = 1."""

    items: tuple[Target, ...]
    squeeze: bool = True  # the user asked for one target: the axis is dropped in the result
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Target]:
        return iter(self.items)

    def take(self, rows: Array | Sequence[int]) -> Targets:
        """Return the targets of some samples."""
        index = np.asarray(rows)
        return dataclasses.replace(self, items=tuple(t.take(index) for t in self.items))

    def pin(self, scores: Mapping[str, Array]) -> Targets:
        """Fix every choice that depends on the prediction."""
        return dataclasses.replace(self, items=tuple(t.pin(scores) for t in self.items))

    def key(self) -> tuple[Any, ...]:
        """Return what identifies the targets beside their arrays."""
        return tuple(t.key() for t in self.items)

    def arrays(self) -> list[dict[str, Array]]:
        """Return the per-sample arrays of every target."""
        return [t.arrays() for t in self.items]

    @property
    def reads_inputs(self) -> bool:
        """Whether any score hangs on the inputs themselves."""
        return any(t.reads_inputs for t in self.items)

    @property
    def degrees(self) -> tuple[int, ...]:
        """The degree of every target; see `Target.degree`."""
        return tuple(t.degree for t in self.items)

    @property
    def rest(self) -> str:
        """What else the scores are made of; see `Target.rest`."""
        return ", ".join(dict.fromkeys(t.rest for t in self.items if t.rest))

    def shared_out(self) -> Targets:
        """Return the targets that relevance starts from; see `Target.shared_out`."""
        return dataclasses.replace(self, items=tuple(t.shared_out() for t in self.items))

    def beside(self, x: Mapping[str, Array], raw: Mapping[str, Array]) -> dict[str, Array]:
        """Return what is to be seen beside the maps; see `Target.beside`."""
        return {k: v for t in self.items for k, v in t.beside(x, raw).items()}

    def everywhere(self) -> Targets:
        """Return the targets over all positions of their outputs."""
        return dataclasses.replace(self, items=tuple(t.everywhere() for t in self.items))

    def sites(self) -> tuple[Any, ...]:
        """Return the sites inside the model that any target reads."""
        return tuple(dict.fromkeys(site for t in self.items for site in t.sites()))


@dataclasses.dataclass(frozen=True, eq=False)
class Unresolved(Target):
    """A target that says nothing before it is resolved."""

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        raise BadTarget(f"{self!r} must be resolved against a model first")

    def words(self, row: int) -> str:
        """Say what was asked for."""
        return repr(self)


def static(default: Any = None) -> Any:
    """Return a field that words need but computation does not: not part of the compile key."""
    return dataclasses.field(default=default, metadata={"static": False})
