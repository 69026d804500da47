"""Rows are read alike by pandas, DuckDB and Polars: numbers, gaps, lists, SQL over all parts."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from audit.data import folder, means
from kerascope.audit.collect import collect
from kerascope.audit.collected import Collected
from once import once

pytestmark = once


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    place = tmp_path_factory.mktemp("readers")
    root = folder(place / "d", each=6)
    (root / "dog" / "broken.png").write_bytes(b"no picture")
    return collect(
        means, root, place / "rows", "occlusion", classes=["cat", "dog"], size=(12, 12),
        preprocess="none", part_size=4, meta={"site": list("abcabcabcabca")},
    )  # fmt: skip


def glob(found: Collected) -> str:
    return (found.folder / "part-*.parquet").as_posix()


def same(mine: object, theirs: object) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        return mine == theirs or (mine != mine and theirs != theirs)
    if isinstance(mine, list) or isinstance(theirs, list | tuple | np.ndarray):
        return mine is not None and theirs is not None and list(mine) == list(theirs)  # type: ignore[call-overload]
    return mine == theirs


def test_rows_are_the_same_everywhere(found: Collected) -> None:
    wanted = found.table().to_pylist()
    assert len({row["id"] for row in wanted}) == 13
    assert any(row["map"] is None for row in wanted)
    by_polars = pl.read_parquet(glob(found)).to_dicts()
    query = duckdb.sql(f"select * from '{glob(found)}'")
    by_duckdb = [dict(zip(query.columns, row, strict=True)) for row in query.fetchall()]
    for theirs in (by_polars, by_duckdb):
        assert len(theirs) == len(wanted)
        for mine, row in zip(wanted, theirs, strict=True):
            assert list(row) == list(mine)
            assert all(same(mine[name], row[name]) for name in mine), mine["id"]


def test_types(found: Collected) -> None:
    schema = pl.scan_parquet(glob(found)).collect_schema()
    assert schema["map"] == pl.List(pl.Float32)
    assert schema["map_shape"] == pl.List(pl.Int32)
    assert (schema["id"], schema["label_index"]) == (pl.Int64, pl.Int32)
    assert (schema["path"], schema["meta_site"]) == (pl.String, pl.String)
    described = duckdb.sql(f"describe select * from '{glob(found)}'").fetchall()
    kinds = {name: kind for name, kind, *_ in described}
    assert kinds["map"] == kinds["embedding"] == kinds["scores"] == "FLOAT[]"
    assert (kinds["id"], kinds["confidence"], kinds["path"]) == ("BIGINT", "FLOAT", "VARCHAR")


def test_sql_over_all_parts(found: Collected) -> None:
    frame = found.to_pandas()
    good = frame[frame["target"] == "predicted"]
    wanted = good.groupby("label", as_index=False).agg(n=("id", "count"), mean=("score", "mean"))
    rows = duckdb.sql(
        f"select label, count(*) n, avg(score) mean from '{glob(found)}' "
        "where target = 'predicted' group by label order by label"
    ).fetchall()
    assert [row[:2] for row in rows] == list(zip(wanted["label"], wanted["n"], strict=True))
    np.testing.assert_allclose([row[2] for row in rows], wanted["mean"], rtol=1e-6)
    peak = duckdb.sql(
        f"select id, list_max(map) from '{glob(found)}' where map is not null order by id, target"
    ).fetchall()
    every = frame[frame["map"].notna()].sort_values(["id", "target"])
    assert [i for i, _ in peak] == every["id"].tolist()
    np.testing.assert_allclose([v for _, v in peak], [m.max() for m in every["map"]])
    lazy = (
        pl.scan_parquet(glob(found)).filter(pl.col("target") == "predicted")
        .group_by("label").agg(pl.len(), pl.col("score").mean()).sort("label").collect()
    )  # fmt: skip
    np.testing.assert_allclose(lazy["score"], wanted["mean"], rtol=1e-6)
    errors = duckdb.sql(f"select path from '{glob(found)}' where error is not null").fetchall()
    assert errors == [("dog/broken.png",)]


def test_pandas_by_itself(found: Collected) -> None:
    parts = [pd.read_parquet(path) for path in sorted(Path(found.folder).glob("part-*.parquet"))]
    direct = pd.concat(parts, ignore_index=True)
    mine = found.to_pandas()
    assert direct["id"].tolist() == mine["id"].tolist()
    for one, other in zip(direct["map"], mine["map"], strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(direct["map"][0]) == np.prod(direct["map_shape"][0])
