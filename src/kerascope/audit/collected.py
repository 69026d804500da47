"""The rows of an audit in a folder, read back in bounded memory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kerascope.audit.arrow import arrow
from kerascope.audit.parts import part_facts, read_manifest
from kerascope.errors import BadFile, BadInput, MissingDependency, choices


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collected:
    """Rows in a folder.

    Attributes:
        settings: what made them, as JSON values.
        samples: how many the data has; rows, errors: how many are written, and how many of those
            are of samples that have no numbers.
        parts, done: how many parts there are to be, and how many are written.
        resumed: parts that this run found done. notes: what was decided on the way.
    """

    folder: Path
    settings: dict[str, Any]
    samples: int
    rows: int
    errors: int
    parts: int
    done: int
    resumed: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], *, resumed: int = 0, notes: tuple[str, ...] = ()
    ) -> Collected:
        """Return what a folder holds; raise `BadFile` when it is none of an audit."""
        place = Path(folder)
        settings = read_manifest(place)
        rows = errors = 0
        files = _files(place)
        for path in files:
            with _opened(path) as file:
                rows += file.metadata.num_rows
                errors += part_facts(file.schema_arrow).get("errors", 0)
        count, size = settings["samples"], settings["part"]
        return cls(
            folder=place, settings=settings, samples=count, rows=rows, errors=errors,
            parts=-(-count // size), done=len(files), resumed=resumed, notes=notes,
        )  # fmt: skip

    def __len__(self) -> int:
        return self.rows

    def __repr__(self) -> str:
        return (
            f"<Collected {self.rows} rows of {self.samples} samples, {self.errors} errors, "
            f"{self.done} of {self.parts} parts>"
        )

    @property
    def complete(self) -> bool:
        """Whether all parts are written; if not, run again to go on."""
        return self.done == self.parts

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns; none before the first part is written."""
        for path in _files(self.folder)[:1]:
            with _opened(path) as file:
                return list(file.schema_arrow.names)
        return []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as dicts, in the order of the samples; a few in memory at a time."""
        for batch in self.batches():
            yield from batch.to_pylist()

    def batches(self, columns: Sequence[str] | None = None, *, rows: int = 1024) -> Iterator[Any]:
        """Yield the rows, some columns of them, as pyarrow record batches of at most `rows`."""
        for path in _files(self.folder):
            with _opened(path) as file:
                self._check(columns, file.schema_arrow.names)
                yield from file.iter_batches(rows, columns=None if columns is None else [*columns])

    def table(self, columns: Sequence[str] | None = None) -> Any:
        """Return all rows, some columns of them, as one pyarrow table."""
        pa = arrow()
        batches = list(self.batches(columns))
        if not batches:
            raise BadFile(f"folder '{self.folder.name}' holds no rows yet: run again to go on")
        return pa.Table.from_batches(batches).replace_schema_metadata(None)

    def to_pandas(self, columns: Sequence[str] | None = None) -> Any:
        """Return all rows, some columns of them, as a pandas data frame.

        Columns of whole numbers have pandas' own types that know gaps.
        """
        pa = arrow()
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingDependency(
                "a data frame needs pandas, which is not installed: pip install pandas"
            ) from error
        whole = {
            pa.int32(): pd.Int32Dtype(),
            pa.int64(): pd.Int64Dtype(),
            pa.bool_(): pd.BooleanDtype(),
        }
        return self.table(columns).to_pandas(types_mapper=whole.get)

    @staticmethod
    def _check(columns: Sequence[str] | None, known: list[str]) -> None:
        for name in columns or ():
            if name not in known:
                raise BadInput(f"the rows have no column '{name}'{choices(name, known)}")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _opened(path: Path) -> Any:
    pa = arrow()
    try:
        return pa.parquet.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadFile(f"'{path.name}' is damaged: run again, and it will be made anew") from error
