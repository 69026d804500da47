"""What a model declares of its inputs: shapes, types, and the words that a layer looks up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from kerascope.errors import Refused


@dataclasses.dataclass(frozen=True)
class Declared:
    """What a model declares of an input: shape without the sample axis, dtype, a vocabulary."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    lookup: bool = False  # a layer looks its words up
    vocabulary: tuple[str, ...] = ()
    open: bool = True  # words out of the vocabulary have an index of their own


def declared_of(model: Any) -> list[Declared] | None:
    """Return what a model declares of its inputs; None where it declares nothing."""
    net = getattr(model, "model", model)
    try:
        tensors = net.inputs
    except (AttributeError, ValueError):
        return None
    if not tensors:
        return None
    found = []
    for tensor in tensors:
        shape = tuple(tensor.shape)[1:]
        found.append(Declared(tensor.name, shape, str(tensor.dtype), *_vocabulary(net, tensor)))
    _check_lookups(found)
    return found


def _check_lookups(inputs: Sequence[Declared]) -> None:
    """Raise `Refused` where a lookup, which runs in TensorFlow on all backends, meets JAX."""
    import keras

    looked = [spec.name for spec in inputs if spec.lookup]
    if looked and keras.backend.backend() == "jax":
        raise Refused(
            f"a lookup layer reads input '{looked[0]}', and JAX cannot trace it: look up outside "
            "the model, or explain a function, lambda x: model(x), of load_table(…, "
            f"columns={{'{looked[0]}': …}})"
        )


def _vocabulary(model: Any, tensor: Any) -> tuple[bool, tuple[str, ...], bool]:
    """Return whether a lookup reads an input, its vocabulary, and whether it takes others."""
    import keras

    lookups = (keras.layers.StringLookup, keras.layers.IntegerLookup)
    for layer in getattr(model, "layers", ()):
        try:
            mine = isinstance(layer, lookups) and layer.input is tensor
        except (AttributeError, ValueError):
            continue
        if mine:
            words = layer.get_vocabulary(include_special_tokens=False)
            return True, tuple(map(str, words)), bool(getattr(layer, "num_oov_indices", 0))
    return False, (), True


def width_of(spec: Declared) -> int | None:
    """Return how many columns an input takes; None where that is open."""
    return 1 if spec.shape == () else spec.shape[-1]
