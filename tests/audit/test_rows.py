"""Rows round-trip through Parquet, pyarrow and pandas, and are kept whole or not at all."""

from __future__ import annotations

import builtins
import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from audit.data import means, picture
from kerascope.audit import parts
from kerascope.audit.collect import collect
from kerascope.audit.collected import Collected
from kerascope.audit.maps import rounded
from kerascope.audit.parts import Store
from kerascope.audit.rows import COLUMNS, schema_of, table_of
from kerascope.errors import BadFile, BadInput, MissingDependency
from once import once

pytestmark = once


def samples(count: int = 10) -> np.ndarray:
    return np.stack([picture(i).astype("float32") for i in range(count)])


def run(folder: Path, **changed: Any) -> Collected:
    given = {"labels": [i % 2 for i in range(10)], "part_size": 3, **changed}
    return collect(given.pop("model", means), given.pop("x", samples()), folder, **given)


class TestTable:
    def test_values_come_back(self) -> None:
        emb = rounded(np.random.default_rng(0).normal(size=5))
        rows = [
            {"id": 0, "path": "a/ä.png", "map": np.arange(6.0).reshape(2, 3), "map_shape": (2, 3),
             "embedding": emb, "meta_n": 1, "meta_t": "x", "score": 0.1},
            {"id": 2**40, "error": "no", "meta_n": float("nan"), "meta_t": None},
        ]  # fmt: skip
        meta = {"n": [1, float("nan")], "t": ["x", None], "b": [True, None], "mixed": [1, "a"]}
        table = table_of(rows, schema_of(meta))
        first, second = table.to_pylist()
        assert first["map"] == [0, 1, 2, 3, 4, 5]
        assert first["map_shape"] == [2, 3]
        assert first["path"] == "a/ä.png"
        np.testing.assert_array_equal(np.float32(first["embedding"]), emb)
        assert second["id"] == 2**40
        assert second["map"] is None
        assert second["meta_n"] is None
        kinds = {name: str(table.schema.field(f"meta_{name}").type) for name in meta}
        assert kinds == {"n": "int64", "t": "string", "b": "bool", "mixed": "string"}

    def test_every_column_says_what_it_is(self) -> None:
        names = [name for name, _, _ in COLUMNS]
        assert len(set(names)) == len(names)
        assert all(words for _, _, words in COLUMNS)
        assert schema_of({}).names == names

    def test_types_are_plain(self, tmp_path: Path) -> None:
        run(tmp_path)
        schema = pq.read_schema(tmp_path / "part-000000.parquet")
        kinds = {str(field.type) for field in schema}
        assert kinds <= {
            "int64", "int32", "float", "string", "list<element: float>", "list<element: int32>",
        }  # fmt: skip


