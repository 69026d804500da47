"""Arrays from memory, from .npy and .npz files, and from datasets of any framework."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.errors import BadFile, BadInput
from kerascope.types import Array, Tree

_MOST_BYTES = 1 << 32  # 4 GiB of samples
_INFINITE = -1  # tf.data's cardinality of an endless dataset
_USUAL_KEYS = ("x", "images", "inputs", "x_test", "data", "arr_0")


def read_arrays(path: str | os.PathLike[str]) -> Tree:
    """Return the array of a .npy file, or the arrays of a .npz by name; never unpickles.

    Raises `BadFile`.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            held = np.load(stream, allow_pickle=False)
            if isinstance(held, np.ndarray):
                return held
            with held:
                return {name: held[name] for name in held.files}
    except FileNotFoundError as error:
        raise BadFile(f"array file '{path}' does not exist") from error
    except Exception as error:  # a damaged header is parsed as Python, a damaged zip says anything
        if "allow_pickle" in str(error) or "pickled" in str(error):
            raise BadFile(
                f"'{file.name}' holds Python objects, which could run code when read; save plain "
                "numbers with np.save"
            ) from error
        raise BadFile(
            f"array file '{file.name}' is cut off or damaged ({_first(error)})"
        ) from error


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def one_array(tree: Tree, name: str) -> Array:
    """Return the samples among the arrays of a file; raise `BadFile` when it is unclear which."""
    if not isinstance(tree, Mapping):
        return tree
    if len(tree) == 1:
        return next(iter(tree.values()))
    for key in _USUAL_KEYS:
        if key in tree:
            return tree[key]
    raise BadFile(
        f"'{name}' holds {len(tree)} arrays ({', '.join(tree)}); name the samples one of "
        f"{', '.join(_USUAL_KEYS)}"
    )


def as_array(value: Any) -> Array:
    """Return a NumPy array from an array or tensor of any framework, without importing one."""
    # PyTorch: off the device and out of the graph; NumPy has no bfloat16.
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
    value = value.numpy() if hasattr(value, "numpy") else value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{type(value).__name__} cannot be read as an array: {_first(error)}"
        ) from error
    if array.dtype.kind not in "fiub" and "float" not in str(array.dtype):
        raise BadInput(
            f"an array of {array.dtype} values cannot be a model's input; numbers are needed"
        )
    return array


def from_dataset(source: Any, limit: int | None = None) -> Tree:
    """Return the samples of a tf.data.Dataset, PyDataset, DataLoader or generator of batches.

    Labels and weights that come with the batches are left out; batches of several inputs become a
    dict by name. At most `limit` samples are read. Raises `BadInput` for an endless dataset without
    `limit`, or more than 4 GiB.
    """
    if limit is None and _endless(source):
        raise BadInput("the dataset is endless; say how many samples to read: limit=N")
    kept: list[Tree] = []
    samples = size = 0
    for batch in _batches(source):
        kept.append(batch)
        arrays = list(batch.values()) if isinstance(batch, Mapping) else [batch]
        samples += len(arrays[0])
        size += sum(array.nbytes for array in arrays)
        if limit is not None and samples >= limit:
            break
        if size > _MOST_BYTES:
            raise BadInput(
                f"the dataset holds more than {_MOST_BYTES >> 30} GiB; say how many samples to "
                "read: limit=N"
            )
    if not kept:
        raise BadInput("the dataset is empty")
    return _joined(kept, limit)


def _endless(source: Any) -> bool:
    cardinality = getattr(source, "cardinality", None)
    return callable(cardinality) and int(as_array(cardinality())) == _INFINITE


def _batches(source: Any) -> Iterator[Tree]:
    """Yield batches of inputs; single samples, of an unbatched dataset, as batches of one."""
    unbatched = _unbatched(source)
    for item in _iterated(source):
        inputs = item[0] if isinstance(item, tuple | list) and len(item) > 0 else item
        if isinstance(inputs, Mapping):
            tree = {str(name): as_array(value) for name, value in inputs.items()}
            yield {k: v[None] for k, v in tree.items()} if unbatched else tree
        elif isinstance(inputs, tuple | list):
            tree = {f"input_{i}": as_array(value) for i, value in enumerate(inputs)}
            yield {k: v[None] for k, v in tree.items()} if unbatched else tree
        else:
            array = as_array(inputs)
            yield array[None] if unbatched or array.ndim == 0 else array


def _iterated(source: Any) -> Iterable[Any]:
    if isinstance(source, Iterable):
        return source
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):  # a torch Dataset of samples
        return (source[i] for i in range(len(source)))
    raise BadInput(
        f"{type(source).__name__} cannot be read as inputs; give pictures, arrays, a dataset of "
        "batches or a path"
    )


def _unbatched(source: Any) -> bool:
    """Say whether a dataset yields single pictures: the first axis is a height, not a batch."""
    spec = getattr(source, "element_spec", None)
    while isinstance(spec, tuple | list) and spec:
        spec = spec[0]
    if isinstance(spec, Mapping):
        spec = next(iter(spec.values()), None)
    if spec is None:
        return not isinstance(source, Iterable)
    return getattr(getattr(spec, "shape", None), "rank", None) == 3


def _joined(batches: list[Tree], limit: int | None) -> Tree:
    def together(arrays: list[Array]) -> Array:
        shapes = {array.shape[1:] for array in arrays}
        if len(shapes) > 1:
            some = " and ".join(str(shape) for shape in itertools.islice(sorted(shapes), 2))
            raise BadInput(
                f"the dataset's samples have different shapes ({some}); batch equal ones"
            )
        return np.concatenate(arrays)[:limit]

    first = batches[0]
    if isinstance(first, Mapping):
        return {name: together([batch[name] for batch in batches]) for name in first}  # type: ignore[index]
    return together(batches)  # type: ignore[arg-type]


def finite(array: Array, what: str) -> Array:
    """Return float32 (integers stay); raise `BadInput` for NaN or infinite values."""
    if array.dtype.kind in "iu":
        return array
    values = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(values).all():
        sample = int(np.argmax(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        raise BadInput(f"{what} hold NaN or infinite values, first in sample {sample}")
    return values
