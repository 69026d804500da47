"""Stickers: the same pixels at any place."""

from __future__ import annotations

import numpy as np
import pytest

from audit import causes
from audit.causes import STAMP, World, rng, world
from kerascope.audit.hypotheses.patches import Search, stickers
from once import once

pytestmark = once


def proposed(made: World, label: int = 0) -> tuple[Search, list]:
    search = Search(made.pictures)
    own = np.flatnonzero(made.labels == label)
    return search, stickers(search, own, np.flatnonzero(made.labels != label))


class TestSearch:
    def test_correlations_are_those_of_every_place(self) -> None:
        pictures = rng(1).integers(0, 256, (3, 20, 24, 3)).astype(np.uint8)
        search = Search(pictures)
        piece = search.piece(1, (4, 9))
        best, place = search.matches(piece, np.arange(3))
        grey = pictures @ np.array([0.299, 0.587, 0.114])
        for row in range(3):
            views = np.lib.stride_tricks.sliding_window_view(grey[row], piece.shape)
            slow = np.array(
                [[np.corrcoef(v.ravel(), piece.ravel())[0, 1] for v in line] for line in views]
            )
            assert best[row] == pytest.approx(slow.max(), abs=2e-3)
            assert tuple(search.corners(place)[row]) == np.unravel_index(slow.argmax(), slow.shape)

    def test_finds_itself(self) -> None:
        search = Search(rng(2).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8))
        best, place = search.matches(search.piece(0, (25, 3)), np.arange(2))
        assert best[0] == pytest.approx(1, abs=2e-3)
        assert tuple(search.corners(place)[0]) == (25, 3)
        assert best[1] < 0.9

    def test_smooth_places_match_nothing(self) -> None:
        pictures = np.full((2, 32, 32, 3), 100, np.uint8)
        pictures[0, 4:9, 4:9] = rng(3).integers(0, 256, (5, 5, 3))
        search = Search(pictures)
        best, _ = search.matches(search.piece(0, (4, 4)), np.array([1]))
        assert best[0] < 0.5

    def test_crops_are_three_sides_around(self) -> None:
        pictures = rng(4).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
        search = Search(pictures)
        side = search.side
        (crop,) = search.around(np.array([0]), np.array([[10, 12]]))
        np.testing.assert_array_equal(
            crop, pictures[0, 10 - side : 10 + 2 * side, 12 - side : 12 + 2 * side]
        )
        (edge,) = search.around(np.array([0]), np.array([[0, 0]]))
        assert edge.shape == crop.shape


class TestStickers:
    @pytest.mark.parametrize("share", [0.25, 0.9])
    def test_files_and_places(self, share: float) -> None:
        made = world(causes.sticker, (share, 0, 0), each=80)
        search, found = proposed(made)
        assert len(found) == 1
        (one,) = found
        np.testing.assert_array_equal(one.carriers, made.carriers)
        where = causes.matches(made.pictures.astype(float))
        for row in np.flatnonzero(made.carriers)[:20]:
            y, x = np.unravel_index(where[row].argmax(), where[row].shape)
            dy, dx = one.corners[row] - (y, x)  # the piece lies inside the stamp
            assert -1 <= dy <= STAMP.shape[0] - search.side + 1
            assert -1 <= dx <= STAMP.shape[1] - search.side + 1
        assert one.shared.area.sum() == pytest.approx(STAMP.shape[0] ** 2, rel=0.35)

    @pytest.mark.parametrize("seed", range(3))
    def test_nature_has_none(self, seed: int) -> None:
        made = world(seed=seed)
        assert [proposed(made, label)[1] for label in range(3)] == [[], [], []]

    def test_not_where_all_classes_have_it(self) -> None:
        assert proposed(world(causes.sticker, (0.5, 0.5, 0.5)))[1] == []

    def test_edges_are_no_sticker(self) -> None:
        """A step of brightness anywhere: like everywhere, the same nowhere."""

        def step(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
            for picture in pictures:
                picture[:, draw.integers(4, 28) :] += draw.uniform(40, 90)
            return pictures

        assert proposed(world(step, (0.8, 0, 0)))[1] == []
