"""The audit from its front door: the same again, in words, on disk, of any range, with Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit import causes
from audit.causes import NAMES, World, follower, known, plain, silent, told, world
from kerascope.audit.front import audit
from kerascope.errors import KerascopeError
from once import only_on

MODEL = follower(causes.brightness, 152)
CUE = [("question", "ant", "brightness")]


@pytest.fixture(scope="module")
def made() -> World:
    return world(causes.brighter, (0.5, 0, 0), each=40, side=24)


@pytest.fixture(scope="module")
def found(made: World) -> Any:
    return made.audit(MODEL)


@only_on("torch")
class TestAgain:
    def test_same_seed_same_findings(self, made: World, found: Any) -> None:
        assert told(found) == CUE
        assert plain(made.audit(MODEL)) == plain(found)

    def test_another_seed_another_draw_the_same_cause(self, made: World, found: Any) -> None:
        other = made.audit(MODEL, seed=5)
        assert told(other) == CUE
        assert plain(other)["findings"] != plain(found)["findings"]

    def test_classes_in_another_order(self, made: World) -> None:
        """Ant, bee, cat become 2, 0, 1: names and causes stay."""
        to = np.array([2, 0, 1])
        back = np.argsort(to)
        other = audit(
            lambda x: MODEL(x)[:, back], made.pictures, labels=to[made.labels],
            classes=[NAMES[k] for k in back],
        )  # fmt: skip
        assert told(other) == CUE

    def test_samples_in_another_order(self, made: World, found: Any) -> None:
        order = causes.rng(1).permutation(len(made.labels))
        other = audit(MODEL, made.pictures[order], labels=made.labels[order], classes=list(NAMES))
        assert told(other) == CUE
        (one,), (two,) = found.findings, other.findings
        assert {order[i] for i in two.ids} & set(one.ids) >= set(np.flatnonzero(made.carriers))

    @pytest.mark.parametrize("batch_size", [1, 7, 500])
    def test_batches_of_any_size(self, made: World, found: Any, batch_size: int) -> None:
        other, wanted = plain(made.audit(MODEL, batch_size=batch_size)), plain(found)
        assert other == wanted

    def test_goes_on_where_rows_are(self, made: World, found: Any, tmp_path: Path) -> None:
        asked: list[int] = []

        def count(pictures: Any) -> np.ndarray:
            asked.append(len(pictures))
            return MODEL(pictures)

        first = made.audit(count, folder=tmp_path)
        once = sum(asked)
        again = made.audit(count, folder=tmp_path)
        # The second time: one sample that is looked at first, and no row.
        assert sum(asked) - once == once - len(made.labels)
        assert plain(first) == plain(again)
        assert plain(first)["findings"] == plain(found)["findings"]
        rows = again.collected.table(["id", "target"]).to_pylist()
        assert len(rows) == len({tuple(row.values()) for row in rows}) == 2 * len(made.labels)

    def test_rows_of_other_data_are_refused(self, made: World, tmp_path: Path) -> None:
        made.audit(MODEL, folder=tmp_path)
        other = world(seed=3, each=40, side=24)
        with pytest.raises(KerascopeError):
            other.audit(MODEL, folder=tmp_path)


@only_on("torch")
class TestWords:
    def test_silence_says_what_was_tried_and_what_could_not_be_seen(self, made: World) -> None:
        quiet = made.audit(known)
        assert quiet.findings == ()
        assert str(quiet.tested) in quiet.summary
        words = " ".join([quiet.summary, *quiet.unseen, *quiet.notes]).lower()
        assert "clean" not in words
        assert "cheat" not in words
        assert any("masks" in line for line in quiet.unseen)
        assert any(f"{min(quiet.least.values()):.0%}" in line for line in quiet.unseen)
        assert set(quiet.least) == set(NAMES)

    def test_masks_given_are_not_asked_for(self, made: World) -> None:
        quiet = made.audit(known, masks=made.masks)
        assert not any("masks" in line for line in quiet.unseen)

    def test_smallest_share_shrinks_with_the_files(self) -> None:
        few, many = (world(each=n, side=16).audit(known).least["ant"] for n in (30, 120))
        assert many < few / 2

    def test_counts(self, found: Any, made: World) -> None:
        assert found.samples == len(made.labels)
        assert found.tested > 0
        assert found.passes >= 2 * found.tested
        assert found.quality.to_json()["labelled"] == len(made.labels)
        assert len(found.to_pandas()) == 2 * len(made.labels)


class TestSaved:
    def test_findings_and_their_files(self, found: Any, tmp_path: Path) -> None:
        places = found.save(tmp_path)
        assert all(place.is_file() for place in places)
        assert json.loads(places[0].read_text()) == plain(found)
        table = next(p for p in places if p.suffix == ".csv")
        lines = table.read_text().splitlines()
        (one,) = found.findings
        assert len(lines) == 1 + len(one.ids)
        assert {int(line.split(",")[0]) for line in lines[1:]} == set(one.ids)
        import pyarrow.parquet

        again = pyarrow.parquet.read_table(table.with_suffix(".parquet")).to_pylist()
        assert [row["id"] for row in again] == [int(line.split(",")[0]) for line in lines[1:]]


@only_on("torch")
class TestRanges:
    @pytest.mark.parametrize(("scale", "shift"), [(1 / 255, 0), (2 / 255, -1), (3.0, -7.0)])
    def test_of_values(self, made: World, scale: float, shift: float) -> None:
        """Black and white are found, or taken from the data."""
        x = (made.pictures * scale + shift).astype(np.float32)
        found = audit(
            lambda x: MODEL((x - shift) / scale), x, labels=made.labels, classes=list(NAMES)
        )
        assert told(found) == CUE

    def test_grey(self, made: World) -> None:
        def model(x: Any) -> np.ndarray:
            bright = np.asarray(x, float).mean(axis=(1, 2, 3)) - 152
            return np.column_stack([bright, -bright, np.full(len(x), -200.0)])

        found = audit(model, made.pictures[..., :1], labels=np.minimum(made.labels, 1))
        assert {f.kind for f in found.findings} <= {"brightness", "surroundings"}
        assert found.tested
        plain(found)

    def test_all_alike(self, made: World) -> None:
        for picture in (np.zeros_like(made.pictures[0]), made.pictures[0]):
            found = audit(
                MODEL, np.repeat(picture[None], 120, axis=0), labels=made.labels,
                classes=list(NAMES),
            )  # fmt: skip
            assert found.findings == ()
            assert any("copies" in note for note in found.notes)
            plain(found)


class TestKeras:
    """A linear net whose weights are known: objects in the middle, and a red cast for class 0."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def data(cls) -> World:
        return world(causes.redder, (0.5, 0, 0), each=40, side=24)

    @staticmethod
    def net(side: int = 24, *, follows: float = 6.0) -> Any:
        import keras

        inside = np.zeros((side, side, 3, 3))
        for k in range(3):
            inside[..., k, k] = causes.middle(side, side // 6) / (2 * side // 6) ** 2 - 1 / side**2
        inside -= inside.mean(axis=3, keepdims=True)
        inside[..., 0, 0] += follows / side**2
        inside[..., 2, 0] -= follows / side**2
        model = keras.Sequential([
            keras.Input((side, side, 3)), keras.layers.Conv2D(3, 1, use_bias=False),
            keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax"),
        ], name="linear")  # fmt: skip
        bias = np.array([-45.0 * follows, 0, 0])
        model.set_weights([np.eye(3)[None, None] * 0.1, inside.reshape(-1, 3), 0.1 * bias])
        return model

    def test_the_cause_by_its_name(self, data: World, tmp_path: Path) -> None:
        x = data.pictures.astype(np.float32)
        found = audit(self.net(), x, tmp_path, labels=data.labels, classes=list(NAMES))
        assert told(found) == [("question", "ant", "colour")]
        (one,) = found.findings
        assert one.treated >= 0.9
        assert one.control <= 0.05
        assert found.strategies is not None
        assert set(found.evidence) == set(NAMES)
        again = audit(self.net(), x, tmp_path, labels=data.labels, classes=list(NAMES))
        assert plain(again)["findings"] == plain(found)["findings"]
        plain(found)

    def test_silence_without_the_cause(self, data: World) -> None:
        x = data.pictures.astype(np.float32)
        found = audit(self.net(follows=0.0), x, labels=data.labels, classes=list(NAMES))
        assert found.findings == ()
        assert found.tested

    def test_a_model_without_positions(self) -> None:
        import keras

        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
        x = causes.rng(4).normal(size=(40, 8)).astype(np.float32)
        found = audit(model, x, labels=np.arange(40) % 3)
        silent(found, "(8,)")
        assert found.quality.to_json()["labelled"] == 40

    def test_pictures_into_a_model_without_positions(self, data: World) -> None:
        import keras

        model = keras.Sequential([
            keras.Input((24, 24, 3)), keras.layers.Flatten(), keras.layers.Dense(3)
        ])  # fmt: skip
        source = self.net()
        weights = source.layers[-1].get_weights()
        model.set_weights([0.1 * weights[0], weights[1]])
        x = data.pictures.astype(np.float32)
        found = audit(model, x, labels=data.labels, classes=list(NAMES))
        assert told(found) == [("question", "ant", "colour")]

    def test_one_sigmoid_is_two_classes(self) -> None:
        import keras

        model = keras.Sequential([
            keras.Input((24, 24, 3)), keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ])  # fmt: skip
        cast = np.zeros((24, 24, 3, 1))
        cast[..., 0, 0], cast[..., 2, 0] = 1 / 24**2, -1 / 24**2
        model.set_weights([cast.reshape(-1, 1), np.array([-45.0])])
        data = world(causes.redder, (1.0, 0, 0), each=40, side=24)
        found = audit(
            model, data.pictures.astype(np.float32), labels=(data.labels == 0).astype(int),
            classes=["plain", "red"],
        )  # fmt: skip
        assert ("question", "red", "colour") in told(found)
        assert {f.kind for f in found.findings} == {"colour"}
        plain(found)
