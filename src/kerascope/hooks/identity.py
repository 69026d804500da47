"""Which model was it: a hash of layers, settings and weights; are all its numbers finite."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from typing import Any

import numpy as np

from kerascope import backend
from kerascope.hooks.names import layer_table
from kerascope.hooks.store import store_of

_PROBES = 64
# Where dropout's randomness stands: drawn anew at every load, of another type on every backend.
_SEEDS = "seed_generator_state"
# Set by the backend, by `compile` or by loading, not by who made the model.
_BESIDE = frozenset({
    "auto_jit", "is_awq_calibrated", "is_gptq_calibrated", "jit_compile", "run_eagerly",
    "steps_per_execution", "training", "unrolled_steps_per_execution",
})  # fmt: skip
# Keras numbers the layers that nobody named by how many there were before, in any model.
_COUNTED = re.compile(r"_\d+(?=/|$)")


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
        if variable.name == _SEEDS:
            continue
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
            if not key.startswith("_")
            and key not in _BESIDE
            and isinstance(value, (bool, int, float, str, tuple))
        }
        plain["name"] = _COUNTED.sub("", str(plain.get("name")))
        activation = getattr(getattr(layer, "activation", None), "__name__", None)
        kind = [type(layer).__qualname__, getattr(layer, "compute_dtype", None), activation]
        rows.append([_COUNTED.sub("", path), *kind, sorted(plain.items())])
    return json.dumps(rows, default=repr)
