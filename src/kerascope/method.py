"""What a method is: a frozen value of hyper-parameters with one function; the registry of all."""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.baselines import packed
from kerascope.errors import BadMethod, choices
from kerascope.plugins import load_plugins, register
from kerascope.run import Run

if TYPE_CHECKING:
    from kerascope.types import Array


BESIDE = "beside:"  # before the name of an extra that is shown beside the map


class Need(enum.StrEnum):
    """What a method asks of a model; a plain callable gives `SCORES` only."""

    SCORES = "scores"
    ACTIVATIONS = "activations"
    GRADIENTS = "gradients"
    RULES = "rules"


class Axiom(enum.StrEnum):
    """A property that a method claims; the contract suite checks every claim."""

    COMPLETENESS = "completeness"  # values sum to the score minus the baseline's score
    LINEARITY = "linearity"  # on a linear model, the values are w·(x − baseline)
    DUMMY = "dummy"  # an input that the model does not read gets zero
    CLASS_SENSITIVITY = "class sensitivity"  # two classes get two different maps
    IMPLEMENTATION_INVARIANCE = "implementation invariance"  # equal functions, equal maps
    LOCATION = "location"  # evidence lies where the only pixels are that the model reads


@dataclasses.dataclass(frozen=True)
class Passes:
    """Model passes over one sample that a method makes; the floor of its running time.

    `forward` counts forward passes without a gradient, `gradient` forward-and-backward passes
    and `backward` further backward passes that share a forward. `upper` is True when the numbers
    are an upper bound, because the method adapts.
    """

    forward: int = 0
    gradient: int = 0
    backward: int = 0
    upper: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Data:
    """An array inside a method value: compared, hashed and printed by the hash of its content.

    `source` is an array or the path of a `.npy` file (read without unpickling).
    """

    source: Any
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.sha256:
            array = np.ascontiguousarray(self.array)
            if not array.size:
                raise BadMethod(f"an array of shape {array.shape} holds nothing")
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise BadMethod(f"an array of shape {array.shape} holds NaN or infinite values")
            head = f"{array.dtype.str}{array.shape}".encode()
            digest = hashlib.sha256(head + array.tobytes()).hexdigest()
            object.__setattr__(self, "sha256", digest)

    @property
    def array(self) -> Array:
        """The array itself."""
        if self.source is None:
            raise BadMethod(
                f"the array with sha256 {self.sha256[:12]}… is not stored with the result; give "
                "it again"
            )
        if isinstance(self.source, (str, Path)):
            try:
                return np.load(self.source, allow_pickle=False)
            except (OSError, ValueError) as error:
                raise BadMethod(f"cannot read the array '{self.source}': {error}") from error
        return np.asarray(self.source)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"Data(sha256={self.sha256[:12]})"


@dataclasses.dataclass
class RawMap:
    """What a method returns: numbers, before any reduction, resizing or colour.

    values: by input name, float32 (sample, target, …) at the method's native resolution.
    axes: by input name, the names of all axes of `values`, "sample" and "target" first.
    layer: the layer explained at, or by input name when they differ.
    gap: (sample, target) score minus what the values sum to, for methods that claim completeness.
    extras: further arrays, first axis "sample"; target_extras: first axes "sample" and "target".
    """

    values: dict[str, Array]
    axes: dict[str, tuple[str, ...]]
    layer: str | dict[str, str] | None = None
    gap: Array | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    target_extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    # Fields that the method chose by timing: another run may choose otherwise.
    settled: dict[str, Any] = dataclasses.field(default_factory=dict)


