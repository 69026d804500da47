"""Legacy .h5 and .hdf5 files: checked link by link, built from JSON, then filled with weights."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadModel
from kerascope.loading.config import modernised, refuse_code, refuse_keras_2_operations
from kerascope.loading.rebuild import Custom, loaded, rebuild

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGE = 1 << 26  # 64 MiB: below this a dataset that stores nothing cannot hurt
_EXPANSION = 1000  # more than any compressor of HDF5 reaches on weights


def check_hdf5(file: h5py.File, name: str) -> None:
    """Raise `BadModel` unless everything in the file is stored in the file itself.

    Soft and external links, external storage and virtual datasets let a model file read any file of
    the machine (CVE-2026-1669); no Keras writes them. A link is looked at before it is followed.
    """
    import h5py

    seen: set[int] = set()
    stack: list[h5py.Group] = [file]
    while stack:
        group = stack.pop()
        for key in group:
            place = f"{group.name.rstrip('/')}/{key}"
            try:
                link = group.get(key, getlink=True)
            except TypeError:  # a link of a type that h5py does not know
                link = None
            if not isinstance(link, h5py.HardLink):
                kind = {h5py.SoftLink: "a soft link", h5py.ExternalLink: "a link to another file"}
                raise BadModel(
                    f"model '{name}' holds {kind.get(type(link), 'a foreign link')} at '{place}'; "
                    "a model file must hold its own weights: not loaded"
                )
            item = group[key]
            if isinstance(item, h5py.Dataset):
                _check_dataset(item, name, place)
            elif isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address not in seen:
                    seen.add(address)
                    stack.append(item)


def _check_dataset(dataset: h5py.Dataset, name: str, place: str) -> None:
    """Raise `BadModel` when the values of a dataset are not in its file."""
    if dataset.external or dataset.is_virtual:
        raise BadModel(
            f"model '{name}' keeps the values of '{place}' in another file; "
            "a model file must hold its own weights: not loaded"
        )
    if dataset.nbytes > max(_LARGE, _EXPANSION * dataset.id.get_storage_size()):
        raise BadModel(
            f"model '{name}' claims {dataset.nbytes / 2**30:.1f} GiB for '{place}' and stores next "
            "to nothing: not loaded"
        )


@contextlib.contextmanager
def opened(source: Any, name: str) -> Iterator[h5py.File]:
    """Open an HDF5 file or bytes for reading; whatever is wrong with them is a `BadModel`."""
    import h5py

    try:
        with h5py.File(source, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, BadModel):
            raise
        raise BadModel(
            f"model file '{name}' is cut off or damaged ({_first(error)}); copy or download it "
            "again"
        ) from error


def _first(error: BaseException) -> str:
    return (str(error).strip('"').splitlines() or [type(error).__name__])[0][:160]


def read_config(path: Path, name: str) -> dict[str, Any]:
    """Return the model configuration of a legacy file, checked for links; raise `BadModel`."""
    with opened(os.fspath(path), name) as file:
        check_hdf5(file, name)
        raw = file.attrs.get("model_config")
        weights = (
            "layer_names" in file.attrs
            or "layers" in file
            or "_layer_checkpoint_dependencies" in file
        )
        held = len(file)
    if raw is None:
        what = "holds weights only, no model" if weights or name.endswith(".weights.h5") else None
        raise BadModel(
            f"'{name}' {what}: build the model in Python, load_weights('{name}') and save it as "
            ".keras"
            if what
            else f"'{name}' is an HDF5 file but no Keras model: it has no model_config ({held} "
            "other entries)"
        )
    try:
        config = json.loads(raw)
    except ValueError as error:
        raise BadModel(f"model file '{name}' is damaged: its model_config is not JSON") from error
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise BadModel(f"model file '{name}' is damaged: its model_config describes no model")
    return modernised(config)


def load_hdf5(
    path: Path, name: str, custom: Custom, *, unsafe: bool
) -> tuple[Any, tuple[str, ...]]:
    """Return the model of a legacy file and notes on what was mended; raise `BadModel`.

    Keras's own loader of these files imports TensorFlow under every backend; so the model is built
    from the configuration, in safe mode, and the weights are loaded into it.
    """
    config = read_config(path, name)
    refuse_keras_2_operations(config, name)
    if not unsafe:
        refuse_code(config, name)
    model, notes = rebuild(config, _construct(custom, unsafe=unsafe), name)
    if not model.built and not _holds_weights(path, name):
        return model, notes  # never called: it has no weights yet, in the file or out of it
    if not model.built:
        raise BadModel(
            f"model '{name}' was saved without its input shape, so its weights cannot be placed; "
            "build it in Python and save it as .keras"
        )
    with tempfile.TemporaryDirectory(prefix="kerascope-") as folder:
        weights = path
        if path.suffix not in (".h5", ".hdf5") or path.name.endswith(".weights.h5"):
            weights = Path(
                shutil.copyfile(path, Path(folder, "model.h5"))
            )  # Keras goes by the name
        loaded(lambda: model.load_weights(weights), config, name)
    return model, notes


def _holds_weights(path: Path, name: str) -> bool:
    """Say whether a legacy file holds any array of weights."""
    with opened(os.fspath(path), name) as file:
        group = file.get("model_weights", {})
        found = [key for key in group if len(group[key].attrs.get("weight_names", ()))]
    return bool(found)


def _construct(custom: Custom, *, unsafe: bool) -> Callable[[dict[str, Any]], Any]:
    """Return a function that builds a model from a legacy configuration."""

    def construct(config: dict[str, Any]) -> Any:
        import keras

        class Legacy:
            """Brings safe mode, a scope, to a constructor that takes custom objects."""

            @staticmethod
            def from_config(inner: dict[str, Any]) -> Any:
                return _model_class(config["class_name"], custom).from_config(
                    inner, custom_objects=custom
                )

        return keras.saving.deserialize_keras_object(
            {"class_name": "Legacy", "config": config["config"]},
            custom_objects={"Legacy": Legacy},
            safe_mode=not unsafe,
        )

    return construct


def _model_class(name: str, custom: Custom) -> Any:
    """Return the class of the outermost model; raise the `ValueError` that Keras has for layers."""
    import keras

    if name in ("Model", "Functional"):
        return keras.Model
    if name == "Sequential":
        return keras.Sequential
    found = keras.saving.get_registered_object(name, custom_objects=custom)
    if found is None:
        raise ValueError(f"Unknown layer: '{name}'. Please ensure that it is given")
    return found