class TestFolder:
    def test_pandas_and_other_readers(self, tmp_path: Path) -> None:
        found = run(tmp_path, meta={"site": list("abcdefghij")})
        frame = found.to_pandas()
        assert frame["label_index"].dtype == pd.Int32Dtype()
        assert frame["scores"][0].dtype == np.float32
        direct = pd.concat(pd.read_parquet(f) for f in sorted(tmp_path.glob("part-*.parquet")))
        assert direct["meta_site"].tolist() == frame["meta_site"].tolist()
        assert found.to_pandas(["id", "score"]).columns.tolist() == ["id", "score"]
        with pytest.raises(BadInput, match="no column 'scroe'; did you mean 'score'"):
            found.table(["scroe"])

    def test_iteration_is_bounded_and_in_order(self, tmp_path: Path) -> None:
        found = run(tmp_path)
        assert [row["id"] for row in found] == [i for i in range(10) for _ in range(2)]
        assert max(batch.num_rows for batch in found.batches(rows=4)) <= 4
        assert len(found) == found.rows == 20

    def test_load(self, tmp_path: Path) -> None:
        one = run(tmp_path / "a")
        again = Collected.load(tmp_path / "a")
        assert again.table().equals(one.table())
        assert again.settings["samples"] == 10
        with pytest.raises(BadFile, match="holds no rows of an audit"):
            Collected.load(tmp_path)

    def test_nothing_of_this_machine_is_written(self, tmp_path: Path) -> None:
        run(tmp_path / "a")
        for file in (tmp_path / "a").iterdir():
            assert str(tmp_path).encode() not in file.read_bytes()

    def test_without_pyarrow(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def gone(name: str, *args: Any) -> Any:
            if name.startswith("pyarrow"):
                raise ImportError(name)
            return real(name, *args)

        monkeypatch.setattr(builtins, "__import__", gone)
        with pytest.raises(MissingDependency, match=r"pip install 'kerascope\[audit\]'"):
            run(tmp_path)


class TestSettings:
    def test_another_run_is_refused_by_name(self, tmp_path: Path) -> None:
        run(tmp_path)

        def other(x: Any) -> Any:
            return means(x)

        for changed, words in (
            ({"model": other}, "model: \"means\", now .*other"),
            ({"x": samples() + 1}, "data: "),
            ({"labels": [0] * 10}, "data: "),
            ({"part_size": 4}, "part: 3, now 4"),
            ({"map_size": 8}, "map: 16, now 8"),
            ({"classes": ["a", "b"]}, r'classes: null, now \["a", "b"\]'),
            ({"preprocess": "unit"}, 'preprocess: "none", now "unit"'),
        ):  # fmt: skip
            with pytest.raises(BadInput, match=f"rows of another run.*{words}"):
                run(tmp_path, **changed)
        assert run(tmp_path).resumed == 4

    def test_settings_without_rows_bind_nobody(self, tmp_path: Path) -> None:
        run(tmp_path)
        for part in tmp_path.glob("part-*"):
            part.unlink()
        assert run(tmp_path, map_size=8).complete

    def test_parts_without_settings_are_refused(self, tmp_path: Path) -> None:
        run(tmp_path)
        (tmp_path / "audit.json").unlink()
        with pytest.raises(BadFile, match=r"holds parts but no audit.json"):
            run(tmp_path)

    @pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
    def test_two_runs_at_once_are_refused(self, tmp_path: Path) -> None:
        store = Store(tmp_path, {}, count=1, size=1)
        with store.opened(), pytest.raises(BadFile, match="another run is writing"):
            run(tmp_path)


class TestDamage:
    def test_parts_that_were_damaged_are_made_anew(self, tmp_path: Path) -> None:
        whole = run(tmp_path / "whole").table()
        place = tmp_path / "a"
        run(place)
        first, second, third, _ = sorted(place.glob("part-*.parquet"))
        first.write_bytes(first.read_bytes()[:-30])
        flipped = bytearray(second.read_bytes())
        flipped[len(flipped) // 3] ^= 0xFF
        second.write_bytes(flipped)
        third.unlink()
        found = run(place)
        assert found.resumed == 1
        assert found.table().equals(whole)

    def test_a_flipped_bit_is_seen_wherever_it_changes_something(self, tmp_path: Path) -> None:
        store = Store(tmp_path, {}, count=3, size=3)
        rows = [{"id": i, "target": "true", "map": np.arange(50.0) + i} for i in range(3)]
        table = table_of(rows, schema_of({}))
        store.write(0, table)
        assert store.whole(0)
        file = store.path(0)
        content, rng, seen = file.read_bytes(), np.random.default_rng(0), 0
        for place in rng.choice(len(content), 150, replace=False):
            flipped = bytearray(content)
            flipped[place] ^= 1 << int(rng.integers(8))
            file.write_bytes(flipped)
            if store.whole(0):  # where nobody looks: the rows must be the same
                assert pq.read_table(file).replace_schema_metadata(None).equals(table)
            seen += not store.whole(0)
        assert seen > 75

    def test_rows_of_other_samples_are_no_part(self, tmp_path: Path) -> None:
        store = Store(tmp_path, {}, count=3, size=3)
        for ids in ([0, 1], [0, 1, 2, 3], [0, 2, 1], [0, 1, 1, 2, 0]):
            store.write(0, table_of([{"id": i} for i in ids], schema_of({})))
            assert not store.whole(0)
        store.write(0, table_of([{"id": i} for i in (0, 0, 1, 2)], schema_of({})))
        assert store.whole(0)
        assert not Store(tmp_path, {"seed": 1}, count=3, size=3).whole(0)


class TestFullDisk:
    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_what_was_written_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        whole = run(tmp_path / "whole").table()
        place, real, left = tmp_path / "a", getattr(os, call), [4]

        def full(*args: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args)

        monkeypatch.setattr(parts.os, call, full)
        with pytest.raises(BadFile, match="No space left on device; run again to go on"):
            run(place)
        monkeypatch.undo()
        assert not list(place.glob(".*.tmp"))
        kept = len(list(place.glob("part-*.parquet")))
        assert 0 < kept < 4
        found = run(place)
        assert found.resumed == kept
        assert found.table().equals(whole)

    def test_a_disk_that_is_full_from_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(parts.os, "fsync", full)
        with pytest.raises(BadFile, match="cannot write into the folder 'a': No space left"):
            run(tmp_path / "a")

    def test_a_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_text("x")
        with pytest.raises(BadFile, match="cannot make the folder 'a'"):
            run(tmp_path / "a")
