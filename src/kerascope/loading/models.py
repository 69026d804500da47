"""The door for models: files, published weights, functions; plain Keras out, facts beside it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.backend import choose
from kerascope.errors import BadInput, BadModel
from kerascope.facts import facts_of, remember
from kerascope.loading import archive, hdf5
from kerascope.loading.applications import load_application, load_preset
from kerascope.loading.custom import custom_objects
from kerascope.loading.labels import IMAGENET, check_count, imagenet_labels, read_labels
from kerascope.loading.preprocessing import HUB, known_application
from kerascope.loading.saved_model import MARK, load_saved_model
from kerascope.loading.wants import hub_converter

_FORMATS = ".keras, .h5 or .hdf5"


def load_model(source: Any, *, labels: Any = None, custom: Any = (), unsafe: bool = False) -> Any:
    """Return the plain Keras model that `source` names; what is known of it is kept in `facts`.

    source: a .keras, .h5 or .hdf5 file; "keras:MobileNetV2" for Keras Applications with ImageNet
        weights; "hub:PRESET" for KerasHub; a TensorFlow SavedModel folder, as a function of a
        batch; a model or any callable, which is returned unchanged.
    labels: class names, see `labels.read_labels`; ImageNet's for 1000 outputs when Keras has them.
    custom: "module:Class" names, classes, or a dict, for custom layers and functions in the file.
    unsafe: let the file run code that it carries (Lambda layers, the graph of a SavedModel); a file
        may be malicious.
    Raises `BadModel` in one line for whatever is wrong with the model, `BadInput` with the labels.
    """
    names = None if labels is None else read_labels(labels)
    facts: dict[str, Any] = {}
    if callable(source):
        model = source
    elif isinstance(source, str | os.PathLike):
        choose()
        model, facts = _from_words(os.fspath(source), custom, unsafe=unsafe)
    else:
        raise BadModel(
            f"{type(source).__name__} is not a model; give a file ({_FORMATS}), 'keras:NAME', "
            "'hub:PRESET' or a callable"
        )
    check_weights(model, str(facts.get("source") or getattr(model, "name", "model")))
    if names is not None:
        check_count(names, model)
        facts["labels"] = names
    elif facts_of(model).labels is None and (default := imagenet_labels(model)) is not None:
        facts["labels"] = default
        facts["notes"] = (
            *facts.get("notes", ()),
            f"class names: ImageNet, from Keras's {IMAGENET}",
        )
    _remember(model, facts)
    return model


def look(source: Any) -> None:
    """Raise `BadModel` for a path that holds no model: before Keras is imported, which takes long.

    What a file holds beyond its first bytes, and whether a name is known, loading tells.
    """
    text = os.fspath(source)
    _check_name(text)
    if text.startswith(("keras:", "hub:")) and not Path(text).exists():
        return
    if not (Path(text) / MARK).is_file():
        _loader(Path(text))


def _check_name(text: str) -> None:
    if not text:  # a path of no characters would be the current folder
        raise BadModel(f"'' names no model; give a file ({_FORMATS}), 'keras:NAME' or 'hub:PRESET'")


def _remember(model: Any, facts: dict[str, Any]) -> None:
    if not facts:
        return
    try:
        remember(model, **facts)
    except TypeError as error:  # built-in functions and unhashable callables
        raise BadInput(
            f"class names cannot be kept beside {type(model).__name__}; wrap it in a function of "
            "its own"
        ) from error


def _from_words(text: str, custom: Any, *, unsafe: bool) -> tuple[Any, dict[str, Any]]:
    """Return a model and its facts from a file name, "keras:NAME" or "hub:PRESET"."""
    _check_name(text)
    kind, _, rest = text.partition(":")
    if kind == "keras" and not Path(text).exists():
        model = load_application(rest)
        known = known_application(model)
        return model, {"source": text, "preprocessing": known[0] if known else None}
    if kind == "hub" and not Path(text).exists():
        model = load_preset(rest)
        return model, {"source": text, "preprocessing": HUB if hub_converter(model) else None}
    path = Path(text)
    if (path / MARK).is_file():
        saved = load_saved_model(path, unsafe=unsafe)
        return saved, {"source": path.name, "sha256": saved.sha256}
    load = _loader(path)
    model, notes = load(path, path.name, custom_objects(custom), unsafe=unsafe)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return model, {"source": path.name, "sha256": digest, "notes": notes}


def _loader(path: Path) -> Any:
    """Return the loader for a file by what is in it: old Keras wrote HDF5 as .keras too."""
    name = path.name
    if path.is_dir():
        raise BadModel(_about_folder(path))
    try:
        with path.open("rb") as file:
            head = file.read(len(hdf5.SIGNATURE))
    except FileNotFoundError as error:
        raise BadModel(f"model file '{path}' does not exist") from error
    except OSError as error:
        raise BadModel(f"model file '{path}' cannot be read: {error.strerror or error}") from error
    if head.startswith(archive.SIGNATURE):
        return archive.load_archive
    if head == hdf5.SIGNATURE:
        return hdf5.load_hdf5
    if not head:
        raise BadModel(f"model file '{name}' is empty")
    raise BadModel(
        f"'{name}' is not a Keras model file ({_FORMATS}): it is neither a zip archive nor HDF5"
    )


def _about_folder(path: Path) -> str:
    if (path / "config.json").exists():
        return f"'{path.name}' is an unzipped Keras model; zip its contents into one .keras file"
    return f"'{path.name}' is a folder, not a model file ({_FORMATS})"


def check_weights(model: Any, name: str) -> None:
    """Raise `BadModel` that names the first weight with NaN or infinite values."""
    weights = getattr(model, "weights", None)
    if not isinstance(weights, list | tuple):
        return
    for weight in weights:
        if "float" not in str(getattr(weight, "dtype", "")):
            continue
        from keras import ops

        values = np.asarray(ops.convert_to_numpy(weight))
        values = values.astype(np.float32) if values.itemsize < 4 else values
        if not np.isfinite(values).all():
            bad = int(np.size(values) - np.count_nonzero(np.isfinite(values)))
            what = "NaN" if np.isnan(values).any() else "infinite values"
            place = getattr(weight, "path", None) or getattr(weight, "name", "?")
            raise BadModel(
                f"model '{name}': weight '{place}' holds {what} ({bad} of {np.size(values)} "
                "values); its explanations would be meaningless"
            )
