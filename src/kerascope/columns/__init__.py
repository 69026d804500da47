"""Named columns: tables in the form that a model takes."""

from kerascope.columns.placing import as_table, make_table
from kerascope.columns.table import (
    BACKGROUND,
    Column,
    Table,
    column_values,
    columns_of,
    middle,
    named_inputs,
    pick,
    place_names,
)

__all__ = [
    "BACKGROUND",
    "Column",
    "Table",
    "as_table",
    "column_values",
    "columns_of",
    "make_table",
    "middle",
    "named_inputs",
    "pick",
    "place_names",
]
