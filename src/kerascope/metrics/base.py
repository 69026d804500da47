"""What a metric is: a frozen value that scores explanations; the registry of all."""

from __future__ import annotations

import dataclasses
import enum
import functools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from kerascope.errors import BadMethod, choices
from kerascope.plugins import load_plugins, register

if TYPE_CHECKING:
    from kerascope.metrics.subject import Subject
    from kerascope.types import Array

INFINITY = float("inf")


class Family(enum.StrEnum):
    """What a metric asks of an explanation."""

    FAITHFULNESS = "faithfulness"  # does the model's score hang on what the map points to?
    LOCALIZATION = "localization"  # does the map point to the object?
    ROBUSTNESS = "robustness"  # does the map stay where the input hardly changes?
    RANDOMIZATION = "randomization"  # does the map hang on what the model has learned?
    COMPLEXITY = "complexity"  # how much must a person look at?
    AXIOMATIC = "axiomatic"  # does the map keep what its theory promises?


class Require(enum.StrEnum):
    """What a metric needs beside a map."""

    SCORES = "scores"  # of perturbed inputs
    MASKS = "masks"  # where the object is
    EXPLAIN = "explain"  # the method itself, to run it again
    MODEL = "model"  # a Keras model with weights, not a plain function
    GAP = "gap"  # a completeness gap, which only some methods give


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """Base of all metrics: a frozen value that gives every sample a number, or NaN: undefined.

    A subclass sets the class variables, declares its settings as fields, and implements `measure`.
    Defining it registers it under `name`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reference: ClassVar[str]  # key in `citations`
    family: ClassVar[Family]
    higher: ClassVar[bool]  # True: a higher value is better
    bounds: ClassVar[tuple[float, float]]  # the values it can have
    requires: ClassVar[frozenset[Require]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            register(_REGISTRY, cls, "metric")

    @abstractmethod
    def measure(self, subject: Subject) -> Array:
        """Return one number per sample: (sample,) float64, NaN where it is undefined."""

    def passes(self, positions: int) -> int:
        """Return the forward passes over one sample that it makes, without those of explaining.

        positions: of the map, over all inputs. A background (a set that covers one after the other)
        multiplies them.
        """
        return 0

    def explanations(self) -> int:
        """Return how many times it explains every sample again."""
        return 0


_REGISTRY: dict[str, type[Metric]] = {}


@functools.cache
def _load_entry_points() -> None:
    """Import the built-in metrics and those other packages register under `kerascope.metrics`."""
    import importlib

    importlib.import_module("kerascope.metrics")
    load_plugins("kerascope.metrics")


def metrics() -> dict[str, type[Metric]]:
    """Return all metrics by name, sorted."""
    _load_entry_points()
    return dict(sorted(_REGISTRY.items()))


def make_metric(metric: Any) -> Metric:
    """Return a metric value from a value, a class or a name; raise `BadMethod` with near names."""
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if not isinstance(metric, str):
        raise BadMethod(f"a metric is a name, a class or a value, not {type(metric).__name__}")
    known = metrics()
    key = metric.strip().lower().replace("-", "_")
    if key not in known:
        raise BadMethod(f"metric '{metric}' not found{choices(key, known)}")
    return known[key]()
