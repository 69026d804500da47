"""The one door to pyarrow, an optional package."""

from __future__ import annotations

from typing import Any

from kerascope.errors import MissingDependency


def arrow() -> Any:
    """Return pyarrow with its CSV and Parquet modules; raise `MissingDependency` without it."""
    try:
        import pyarrow as pa
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependency(
            "an audit keeps its rows with pyarrow, which is not installed: "
            "pip install 'kerascope[audit]'"
        ) from error
    return pa
