"""What is measured: a model, pictures, a target; a call, and the passes that it makes."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from kerascope.bench.floor import SIZES, Floor, keras_floor
from kerascope.bench.settings import setting
from kerascope.hooks import HookedModel
from kerascope.hooks.places import cam_places
from kerascope.hooks.store import Store, store_of
from kerascope.method import AttributionMethod, Need, Passes, make_method, passes_on
from kerascope.targets import resolve_targets
from kerascope.types import Array


@dataclasses.dataclass
class Subject:
    """One thing measured: `make()` returns the call; building it is part of the first call.

    passes: over one picture, by kind; a function where they are known after the first call only.
    pictures: how many one call explains. batch: rows per pass, where it can be said.
    """

    library: str
    name: str
    method: str
    make: Callable[[], Callable[[], Any]]
    passes: Mapping[str, float] | Callable[[], Mapping[str, float]]
    floor: Floor
    pictures: int = 1
    batch: int | None = None
    settings: str = ""


class Job:
    """A model with pictures and a target, on the running backend.

    x: inputs by name, as many samples as the largest batch, those given repeated. size: spatial, of
    the first input. target: the class predicted for the first picture, where there are classes.
    layer: where class activation maps are taken.
    """

    def __init__(self, model: Any, pictures: Any, *, batch_size: int | None = None) -> None:
        self.model, self.batch_size = model, batch_size
        self.view = HookedModel(model)
        first = self.view.read(pictures)
        self.x = {name: np.resize(array, (max(SIZES), *array.shape[1:]))
                  for name, array in first.items()}  # fmt: skip
        spec = self.view.spec()
        self.size = spec.input_size
        raw, _ = self.view.predict({name: array[:1] for name, array in self.x.items()})
        output = next(iter(raw.values()))[0]
        self.target = int(np.argmax(output)) if output.ndim == 1 and len(output) > 1 else None
        self.targets = resolve_targets(self.target, spec, 1)
        if self.target is None:
            self.targets = self.targets.pin(self.view.predict(self.rows(1))[1])

    def inputs(self, count: int) -> Any:
        """Return the first `count` samples as the model takes them."""
        given = self.rows(count)
        return next(iter(given.values())) if len(given) == 1 else given

    def rows(self, count: int) -> dict[str, Array]:
        """Return the first `count` samples by input name."""
        return {name: array[:count] for name, array in self.x.items()}

    @cached_property
    def floor(self) -> Floor:
        """The floor of the model itself."""
        return keras_floor(self.model, self.inputs, self.targets)

    @cached_property
    def layer(self) -> str:
        """The layer that class activation maps are taken at."""
        places = cam_places(self.view, self.rows(1), self.targets, None)
        return str(next(iter(places.values())).site)

    def setting(self, name: str) -> Mapping[str, Any]:
        """Return the fields that a method is measured with; all others have their defaults."""
        return setting(name, self.size).fields

    def method(self, name: str) -> AttributionMethod:
        """Return a method with the fields that it is measured with."""
        return make_method(name, self.setting(name))

    def subject(self, name: str) -> Subject:
        """Return a method of Kerascope as it is measured."""
        from kerascope.explain import explain

        method = self.method(name)
        many = method.one_pass or setting(name, ()).batch
        size = self.batch_size or self.floor.size(self._main(method))
        pictures = size if many else 1
        inputs = self.inputs(pictures)
        seen: dict[str, Any] = {}

        def call() -> Any:
            counted = store_of(self.model).passes
            before = counted.copy()
            found = explain(self.model, inputs, method, target=self.target, batch_size=size)
            seen.update(layer=found.layer, passes=Counter(counted) - Counter(before))
            return found

        def passes() -> Mapping[str, float]:
            per = {kind: count / pictures for kind, count in seen["passes"].items()}
            return floor_passes(self._declared(method, seen["layer"]), per, seen["layer"])

        words = ", ".join(
            f"{key}={value}" for key, value in setting(name, self.size).fields.items()
        )
        return Subject(
            "kerascope", name, name, lambda: call, passes, self.floor, pictures, size, words
        )

    def _main(self, method: AttributionMethod) -> str:
        """Return the kind of pass that a method spends its time on."""
        if not self._declared(method, None).gradient:
            return "forward"
        return f"layer gradient:{self.layer}" if Need.ACTIVATIONS in method.needs else "gradient"

    def _declared(self, method: AttributionMethod, layer: Any) -> Passes:
        return passes_on(self.view, method, self.x, layer)

    @contextlib.contextmanager
    def forgetting(self) -> Iterator[None]:
        """Forget inside what was surveyed, found and compiled for the model; know it again after.

        Counts go on, so that passes made inside can be told.
        """
        store, fresh = store_of(self.model), Store()
        names = ("surveys", "compiled", "memo")
        kept = {name: getattr(store, name) for name in names}
        for name in names:
            setattr(store, name, getattr(fresh, name))
        try:
            yield
        finally:
            for name in names:
                setattr(store, name, type(kept[name])({**kept[name], **getattr(store, name)}))


def floor_passes(declared: Passes, counted: Mapping[str, float], layer: Any) -> dict[str, float]:
    """Return the passes that make up the floor of a method.

    As many as it declares, or as it made where it declares a bound. Gradients at a layer alone cost
    less than those at the inputs: which they are is seen from what was counted.
    """
    gradients = counted.get("gradient", 0.0) + counted.get("layer gradient", 0.0)
    forward = counted.get("forward", 0.0) + counted.get("incremental", 0.0)
    if not declared.upper:
        forward, gradients = declared.forward, declared.gradient
    above = isinstance(layer, str) and not counted.get("gradient")
    return {"forward": forward, f"layer gradient:{layer}" if above else "gradient": gradients}
