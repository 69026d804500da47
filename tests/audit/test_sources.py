"""What an audit runs over, in every form, and every form of bad data."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.data import folder, means, picture, save
from kerascope.audit.collect import collect
from kerascope.audit.source import source_of
from kerascope.errors import BadFile, BadInput, BadTarget
from once import once

pytestmark = once

SIZE: dict[str, Any] = {"size": (12, 12), "preprocess": "none"}


class TestFolders:
    def test_a_folder_per_class_is_labelled_and_ordered(self, tmp_path: Path) -> None:
        source = source_of(folder(tmp_path / "data"), means)
        assert source.paths[:3] == ("cat/0.png", "cat/1.jpg", "cat/2.bmp")
        assert list(source.paths) == sorted(source.paths)
        assert source.classes == ("cat", "dog")
        assert source.labels.tolist() == [0] * 4 + [1] * 4
        assert "alphabetical" in source.notes[0]

    @pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
    def test_names_that_are_no_utf8_are_left_out_and_said(self, tmp_path: Path) -> None:
        strange = os.fsdecode(b"\xe9t\xe9.png")
        for name in ("a.png", "b.png", strange):
            save(tmp_path / "data" / name, 0)
        (tmp_path / "data" / os.fsdecode(b"\xe9")).mkdir()
        source = source_of(tmp_path / "data")
        assert source.paths == ("a.png", "b.png")
        said = "1 file(s) skipped, their names are no UTF-8: the first is '\\udce9t\\udce9.png'"
        assert said in source.notes
        assert all(note.encode() for note in source.notes)
        with pytest.raises(BadInput, match=r"udce9.png' is no UTF-8: rename it"):
            source_of([tmp_path / "data" / strange, tmp_path / "data" / "a.png"])
        with pytest.raises(BadInput, match="is no UTF-8: rename it"):
            source_of(pd.DataFrame({"path": ["a.png", strange]}, dtype=object))
        save(tmp_path / "alone" / strange, 0)
        with pytest.raises(BadFile, match="the names of all its pictures are no UTF-8"):
            source_of(tmp_path / "alone")

    def test_sub_folders_belong_to_their_class(self, tmp_path: Path) -> None:
        save(tmp_path / "cat" / "deep" / "er" / "1.png", 0)
        save(tmp_path / "dog" / "1.png", 0)
        source = source_of(tmp_path)
        assert source.paths == ("cat/deep/er/1.png", "dog/1.png")
        assert source.labels.tolist() == [0, 1]

    def test_names_of_the_model_decide(self, tmp_path: Path) -> None:
        source = source_of(folder(tmp_path / "d"), classes=["Dog", "bird", "cat"])
        assert source.labels.tolist() == [2] * 4 + [0] * 4

    def test_folders_may_be_indices(self, tmp_path: Path) -> None:
        source = source_of(folder(tmp_path / "d", ("0", "2")))
        assert sorted(set(source.labels.tolist())) == [0, 2]

    def test_a_flat_folder_has_no_labels(self, tmp_path: Path) -> None:
        for i in range(3):
            save(tmp_path / f"{i}.png", i)
        source = source_of(tmp_path)
        assert source.labels.tolist() == [-1] * 3
        assert not source.labelled
        rows = list(collect(means, source, tmp_path / "rows", **SIZE))
        assert [row["target"] for row in rows] == ["predicted"] * 3
        assert all(row["label"] is None for row in rows)

    def test_empty_folders(self, tmp_path: Path) -> None:
        (tmp_path / "d").mkdir()
        with pytest.raises(BadFile, match="'d' holds no pictures"):
            source_of(tmp_path / "d")
        with pytest.raises(BadFile, match="'nowhere' does not exist"):
            source_of(tmp_path / "nowhere")
        folder(tmp_path / "d")
        (tmp_path / "d" / "bird").mkdir()
        (tmp_path / "d" / "cat" / "notes.txt").write_text("x")
        notes = " ".join(source_of(tmp_path / "d").notes)
        assert "'bird' holds no pictures" in notes
        assert "1 file(s) skipped" in notes

    def test_pictures_beside_class_folders(self, tmp_path: Path) -> None:
        save(folder(tmp_path / "d") / "loose.png", 1)
        with pytest.raises(BadInput, match="beside folders of pictures"):
            source_of(tmp_path / "d")

    def test_an_unknown_name(self, tmp_path: Path) -> None:
        with pytest.raises(BadTarget, match="'dog' is no class of the model; did you mean 'dogs'"):
            source_of(folder(tmp_path / "d"), classes=["cat", "dogs"])

    def test_a_class_with_one_picture_is_noted(self, tmp_path: Path) -> None:
        folder(tmp_path / "d")
        save(tmp_path / "d" / "eel" / "only.png", 3)
        assert "a single sample of 'eel'" in " ".join(source_of(tmp_path / "d").notes)


class TestTables:
    def columns(self, root: Path) -> dict[str, list[Any]]:
        folder(root)
        return {
            "path": ["dog/0.png", "cat/1.jpg", str(root / "cat" / "0.png")],
            "label": ["dog", "cat", None],
            "camera": ["a", None, "b"],
            "year": [1999, 2001, 2003],
        }

    @pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "frame"])
    def test_every_kind(self, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        columns = self.columns(tmp_path)
        data: Any = tmp_path / f"list.{kind}"
        if kind == "parquet":
            pq.write_table(pa.table(columns), data)
        elif kind == "frame":
            monkeypatch.chdir(tmp_path)
            data = pd.DataFrame(columns)
        else:
            pd.DataFrame(columns).to_csv(data, index=False, sep="\t" if kind == "tsv" else ",")
        found = collect(means, data, tmp_path / "rows", **SIZE)
        frame = found.to_pandas().drop_duplicates("id")
        assert frame["path"].tolist() == ["dog/0.png", "cat/1.jpg", "cat/0.png"]
        assert frame["label"].tolist()[:2] == ["dog", "cat"]
        assert pd.isna(frame["label"].tolist()[2])
        assert frame["meta_year"].tolist() == [1999, 2001, 2003]
        assert frame["meta_camera"].tolist()[::2] == ["a", "b"]

    def test_a_name_that_no_file_can_have_is_a_file_that_cannot_be_read(
        self, tmp_path: Path
    ) -> None:
        save(tmp_path / "a.png", 0)
        (tmp_path / "n.csv").write_bytes(b"path,label\na.png,0\nb\0.png,0\n")
        source = source_of(tmp_path / "n.csv")
        assert len(source) == 2
        found = collect(means, source, tmp_path / "out", **SIZE)
        errors = {row["path"]: row["error"] for row in found.table(["path", "error"]).to_pylist()}
        assert errors["a.png"] is None
        assert "embedded null" in errors["b\0.png"]

    def test_labels_with_leading_zeros_stay_text(self, tmp_path: Path) -> None:
        self.columns(tmp_path)
        (tmp_path / "a.csv").write_text("path,label\ncat/0.png,007\ndog/0.png,010\n")
        source = source_of(tmp_path / "a.csv", classes=["007", "010"])
        assert source.labels.tolist() == [0, 1]

    def test_bad_tables(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("picture_of,label\nx,1\n")
        with pytest.raises(BadFile, match=r"no column of paths.*columns: picture_of, label"):
            source_of(tmp_path / "a.csv")
        (tmp_path / "b.parquet").write_bytes(b"PAR1 no")
        with pytest.raises(BadFile, match=r"'b.parquet' cannot be read"):
            source_of(tmp_path / "b.parquet")
        (tmp_path / "c.csv").write_text("path,label\n")
        with pytest.raises(BadFile, match="lists no samples"):
            source_of(tmp_path / "c.csv")
        with pytest.raises(BadFile, match=r"table 'd.csv' does not exist"):
            source_of(tmp_path / "d.csv")
        (tmp_path / "e.doc").write_text("x")
        with pytest.raises(BadFile, match=r"'e.doc' is no data set"):
            source_of(tmp_path / "e.doc")

    def test_files_that_are_missing_become_errors(self, tmp_path: Path) -> None:
        self.columns(tmp_path)
        (tmp_path / "a.csv").write_text("path,label\ncat/0.png,cat\ngone.png,dog\n,cat\n")
        found = collect(means, tmp_path / "a.csv", tmp_path / "rows", **SIZE)
        errors = [row for row in found if row["error"]]
        assert [row["path"] for row in errors] == ["gone.png", ""]
        assert "'gone.png' does not exist" in errors[0]["error"]
        assert str(tmp_path) not in str(errors)


class TestMemory:
    def test_arrays_sequences_and_iterables_give_equal_rows(self, tmp_path: Path) -> None:
        x = np.stack([picture(i).astype("float32") for i in range(7)])
        labels = [0, 1, 0, 1, 0, 1, None]
        np.save(tmp_path / "x.npy", x)
        kinds = {
            "array": x, "list": list(x), "iterable": (row for row in x), "file": tmp_path / "x.npy",
        }  # fmt: skip
        tables = [
            collect(means, data, tmp_path / name, labels=labels, part_size=3).table()
            for name, data in kinds.items()
        ]
        assert all(table.equals(tables[0]) for table in tables)
        assert tables[0].num_rows == 13

    def test_pillow_images_are_pictures(self, tmp_path: Path) -> None:
        from PIL import Image

        pictures = [Image.fromarray(picture(i)) for i in range(3)]
        found = collect(means, pictures, tmp_path / "rows", **SIZE)
        assert [row["width"] for row in found] == [18] * 3

    def test_a_list_of_files(self, tmp_path: Path) -> None:
        root = folder(tmp_path / "d")
        source = source_of([root / "dog" / "0.png", root / "cat" / "0.png"], labels=["b", "a"])
        assert source.paths == ("dog/0.png", "cat/0.png")
        assert source.labels.tolist() == [1, 0]

    def test_counts_that_differ(self, tmp_path: Path) -> None:
        x = np.zeros((4, 5, 5, 3), "float32")
        with pytest.raises(BadInput, match="3 labels for 4 samples"):
            source_of(x, labels=[0, 1, 0])
        with pytest.raises(BadInput, match="column 'site' has 2 values for 4 samples"):
            source_of(x, meta={"site": ["a", "b"]})
        with pytest.raises(BadInput, match="2 masks or boxes for 4 samples"):
            source_of(x, boxes=[None, None])
        with pytest.raises(BadInput, match="an iterable without a length needs labels"):
            source_of(iter(x))
        with pytest.raises(BadInput, match="the samples end after 4, but 5 were announced"):
            collect(means, iter(x), tmp_path / "a", labels=[0] * 5)
        with pytest.raises(BadInput, match="more samples than the 3 announced"):
            collect(means, iter(x), tmp_path / "b", labels=[0] * 3)

    def test_nothing_and_nonsense(self) -> None:
        with pytest.raises(BadInput, match="the list is empty"):
            source_of([])
        with pytest.raises(BadInput, match="the data is empty"):
            source_of(np.zeros((0, 3, 3, 3)))
        with pytest.raises(BadInput, match="int is no data set"):
            source_of(3)
        with pytest.raises(BadInput, match="a dict is no data set"):
            source_of({"a": np.zeros(3)})
        with pytest.raises(BadInput, match="give one of them"):
            source_of(np.zeros((1, 3, 3, 3)), masks=[None], boxes=[None])

    def test_indices_out_of_range(self, tmp_path: Path) -> None:
        x = np.zeros((2, 5, 5, 3), "float32")
        with pytest.raises(BadTarget, match="class 2 is out of range: the model has 2 classes"):
            source_of(x, labels=[0, 2], classes=["a", "b"])
        with pytest.raises(BadTarget, match="class 2 is out of range"):
            collect(means, x, tmp_path, labels=[0, 2])
        with pytest.raises(BadTarget, match=r"'1\.5' is no class"):
            source_of(x, labels=["0", "1.5"], classes=["a", "b"])


class TestDamage:
    def test_damaged_files_become_error_rows(self, tmp_path: Path) -> None:
        root = folder(tmp_path / "d")
        whole = (root / "cat" / "1.jpg").read_bytes()
        (root / "cat" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
        (root / "dog" / "empty.png").write_bytes(b"")
        (root / "dog" / "text.png").write_text("no picture")
        found = collect(means, root, tmp_path / "rows", part_size=4, **SIZE)
        errors = {row["path"]: row["error"] for row in found if row["error"]}
        assert sorted(errors) == ["cat/cut.jpg", "dog/empty.png", "dog/text.png"]
        assert "cut off or damaged" in errors["cat/cut.jpg"]
        assert "is empty" in errors["dog/empty.png"]
        assert (found.errors, found.rows) == (3, 2 * 8 + 3)
        assert found.complete

    def test_no_readable_picture(self, tmp_path: Path) -> None:
        for i in range(3):
            (tmp_path / f"{i}.png").write_bytes(b"x")
        with pytest.raises(BadFile, match="none of the 3 samples can be read; the first says: '0"):
            collect(means, tmp_path, tmp_path / "rows", **SIZE)

    def test_samples_that_do_not_fit_become_error_rows(self, tmp_path: Path) -> None:
        samples: list[Any] = [picture(i).astype("float32") for i in range(4)]
        samples[1] = np.full((14, 18, 3), np.nan, "float32")
        samples[2] = "no numbers"
        found = collect(means, samples, tmp_path / "rows", labels=[0] * 4)
        errors = [row for row in found if row["error"]]
        assert [row["id"] for row in errors] == [1, 2]
        assert "NaN" in errors[0]["error"]

    def test_a_model_that_gives_nan_for_one_sample(self, tmp_path: Path) -> None:
        x = np.stack([picture(i).astype("float32") for i in range(4)])
        x[2] = -1

        def broken(batch: Any) -> Any:
            scores = means(batch)
            return np.where(scores < 0, np.nan, scores)

        found = collect(broken, x, tmp_path / "rows", labels=[0] * 4)
        errors = [row for row in found if row["error"]]
        assert [row["id"] for row in errors] == [2]
        assert found.rows == 7

    def test_sizes_may_be_mixed(self, tmp_path: Path) -> None:
        samples = [picture(i, 10 + i % 3, 12).astype("float32") for i in range(7)]
        found = collect(means, samples, tmp_path / "rows", labels=[0] * 7, batch_size=2)
        rows = [row for row in found if row["target"] == "true"]
        assert [row["id"] for row in rows] == list(range(7))
        assert [row["height"] for row in rows] == [10 + i % 3 for i in range(7)]
        for row, sample in zip(rows, samples, strict=True):
            np.testing.assert_allclose(row["scores"], means(sample[None])[0], rtol=2**-11)


class TestObjects:
    def test_masks_in_a_folder_inside_the_data(self, tmp_path: Path) -> None:
        from PIL import Image

        root = folder(tmp_path / "d")
        mask = np.zeros((14, 18), np.uint8)
        mask[:7] = 255
        (root / "masks" / "cat").mkdir(parents=True)
        Image.fromarray(mask).save(root / "masks" / "cat" / "0.png")
        found = collect(means, root, tmp_path / "rows", masks=root / "masks", map_size=2, **SIZE)
        rows = {row["path"]: row for row in found}
        assert len(rows) == 8
        assert rows["cat/0.png"]["mask"] == [1, 1, 0, 0]
        assert rows["cat/0.png"]["mask_area"] == 0.5
        assert rows["dog/0.png"]["mask"] is None

    def test_boxes_in_a_table(self, tmp_path: Path) -> None:
        folder(tmp_path)
        (tmp_path / "a.csv").write_text(
            "path,x0,y0,x1,y1\ncat/0.png,0,0,9,14\ndog/0.png,,,,\ndog/1.jpg,0,0,99,3\n"
        )
        found = collect(means, tmp_path / "a.csv", tmp_path / "rows", map_size=2, **SIZE)
        left, none, outside = list(found)
        assert left["mask"] == [1, 0, 1, 0]
        assert none["mask"] is None
        assert "box (0, 0, 99, 3) does not lie in the picture, which is 17 × 15" in outside["error"]

    def test_boxes_in_a_file_by_names(self, tmp_path: Path) -> None:
        root, file = folder(tmp_path / "d"), tmp_path / "boxes.json"
        file.write_text(json.dumps({"cat/0": [0, 0, 9, 14], "dog/0.png": [[0, 0, 18, 7]], "x": 3}))
        source = source_of(root, boxes=file)
        rows = {r["path"]: r for r in collect(means, source, tmp_path / "r", map_size=2, **SIZE)}
        assert rows["cat/0.png"]["mask"] == [1, 0, 1, 0]
        assert rows["dog/0.png"]["mask"] == [1, 1, 0, 0]
        assert rows["dog/1.jpg"]["mask"] is None
        for text, words in (
            ("[1]", "must hold an object"), ("{", "cannot be read"),
            ('{"rat/0.png": [0, 0, 1, 1]}', "no box for a name of a sample"),
        ):  # fmt: skip
            file.write_text(text)
            with pytest.raises(BadFile, match=words):
                source_of(root, boxes=file)
        with pytest.raises(BadFile, match="file of boxes 'gone' does not exist"):
            source_of(root, boxes=tmp_path / "gone")
        with pytest.raises(BadInput, match=r"'boxes\.json' goes by the names of files"):
            source_of(np.zeros((1, 3, 3, 3)), boxes=file)

    def test_masks_are_cut_as_the_pictures_are(self, tmp_path: Path) -> None:
        save(tmp_path / "d" / "wide.png", 0, 10, 30)
        mask = np.zeros((1, 10, 30), bool)
        mask[:, :, 15:] = True
        source = source_of(tmp_path / "d", masks=mask)
        found = collect(
            means, source, tmp_path / "rows", size=(8, 8), fit="crop", preprocess="none", map_size=2
        )
        assert next(iter(found))["mask"] == [0, 1, 0, 1]

    def test_masks_that_fit_nothing(self, tmp_path: Path) -> None:
        root = folder(tmp_path / "d")
        (tmp_path / "none").mkdir()
        with pytest.raises(BadFile, match="no mask that is named as a sample"):
            source_of(root, masks=tmp_path / "none")
        with pytest.raises(BadFile, match="mask folder 'gone' does not exist"):
            source_of(root, masks=tmp_path / "gone")
        x = np.stack([picture(0)] * 2).astype("float32")
        source = source_of(x, masks=[np.eye(3), None])
        found = collect(means, source, tmp_path / "rows")
        assert "its mask has shape (3, 3); the sample is 14 × 18" in next(iter(found))["error"]
