"""Pictures for interventions: a bounded sample, as the model sees them, and asked about alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from audit import causes
from audit.causes import World, rng, world
from kerascope.audit.collect import PART, collected_of
from kerascope.audit.gather import Known, chosen, gathered
from kerascope.audit.panel import Panel
from kerascope.audit.prepared import prepare
from kerascope.errors import BadInput
from once import once

pytestmark = once


@pytest.fixture(scope="module")
def made() -> World:
    return world(each=20, side=24)


def means(pictures: Any) -> np.ndarray:
    """A model: the mean of each channel."""
    return np.asarray(pictures, np.float64).mean(axis=(1, 2))


def panel(
    folder: Path, model: Any, data: Any, *, known: dict[str, Any] | None = None, **more: Any
) -> Panel:
    """Return pictures after rows were made. known: of `gathered`."""
    ready = prepare(model, data, None, **more)
    rows = collected_of(ready, folder, PART, None)
    return gathered(ready, Known.of(rows), rows, **(known or {}))


def same_scores(found: Panel) -> None:
    """Pictures that nothing was done to are scored as they were."""
    again = found.ask(found.pixels.astype(np.float32))
    np.testing.assert_allclose(again, found.scores, rtol=2e-3, atol=1e-3)


class TestPictures:
    def test_of_an_array(self, made: World, tmp_path: Path) -> None:
        found = panel(tmp_path, means, made.pictures, labels=made.labels)
        np.testing.assert_array_equal(found.pixels, made.pictures[found.ids])
        np.testing.assert_array_equal(found.labels, made.labels[found.ids])
        assert found.masks is None
        assert [int(found.half[found.labels == k].sum()) for k in range(3)] == [10, 10, 10]
        same_scores(found)

    @pytest.mark.parametrize(("scale", "shift"), [(1 / 255, 0.0), (2 / 255, -1.0)])
    def test_of_values_in_another_range(
        self, made: World, tmp_path: Path, scale: float, shift: float
    ) -> None:
        x = (made.pictures * scale + shift).astype(np.float32)
        found = panel(tmp_path, means, x, labels=made.labels)
        np.testing.assert_array_equal(found.pixels, made.pictures)
        same_scores(found)

    def test_of_files_with_preprocessing(self, made: World, tmp_path: Path) -> None:
        for i, picture in enumerate(made.pictures):
            place = tmp_path / "data" / causes.NAMES[made.labels[i]] / f"{i:02}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place)
        for preprocess in ("unit", "tf", "caffe"):
            found = panel(
                tmp_path / preprocess, means, tmp_path / "data", size=24, preprocess=preprocess
            )
            np.testing.assert_array_equal(found.pixels, made.pictures)
            same_scores(found)

    def test_of_files_with_masks_of_their_own_size(self, made: World, tmp_path: Path) -> None:
        """Pictures are squeezed to the model's size, and their masks with them."""
        for i in range(60):
            name = f"{causes.NAMES[made.labels[i]]}/{i:02}.png"
            for root, array in (("data", made.pictures[i]), ("masks", made.masks[i])):
                (tmp_path / root / name).parent.mkdir(parents=True, exist_ok=True)
                large = Image.fromarray(array).resize((72, 48), Image.Resampling.NEAREST)
                large.save(tmp_path / root / name)
        found = panel(
            tmp_path / "rows", means, tmp_path / "data", size=24, preprocess="none",
            masks=tmp_path / "masks",
        )  # fmt: skip
        assert found.masks is not None
        agree = (found.masks == made.masks).mean(axis=(1, 2))
        assert agree.min() > 0.97

    def test_masks_of_some(self, made: World, tmp_path: Path) -> None:
        masks = [m if i % 2 else None for i, m in enumerate(made.masks)]
        found = panel(tmp_path, means, made.pictures, labels=made.labels, masks=masks)
        assert found.masks is not None
        np.testing.assert_array_equal(found.masked, found.ids % 2 == 1)
        np.testing.assert_array_equal(found.masks[1], made.masks[1])


class TestBounds:
    def test_at_most_so_many_of_a_class(self, made: World, tmp_path: Path) -> None:
        found = panel(tmp_path, means, made.pictures, labels=made.labels, known={"most": 8})
        assert np.bincount(found.labels).tolist() == [8, 8, 8]
        assert len(set(found.ids.tolist())) == 24
        np.testing.assert_array_equal(found.pixels, made.pictures[found.ids])

    def test_by_memory(self, made: World, tmp_path: Path) -> None:
        bytes_each = made.pictures[0].size
        found = panel(tmp_path, means, made.pictures, labels=made.labels,
                      known={"memory": 54 * bytes_each})  # fmt: skip
        assert np.bincount(found.labels).tolist() == [18, 18, 18]

    def test_fewer_classes_where_memory_has_no_room_for_all(
        self, made: World, tmp_path: Path
    ) -> None:
        bytes_each = made.pictures[0].size
        found = panel(tmp_path, means, made.pictures, labels=made.labels,
                      known={"memory": 40 * bytes_each})  # fmt: skip
        assert sorted(np.bincount(found.labels, minlength=3).tolist()) == [0, 20, 20]

    def test_drawn_by_the_seed(self) -> None:
        labels = np.repeat([0, 1], 50)
        rows = Known(ids=np.arange(100), labels=labels, predicted=labels)
        one, two, three = (chosen(rows, seed, 10, 10**6) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, two)
        assert one.tolist() != three.tolist()
        assert np.bincount(labels[one]).tolist() == [10, 10]

    def test_samples_without_a_label_are_left_out(self) -> None:
        labels = np.array([0, -1, 1, -1, 1])
        rows = Known(ids=np.arange(5), labels=labels, predicted=np.zeros(5, int))
        assert chosen(rows, 0, 10, 100).tolist() == [0, 2, 4]

    def test_without_any_label_the_predicted_class_counts(self) -> None:
        rows = Known(ids=np.arange(4), labels=np.full(4, -1), predicted=np.array([0, 1, 1, 0]))
        assert rows.classes.tolist() == [0, 1, 1, 0]
        assert len(chosen(rows, 0, 1, 100)) == 2

    def test_copies_stay_in_one_half(self, made: World, tmp_path: Path) -> None:
        pairs = [(i, i + 1) for i in range(0, 20, 2)]
        found = panel(tmp_path, means, made.pictures, labels=made.labels, known={"twins": pairs})
        half = dict(zip(found.ids.tolist(), found.half.tolist(), strict=True))
        assert all(half[a] == half[b] for a, b in pairs)
        for label in range(3):
            assert 8 <= found.half[found.labels == label].sum() <= 12


class TestRefused:
    @pytest.mark.parametrize(
        ("shape", "words"),
        [((8,), "shape"), ((24, 24, 5), "1 or 3 channels"), ((4, 4, 3), "pixels")],
    )
    def test_what_is_no_picture(self, tmp_path: Path, shape: tuple[int, ...], words: str) -> None:
        x = rng(1).random((12, *shape)).astype(np.float32)
        with pytest.raises(BadInput, match=words):
            panel(tmp_path, lambda x: x.reshape(len(x), -1)[:, :3], x)
