"""Results of this room in files: arrays and lists of arrays as tensors, all else as JSON."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from kerascope.columns import Column
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.provenance import Provenance

if TYPE_CHECKING:
    import os

    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class TableResult:
    """Base of the results over a table.

    explained: the score in words. columns: those looked at. rows: how many rows it was measured on.
    passes: rows that went through the model.
    """

    kind: ClassVar[str]

    columns: tuple[Column, ...]
    explained: str
    rows: int
    passes: int
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result to one safetensors file; raise `BadFile` where it cannot be written."""
        arrays: dict[str, Array] = {}
        header: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            elif isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
                arrays |= {f"{field.name}/{i}": array for i, array in enumerate(value)}
            elif field.name == "columns":
                header["columns"] = [column.to_json() for column in value]
            elif field.name == "provenance":
                header["provenance"] = dataclasses.asdict(value)
            else:
                header[field.name] = value
        return write_tensors(path, self.kind, arrays, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, cls.kind)
        parts: dict[str, Any] = {name: as_tuples(value) for name, value in header.items()}
        parts["columns"] = tuple(Column.from_json(column) for column in header["columns"])
        parts["provenance"] = Provenance(**header["provenance"])
        lists: dict[str, dict[int, Array]] = {}
        for name, array in arrays.items():
            field, _, place = name.partition("/")
            if place:
                lists.setdefault(field, {})[int(place)] = array
            else:
                parts[name] = array
        parts |= {name: tuple(of[i] for i in sorted(of)) for name, of in lists.items()}
        return cls(**parts)
