"""The audit of data that is no good: what can be done is done, and the rest is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from audit import causes
from audit.causes import NAMES, World, follower, plain, silent, told, world
from kerascope.audit.front import audit
from kerascope.errors import BadFile, BadInput, BadTarget, KerascopeError
from once import once

pytestmark = once

MODEL = follower(causes.brightness, 152)
CUE = [("question", "ant", "brightness")]


@pytest.fixture(scope="module")
def made() -> World:
    return world(causes.brighter, (0.5, 0, 0), each=40, side=24)


@pytest.fixture(scope="module")
def found(made: World) -> Any:
    return made.audit(MODEL)


class TestFewFiles:
    def test_a_class_with_one_image(self, made: World) -> None:
        keep = [*np.flatnonzero(made.labels != 2).tolist(), 80]
        found = audit(MODEL, made.pictures[keep], labels=made.labels[keep], classes=list(NAMES))
        assert {f.label for f in found.findings} <= {"ant"}
        assert any("cat" in note and "want of files" in note for note in found.notes)
        assert found.tested
        plain(found)

    def test_all_of_one_class(self, made: World) -> None:
        own = made.labels == 0
        found = audit(MODEL, made.pictures[own], labels=made.labels[own], classes=list(NAMES))
        silent(found, "one class")

    def test_one_sample(self, made: World) -> None:
        found = audit(MODEL, made.pictures[:1], labels=[0], classes=list(NAMES))
        silent(found)

    def test_the_commonest_classes_alone(self, made: World) -> None:
        found = made.audit(MODEL, most_classes=1)
        assert any("most_classes=1" in note for note in found.notes)
        assert 0 < found.tested < made.audit(MODEL).tested

    def test_a_part_of_the_pictures(self, made: World) -> None:
        found = made.audit(MODEL, pictures=24)
        assert found.samples == 120
        for one in found.findings:
            assert one.prevalence is None or one.prevalence.total <= 24

    @pytest.mark.parametrize("wrong", [{"pictures": 3}, {"pictures": 0}, {"most_classes": 0}])
    def test_settings(self, made: World, wrong: dict[str, int]) -> None:
        with pytest.raises(BadInput, match=next(iter(wrong))):
            made.audit(MODEL, **wrong)


class TestLabels:
    def test_without_labels_by_predicted_class(self, made: World) -> None:
        found = audit(MODEL, made.pictures, classes=list(NAMES))
        assert told(found) == CUE
        assert found.findings[0].accuracy is None
        assert any("without labels" in line for line in found.unseen)
        plain(found)

    def test_some_without_a_label(self, made: World) -> None:
        labels = [None if i % 4 == 0 else NAMES[k] for i, k in enumerate(made.labels)]
        found = audit(MODEL, made.pictures, labels=labels, classes=list(NAMES))
        assert {f.label for f in found.findings} <= {"ant"}
        assert all(i % 4 for f in found.findings for i in f.ids)
        plain(found)

    def test_wrong_count(self, made: World) -> None:
        with pytest.raises(BadInput, match="119 labels for 120 samples"):
            audit(MODEL, made.pictures, labels=made.labels[:-1])

    def test_out_of_range(self, made: World) -> None:
        with pytest.raises(BadTarget, match="class 3 is out of range"):
            audit(MODEL, made.pictures, labels=made.labels + 1)

    def test_labels_that_are_wrong(self, made: World) -> None:
        """Labels drawn at random: the cue tells no class."""
        labels = causes.rng(2).permutation(made.labels)
        assert audit(MODEL, made.pictures, labels=labels, classes=list(NAMES)).added == ()


class TestNoPictures:
    def test_one_number(self, made: World) -> None:
        silent(audit(lambda x: MODEL(x)[:, :1], made.pictures), "one number")

    def test_flat_vectors(self) -> None:
        x = causes.rng(3).normal(size=(60, 8)).astype(np.float32)
        silent(audit(lambda x: x[:, :3], x, labels=np.arange(60) % 3), "(8,)")

    def test_pictures_without_channels(self, made: World) -> None:
        silent(audit(lambda x: MODEL(x[..., None] * np.ones(3)), made.pictures[..., 0],
                     labels=made.labels), "channels")  # fmt: skip

    @pytest.mark.parametrize("size", [(1, 1), (6, 6), (5, 24)])
    def test_pictures_too_small_to_edit(self, made: World, size: tuple[int, int]) -> None:
        cut = made.pictures[:, : size[0], : size[1]]
        silent(audit(lambda x: x[:, 0, 0].astype(float), cut, labels=made.labels), "pixels")

    def test_several_inputs(self, made: World) -> None:
        x = [{"image": p, "n": np.ones(1, np.float32)} for p in made.pictures]
        silent(audit(lambda x: MODEL(x["image"]), x, labels=made.labels), "several inputs")

    def test_empty(self, made: World) -> None:
        with pytest.raises(BadInput, match="empty"):
            audit(MODEL, made.pictures[:0])


class TestIterables:
    def test_gone_through_once(self, made: World) -> None:
        once = iter(made.pictures)
        silent(audit(MODEL, once, labels=made.labels), "once only")

    def test_that_starts_anew(self, made: World, found: Any) -> None:
        class Anew:
            def __iter__(self) -> Iterator[np.ndarray]:
                return iter(made.pictures)

        again = audit(MODEL, Anew(), labels=made.labels, classes=list(NAMES))
        assert told(again) == CUE

    def test_pillow_pictures(self, made: World) -> None:
        given = [Image.fromarray(picture) for picture in made.pictures]
        found = audit(MODEL, given, labels=made.labels, classes=list(NAMES), preprocess="none",
                      size=24)  # fmt: skip
        assert told(found) == CUE


class TestNoNumbers:
    def test_of_some(self, made: World) -> None:
        """Every tenth picture has no scores: neither a receiver nor a donor."""
        bad = {p.tobytes() for p in made.pictures[::10]}

        def model(pictures: Any) -> np.ndarray:
            scores = MODEL(pictures)
            scores[[np.asarray(p, np.uint8).tobytes() in bad for p in pictures]] = np.nan
            return scores

        found = made.audit(model)
        assert told(found) == CUE
        assert all(i % 10 for i in found.findings[0].ids)
        assert any("12 of 120" in words for words in found.quality.words)
        plain(found)

    def test_of_none(self, made: World) -> None:
        with pytest.raises(BadFile, match="NaN"):
            made.audit(lambda x: np.full((len(x), 3), np.nan))

    def test_once_edited(self, made: World) -> None:
        """No edited picture gives a number: nothing was tested, and that is said."""
        own = {p.tobytes() for p in made.pictures}

        def model(pictures: Any) -> np.ndarray:
            scores = MODEL(pictures)
            scores[[np.rint(p).astype(np.uint8).tobytes() not in own for p in pictures]] = np.nan
            return scores

        found = made.audit(model)
        assert found.findings == ()
        assert any("NaN" in note or "no numbers" in note for note in found.notes)
        plain(found)


class TestMasks:
    def test_of_some(self, made: World) -> None:
        masks = [m if i % 2 else None for i, m in enumerate(made.masks)]
        found = made.audit(MODEL, masks=masks)
        assert [f.label for f in found.findings] == ["ant"]
        assert not any("masks" in line for line in found.unseen)
        plain(found)

    def test_too_few_are_none(self, made: World, found: Any) -> None:
        masks = [m if i < 3 else None for i, m in enumerate(made.masks)]
        assert told(made.audit(MODEL, masks=masks)) == told(found)

    def test_boxes_will_do(self, made: World) -> None:
        boxes = [(int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)
                 for y, x in map(np.nonzero, made.masks)]  # fmt: skip
        found = made.audit(MODEL, boxes=boxes)
        assert [f.label for f in found.findings] == ["ant"]

    @pytest.mark.parametrize("wrong", [slice(5), (slice(None), slice(None, None, 2))])
    def test_that_do_not_fit(self, made: World, wrong: Any) -> None:
        with pytest.raises(KerascopeError, match="mask"):
            made.audit(MODEL, masks=made.masks[wrong])


class TestFolders:
    @pytest.fixture
    def folder(self, made: World, tmp_path: Path) -> Path:
        """A folder per class: every fifth file of another size, two that cannot be read."""
        root = tmp_path / "data"
        for i, (picture, label) in enumerate(zip(made.pictures, made.labels, strict=True)):
            place = root / NAMES[label] / f"{i:03}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(picture)
            (image.resize((40, 31)) if i % 5 == 0 else image).save(place)
        (root / "ant" / "bad.png").write_bytes(b"no picture")
        (root / "bee" / "empty.png").write_bytes(b"")
        return root

    def test_mixed_sizes_and_unreadable_files(self, folder: Path) -> None:
        found = audit(MODEL, folder, size=24, preprocess="none")
        assert told(found) == CUE
        assert found.samples == 122
        assert any("2 of 122" in words for words in found.quality.words)
        assert all("/" in example for example in found.findings[0].examples)
        assert not {"ant/bad.png", "bee/empty.png"} & set(found.findings[0].examples)
        plain(found)

    def test_mixed_sizes_as_they_are(self, folder: Path) -> None:
        """Without a size, pictures of another one than the first are no donors."""

        def model(x: Any) -> np.ndarray:
            bright = np.asarray(x, float).mean(axis=(1, 2, 3)) - 152
            return np.column_stack([bright, -bright, np.full(len(x), -200.0)])

        found = audit(model, folder, preprocess="none")
        assert found.samples == 122
        plain(found)

    def test_a_folder_of_masks(self, made: World, folder: Path, tmp_path: Path) -> None:
        away = tmp_path / "masks"
        for i, (mask, label) in enumerate(zip(made.masks, made.labels, strict=True)):
            if i % 5:
                (away / NAMES[label]).mkdir(parents=True, exist_ok=True)
                Image.fromarray(mask.astype(np.uint8) * 255).save(
                    away / NAMES[label] / f"{i:03}.png"
                )
        found = audit(MODEL, folder, size=24, preprocess="none", masks=away)
        assert [f.label for f in found.findings] == ["ant"]
        assert not any("masks" in line for line in found.unseen)

    def test_files_that_vanish_after_their_rows(self, folder: Path, tmp_path: Path) -> None:
        audit(MODEL, folder, tmp_path / "rows", size=24, preprocess="none")
        gone = {folder / "cat" / f"{i:03}.png" for i in range(80, 90)}
        contents = {path: path.stat().st_size for path in gone}
        for path, size in contents.items():
            path.write_bytes(b"x" * size)
        found = audit(MODEL, folder, tmp_path / "rows", size=24, preprocess="none")
        assert told(found) == CUE

    def test_no_such_folder(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match="nowhere"):
            audit(MODEL, tmp_path / "nowhere", preprocess="none")

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(KerascopeError):
            audit(MODEL, tmp_path, preprocess="none")


def test_what_a_function_raises_comes_through(made: World) -> None:
    def model(pictures: Any) -> np.ndarray:
        if pictures.dtype != np.uint8:
            raise ZeroDivisionError("mine")
        return MODEL(pictures)

    with pytest.raises(ZeroDivisionError, match="mine"):
        made.audit(model)
