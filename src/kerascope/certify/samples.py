"""Random inputs of the shapes and ranges that a model declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.hooks.names import layer_table
from kerascope.loading.preprocessing import PREPROCESSINGS, decide, usual_size
from kerascope.loading.wants import Shape, input_shapes
from kerascope.types import Array, Tree

COUNT = 3


def drawn(net: Any, seed: int, size: int | None) -> tuple[Tree, str]:
    """Return random inputs for a model, and in words what they are.

    Raises:
        BadInput: the model does not say what it takes.
    """
    shapes = input_shapes(net)
    if not shapes:
        raise BadInput("the model does not say what it takes: give pictures or an array (.npy)")
    types = {tensor.name: str(tensor.dtype) for tensor in _declared(net)}
    generator = np.random.default_rng(seed)
    words = []
    arrays: dict[str, Array] = {}
    for name, shape in shapes.items():
        whole = _closed(net, name, shape, size)
        arrays[name], how = _one(net, whole, types.get(name, "float32"), generator)
        words.append(f"{how} ({name})" if len(shapes) > 1 else how)
    told = f"{COUNT} random samples, {', '.join(words)}, seed {seed}"
    return arrays if len(arrays) > 1 else next(iter(arrays.values())), told


def _declared(net: Any) -> list[Any]:
    try:
        return list(net.inputs or ())
    except (AttributeError, ValueError, TypeError):
        return []


def _closed(net: Any, name: str, shape: Shape, size: int | None) -> tuple[int, ...]:
    """Return a shape with what the model leaves open set to the size asked for, or the usual."""
    if None not in shape:
        return shape  # type: ignore[return-value]
    usual = usual_size(net)
    side = size or (usual[0][0] if usual else None)
    if side is None:
        words = "×".join("any" if n is None else str(n) for n in shape)
        raise BadInput(f"input '{name}' is {words}, which leaves its size open: give --size")
    return tuple(side if n is None else n for n in shape)


def _one(
    net: Any, shape: tuple[int, ...], type_: str, generator: np.random.Generator
) -> tuple[Array, str]:
    whole = (COUNT, *shape)
    if type_ == "string":
        raise BadInput("the model takes strings: give --text, or a .txt file")
    if "int" in type_:
        count = min(_vocabularies(net), default=2)
        return generator.integers(0, count, whole, dtype=np.int32), f"integers below {count}"
    if len(shape) == 3 and {shape[0], shape[-1]} & {1, 3, 4}:
        low, high = _range(net)
        values = generator.uniform(low, high, whole).astype(np.float32)
        return values, f"uniform in {low:g} … {high:g}"
    return generator.standard_normal(whole).astype(np.float32), "normally distributed"


def _vocabularies(net: Any) -> list[int]:
    layers: Mapping[str, Any] = layer_table(net)
    sizes = [getattr(layer, "input_dim", None) for layer in layers.values()]
    return [size for size in sizes if isinstance(size, int)]


def _range(net: Any) -> tuple[float, float]:
    """Return the range of the pixels that a model takes, 0 … 1 where nothing tells."""
    try:
        known = PREPROCESSINGS.get(decide(net)[0])
    except BadInput:
        known = None
    return (0.0, 1.0) if known is None else (known.low, known.high)
