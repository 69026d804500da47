"""TensorFlow SavedModel folders: a function of a batch, explained by its scores alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from kerascope.errors import BadModel
from kerascope.loading.rebuild import one_line

MARK = "saved_model.pb"
_ENDPOINTS = ("serve", "serving_default")  # Keras's `model.export`, and older writers


class SavedModel:
    """A SavedModel as a function of a batch; there are no layers and no gradients in it.

    input_shape: with a sample axis, of a model with one input; None where it has several.
    """

    def __init__(self, path: Path) -> None:
        self.layer = _layer(path)
        self.input_shape = _shape(self.layer.call_endpoint_fn)
        # What tells this function from others, as the name of a plain one does.
        digest = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(file.read_bytes())
        self.sha256 = digest.hexdigest()
        self.__qualname__ = f"SavedModel {self.sha256}"

    def __call__(self, x: Any) -> Any:
        """Return what the endpoint gives for a batch."""
        return self.layer(x)


def load_saved_model(path: Path, *, unsafe: bool) -> SavedModel:
    """Return a SavedModel folder as a function; raises `BadModel` where it cannot or must not run.

    Its graph may read and write files, so it is loaded only with `unsafe`.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise BadModel(
            f"'{path.name}' is a TensorFlow SavedModel, which Keras runs on TensorFlow only, not "
            f"on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow, or take the model as "
            ".keras"
        )
    if not unsafe:
        raise BadModel(
            f"'{path.name}' is a TensorFlow SavedModel: a program that may read and write files; "
            "pass --unsafe (unsafe=True) only if you trust it, or take the model as .keras"
        )
    return SavedModel(path)


def _layer(path: Path) -> Any:
    from keras.layers import TFSMLayer

    failures: list[Exception] = []
    for endpoint in _ENDPOINTS:
        try:
            return TFSMLayer(str(path), call_endpoint=endpoint)
        except Exception as error:  # TensorFlow raises whatever it likes
            failures.append(error)
    raise BadModel(f"'{path.name}' cannot be loaded: {one_line(failures[-1])}") from failures[-1]


def _shape(function: Any) -> tuple[int | None, ...] | None:
    """Return the shape of the one input of an endpoint; None for several, or for none told."""
    signature = getattr(function, "structured_input_signature", None)
    if signature is None:
        concrete = getattr(function, "concrete_functions", None) or [None]
        signature = getattr(concrete[0], "structured_input_signature", None)
    if signature is None:
        return None
    positional, named = signature
    specs = [spec for spec in (*positional, *named.values()) if hasattr(spec, "shape")]
    if len(specs) != 1 or specs[0].shape.rank is None:
        return None
    return tuple(specs[0].shape)
