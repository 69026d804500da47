"""The table: one row per sample × target × method, of plain types that every reader knows.

Maps, embeddings and the scores of all classes are lists of float32 rounded to the 11 binary digits
of float16. DuckDB, Polars and pandas read such a list as it is. A list of float16 costs a seventh
less on disk, but DuckDB refuses it where its bytes are split, other readers give bytes, and a small
gradient is zero in it. What is the same in several rows of a sample stands in each: compression
takes next to nothing for it (0.4 % for the second of two rows of a net with 1000 classes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.audit.arrow import arrow
from kerascope.audit.measures import PICTURE
from kerascope.types import Array

TRUE, PREDICTED = "true", "predicted"

# Name, type, meaning. A column is null where it does not apply; in an error row, all but the first.
COLUMNS = (
    ("id", "int64", "number of the sample, in the fixed order of the data"),
    ("path", "string", "of its file, below the data's folder, with forward slashes"),
    ("label", "string", "name of its class in the data"),
    ("label_index", "int32", "index of that class in the model's output"),
    ("sha256", "string", "of the file, or of the sample's values"),
    ("predicted", "string", "name of the class that the model puts first"),
    ("predicted_index", "int32", "index of that class"),
    ("confidence", "float32", "probability of the predicted class, where the model gives any"),
    ("scores", "floats", "by class: logits where a softmax or sigmoid was found; two for one unit"),
    ("embedding", "floats", "what the last layer with weights reads, averaged over positions"),
    ("target", "string", "which class this row explains: 'true' or 'predicted'"),
    ("target_index", "int32", "index of that class"),
    ("target_name", "string", "its name"),
    ("explained", "string", "what was explained, in words: \"logit of 'tabby' (12.3)\""),
    ("score", "float32", "score of that class"),
    ("probability", "float32", "its probability, where the model gives any"),
    ("method", "string", "that made the map"),
    ("layer", "string", "it was made at"),
    ("map", "floats", "signed map, row by row: means over equal cells of the input"),
    ("map_shape", "ints", "its size along each axis"),
    ("map_positive", "float32", "mean over the input's positions of what is above zero"),
    ("map_negative", "float32", "of what is below zero"),
    ("map_concentration", "float32", "Gini index of the sizes: 0 even, towards 1 in a point"),
    ("map_centroid", "floats", "centre of the positive part, 0 … 1 along each axis"),
    ("map_inside", "float32", "share of the positive part that lies on the object"),
    ("mask", "floats", "share of each cell of the map that the object covers"),
    ("mask_area", "float32", "share of the picture that it covers"),
    ("width", "int32", "of the picture, in its own pixels"),
    ("height", "int32", "of the picture"),
    ("aspect", "float32", "width / height"),
    ("format", "string", "of the file"),
    ("bytes", "int64", "size of the file"),
    ("jpeg_quality", "int32", "1 … 100, of the file's own quantisation tables"),
    *((name, "float32", "of the picture as the model sees it, before preprocessing: see measures")
      for name in PICTURE),
    ("phash", "string", "64 bits in hexadecimal, alike for pictures that look alike"),
    ("error", "string", "why this row has no numbers, or no map"),
)  # fmt: skip

FLOATS = tuple(name for name, kind, _ in COLUMNS if kind == "floats")


def schema_of(meta: Mapping[str, Sequence[Any]]) -> Any:
    """Return the pyarrow schema; `meta` are the data's own columns, named "meta_…" here."""
    pa = arrow()
    kinds = {
        "int64": pa.int64(), "int32": pa.int32(), "float32": pa.float32(), "string": pa.string(),
        "floats": pa.list_(pa.field("element", pa.float32())),  # as Parquet names it
        "ints": pa.list_(pa.field("element", pa.int32())),
    }  # fmt: skip
    own = [pa.field(f"meta_{name}", _kind(values)) for name, values in meta.items()]
    fields = [pa.field(name, kinds[kind]) for name, kind, _ in COLUMNS]
    return pa.schema([*fields[:-1], *own, fields[-1]])


def _kind(values: Sequence[Any]) -> Any:
    """Return the type of a column of the user's: what all its values are, or text."""
    pa = arrow()
    kinds = {type(_bare(value)) for value in values} - {type(None)}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {int, float} else pa.string()


def _bare(value: Any) -> Any:
    """Return a Python value; None for a gap in a column."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and plain != plain else plain  # noqa: PLR0124


def table_of(rows: Iterable[Mapping[str, Any]], schema: Any) -> Any:
    """Return rows, dicts by column name, as a pyarrow table."""
    pa = arrow()
    listed = list(rows)
    columns = [
        pa.array([_cell(row.get(field.name), field.type) for row in listed], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _cell(value: Any, kind: Any) -> Any:
    pa = arrow()
    if value is None:
        return None
    if pa.types.is_list(kind):
        whole = np.int32 if pa.types.is_int32(kind.value_type) else np.float32
        return np.ascontiguousarray(value, whole).reshape(-1)
    plain = _bare(value)
    return str(plain) if plain is not None and pa.types.is_string(kind) else plain


def array_of(column: Any) -> Array:
    """Return a column of equally long lists as (row, value) float32; a zero row for a null."""
    lists = column.to_pylist() if not hasattr(column, "combine_chunks") else None
    cells = lists if lists is not None else [cell.values for cell in column]
    width = next((len(cell) for cell in cells if cell is not None), 0)
    found = np.zeros((len(cells), width), np.float32)
    for i, cell in enumerate(cells):
        if cell is not None:
            found[i] = np.asarray(cell)
    return found
