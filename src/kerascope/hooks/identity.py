"""Which model was it: a hash of configuration and weights, and where its numbers are not finite."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from kerascope.hooks.model import store_of

_PROBES = 512


def _glance(model: Any) -> str:
    """Return a quick hash of a few values of every variable: changes whenever training went on."""
    digest = hashlib.blake2b(digest_size=16)
    for variable in model.variables:
        values = np.asarray(variable.numpy()).reshape(-1)
        digest.update(values[:: max(1, len(values) // _PROBES)].tobytes())
    return digest.hexdigest()


def model_sha256(model: Any) -> str:
    """Return the sha256 of a model's configuration and all its weights.

    The full hash is computed once and again when a sample of every variable has changed.
    """
    if not hasattr(model, "variables"):
        return hashlib.sha256(
            repr(getattr(model, "__qualname__", type(model))).encode()
        ).hexdigest()
    memo, key = store_of(model).memo, ("sha256", _glance(model))
    if key not in memo:
        for old in [k for k in memo if k[0] == "sha256"]:
            del memo[old]
        digest = hashlib.sha256(_config(model).encode())
        for variable in model.variables:
            array = np.ascontiguousarray(variable.numpy())
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.tobytes())
        memo[key] = digest.hexdigest()
    return memo[key]


def _config(model: Any) -> str:
    try:
        return json.dumps(model.get_config(), sort_keys=True, default=repr)
    except Exception:  # a subclassed model need not have a configuration, and may raise anything
        return type(model).__qualname__


def broken_variable(model: Any) -> str | None:
    """Return the path of the first variable with NaN or infinite values, or None."""
    for variable in getattr(model, "variables", ()):
        values = np.asarray(variable.numpy())
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            return variable.path
    return None
