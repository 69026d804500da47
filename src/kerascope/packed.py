"""A result as arrays and a JSON header, for its file, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.columns import Column
from kerascope.method import method_class
from kerascope.provenance import Provenance, samples_of
from kerascope.timeline import Timeline
from kerascope.tokens import Tokens
from kerascope.verdict import plain, rich

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array, Tree

SCHEMA = 1
_TREES = ("values", "inputs", "predictions")
_ARRAYS = ("scores", "gap")
_PLAIN = ("explained", "target", "layer", "notes", "labels", "names")


def pack(result: Attribution) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return arrays by name and the JSON header."""
    tensors: dict[str, Array] = {}
    trees = {}
    for field in _TREES:
        tree = getattr(result, field)
        several = isinstance(tree, Mapping)
        trees[field] = list(tree) if several else None
        for name, array in tree.items() if several else [("", tree)]:
            tensors[f"{field}/{name}"] = np.ascontiguousarray(array)
    for field in _ARRAYS:
        if getattr(result, field) is not None:
            tensors[field] = np.ascontiguousarray(getattr(result, field))
    for name, array in result.extras.items():
        tensors[f"extras/{name}"] = np.ascontiguousarray(array)
    for index, picture in enumerate(result.display or ()):
        tensors[f"display/{index}"] = np.ascontiguousarray(picture)
    header = {
        "schema": SCHEMA,
        "trees": trees,
        "axes": result.axes,
        "input_axes": result.input_axes,
        "method": result.method.to_json(),
        "provenance": dataclasses.asdict(result.provenance),
        "samples": samples_of(result),
        "grade": None if result.grade is None else [plain(g) for g in result.grade],
        "display": None if result.display is None else len(result.display),
        "features": {name: [one.to_json() for one in of] for name, of in result.features.items()},
        **{field: getattr(result, field) for field in _PLAIN},
    }
    return tensors, header


def unpack(
    cls: type[Attribution], tensors: dict[str, Array], header: dict[str, Any]
) -> Attribution:
    """Return the result that `pack` took apart."""

    def tree(field: str) -> Tree:
        names = header["trees"][field]
        if names is None:
            return tensors[f"{field}/"]
        return {name: tensors[f"{field}/{name}"] for name in names}

    axes = header["axes"]
    count = header["display"]
    fields: dict[str, Any] = {field: tree(field) for field in _TREES}
    fields |= {field: tensors.get(field) for field in _ARRAYS}
    fields |= {field: _tuples(header[field]) for field in _PLAIN}
    return cls(
        **fields,
        axes={k: tuple(v) for k, v in axes.items()} if isinstance(axes, dict) else tuple(axes),
        input_axes={k: tuple(v) for k, v in header["input_axes"].items()},
        method=method_class(header["method"]["name"]).from_json(header["method"]),
        grade=None if header["grade"] is None else [rich(g) for g in header["grade"]],
        provenance=Provenance(**header["provenance"]),
        extras={
            k.removeprefix("extras/"): v for k, v in tensors.items() if k.startswith("extras/")
        },
        display=None if count is None else tuple(tensors[f"display/{i}"] for i in range(count)),
        features={  # files of earlier versions have none
            name: tuple(_feature(one) for one in of)
            for name, of in header.get("features", {}).items()
        },
    )


def _feature(one: dict[str, Any]) -> Column | Tokens | Timeline:
    if "places" in one:
        return Column.from_json(one)
    return Timeline.from_json(one) if "times" in one else Tokens.from_json(one)


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tuples(of) for name, of in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
