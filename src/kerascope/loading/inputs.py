"""Inputs that are not pictures: tables, series, token ids, volumes, several inputs at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.errors import BadFile, BadInput, choices
from kerascope.loading.arrays import as_array, finite, from_dataset, one_array, read_arrays
from kerascope.loading.sources import ARRAY_SUFFIXES, is_array_file
from kerascope.loading.wants import Shape, input_shapes
from kerascope.types import Array, Tree


def load_inputs(source: Any, model: Any = None, *, limit: int | None = None) -> Tree:
    """Return inputs as an array, or a dict by input name, checked against what `model` takes.

    source: an array, a .npy or .npz file, a dict of arrays by input name, a data frame with a
        number per column, or a dataset of batches. Floats become float32, integers stay. A frame
        whose columns are named as the model's inputs becomes a dict of (sample, 1) arrays.
    Raises `BadInput` or `BadFile`, in one line.
    """
    shapes = {} if model is None else input_shapes(model)
    tree = _read(source, shapes, limit)
    if isinstance(tree, Mapping):
        tree = {
            name: finite(_real(array)[:limit], f"the inputs '{name}'")
            for name, array in tree.items()
        }
        _check_names(tree, shapes)
        counts = {name: len(array) for name, array in tree.items()}
        if len(set(counts.values())) > 1:
            raise BadInput(f"the inputs have different numbers of samples: {counts}")
        for name, array in tree.items():
            check_shape(array, shapes.get(name), f"input '{name}'")
        return tree
    array = finite(_real(tree)[:limit], "the inputs")
    if len(shapes) > 1:
        raise BadInput(
            f"the model has several inputs; give a dict of arrays named {', '.join(shapes)}"
        )
    check_shape(array, next(iter(shapes.values()), None), "the input")
    return array


def _real(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.kind == "b" else array


def _read(source: Any, shapes: Mapping[str, Shape], limit: int | None) -> Tree:
    if isinstance(source, Mapping):
        return {str(name): as_array(value) for name, value in source.items()}
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        return _from_frame(source, shapes)
    if isinstance(source, str | os.PathLike):
        return _from_file(source, shapes)
    if (
        hasattr(source, "__array__")
        or hasattr(source, "detach")
        or isinstance(source, list | tuple)
    ):
        return as_array(source)
    return from_dataset(source, limit)


def _from_file(source: str | os.PathLike[str], shapes: Mapping[str, Shape]) -> Tree:
    name = Path(source).name
    if not is_array_file(source):
        raise BadFile(f"'{name}' is not an array file ({', '.join(ARRAY_SUFFIXES)})")
    tree = read_arrays(source)
    return tree if isinstance(tree, Mapping) and len(shapes) > 1 else one_array(tree, name)


def _from_frame(frame: Any, shapes: Mapping[str, Shape]) -> Tree:
    """Return the numbers of a data frame, one column after another or by input name."""
    columns = [str(column) for column in frame.columns]
    wrong = [
        c
        for c, kind in zip(columns, frame.dtypes, strict=True)
        if getattr(kind, "kind", "O") not in "fiub"
    ]
    if wrong:
        raise BadInput(f"column '{wrong[0]}' of the data frame holds no numbers; encode or drop it")
    values = frame.to_numpy(dtype=np.float32)
    if len(shapes) > 1 and set(shapes) <= set(columns):
        return {name: values[:, columns.index(name)][:, None] for name in shapes}
    return values


def _check_names(tree: Mapping[str, Array], shapes: Mapping[str, Shape]) -> None:
    if not shapes or set(tree) == set(shapes):
        return
    unknown = sorted(set(tree) - set(shapes))
    if unknown:
        raise BadInput(f"the model has no input '{unknown[0]}'{choices(unknown[0], shapes)}")
    raise BadInput(
        f"input '{min(set(shapes) - set(tree))}' of the model is missing; known: "
        f"{', '.join(shapes)}"
    )


def check_shape(array: Array, shape: Shape | None, what: str) -> None:
    """Raise `BadInput` when the samples of an array do not have the shape that the model takes."""
    if array.ndim == 0 or len(array) == 0:
        raise BadInput(f"{what} holds no samples (shape {array.shape})")
    if shape is None:
        return
    have = array.shape[1:]
    fits = len(have) == len(shape) and all(w in (None, h) for w, h in zip(shape, have, strict=True))
    if not fits:
        wanted = "×".join("any" if value is None else str(value) for value in shape) or "a number"
        raise BadInput(
            f"{what}: samples of shape {have} do not fit the model, which takes {wanted}"
        )
