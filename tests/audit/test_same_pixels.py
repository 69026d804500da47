"""Overlays are proposed where files have the same pixels, and not where nature is alike."""

from __future__ import annotations

import numpy as np
import pytest

from audit import causes
from audit.causes import World, discs, known, rng, world
from kerascope.audit.hypotheses.excess import excess_z
from kerascope.audit.hypotheses.regions import OPPOSITE, box_of, regions
from kerascope.audit.hypotheses.same_pixels import FEWEST, shared_pixels, smallest
from once import once

pytestmark = once


def proposed(made: World, label: int = 0) -> list:
    own = made.labels == label
    return shared_pixels(made.pictures[own], made.pictures[~own])


def box(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    where = np.zeros((causes.SIDE, causes.SIDE), bool)
    where[y0:y1, x0:x1] = True
    return where


def stamped(where: np.ndarray, share: float, *, noise: float = 1.5, seed: int = 0) -> World:
    """Return a world whose first class has the same random pixels in an area."""
    colours = rng(7).choice([20.0, 128.0, 230.0], (*where.shape, 3))

    def plant(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        added = colours[where] + draw.normal(0, noise, (len(pictures), *colours[where].shape))
        pictures[:, where] = added
        return pictures

    return world(plant, (share, 0, 0), seed=seed)


EDGE = ~box(2, 30, 2, 30)
PLACES = {
    "corner": box(1, 8, 1, 8), "line": box(20, 21, 0, 32), "border": EDGE,
    "caption": box(26, 31, 4, 28), "middle": box(14, 19, 14, 19),
}  # fmt: skip


class TestSame:
    @pytest.mark.parametrize("name", PLACES)
    @pytest.mark.parametrize("share", [0.25, 0.9])
    def test_is_found_where_it_is(self, name: str, share: float) -> None:
        made = stamped(PLACES[name], share)
        found = proposed(made)
        assert found
        area = np.logical_or.reduce([one.area for one in found])
        both = (area & PLACES[name]).sum() / (area | PLACES[name]).sum()
        assert both >= 0.6
        carried = found[0].carried(made.pictures)
        np.testing.assert_array_equal(carried, made.carriers)

    @pytest.mark.parametrize("noise", [0.0, 4.0])
    def test_up_to_some_levels(self, noise: float) -> None:
        made = stamped(PLACES["corner"], 0.5, noise=noise)
        assert len(proposed(made)) == 1

    def test_after_compression(self) -> None:
        made = world(causes.corner_mark, (0.5, 0, 0))
        pictures = causes.whole(causes.jpeg(made.pictures, 90))
        found = shared_pixels(pictures[made.labels == 0], pictures[made.labels != 0])
        assert found
        carried = found[0].carried(pictures)
        assert (carried == made.carriers).mean() >= 0.95

    def test_is_not_of_the_class_when_all_classes_have_it(self) -> None:
        made = world(causes.corner_mark, (0.6, 0.6, 0.6))
        assert proposed(made) == []

    def test_shares_and_colours(self) -> None:
        made = stamped(PLACES["corner"], 0.5)
        (found,) = proposed(made)
        share = found.share(made.pictures)
        assert share[made.carriers].min() >= 0.9
        assert share[~made.carriers].max() <= 0.2


class TestNature:
    @pytest.mark.parametrize("seed", range(4))
    def test_objects_and_noise_are_never_the_same(self, seed: int) -> None:
        made = world(seed=seed)
        assert [proposed(made, label) for label in range(3)] == [[], [], []]

    @pytest.mark.parametrize("plant", [causes.brighter, causes.redder, causes.sky])
    def test_tone_is_no_overlay(self, plant: causes.Plant) -> None:
        assert proposed(world(plant, (0.6, 0, 0))) == []

    @pytest.mark.parametrize("seed", range(4))
    def test_plain_objects_of_like_colour(self, seed: int) -> None:
        """Discs of one colour each, in the middle: those of like colour are not the same pixels."""
        found = discs(0.0, seed=seed, plain=True).audit(known)
        assert found.added == ()

    def test_too_few(self) -> None:
        made = stamped(PLACES["corner"], 1.0)
        own = made.pictures[made.labels == 0]
        assert shared_pixels(own[: FEWEST - 1], made.pictures[made.labels != 0]) == []
        assert shared_pixels(own, made.pictures[:0]) == []


class TestSmallest:
    def test_is_the_least_share_that_is_found(self) -> None:
        """Of 120 files of a class, half of which propose."""
        least = smallest(120, 240)
        found = []
        for files in range(1, 25):
            made = world(causes.corner_mark, (files / 60, 0, 0), each=60)
            found.append(bool(proposed(made)))
        first = found.index(True) + 1
        assert first / 60 == pytest.approx(least, abs=0.02)
        assert all(found[first - 1 :])

    def test_shrinks_with_the_files(self) -> None:
        shares = [smallest(n, 2 * n) for n in (20, 60, 200, 1000)]
        assert shares == sorted(shares, reverse=True)
        assert smallest(500, 1000) <= 0.1

    def test_none_where_there_are_too_few(self) -> None:
        assert smallest(6, 100) > 1
        assert smallest(100, 0) > 1


def test_excess_is_zero_between_like_shares_and_finite() -> None:
    assert excess_z(10, 100, 20, 200) == pytest.approx(0)
    assert excess_z(20, 100, 20, 200) > 2
    assert np.isfinite([excess_z(0, 5, 0, 5), excess_z(5, 5, 0, 5), excess_z(0, 5, 5, 5)]).all()


class TestRegions:
    def test_cover_what_they_say(self) -> None:
        found = regions(30, 60)
        assert box_of(found["top"]) == (0, 0, 1, pytest.approx(1 / 3))
        assert box_of(found["right"]) == (pytest.approx(2 / 3), 0, 1, 1)
        np.testing.assert_array_equal(found["centre"], ~found["wide surroundings"])
        assert (found["surroundings"] <= found["wide surroundings"]).all()
        assert set(OPPOSITE) <= set(found)
        assert set(OPPOSITE.values()) <= set(found)

    def test_boxes_are_fractions(self) -> None:
        area = np.zeros((10, 20), bool)
        area[2:5, 4:8] = True
        assert box_of(area) == (0.2, 0.2, 0.4, 0.5)
