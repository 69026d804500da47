"""Sliding patches: where they lie, which are measured first, what lies between."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kerascope as ks
import method_checks as checks
import zoo
from kerascope.errors import BadMethod
from kerascope.methods.positions import Positions, coarse_to_fine, interpolate


@st.composite
def positions(draw: st.DrawFn) -> Positions:
    size, patch, stride = [], [], []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, 12))
        p = draw(st.integers(1, n))
        size.append(n)
        patch.append(p)
        stride.append(draw(st.integers(1, p)))
    return Positions(tuple(size), tuple(patch), tuple(stride))


@settings(max_examples=100, deadline=None)
@given(positions())
def test_patches_cover_everything_and_end_at_the_edge(made: Positions) -> None:
    covered = np.zeros(made.size, int)
    boxes = list(made.boxes(np.arange(made.count)))
    for box in boxes:
        covered[box] += 1
    assert (covered > 0).all()
    assert all(box[-1].start < made.size[-1] for box in boxes)
    for axis, n in enumerate(made.size):
        starts = {box[axis].start for box in boxes}
        assert not any(start + made.patch[axis] >= n for start in starts - {max(starts)})
    spread = made.over_cover(np.ones((2, *made.grid)))
    assert spread.shape == (2, *made.size)
    assert np.allclose(spread, 1)


@settings(max_examples=100, deadline=None)
@given(positions())
def test_order_is_a_permutation_that_spreads(made: Positions) -> None:
    order = made.order()
    assert np.array_equal(np.sort(order), np.arange(made.count))
    points = np.stack(np.unravel_index(order, made.grid), axis=1)
    for step in (2, 4, 8):
        coarse = (points % step == 0).all(axis=1)
        assert coarse[: coarse.sum()].all(), f"every {step}th position comes first"


def test_interpolation_reproduces_a_plane() -> None:
    made = Positions((20, 30), (4, 4), (2, 2))
    points = np.stack(np.unravel_index(np.arange(made.count), made.grid), axis=1)
    plane = points @ np.array([[0.5, 1.0], [-0.25, 2.0]]) + 1
    known = np.random.default_rng(0).permutation(made.count)[:20]
    assert np.allclose(interpolate(made, known, plane[known]), plane, atol=1e-6)


@pytest.mark.parametrize("known", [[3], [0, 1], [0, 1, 2], list(range(9))])
def test_interpolation_of_too_few_or_all(known: list[int]) -> None:
    made = Positions((6, 6), (2, 2), (2, 2))
    values = np.arange(9.0)[known][:, None]
    filled = interpolate(made, np.array(known), values)
    assert np.isfinite(filled).all()
    assert np.allclose(filled[known], values)


def bumps(made: Positions) -> np.ndarray:
    """Return what a patch hides of two blobs, for every position: smooth over half a patch."""
    y, x = np.mgrid[: made.size[0], : made.size[1]]
    blob = lambda cy, cx, s: np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / s**2)  # noqa: E731
    field = blob(40, 60, 12) - 0.5 * blob(90, 30, 8)
    return np.array([[field[box].sum()] for box in made.boxes(np.arange(made.count))])


@pytest.mark.parametrize("tolerance", [0.03, 0.01])
def test_coarse_to_fine_finds_the_map_with_fewer_positions(tolerance: float) -> None:
    made = Positions((128, 128), (32, 32), (4, 4))
    exact = bumps(made)
    found = coarse_to_fine(made, lambda p: exact[p], tolerance, np.random.default_rng(0))
    off = np.sqrt(np.mean((found.values - exact) ** 2)) / np.abs(exact).max()
    assert len(found.measured) <= made.count / 2
    assert off <= tolerance
    assert len(np.unique(found.measured)) == len(found.measured)
    assert np.allclose(found.values[found.measured], exact[found.measured])


def test_noise_is_measured_everywhere() -> None:
    made = Positions((64, 64), (16, 16), (4, 4))
    noise = np.random.default_rng(0).normal(size=(made.count, 2))
    found = coarse_to_fine(made, lambda p: noise[p], 0.001, np.random.default_rng(0))
    assert len(found.measured) == made.count
    assert found.error == 0
    assert np.allclose(found.values, noise)


@pytest.mark.parametrize(
    ("patch", "stride", "words"),
    [(9, None, "larger than the input"), (4, 5, "never"), ((2, 2, 2), None, "3 numbers for 2")],
)
def test_sizes_that_do_not_fit(patch: object, stride: object, words: str) -> None:
    with pytest.raises(BadMethod, match=words):
        Positions.of((8, 8), ("y", "x"), patch, stride)


@pytest.mark.parametrize(
    "fields",
    [
        {"stride": 0},
        {"patch": 0},
        {"tolerance": 1.5},
        {"incremental": "always"},
        {"approximate": 8, "incremental": False},
    ],
)
def test_fields_that_make_no_sense(fields: dict[str, object]) -> None:
    with pytest.raises(BadMethod, match="occlusion"):
        checks.explain("smooth", "occlusion", **fields)


# --- in occlusion --------------------------------------------------------------------------------


def bell(x: np.ndarray) -> np.ndarray:
    """Return a score that depends on the middle of a picture, not linearly."""
    weights = np.outer(np.hanning(24), np.hanning(24))[None, ..., None]
    return np.tanh((x * weights).mean(axis=(1, 2, 3)))[:, None]


def test_tolerance_says_how_many_positions_and_how_far_off() -> None:
    pictures = np.ones((2, 24, 24, 3), np.float32) * np.array([1, 2]).reshape(2, 1, 1, 1)
    options = {"patch": 8, "stride": 1, "baseline": 0.0, "target": 0}
    exact = ks.explain(bell, pictures, "occlusion", **options)
    fast = ks.explain(bell, pictures, "occlusion", tolerance=0.02, **options)
    assert "positions measured" in fast.notes[-1]
    looked = ~np.isin(fast.extras["predicted"], [-1])
    assert (looked.sum(axis=(1, 2)) < exact.values[0].size / 2).all()
    scale = np.abs(exact.values).max()
    assert np.allclose(exact.values[looked], fast.values[looked], atol=1e-5 * scale)
    assert np.sqrt(np.mean((exact.values - fast.values) ** 2)) <= 0.02 * scale


def test_a_stop_leaves_a_whole_map() -> None:
    """After half of the calls the map is interpolated, close to the whole one, and says so."""
    pictures = zoo.pictures(2, 24, 24)
    calls = []

    def function(x: np.ndarray) -> np.ndarray:
        calls.append(len(x))
        if len(calls) == 20:
            signal.raise_signal(signal.SIGINT)
        return bell(x)

    options = {"patch": 6, "stride": 1, "baseline": 5.0, "target": 0, "batch_size": 16}
    stopped = ks.explain(function, pictures, "occlusion", **options)
    calls = [0] * 99
    whole = ks.explain(function, pictures, "occlusion", **options)
    assert any("stopped after" in note for note in stopped.notes)
    for one, other in zip(stopped.values, whole.values, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.95
