"""Targets as plain JSON values, and back: what a file says was explained."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Target
from kerascope.targets.classes import Class, Contrast, Output, Predicted, Rank, Top
from kerascope.targets.detections import Detection
from kerascope.targets.horizon import Horizon
from kerascope.targets.inner import Direction, Weighted, WholeLayer
from kerascope.targets.next_token import NextToken
from kerascope.targets.places import Box, Neuron
from kerascope.targets.reconstruction import ReconstructionError
from kerascope.targets.regions import Area, Mask, Point
from kerascope.targets.similar import Similarity
from kerascope.targets.values import ExpectedRank, Regression

_KINDS = {
    kind.__name__: kind
    for kind in (
        Area, Box, Class, Contrast, Detection, Direction, ExpectedRank, Horizon, Mask, Neuron,
        NextToken, Output, Point, Predicted, Rank, ReconstructionError, Regression, Similarity, Top,
        Weighted,
        WholeLayer,
    )
}  # fmt: skip
_LARGEST = 4096  # values of an array that a file holds


def to_json(target: Any) -> Any:
    """Return a target as `explain` takes it as plain JSON values.

    Words and numbers stay, a list stays a list, a tuple is {"several": […]}, a target {"kind": …,
    "fields": {…}}, an array {"array": …}. What cannot be stored (a function, a large array, a
    target that is resolved already) is {"lost": words}.
    """
    if target is None or isinstance(target, (bool, int, float, str)):
        return target
    if isinstance(target, np.generic):
        return target.item()
    if isinstance(target, list):
        return [to_json(item) for item in target]
    if isinstance(target, tuple):
        return {"several": [to_json(item) for item in target]}
    if type(target) in _KINDS.values():
        fields = {f.name: to_json(getattr(target, f.name)) for f in dataclasses.fields(target)}
        return {"kind": type(target).__name__, "fields": fields}
    if not isinstance(target, Target) and hasattr(target, "__array__"):
        return _array(np.asarray(target))
    return {"lost": getattr(target, "__name__", type(target).__name__)}


def _array(array: np.ndarray) -> dict[str, Any]:
    if array.size > _LARGEST or array.dtype.kind not in "biuf":
        mark = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        return {"lost": f"array {array.shape}, sha256 {mark}"}
    return {"array": array.tolist(), "type": array.dtype.str}


def from_json(data: Any) -> Any:
    """Return the target that `to_json` described.

    Raises:
        BadTarget: it could not be stored, or this is no such description.
    """
    if isinstance(data, list):
        return [from_json(item) for item in data]
    if not isinstance(data, dict):
        return data
    try:
        if "lost" in data:
            raise BadTarget(f"the target ({data['lost']}) is not stored with the result")
        if "several" in data:
            return tuple(from_json(item) for item in data["several"])
        if "array" in data:
            return np.array(data["array"], np.dtype(data["type"]))
        fields = {name: from_json(value) for name, value in data["fields"].items()}
        kind = _KINDS[data["kind"]]
        return Weighted(*fields["terms"]) if kind is Weighted else kind(**fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, BadTarget):
            raise
        raise BadTarget(f"{str(data)[:80]!r} describes no target") from error
