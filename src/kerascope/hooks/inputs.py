"""The inputs of a model as a dict of arrays by name, and back to what the model is called with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadInput, Refused, choices
from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class Structure:
    """How a model is called: with one array, a list or a dict; and the names of its inputs.

    words: by name of an input that the model takes as words, what the numbers 0, 1, … stand for.
    frames: the first axis of a sample with three is time: a film, no volume.
    """

    kind: str  # "single", "list", "tuple" or "dict"
    names: tuple[str, ...]
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    frames: bool = False

    def given(self, arrays: Mapping[str, Any]) -> Any:
        """Return inputs that are read as these arrays again."""
        tree = dataclasses.replace(self, words=()).build(arrays)
        return Coded(tree, self.words, self.frames) if self.words or self.frames else tree

    def build(self, arrays: Mapping[str, Any]) -> Any:
        """Return what the model is called with."""
        if self.words:
            arrays = {**arrays, **{n: spelled(arrays[n], words) for n, words in self.words}}
        if self.kind == "single":
            return arrays[self.names[0]]
        if self.kind == "list":
            return [arrays[name] for name in self.names]
        if self.kind == "tuple":
            return tuple(arrays[name] for name in self.names)
        return {name: arrays[name] for name in self.names}


@dataclasses.dataclass(frozen=True, eq=False)
class Coded:
    """Inputs that are more than numbers: words, or frames of a film; see `Structure`."""

    inputs: Any
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    frames: bool = False


def spelled(codes: Any, words: tuple[str, ...]) -> Any:
    """Return the words that numbers stand for: a NumPy array, or a tensor of a tensor.

    Raises:
        Refused: the backend has no words.
    """
    if isinstance(codes, np.ndarray):
        return np.array(words)[codes.astype(np.int64)]
    import keras

    if keras.backend.backend() != "tensorflow":
        raise Refused(
            f"the model takes words as input, which Keras on {keras.backend.backend()} cannot: "
            "look them up outside of the model, or explain a function of the table"
        )
    table = keras.ops.convert_to_tensor(np.array(words))
    return keras.ops.take(table, keras.ops.cast(codes, "int32"), axis=0)


def _as_array(value: Any, name: str) -> Array:
    """Return a float32 or integer array; raise `BadInput` for anything that is no numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        sizes = {len(row) for row in value if hasattr(row, "__len__")}
        if len(sizes) > 1:
            raise BadInput(
                f"the rows of {name} differ in length, {min(sizes)} to {max(sizes)}: pad them, or "
                "give them one by one"
            ) from error
        raise BadInput(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind in "US":
        raise BadInput(
            f"{name} holds words ('{str(array.flat[0])[:60]}'); it must hold numbers: load_images, "
            "load_table, load_series, load_volumes read files, load_texts texts"
        )
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise BadInput(f"{name} has dtype {array.dtype}; it must hold numbers (floats or integers)")
    # Pictures and volumes in integers are numbers; integers of rank 1 or 2 may be tokens.
    if array.dtype.kind not in "iu" or array.dtype == np.uint8 or array.ndim > 2:
        array = array.astype(np.float32)
    if array.ndim == 0 or len(array) == 0:
        raise BadInput(
            f"{name} has shape {array.shape}; the first axis is the sample and must not be empty"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.argwhere(~np.isfinite(array))[0][0])
        raise BadInput(f"{name} holds NaN or infinite values, first in sample {bad}")
    return array


def _declared(model: Any) -> list[tuple[str, tuple[int | None, ...]]] | None:
    """Return (name, shape) of the inputs that a Functional or built Sequential model declares."""
    try:
        declared = model.inputs
    except (AttributeError, ValueError):
        return None
    if not declared:
        return None
    return [(tensor.name, tuple(tensor.shape)) for tensor in declared]


def _keys(model: Any) -> list[str] | None:
    """Return the keys of a model whose inputs are a flat dict; None of any other."""
    try:
        tree = model.input
    except (AttributeError, ValueError):
        return None
    flat = isinstance(tree, Mapping) and all(hasattr(value, "shape") for value in tree.values())
    return [str(name) for name in tree] if flat else None


def _check_keys(given: Iterable[str], known: list[str]) -> None:
    """Raise `BadInput` for an input that is missing, or that the model does not have."""
    strange = [name for name in given if name not in known]
    if strange:
        raise BadInput(f"the model has no input '{strange[0]}'{choices(strange[0], known)}")
    missing = [name for name in known if name not in set(given)]
    if missing:
        raise BadInput(f"input '{missing[0]}' of the model is missing; it takes {', '.join(known)}")


def normalise(model: Any, inputs: Any) -> tuple[dict[str, Array], Structure]:
    """Return inputs by name as arrays with a common sample axis, and how the model is called.

    Raises `BadInput` when shapes do not fit the model or each other.
    """
    words = tuple(getattr(inputs, "words", ()))  # of a table
    frames = bool(getattr(inputs, "frames", False))
    inputs = getattr(inputs, "inputs", inputs)  # the pictures that `load_images` returned
    declared = _declared(model)
    if isinstance(inputs, Mapping):
        structure = Structure("dict", tuple(inputs))
        items = list(inputs.values())
    elif isinstance(inputs, (list, tuple)) and len(keys := _keys(model) or ()) > 1:
        like = ", ".join(f"'{key}': …" for key in keys)
        raise BadInput(f"the model takes its inputs as a dict: give {{{like}}}")
    elif (
        isinstance(inputs, (list, tuple))
        and declared is not None
        and len(declared) == len(inputs) > 1
    ):
        structure = Structure("list", tuple(name for name, _ in declared))
        items = list(inputs)
    elif isinstance(inputs, (list, tuple)) and declared is not None and len(declared) > 1:
        raise BadInput(
            f"the model takes {len(declared)} inputs ({', '.join(n for n, _ in declared)}); "
            f"{len(inputs)} given"
        )
    elif isinstance(inputs, tuple) and len(inputs) > 1 and all(np.ndim(i) > 0 for i in inputs):
        structure = Structure("tuple", tuple(f"input_{i}" for i in range(len(inputs))))
        items = list(inputs)
    else:
        name = declared[0][0] if declared is not None and len(declared) == 1 else "input"
        structure = Structure("single", (name,))
        items = [inputs]
    arrays = {
        name: _as_array(item, f"input '{name}'" if len(items) > 1 else "the input")
        for name, item in zip(structure.names, items, strict=True)
    }
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        raise BadInput(f"the inputs differ in their number of samples: {counts}")
    if declared is not None:
        _check_declared(arrays, structure, declared, _keys(model))
    return arrays, dataclasses.replace(structure, words=words, frames=frames)


def _check_declared(
    arrays: dict[str, Array],
    structure: Structure,
    declared: list[tuple[str, tuple[int | None, ...]]],
    keys: list[str] | None,
) -> None:
    names = [name for name, _ in declared]
    if structure.kind == "dict" and set(structure.names) != set(names):
        # A dict model may use keys of its own beside the names of its input tensors: Keras decides.
        _check_keys(structure.names, keys or names)
        return
    if len(arrays) != len(declared):
        given = f"{len(arrays)} input{'s' if len(arrays) > 1 else ''}"
        raise BadInput(
            f"the model takes {len(declared)} inputs ({', '.join(names)}); {given} given"
        )
    for position, (name, shape) in enumerate(declared):
        key = name if structure.kind == "dict" else structure.names[position]
        array = arrays[key]
        fits = len(shape) == array.ndim and all(
            want is None or want == have
            for want, have in zip(shape[1:], array.shape[1:], strict=True)
        )
        if fits:
            continue
        wanted = f"(N, {', '.join('any' if s is None else str(s) for s in shape[1:])})"
        hint = ""
        if array.ndim == len(shape) - 1:
            hint = "; a single sample needs a sample axis: array[None]"
        elif len(shape) in (3, 4, 5) and array.ndim == len(shape) and array.shape[-1] != shape[-1]:
            hint = f"; the model wants {shape[-1]} channels"
        elif len(shape) == array.ndim == 3:
            hint = f"; the series has {array.shape[1]} steps; the model takes {shape[1]}"
        raise BadInput(f"input '{name}' has shape {array.shape}; the model takes {wanted}{hint}")


def data_format(layers: Mapping[str, Any]) -> str:
    """Return the data format of the first layer that has one; Keras's default without any."""
    import keras

    for layer in layers.values():
        found = getattr(layer, "data_format", None)
        if found in ("channels_first", "channels_last"):
            return found
    return keras.config.image_data_format()


def axes_of(shape: tuple[int, ...], layout: str, *, frames: bool = False) -> tuple[str, ...]:
    """Return the names of the axes of one sample of this shape.

    frames: the first of two or three spatial axes is time.
    """
    flat, deep = (("time", "x"), ("time", "y", "x")) if frames else (("y", "x"), ("z", "y", "x"))
    spatial: tuple[str, ...] = {2: ("time",), 3: flat, 4: deep}.get(len(shape), ())
    if not spatial:
        return ("feature",) if len(shape) == 1 else tuple(f"axis{i}" for i in range(len(shape)))
    return ("channel", *spatial) if layout == "channels_first" else (*spatial, "channel")


def check_ids(
    arrays: Mapping[str, Array], tokens: Mapping[str, Any], table: Mapping[str, Any]
) -> None:
    """Raise `BadInput` for a token id that its embedding does not have: JAX would clamp it."""
    for name, site in tokens.items():
        _check_ids(arrays[name], site.path, table.get(site.path))


def check_ids_at_all(arrays: Mapping[str, Array], table: Mapping[str, Any]) -> None:
    """Raise `BadInput` for whole numbers that no embedding of the model has.

    For a model that does not run, so that which embedding reads which input is not known.
    """
    sizes = {path: getattr(layer, "input_dim", None) for path, layer in table.items()}
    known = {path: size for path, size in sizes.items() if isinstance(size, int)}
    if known:
        widest = max(known, key=known.__getitem__)
        for array in arrays.values():
            if array.dtype.kind in "iu" and array.ndim == 2:
                _check_ids(array, widest, table[widest])


def _check_ids(ids: Array, path: str, layer: Any) -> None:
    if ids.dtype.kind not in "iu":
        return  # Keras takes them as whole numbers
    known = getattr(layer, "input_dim", None)
    wrong = np.argwhere((ids < 0) | (ids >= (known or np.inf)))
    if len(wrong):
        raise BadInput(
            f"id {ids[tuple(wrong[0])]} of sample {wrong[0][0]} is out of vocabulary: embedding "
            f"'{path}' has {known} ids, 0 to {(known or 0) - 1}"
        )


def check_passes_gradients(model: Any, names: Iterable[str], tokens: Iterable[str]) -> list[str]:
    """Return notes on inputs through which no gradient comes; raise `Refused` where none comes.

    Keras casts to the type that an input declares, and nothing flows back through whole numbers.
    Tokens have their gradient at the embedding.
    """
    try:
        tensors = model.inputs or ()
    except (AttributeError, ValueError):
        return []
    known = list(names)
    alone = len(known) == len(tensors) == 1
    whole = {
        known[0] if alone else t.name
        for t in tensors
        if "int" in str(t.dtype) or str(t.dtype) == "string"
    }
    blind = [name for name in known if name in whole and name not in set(tokens)]
    if not blind:
        return []
    listed = ", ".join(f"'{name}'" for name in blind)
    if len(blind) == len(known):
        raise Refused(
            f"input {listed} is declared of whole numbers, or of words, through which Keras passes "
            "no gradient: take a method over activations (grad_cam) or scores (occlusion), or a "
            "float input"
        )
    return [
        f"no gradient passes through input {listed}, which is declared of whole numbers or words"
    ]
