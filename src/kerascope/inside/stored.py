"""Results in files: arrays by name with a JSON header, as safetensors; no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadFile
from kerascope.files import write_whole

if TYPE_CHECKING:
    import os

    from kerascope.types import Array

SCHEMA = 1


def write_tensors(
    path: str | os.PathLike[str], kind: str, arrays: Mapping[str, Array], header: Any
) -> Path:
    """Write arrays and a header of plain JSON values to one file, whole or not at all.

    kind: what is stored, which `read_tensors` checks. Raises `BadFile`.
    """
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    words = json.dumps({"schema": SCHEMA, "kind": kind, "header": header})
    return write_whole(path, save(tensors, metadata={"kerascope": words}))


def read_tensors(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Array], Any]:
    """Return the arrays and the header of a file of this kind; raise `BadFile` when it is none."""
    from safetensors import SafetensorError, safe_open

    name = Path(path).name
    try:
        with safe_open(path, framework="numpy") as file:
            data = json.loads((file.metadata() or {}).get("kerascope", "null"))
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise BadFile(f"cannot read '{name}': {error}") from error
    if not isinstance(data, dict) or (data.get("schema"), data.get("kind")) != (SCHEMA, kind):
        raise BadFile(f"'{name}' does not hold {kind} of Kerascope (schema {SCHEMA})")
    return arrays, data["header"]


def as_tuples(value: Any) -> Any:
    """Return a JSON value with all lists made tuples."""
    if isinstance(value, list):
        return tuple(as_tuples(item) for item in value)
    return value
