"""The door for several inputs of several kinds: each read as its kind, all kept together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.columns import Table
from kerascope.errors import BadInput, choices
from kerascope.facts import facts_of, remember
from kerascope.loading.arrays import as_array, finite, one_array, read_arrays
from kerascope.loading.images import load_images
from kerascope.loading.inputs import check_shape
from kerascope.loading.sources import is_array_file
from kerascope.loading.tables import SUFFIXES as TABLES
from kerascope.loading.tables import load_table
from kerascope.loading.texts import TEXT_SUFFIXES, read_lines, read_vocabulary
from kerascope.loading.wants import input_shapes
from kerascope.several import Several, several_of


def load_several(
    sources: Mapping[str, Any],
    model: Any = None,
    *,
    vocabulary: Any = None,
    background: Any = None,
    columns: Mapping[str, Any] | None = None,
    **pictures: Any,
) -> Several:
    """Return several inputs, each read as its kind: what `explain` takes.

    Args:
        sources: by input name: pictures (a file, folder, pattern or list), columns (.csv, a data
            frame, an array with `columns`), texts (.txt, strings), arrays (.npy, in memory), or
            what `load_images`, `load_table` or `load_texts` returned.
        model: whose inputs these are.
        vocabulary: how texts become ids, as in `load_texts`.
        background: rows that stand for the training data of the columns; None: the table's own.
        columns: names for the columns of an array, by input name.
        pictures: further options of `load_images`.

    Raises:
        BadInput: an input is missing or unknown, or does not fit its kind; the message names it.
        BadFile: a file cannot be read.
    """
    shapes = {} if model is None else input_shapes(model)
    _check_names(sources, shapes)
    if isinstance(vocabulary, (str, os.PathLike)):
        vocabulary = read_vocabulary(vocabulary)
    named = dict(columns or {})
    read = {}
    for name, source in sources.items():
        try:
            read[name] = _read(
                source, lambda name=name: _Branch.of(model, name), shapes.get(name, ()),
                background=background, columns=named.get(name), **pictures,
            )  # fmt: skip
        except BadInput as error:
            raise type(error)(f"input '{name}': {error}") from error
    counts = {name: len(value) for name, value in read.items()}
    if len(set(counts.values())) > 1:
        raise BadInput(f"the inputs differ in their number of samples: {counts}")
    found = several_of(read, model, vocabulary=vocabulary)
    if found is not None:
        return found
    arrays = {name: np.asarray(value) for name, value in read.items()}
    texts = [name for name, array in arrays.items() if array.dtype.kind in "OUST"]
    if texts:  # beside plain arrays
        from kerascope.texts import read_texts

        read[texts[0]] = read_texts(list(read[texts[0]]), None, vocabulary=vocabulary)
        return several_of(read, model)  # type: ignore[return-value]
    names = tuple(f"sample {i}" for i in range(next(iter(counts.values()))))
    return Several(inputs=arrays, names=names)


def load_named_arrays(
    path: str | os.PathLike[str], model: Any, *, vocabulary: Any = None, **pictures: Any
) -> Several:
    """Return the arrays of a .npz file as the inputs of `model` that are called like them.

    Each has samples along its first axis, or all of them are one sample without such an axis.
    vocabulary, pictures: as in `load_several`.

    Raises:
        BadInput: a name or a shape is none of the model's; the message names it.
        BadFile: the file cannot be read.
    """
    shapes, held = input_shapes(model), read_arrays(path)
    if not isinstance(held, Mapping):
        raise BadInput(f"'{Path(path).name}' holds one array; the model takes {', '.join(shapes)}")
    _check_names(held, shapes)
    lone = all(array.ndim == len(shapes[name]) for name, array in held.items())
    named = {name: array[None] if lone else array for name, array in held.items()}
    read: dict[str, Any] = {}
    for name, array in named.items():
        if array.dtype.kind in "US":
            read[name] = [str(text) for text in array.reshape(-1)]
            continue
        check_shape(array, shapes[name], f"input '{name}'")
        read[name] = finite(as_array(array), f"the inputs '{name}'")
        if len(shapes[name]) == 3:
            read[name] = load_images(array, _Branch.of(model, name), **_plain(pictures))
    found = load_several(read, model, vocabulary=vocabulary)
    stem, count = Path(path).stem, len(found)
    names = (stem,) if count == 1 else tuple(f"{stem} {i}" for i in range(count))
    return dataclasses.replace(found, names=names)


def _check_names(sources: Mapping[str, Any], shapes: Mapping[str, Any]) -> None:
    strange = [name for name in sources if shapes and name not in shapes]
    if strange:
        raise BadInput(f"the model has no input '{strange[0]}'{choices(strange[0], shapes)}")
    missing = [name for name in shapes if name not in sources]
    if missing:
        raise BadInput(
            f"input '{missing[0]}' of the model is missing; it takes {', '.join(shapes)}"
        )


def _read(
    source: Any, branch: Any, shape: tuple[int | None, ...], *, background: Any, columns: Any,
    **pictures: Any,
) -> Any:  # fmt: skip
    """Return one input as its kind: Images, Table, strings or an array."""
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    suffix = "" if path is None else path.suffix.lower()
    if suffix in TABLES or columns is not None or isinstance(source, Table):
        if isinstance(source, Table):
            return source
        return load_table(source, columns=columns, background=background)
    if path is not None and suffix in TEXT_SUFFIXES:
        return read_lines(path)
    if is_array_file(source):
        array = one_array(read_arrays(source), Path(source).name)
        picture = len(shape) == 3
        return load_images(array, branch(), **_plain(pictures)) if picture else array
    if len(shape) == 3 and (path is not None or _files(source)):
        return load_images(source, branch(), **pictures)
    if path is not None and len(shape) < 2 and not path.exists():
        return [str(source)]  # the text itself
    if path is not None:
        raise BadInput(f"'{path.name}' is no .csv, .txt, .npy or picture that fits the input")
    return source


def _plain(pictures: Mapping[str, Any]) -> dict[str, Any]:
    """Return options without those that are for files alone: arrays are taken as they are."""
    return {key: value for key, value in pictures.items() if key not in ("preprocess", "fit")}


def _files(source: Any) -> bool:
    return isinstance(source, list) and all(isinstance(s, str | os.PathLike) for s in source)


class _Branch:
    """One input of a model, as if the model had no other: what its pictures need is read here."""

    def __init__(self, tensor: Any, operations: list[Any], name: str) -> None:
        self.input, self.operations, self.name = tensor, operations, name

    @classmethod
    def of(cls, model: Any, name: str) -> _Branch | None:
        """Return the branch of an input; None where the model does not declare any."""
        tensors = getattr(model, "input", None)
        if isinstance(tensors, Mapping):
            tensor = tensors.get(name)
        else:
            listed = tensors if isinstance(tensors, list | tuple) else []
            tensor = next((t for t in listed if t.name == name), None)
        if tensor is None:
            return None
        branch = cls(tensor, _after(model, tensor), str(getattr(model, "name", "")))
        facts = facts_of(model)
        remember(branch, preprocessing=facts.preprocessing, source=facts.source)
        return branch


def _after(model: Any, tensor: Any) -> list[Any]:
    """Return the operations that hang on one input alone, in the order of the graph."""
    own, rest = {id(tensor)}, []
    for operation in getattr(model, "operations", ()):
        for node in getattr(operation, "_inbound_nodes", ()):
            given = [id(value) for value in node.input_tensors]
            if given and all(value in own for value in given):
                own |= {id(value) for value in node.outputs}
                rest.append(operation)
                break
    return rest
