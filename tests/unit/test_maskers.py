"""Cutting inputs into segments: one for every position, numbers without gaps, clear errors."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from kerascope import maskers
from kerascope.errors import BadInput, BadMethod
from kerascope.maskers import Masker

PICTURE = ("y", "x", "channel")


def photograph() -> np.ndarray:
    """Return a small colour photograph that comes with scikit-image."""
    return skimage.data.astronaut()[::8, ::8].astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(2, 60))
def test_grid_cells_are_boxes_of_like_size(size: list[int], count: int) -> None:
    labels = maskers.grid(tuple(size), count)
    assert labels.shape == tuple(size)
    found = np.unique(labels)
    assert np.array_equal(found, np.arange(len(found)))
    cells = [np.argwhere(labels == label) for label in found]
    volumes = [np.prod(np.ptp(cell, axis=0) + 1) for cell in cells]
    assert volumes == [len(cell) for cell in cells], "a cell is no box"
    sides = np.array([np.ptp(cell, axis=0) + 1 for cell in cells])
    assert (np.ptp(sides, axis=0) <= 1).all()


def test_grid_gives_about_the_number_asked_for() -> None:
    assert len(np.unique(maskers.grid((224, 224), 49))) == 49
    assert len(np.unique(maskers.grid((300, 100), 27))) == 27
    assert len(np.unique(maskers.grid((96,), 16))) == 16


@pytest.mark.parametrize("kind", ["slic-30", "quickshift-30", "felzenszwalb-30", "auto", 30])
def test_superpixels_of_a_photograph(kind: str | int) -> None:
    picture = photograph()
    labels = Masker.parse(kind).segment(picture, PICTURE)
    assert labels.shape == picture.shape[:2]
    assert labels.dtype == np.int32
    found, counts = np.unique(labels, return_counts=True)
    assert np.array_equal(found, np.arange(len(found)))
    assert 8 <= len(found) <= 120, kind
    # Cuts follow colours: segments vary less inside than a grid with as many cells does.
    inside = sum(picture[labels == i].var(axis=0).sum() * n for i, n in zip(found, counts))  # noqa: B905
    cells = maskers.grid(picture.shape[:2], len(found))
    outside = sum(
        picture[cells == i].var(axis=0).sum() * (cells == i).sum() for i in np.unique(cells)
    )
    assert inside < outside


def test_channels_first_is_cut_alike() -> None:
    picture = photograph()
    last = Masker.parse("slic-30").segment(picture, PICTURE)
    first = Masker.parse("slic-30").segment(np.moveaxis(picture, -1, 0), ("channel", "y", "x"))
    assert np.array_equal(last, first)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("kind", ["slic", "quickshift", "felzenszwalb"])
def test_any_number_of_channels(kind: str, channels: int) -> None:
    picture = np.repeat(photograph().mean(axis=-1, keepdims=True), channels, axis=-1)
    assert Masker.parse(f"{kind}-20").segment(picture, PICTURE).max() > 0


@pytest.mark.parametrize(
    ("shape", "axes", "number"),
    [
        ((5,), ("feature",), 5),
        ((7,), ("token",), 7),
        ((64, 3), ("time", "channel"), 16),
        ((8, 9, 9, 1), ("z", "y", "x", "channel"), 27),
    ],
)
def test_auto_suits_the_input(shape: tuple[int, ...], axes: tuple[str, ...], number: int) -> None:
    labels = Masker.parse("auto").segment(np.zeros(shape, np.float32), axes)
    assert labels.shape == tuple(n for n, a in zip(shape, axes, strict=True) if a != "channel")
    assert len(np.unique(labels)) == number


def test_every_position_alone() -> None:
    labels = Masker.parse("single").segment(photograph(), PICTURE)
    assert np.array_equal(labels.ravel(), np.arange(64 * 64))


def test_most_is_a_bound() -> None:
    picture = photograph()
    for words in ("slic-30", "felzenszwalb-30", "quickshift-30", "grid-30", "single"):
        masker = Masker.parse(words)
        found = masker.segment(picture, PICTURE).max() + 1
        assert found <= masker.most((64, 64)), words
        if words.startswith(("grid", "single")):
            assert found == masker.most((64, 64))


@pytest.mark.parametrize("words", ["slik", "grid-x", "slic-1", 1, 0, -3, "grid 5", "single-"])
def test_unknown_words(words: str | int) -> None:
    with pytest.raises(BadMethod, match=r"segments="):
        Masker.parse(words)


def test_one_segment_is_an_error_that_says_what_helps() -> None:
    flat = np.zeros((6, 6, 3), np.float32)
    with pytest.raises(BadInput, match="grid-5"):
        Masker.parse("felzenszwalb-5").segment(flat, PICTURE)
    assert Masker.parse("auto").segment(flat, PICTURE).max() > 0


def test_a_users_labels() -> None:
    labels = np.array([[7, 7, -1], [7, 3, 3]])
    each = maskers.given(labels, 2, (2, 3))
    assert each.tolist() == [[[2, 2, 0], [2, 1, 1]]] * 2
    own = maskers.given(np.stack([labels, labels.T.reshape(2, 3)]), 2, (2, 3))
    assert own.shape == (2, 2, 3)


@pytest.mark.parametrize(
    "labels", [np.zeros((2, 3), int), np.zeros((2, 2), int), np.full((2, 3), 0.5)]
)
def test_labels_that_do_not_fit(labels: np.ndarray) -> None:
    with pytest.raises(BadMethod, match="segments"):
        maskers.given(labels, 1, (2, 3))
