"""Find operations that no rule can see: a ReLU of the framework's own inside somebody's `call`.

Functions of the Keras backend are made linear, and layers of Keras that are not linear give
zeros. Then somebody's own layer, or model, is affine unless it holds something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascope.backend import framework
from kerascope.hooks.names import Site
from kerascope.hooks.passes import Tap
from kerascope.hooks.rules import ELEMENTWISE, Guide, watched
from kerascope.hooks.shadow import first_tensor, has_fused_activation, replace_tensor, shadowed
from kerascope.hooks.survey import call_model
from kerascope.types import Array

_TOLERANCE = 1e-3  # of the largest value
_BILINEAR = frozenset({"matmul", "einsum", "multiply"})
_CURVED = ("normalization", "attention", "rnn", "merging")  # rooms of Keras's layers …
_AFFINE = (  # … and what is affine in them
    keras.layers.BatchNormalization, keras.layers.Add, keras.layers.Subtract, keras.layers.Average,
    keras.layers.Concatenate,
)  # fmt: skip


class _Straight(Guide):
    """Makes affine what rules can see, and tests somebody's own layers for what they cannot."""

    functions = ELEMENTWISE | _BILINEAR | {"softmax", "log_softmax", "maximum", "max", "max_pool"}

    def __init__(self) -> None:
        self.hidden: list[str] = []

    def layer(
        self, site: Site, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        output = original(*args, **kwargs)
        curved = any(f".layers.{room}" in type(layer).__module__ for room in _CURVED)
        if curved and not isinstance(layer, _AFFINE):
            return _zeros(output)
        if is_own(layer) and first_tensor(args) is not None:
            name = f"{type(layer).__name__} '{site.path}'"
            if name in self.hidden:
                return _zeros(output)
            if not _affine(lambda x: original(*replace_tensor(args, first_tensor(args), x),
                                              **kwargs), first_tensor(args)):  # fmt: skip
                self.hidden.append(name)
                return _zeros(output)
        return output

    def function(self, name: str, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if name in _BILINEAR:
            both: list[Any] = [*args, *kwargs.values()]
            fixed = np.random.default_rng(0).normal(size=tuple(np.shape(both[-1])))
            return original(*both[:-1], ops.convert_to_tensor(fixed.astype(np.float32)))
        if name == "max_pool":
            return framework().nn.average_pool(*args, **kwargs)
        if name == "max":
            return framework().numpy.mean(*args, **kwargs)
        given: list[Any] = [*args, *kwargs.values()]
        return given[0] + given[1] if name == "maximum" else given[0]


def is_own(layer: Any) -> bool:
    """Tell whether a layer's class is somebody's own, not Keras's."""
    return not type(layer).__module__.startswith(("keras.", "keras_hub."))


def _zeros(tree: Any) -> Any:
    return keras.tree.map_structure(ops.zeros_like, tree)


def _affine(call: Callable[[Any], Any], like: Any) -> bool:
    """Tell whether `call` maps the middle of two random tensors to the middle of its values."""
    random = np.random.default_rng(0)
    a, b = (random.normal(size=tuple(like.shape)).astype(np.float32) for _ in range(2))
    found = []
    for value in (a, b, (a + b) / 2):
        tensor = first_tensor(call(ops.cast(ops.convert_to_tensor(value), like.dtype)))
        if tensor is None:
            return True
        found.append(ops.convert_to_numpy(ops.cast(tensor, "float32")))
    off = np.abs(found[0] + found[1] - 2 * found[2]).max()
    half = keras.backend.standardize_dtype(like.dtype) != "float32"
    return bool(off <= (0.1 if half else _TOLERANCE) * max(np.abs(one).max() for one in found))


def hidden_nonlinear(model: Any, x: Mapping[str, Array]) -> tuple[str, ...]:
    """Return somebody's own layers (and model) that hold a non-linear operation no rule can see."""
    own = [layer for layer in model.table.values() if is_own(layer)]
    if not own and not is_own(model.model):
        return ()
    key = ("hidden", model.fingerprint(), tuple((n, a.shape[1:]) for n, a in x.items()))
    if key not in model.store.memo:
        with model.store.lock:
            model.store.memo[key] = _look(model, {name: array[:1] for name, array in x.items()})
    return model.store.memo[key]


def _look(hooked: Any, x: Mapping[str, Array]) -> tuple[str, ...]:
    layers = dict(hooked.table)
    guide = _Straight()

    def run(values: dict[str, Any]) -> Any:
        counted = Tap({id(layer): path for path, layer in layers.items()}, (), {}, {}, guide=guide)
        fused = [layer for layer in layers.values() if has_fused_activation(layer)]
        with shadowed(list(layers.values()), fused, counted), watched(guide):
            return call_model(hooked.model, hooked.structure.build(values))

    def look() -> None:
        values = {name: ops.convert_to_tensor(array) for name, array in x.items()}
        run(values)
        if is_own(hooked.model) and not guide.hidden:
            for name, value in values.items():
                if name in hooked.survey.tokens:
                    continue

                def moved(v: Any, name: str = name) -> Any:
                    return run({**values, name: v})

                if not _affine(moved, value):
                    guide.hidden.append(f"the model's own call, {type(hooked.model).__name__}")
                    break

    with hooked.seam.inference():
        hooked.seam.eager(look, hooked.model)()
    return tuple(guide.hidden)
