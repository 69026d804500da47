"""What is shown and covered, and what coalitions of segments are worth."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from kerascope.baselines import inpaint
from kerascope.game import Game
from kerascope.hooks import BlackBox, HookedModel
from kerascope.perturb import Canvas
from kerascope.run import Batch, Run
from kerascope.targets import resolve_targets

PICTURES = zoo.pictures(2, 6, 8)


def box(weights: np.ndarray) -> BlackBox:
    """Return a linear function of a picture as a model."""
    return BlackBox(lambda x: np.tensordot(x, weights, 3)[:, None])


def canvas(baseline: Any, x: np.ndarray = PICTURES) -> Canvas:
    view = box(np.ones((6, 8, 3)))
    return Canvas(view, view.read(x), baseline, Run())


def test_shown_is_the_input_covered_is_the_baseline() -> None:
    (name,) = canvas(0.5).x
    masks = np.random.default_rng(0).random((2, 6, 8)) > 0.5
    shown = canvas(0.5).show(name, masks, np.array([1, 0]))
    assert np.array_equal(shown[masks], PICTURES[[1, 0]][masks])
    assert (shown[~masks] == 0.5).all()


def test_numbers_blend() -> None:
    (name,) = canvas(0.0).x
    half = canvas(0.0).show(name, np.full((1, 6, 8), 0.25, np.float32), np.array([1]))
    assert np.allclose(half, PICTURES[1:] / 4)


@pytest.mark.parametrize("kind", ["zero", "min", "max", "mean", "blur", "noise", "inpaint"])
def test_every_word_covers(kind: str) -> None:
    (name,) = canvas(kind).x
    masks = np.zeros((2, 6, 8), bool)
    masks[:, :, :4] = True
    shown = canvas(kind).show(name, masks, np.arange(2))
    assert np.isfinite(shown).all()
    assert np.array_equal(shown[masks], PICTURES[masks])
    assert not np.array_equal(shown[~masks], PICTURES[~masks])


def test_unknown_word() -> None:
    with pytest.raises(ks.BadMethod, match="inpaint"):
        canvas("blurr")


def test_a_background_is_shown_one_by_one() -> None:
    background = np.random.default_rng(1).normal(size=(3, 6, 8, 3)).astype(np.float32)
    made = canvas(background)
    assert made.backgrounds == 3
    (name,) = made.x
    nothing = np.zeros((4, 6, 8), bool)
    shown = made.show(name, nothing, np.zeros(4, int), np.arange(4))
    assert np.array_equal(shown, background[[0, 1, 2, 0]])


def test_a_background_of_the_wrong_shape() -> None:
    with pytest.raises(ks.BadMethod, match=r"\(3, 6, 7, 3\)"):
        canvas(np.zeros((3, 6, 7, 3), np.float32))


# --- filling in ----------------------------------------------------------------------------------


def test_inpaint_leaves_what_is_shown_and_continues_a_constant() -> None:
    masks = np.random.default_rng(0).random((2, 6, 8, 1)) > 0.4
    filled = inpaint(PICTURES, masks)
    assert np.allclose(filled[masks[..., 0]], PICTURES[masks[..., 0]])
    assert np.allclose(inpaint(np.full_like(PICTURES, 3.5), masks), 3.5, atol=1e-5)


def test_inpaint_takes_from_what_is_near() -> None:
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None, None], (1, 32, 32, 1))
    masks = np.ones((1, 32, 32, 1), bool)
    masks[:, 12:16, 12:16] = False
    hole = inpaint(ramp.copy(), masks)[0, 12:16, 12:16, 0]
    assert np.abs(hole - ramp[0, 12:16, 12:16, 0]).max() < 3
    assert hole[-1].mean() > hole[0].mean()


@pytest.mark.parametrize("shape", [(1, 17, 2), (1, 9, 7, 5, 1), (1, 3, 9, 12)])
def test_inpaint_any_rank_and_layout(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    first = shape == (1, 3, 9, 12)
    wide = (1, 1, 9, 12) if first else (*shape[:-1], 1)
    filled = inpaint(values, np.zeros(wide, bool))
    axes = tuple(range(2, 4)) if first else tuple(range(1, len(shape) - 1))
    mean = np.broadcast_to(values.mean(axis=axes, keepdims=True), shape)
    assert np.allclose(filled, mean, atol=1e-5), "where nothing is shown the mean fills it"


# --- games ---------------------------------------------------------------------------------------


def game(view: Any, x: Any, **options: Any) -> Game:
    given = view.read(x)
    targets = resolve_targets(0, view.spec(), len(next(iter(given.values()))))
    run = Run(batch=Batch(5, found=True))
    return Game(view, given, targets, run, **{"segments": "grid-6", "baseline": 0.0} | options)


def test_worth_of_coalitions_of_a_linear_function() -> None:
    weights = np.random.default_rng(0).normal(size=(6, 8, 3))
    made = game(box(weights), PICTURES, baseline=0.25)
    assert made.widest == 6
    coalitions = np.random.default_rng(1).random((2, 9, 6)) > 0.5
    (labels,) = made.labels.values()
    expected = [
        [
            (weights * np.where(c[labels[i]][..., None], PICTURES[i], 0.25)).sum()
            for c in coalitions[i]
        ]
        for i in range(2)
    ]
    assert np.allclose(made.worths(coalitions)[..., 0], expected, rtol=1e-5)


def test_worth_is_averaged_over_the_background() -> None:
    weights = np.random.default_rng(0).normal(size=(6, 8, 3))
    background = np.random.default_rng(1).normal(size=(4, 6, 8, 3)).astype(np.float32)
    nobody = np.zeros((2, 1, 6), bool)
    worth = game(box(weights), PICTURES, baseline=background).worths(nobody)
    mean = np.tensordot(background, weights, 3).mean()
    assert np.allclose(worth, mean, rtol=1e-5)


def test_segments_of_several_inputs_play_together() -> None:
    case = zoo.SHAPES["image_and_vector"]()
    view = HookedModel(case.model, compiled=keras.backend.backend() == "jax")
    made = game(view, case.x, segments="auto", baseline="mean")
    everyone = np.ones((len(made.players), 1, made.widest), bool)
    own = view.scores(made.x, made.targets).values
    assert np.allclose(made.worths(everyone)[:, 0], own, atol=1e-5)
    starts = [labels.reshape(len(labels), -1).min(axis=1) for labels in made.labels.values()]
    assert (np.sort(starts, axis=0)[0] == 0).all()
    assert (np.sort(starts, axis=0)[1] > 0).all()
    values = np.arange(made.widest, dtype=float)[None, None].repeat(len(own), 0)
    for name, array in made.spread(values).items():
        assert np.array_equal(array[:, 0], made.labels[name])


def test_a_stop_gives_the_draws_that_are_whole() -> None:
    calls: list[int] = []
    made: Game | None = None

    def function(x: np.ndarray) -> np.ndarray:
        calls.append(len(x))
        if made is not None and len(calls) == 4:
            made.run.stop.set()
        return x.reshape(len(x), -1)[:, :1]

    view = BlackBox(function)
    made = game(view, PICTURES)
    calls.clear()
    worths = made.worths(np.ones((2, 50, 6), bool))
    assert worths.shape == (2, 10, 1), "4 calls of 5 rows are 10 draws of 2 samples"
    assert made.worths(np.ones((2, 50, 6), bool)).shape == (2, 0, 1)


# --- memory --------------------------------------------------------------------------------------


def test_a_budget_bounds_the_rows_of_a_call() -> None:
    sizes: list[int] = []

    def function(x: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        return x.reshape(len(x), -1)[:, :2]

    row = 3 * PICTURES[:1].nbytes
    wide = ks.explain(function, PICTURES, "occlusion", patch=2, stride=2, target=0)
    assert max(sizes) == 2 * 12
    sizes.clear()
    small = ks.explain(
        function, PICTURES, "occlusion", patch=2, stride=2, target=0, memory=row * 3 + 1
    )
    assert max(sizes) == 3
    assert np.array_equal(wide.values, small.values)


@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_a_budget_too_small_for_one_sample(method: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    with pytest.raises(ks.BadInput, match="does not hold one sample"):
        ks.explain(case.model, case.x, method, memory="1KB")


def test_a_function_that_fails_midway() -> None:
    calls = []

    def function(x: np.ndarray) -> np.ndarray:
        calls.append(1)
        if len(calls) > 3:
            raise ConnectionError("the service is away")
        return x.reshape(len(x), -1)[:, :2]

    with pytest.raises(ConnectionError, match="away"):
        ks.explain(function, PICTURES, "occlusion", target=0, batch_size=2)
