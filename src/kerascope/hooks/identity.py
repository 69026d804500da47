"""Which model was it: a hash of layers, settings and weights; are all its numbers finite."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np

from kerascope import backend
from kerascope.hooks.names import layer_table
from kerascope.hooks.store import store_of

_PROBES = 64


@dataclasses.dataclass(frozen=True)
class Identity:
    """A model's sha256 (layers, settings, weights) and its first variable that is not finite."""

    sha256: str
    broken: str | None


def _glance(model: Any) -> str:
    """Return a quick hash of a few values of every variable: changes whenever training went on."""
    read = backend.active().host
    digest = hashlib.blake2b(digest_size=16)
    for variable in model.variables:
        values = read(variable).reshape(-1)
        digest.update(values[:: max(1, len(values) // _PROBES)].tobytes())
    return digest.hexdigest()


def identity_of(model: Any) -> Identity:
    """Return a model's identity: found once, and again when a sample of its variables changes."""
    if not hasattr(model, "variables"):
        name = getattr(model, "__qualname__", type(model).__qualname__)
        return Identity(hashlib.sha256(name.encode()).hexdigest(), None)
    memo, key = store_of(model).memo, ("identity", _glance(model))
    if key not in memo:
        for old in [k for k in memo if k[0] == "identity"]:
            del memo[old]
        memo[key] = _read(model)
    return memo[key]


def _read(model: Any) -> Identity:
    digest, broken = hashlib.sha256(_config(model).encode()), None
    for variable in model.variables:
        array = np.ascontiguousarray(variable.numpy())
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
        if broken is None and array.dtype.kind == "f" and not np.isfinite(array).all():
            broken = variable.path
    return Identity(digest.hexdigest(), broken)


def _config(model: Any) -> str:
    """Return every layer's path, class and plain settings.

    Not `get_config`: on any backend, Keras imports TensorFlow to write it.
    """
    rows = []
    for path, layer in {"": model, **layer_table(model)}.items():
        plain = {
            key: value
            for key, value in vars(layer).items()
            if not key.startswith("_") and isinstance(value, (bool, int, float, str, tuple))
        }
        activation = getattr(getattr(layer, "activation", None), "__name__", None)
        rows.append([path, type(layer).__qualname__, activation, sorted(plain.items())])
    return json.dumps(rows, default=repr)