_REGISTRY: dict[str, type[AttributionMethod]] = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributionMethod(ABC):
    """Base of all methods: a frozen value that explains scores of a model.

    A subclass sets the class variables, declares its hyper-parameters as fields, and implements
    `attribute`. Defining it registers it under `name`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]  # key in `citations`
    # For its page and `kerascope methods NAME`; every method of this package declares all three.
    formula: ClassVar[str] = ""  # what is computed: y is the score, x the input, A activations
    use: ClassVar[str] = ""  # what it is good for
    avoid: ClassVar[str] = ""  # where it misleads, or costs too much
    axioms: ClassVar[frozenset[Axiom]] = frozenset()
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})
    reduce: ClassVar[str] = (
        "sum"  # the paper's reduction over channels: "sum", "max_abs", "sum_abs", "mean"
    )
    signed: ClassVar[bool] = True  # False: values are never negative by construction
    # True: with the default fields, the map of a difference of two targets is the difference of
    # their maps (before a ReLU). See `is_linear`.
    linear: ClassVar[bool] = False
    # True: Ctrl-C ends it with what is done; its loops are `run.pairs(…, partial=True)`.
    partial: ClassVar[bool] = False
    # True: one pass over the inputs as they are, so the prediction comes out of the same pass.
    one_pass: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            register(_REGISTRY, cls, "method")

    @property
    def asks_slopes(self) -> bool:
        """Whether it takes slopes of the score, so that the target must have some."""
        return bool({Need.GRADIENTS, Need.RULES} & self.needs)

    @abstractmethod
    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the map of every sample and target.

        `model` is a `hooks.HookedModel` (or, for methods that need scores only, a
        `hooks.BlackBox`), `x` its inputs by name, `targets` a `targets.Targets` of K resolved
        targets.
        """

    @abstractmethod
    def passes(
        self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
    ) -> Passes:
        """Return the passes over one sample.

        shape: the inputs' shapes without the sample axis; channels: of the layer explained at, for
        methods that look at each.
        """

    def is_linear(self) -> bool:
        """Return whether `linear` holds for these fields: also for a method where it need not."""
        return self.linear

    def project(self, values: Array, axes: tuple[str, ...], size: tuple[int, ...]) -> Array:
        """Bring (…, *spatial) maps to the input's spatial `size`; linear, half-pixel centres."""
        from kerascope.resize import linear

        return linear(values, size)

    def to_json(self) -> dict[str, Any]:
        """Return name and fields as plain JSON values; arrays become their hashes."""
        fields = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"name": self.name, "fields": fields}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AttributionMethod:
        """Return the method value that `to_json` described."""
        kind = method_class(data["name"])
        return kind(**{key: _rich(value) for key, value in data["fields"].items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Data):
        path = Path(value.source).name if isinstance(value.source, (str, Path)) else None
        return {"data": value.sha256, "file": path}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value


def _rich(value: Any) -> Any:
    if isinstance(value, dict) and "data" in value:
        return Data(None, sha256=value["data"])
    if isinstance(value, list):
        return tuple(_rich(item) for item in value)
    return value


@functools.cache
def _load_entry_points() -> None:
    """Import the built-in methods and those other packages register under `kerascope.methods`."""
    import importlib

    for room in ("methods", "lrp"):
        importlib.import_module(f"kerascope.{room}")
    load_plugins("kerascope.methods")


def registry() -> dict[str, type[AttributionMethod]]:
    """Return all methods by name, sorted."""
    _load_entry_points()
    return dict(sorted(_REGISTRY.items()))


def method_class(name: str) -> type[AttributionMethod]:
    """Return the class of a method by name; raise `BadMethod` with near names."""
    known = registry()
    key = name.strip().lower().replace("-", "_")
    if key not in known:
        raise BadMethod(f"method '{name}' not found{choices(key, known)}")
    return known[key]


def make_method(method: Any, fields: Mapping[str, Any]) -> AttributionMethod:
    """Return a method value from a value, a class or a name, with `fields` set."""
    kind = method
    if isinstance(method, str):
        kind = method_class(method)
    if isinstance(kind, AttributionMethod):
        build: Callable[..., Any] = lambda **kw: dataclasses.replace(kind, **kw)  # noqa: E731
    elif isinstance(kind, type) and issubclass(kind, AttributionMethod):
        build = kind
    else:
        raise BadMethod(
            f"method must be a name, a method class or a method value, not {type(method).__name__}"
        )
    known = [f.name for f in dataclasses.fields(kind)]
    for key in fields:
        if key not in known:
            raise BadMethod(
                f"{kind.name} has no field '{key}'{choices(key, known) or '; it has none'}"
            )
    values = {key: _as_field(value) for key, value in fields.items()}
    for key, value in values.items():
        check(
            not isinstance(value, float) or math.isfinite(value),
            f"{kind.name}: {key}={value} must be a finite number",
        )
    return build(**values)


def _as_field(value: Any) -> Any:
    """Make a field value hashable: arrays become `Data`, lists become tuples."""
    if isinstance(value, Mapping):
        if any(isinstance(own, (str, int, float)) for own in value.values()):
            return tuple((str(name), _as_field(own)) for name, own in value.items())
        return Data(packed(value))
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        array = np.asarray(value)
        return array.item() if array.ndim == 0 else Data(array)
    if isinstance(value, list):
        return tuple(_as_field(item) for item in value)
    return value


def told_apart(names: Sequence[str]) -> list[str]:
    """Return names of which equal ones are numbered: "rise #1", "rise #2"."""
    return [
        name if names.count(name) == 1 else f"{name} #{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def passes_on(
    model: Any, method: AttributionMethod, x: Mapping[str, Array], layer: Any = None
) -> Passes:
    """Return the passes over one sample of inputs `x` that a method declares.

    model: a `hooks.HookedModel` or `hooks.BlackBox`. layer: what was explained at, whose channels
    count for methods that look at each; anything but a path stands for the input.
    """
    channels = 1
    if isinstance(layer, str):
        shape = model.survey.shape(model.site(layer))
        channels = shape[0] if model.layout == "channels_first" else shape[-1]
    return method.passes({name: array.shape[1:] for name, array in x.items()}, 1, channels)


def check(condition: bool, message: str) -> None:
    """Raise `BadMethod` with `message` unless `condition` holds; for use in `__post_init__`."""
    if not condition:
        raise BadMethod(message)
