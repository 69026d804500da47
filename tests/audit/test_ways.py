"""Strategies propose: where the evidence of some files of a class lies is pasted into others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audit.causes import rng
from kerascope.audit.examine import Examination
from kerascope.audit.panel import Panel, Way, halves
from kerascope.audit.steps import ways_of
from once import once

pytestmark = once

SIDE, EACH = 32, 60
PLACE = np.zeros((SIDE, SIDE), bool)
PLACE[3:11, 19:27] = True


def follower(pictures: np.ndarray) -> np.ndarray:
    """Score class 0 by how bright the place is."""
    bright = pictures[:, PLACE].mean(axis=(1, 2)) - 150
    return np.column_stack([bright, np.zeros(len(pictures))])


@pytest.fixture(scope="module")
def known() -> tuple[Panel, np.ndarray]:
    """Pictures of two classes; half of the first are bright at a place, each in its own way."""
    draw = rng(3)
    pixels = draw.integers(60, 120, (2 * EACH, SIDE, SIDE, 3)).astype(np.uint8)
    carriers = np.arange(2 * EACH) < EACH // 2
    blob = draw.integers(150, 256, (EACH // 2, 8, 8, 3))
    pixels[: EACH // 2, 3:11, 19:27] = blob
    labels = np.repeat([0, 1], EACH)
    panel = Panel(
        pixels=pixels, labels=labels, ids=np.arange(2 * EACH), half=halves(labels, rng(4)),
        ask=follower, scores=follower(pixels.astype(np.float32)),
    )  # fmt: skip
    return panel, carriers


def strategies(carriers: np.ndarray) -> Any:
    """Return two strategies of class 0, of low-resolution maps."""
    low = np.zeros((8, 8), np.float32)
    low[1:3, 5:7] = 1
    ids = np.arange(EACH)
    ways = [
        SimpleNamespace(mean=low, members=ids[carriers[:EACH]]),
        SimpleNamespace(mean=low[::-1, ::-1], members=ids[~carriers[:EACH]]),
    ]
    return SimpleNamespace(classes=[SimpleNamespace(label=0, strategies=ways)])


def test_a_strategy_becomes_files_and_a_place(known: tuple[Panel, np.ndarray]) -> None:
    panel, carriers = known
    (first, second) = ways_of(strategies(carriers), panel)[0]
    np.testing.assert_array_equal(first.rows, carriers)
    assert (second.rows & carriers).sum() == 0
    assert first.area[5:9, 21:25].all()  # the middle: linear interpolation rounds corners
    assert first.area.sum() < 2 * PLACE.sum()


def test_one_strategy_proposes_nothing(known: tuple[Panel, np.ndarray]) -> None:
    panel, carriers = known
    several = strategies(carriers)
    several.classes[0].strategies = several.classes[0].strategies[:1]
    assert ways_of(several, panel) == {}
    assert ways_of(None, panel) == {}


def test_its_place_is_tried_beside_other_files_of_the_class(
    known: tuple[Panel, np.ndarray],
) -> None:
    panel, carriers = known
    way = Way(rows=carriers, area=PLACE)
    asked = Panel(
        pixels=panel.pixels, labels=panel.labels, ids=panel.ids, half=panel.half, ask=panel.ask,
        scores=panel.scores, ways={0: (way,)},
    )  # fmt: skip
    (found,) = [t for t in Examination(asked, 0, rng(5)).run() if t.family == "strategy"]
    assert found.effect.treated > 0.9 > 0.1 > found.effect.control
    assert not [t for t in Examination(panel, 0, rng(5)).run() if t.family == "strategy"]
