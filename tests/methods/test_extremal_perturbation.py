"""Extremal perturbations: masks, their slopes and area, and where the mask must lie."""

from __future__ import annotations

import signal
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
import oracles_masks
from kerascope.hooks import HookedModel, store_of
from kerascope.methods.smooth_masks import Grades, SmoothMask, area_loss

Array = np.ndarray
SHAPES = [((11,), 2.0), ((9, 13), 6.0), ((9, 13), 0.8), ((4, 5, 6), 1.2), ((7,), 0.0)]
LARGE = [((70,), 18.5), ((23, 32), 19.0)]  # made at every second position
RNG = np.random.default_rng


@pytest.mark.parametrize("name", ["extremal_perturbation"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize(("size", "sigma"), SHAPES)
def test_smooth_masks(size: tuple[int, ...], sigma: float) -> None:
    mask = SmoothMask(size, sigma)
    parameters = RNG(1).random((2, *mask.grid))
    found = mask.masks(parameters)
    expected = np.stack([oracles_masks.smooth_mask(p, sigma) for p in parameters])
    assert np.abs(found - expected).max() < 1e-12
    assert mask.cut(found).shape == (2, *size)
    assert found.max() <= parameters.max() + 1e-12
    if sigma == 0:
        assert np.allclose(found, parameters, atol=1e-12)


@pytest.mark.parametrize(("size", "sigma"), LARGE)
def test_large_masks_are_those_of_every_position(size: tuple[int, ...], sigma: float) -> None:
    """But for what lies between: bumps of the same radius at the same places."""
    mask = SmoothMask(size, sigma)
    parameters = np.zeros(mask.grid)
    parameters[tuple(n // 2 for n in mask.grid)] = 1.0
    cell = tuple(n // 2 * mask.step for n in mask.grid)
    found = mask.cut(mask.masks(parameters[None]))[0]
    # Where the middle of the bump comes to lie, at half as many places, with half-pixel centres.
    middle = [(at + mask.step / 2) * n / -(-n // 2) - 0.5 for at, n in zip(cell, size, strict=True)]
    away = np.sqrt(sum((np.indices(size)[i] - c) ** 2 for i, c in enumerate(middle)))
    f = np.exp(-2 * np.maximum(away / sigma - 0.5, 0) ** 2)
    near = 81 if len(size) == 2 else 11
    expected = f * np.exp(20 * f) / (np.exp(20 * f) + near - 1)
    assert np.abs(found - expected).max() < 0.04  # the edge is held


@pytest.mark.parametrize(("size", "sigma"), SHAPES + LARGE)
def test_slopes_are_pulled_back(size: tuple[int, ...], sigma: float) -> None:
    """Through mask, area and grades: as finite differences of the whole have it."""
    mask = SmoothMask(size, sigma)
    rng = RNG(2)
    parameters = rng.random(mask.grid)
    grades = Grades([rng.normal(size=(1, *size, 2)) for _ in range(4)], len(size) + 1)
    gradient = rng.normal(size=(1, *size, 2))
    count = np.array([3])

    def value(p: Array) -> float:
        wide = mask.masks(p[None])
        shown, _ = grades.shown(mask.cut(wide), np.array([0]))
        return float((shown * gradient).sum() - 50 * area_loss(wide, count)[0][0])

    wide = mask.masks(parameters[None])
    _, change = grades.shown(mask.cut(wide), np.array([0]))
    slopes = mask.spread(grades.slopes(gradient, change)) - 50 * area_loss(wide, count)[1]
    found = mask.pull(parameters[None], slopes)[0]
    expected = oracles_masks.slopes(value, parameters, 1e-6)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("shown", [1, 17, 59, 60])
def test_area(shown: int) -> None:
    masks = RNG(3).random((2, 6, 10))
    losses, slopes = area_loss(masks, np.array([shown, 5]))
    expected = [oracles_masks.area_loss(masks[0], shown), oracles_masks.area_loss(masks[1], 5)]
    assert np.allclose(losses, expected, rtol=1e-12)
    numeric = oracles_masks.slopes(lambda m: oracles_masks.area_loss(m, shown), masks[0])
    assert np.abs(slopes[0] - numeric).max() < 1e-8


def test_equal_positions_share_the_area() -> None:
    losses, slopes = area_loss(np.full((1, 8), 0.7), np.array([2]))
    assert np.allclose(losses, oracles_masks.area_loss(np.full(8, 0.7), 2))
    assert np.allclose(slopes, 2 * (0.7 - 0.25) / 8)


def test_grades_end_in_the_input() -> None:
    x = RNG(4).normal(size=(2, 3, 5, 4)).astype(np.float32)  # channels first
    grades = Grades([x * 0, x / 2, x], 1)
    rows = np.array([1, 0, 1])
    for level, factor in ((0.0, 0.0), (0.25, 0.25), (0.5, 0.5), (1.0, 1.0)):
        shown, _ = grades.shown(np.full((3, 5, 4), level), rows)
        assert np.allclose(shown, factor * x[rows], atol=1e-6)


def reading(region: tuple[slice, slice], size: tuple[int, int] = (20, 24)) -> HookedModel:
    """Return a model that reads one region: the mean light there, with weights of its own."""
    i = keras.Input((*size, 1))
    model = keras.Model(i, keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(i)))
    kernel = np.zeros((*size, 2), np.float32)
    kernel[(*region, 0)] = 1.0
    kernel[(*region, 1)] = -1.0
    model.layers[-1].kernel.assign(kernel.reshape(-1, 2))
    return HookedModel(model, compiled=keras.backend.backend() == "jax")


REGION = (slice(11, 17), slice(4, 11))
FIELDS: dict[str, Any] = {"baseline": 0.0, "steps": 60, "smoothing": 0.1, "area": 0.1}


@pytest.mark.parametrize("variant", ["preserve", "delete", "dual"])
def test_mask_lies_where_the_model_looks(variant: str) -> None:
    """Of light all the same: an area as large as the region is the region, with soft edges."""
    light = np.ones((1, 20, 24, 1), np.float32)
    found = ks.explain(
        reading(REGION), light, "extremal_perturbation", target=0, variant=variant, **FIELDS
    )
    mask = found.values[0]
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert mask[REGION].sum() > 0.65 * mask.sum()  # 0.09 were it anywhere
    assert mask[REGION].mean() > 0.7
    assert 0.07 < mask.mean() < 0.13
    kept, whole = found.extras["kept"][0, 0], found.scores[0]
    assert kept < 0.3 * whole if variant == "delete" else kept > 0.7 * whole


def test_other_class_keeps_clear_of_the_region() -> None:
    light = np.ones((1, 20, 24, 1), np.float32)
    found = ks.explain(reading(REGION), light, "extremal_perturbation", target=1, **FIELDS)
    assert found.values[0][REGION].mean() < 0.02


def test_several_areas_are_averaged_and_each_alone_is_the_same() -> None:
    light = RNG(5).uniform(0.5, 1, (2, 20, 24, 1)).astype(np.float32)
    fields = FIELDS | {"steps": 20}
    both = ks.explain(
        reading(REGION), light, "extremal_perturbation", target=0, **fields | {"area": (0.1, 0.3)}
    )
    assert both.extras["masks"].shape == (2, 2, 20, 24)
    assert np.allclose(both.values, both.extras["masks"].mean(axis=1), atol=1e-7)
    for i, area in enumerate((0.1, 0.3)):
        alone = ks.explain(
            reading(REGION), light, "extremal_perturbation", target=0, **fields | {"area": area}
        )
        assert np.abs(both.extras["masks"][:, i] - alone.values).max() < 1e-4
        assert np.allclose(both.extras["kept"][:, i], alone.extras["kept"][:, 0], rtol=1e-3)


def test_scale_of_the_score_does_not_matter() -> None:
    light = RNG(5).uniform(0.5, 1, (1, 20, 24, 1)).astype(np.float32)
    found = []
    for factor in (1.0, 1000.0):
        model = reading(REGION)
        kernel = model.model.layers[-1].kernel
        kernel.assign(kernel * factor)
        fields = FIELDS | {"steps": 20}
        found.append(ks.explain(model, light, "extremal_perturbation", target=0, **fields).values)
    assert np.abs(found[0] - found[1]).max() < 1e-3


def test_columns_and_tokens() -> None:
    """The one column, or token, that the score hangs on is the mask; nothing blurs over."""
    i = keras.Input((8,))
    model = keras.Model(i, keras.layers.Dense(1, use_bias=False)(i))
    model.layers[-1].kernel.assign(np.eye(8)[:, 5:6])
    found = ks.explain(
        HookedModel(model), np.ones((1, 8), np.float32), "extremal_perturbation",
        target=ks.Regression(0), steps=100,
    )  # fmt: skip
    assert np.allclose(found.values[0], np.eye(8)[5], atol=0.02)
    i = keras.Input((6,), dtype="int32")
    embedding = keras.layers.Embedding(4, 3, name="embed")
    pooled = keras.layers.GlobalAveragePooling1D()(embedding(i))
    model = keras.Model(i, keras.layers.Dense(1, use_bias=False)(pooled))
    embedding.embeddings.assign([[0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    model.layers[-1].kernel.assign([[3.0], [0.1], [0.1]])
    found = ks.explain(
        HookedModel(model), np.array([[1, 2, 3, 1, 2, 1]]), "extremal_perturbation",
        target=ks.Regression(0), steps=100,
    )  # fmt: skip
    assert np.allclose(found.values[0], np.eye(6)[2], atol=0.02)


def test_mirror_mirrors_pictures_only() -> None:
    """A model that reads the left, mirrored at every other step, shows both sides."""
    light = np.ones((1, 20, 24, 1), np.float32)
    fields = FIELDS | {"mirror": True, "area": 0.25, "steps": 200}
    found = ks.explain(reading(REGION), light, "extremal_perturbation", target=0, **fields)
    mirrored = (REGION[0], slice(24 - 11, 24 - 4))
    sides = [found.values[0][region].mean() for region in (REGION, mirrored)]
    assert min(sides) > 0.4


def test_ctrl_c_ends_with_the_steps_done() -> None:
    light = np.ones((1, 20, 24, 1), np.float32)

    def stop(what: str, done: int, total: int) -> None:
        if what == "steps" and done == 7:
            signal.raise_signal(signal.SIGINT)

    model = reading(REGION)
    with ks.reporting(stop):
        found = ks.explain(model, light, "extremal_perturbation", target=0, **FIELDS)
    assert any("stopped after 7 of 60 steps" in note for note in found.notes)
    assert store_of(model.model).passes["gradient"] == 7
    assert np.ptp(found.values) > 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"area": 0.0}, "between 0 and 1"),
        ({"area": (0.1, 1.0)}, "between 0 and 1"),
        ({"area": ()}, "between 0 and 1"),
        ({"variant": "keep"}, "preserve, delete, dual"),
        ({"steps": 0}, "at least 1"),
        ({"smoothing": 1.5}, "below 1"),
        ({"baseline": "black"}, "not known"),
    ],
)
def test_bad_fields(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        ks.explain(
            reading(REGION), np.ones((1, 20, 24, 1), "f4"), "extremal_perturbation", **fields
        )


def test_mask_smaller_than_a_bump_is_noted() -> None:
    light = np.ones((1, 20, 24, 1), np.float32)
    fields = FIELDS | {"smoothing": 0.5, "area": 0.01}
    found = ks.explain(reading(REGION), light, "extremal_perturbation", target=1, **fields)
    assert any("smaller than a bump" in note for note in found.notes)
