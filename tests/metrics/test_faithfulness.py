"""Faithfulness metrics: by hand on linear models, at their extremes, against slow versions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from scipy import stats

import kerascope as ks
import zoo
from kerascope.hooks import HookedModel
from kerascope.metrics import Metric, Subject, make_metric, metrics
from kerascope.metrics.base import Family
from kerascope.metrics.road import Road, imputed
from kerascope.metrics.similarity import correlation
from kerascope.run import Run
from kerascope.targets import resolve_targets

WEIGHTS = np.array([4.0, 2.0, 1.0, -3.0], np.float32)
X = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 1.0]], np.float32)


def linear() -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=False)])
    model.layers[0].set_weights([WEIGHTS[:, None]])
    return model


def subject_of(
    model: Any, x: Any, maps: Any, target: Any = None, *, score: str = "logit"
) -> Subject:
    view = HookedModel(model, score=score)
    arrays = view.read(x)
    samples = len(next(iter(arrays.values())))
    targets = resolve_targets(target, view.spec(), samples)
    view.scores(arrays, targets)
    named = maps if isinstance(maps, dict) else {next(iter(arrays)): np.asarray(maps)}
    run = Run(seed=0, memory=2**28, batch=view.batch)
    return Subject(view, arrays, targets.pin(view.last["scores_of"]), named, run)


def measured(metric: Metric, maps: Any, x: Any = X) -> np.ndarray:
    return metric.measure(subject_of(linear(), x, maps, ks.Regression()))


def metric(name: str, **fields: Any) -> Metric:
    return type(make_metric(name))(**fields)


# --- by hand -------------------------------------------------------------------------------------


def test_deletion_and_insertion_by_hand() -> None:
    maps = X * WEIGHTS
    # Sample 0: 4, 2, 1, −3; the score falls 4 → 0 → −2 → −3 → 0.
    deletion = measured(metric("deletion", steps=4, baseline=0.0), maps)
    assert np.isclose(deletion[0], ((4 + 0) / 2 + (0 - 2) / 2 + (-2 - 3) / 2 + (-3 + 0) / 2) / 4)
    insertion = measured(metric("insertion", steps=4, baseline=0.0), maps)
    assert np.isclose(insertion[0], ((0 + 4) / 2 + (4 + 6) / 2 + (6 + 7) / 2 + (7 + 4) / 2) / 4)
    # Sample 1: 4, 4, 3, −3, of equal ones the first goes first.
    assert np.isclose(deletion[1], ((8 + 4) / 2 + (4 + 0) / 2 + (0 - 3) / 2 + (-3 + 0) / 2) / 4)
    flipping = measured(metric("pixel_flipping", steps=4, baseline=0.0), maps)
    assert np.isclose(flipping[0], (0 + 4 + 6 + 7 + 4) / 5)


def test_more_steps_than_positions_are_one_each() -> None:
    maps = X * WEIGHTS
    few = measured(metric("deletion", steps=4, baseline=0.0), maps)
    many = measured(metric("deletion", steps=100, baseline=0.0), maps)
    assert np.array_equal(few, many)


def test_sufficiency_and_comprehensiveness_by_hand() -> None:
    maps = X * WEIGHTS
    keep = measured(metric("sufficiency", shares=(0.25, 0.5), baseline=0.0), maps)
    assert np.isclose(keep[0], ((4 - 4) + (4 - 6)) / 2)
    gone = measured(metric("comprehensiveness", shares=(0.25, 0.5), baseline=0.0), maps)
    assert np.isclose(gone[0], (4 + 6) / 2)


def test_drop_increase_and_gain_by_hand() -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False)])
    model.layers[0].set_weights([np.array([[0.4], [-0.2]], np.float32)])
    x = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 3.0]], np.float32)
    maps = np.array([[2.0, -1.0], [1.0, 2.0], [1.0, 1.0]])
    subject = subject_of(model, x, maps, ks.Regression())
    # Scores 0.2, 0.2, −0.2; through the maps 0.4 and 0.5 · 0.4 − 0.2 = 0; not positive: undefined.
    assert np.allclose(metric("average_drop").measure(subject), [0, 1, np.nan], equal_nan=True)
    assert np.allclose(metric("average_increase").measure(subject), [1, 0, np.nan], equal_nan=True)
    gain = metric("average_gain").measure(subject)
    assert np.allclose(gain, [0.2 / 0.8, 0, np.nan], equal_nan=True)
    against = subject_of(model, x, -np.abs(maps), ks.Regression())
    assert np.isnan(metric("average_drop").measure(against)).all()


# --- extremes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["faithfulness_correlation", "mu_fidelity", "sensitivity_n"])
def test_correlations_are_one_minus_one_and_undefined(name: str) -> None:
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((40,)), layers.Dense(1, use_bias=False)])
    weights = rng.normal(0, 1, (40, 1)).astype("float32")
    model.layers[0].set_weights([weights])
    x = rng.normal(0, 1, (2, 40)).astype("float32")
    maps = x * weights[:, 0]
    cells = {"cells": None} if name != "sensitivity_n" else {}
    chosen = metric(name, subsets=30, baseline=0.0, **cells)
    perfect = chosen.measure(subject_of(model, x, maps, ks.Regression()))
    assert np.allclose(perfect, 1, atol=1e-4)
    reversed_ = chosen.measure(subject_of(model, x, -maps, ks.Regression()))
    assert np.allclose(reversed_, -1, atol=1e-4)
    still = chosen.measure(subject_of(model, x, np.zeros_like(maps), ks.Regression()))
    assert np.isnan(still).all()
    noise = chosen.measure(subject_of(model, x, rng.normal(0, 1, maps.shape), ks.Regression()))
    assert (np.abs(noise) < 0.7).all()


def test_infidelity_is_zero_for_the_truth_in_any_unit_and_one_for_nothing() -> None:
    maps = X * WEIGHTS
    chosen = metric("infidelity", subsets=30, cells=None, share=0.5, baseline=0.0)
    assert np.allclose(measured(chosen, maps), 0, atol=1e-6)
    assert np.allclose(measured(chosen, -7 * maps), 0, atol=1e-6)
    assert np.allclose(measured(chosen, np.zeros_like(maps)), 1)
    wrong = measured(chosen, np.abs(maps[:, ::-1]))
    assert ((wrong > 0.01) & (wrong <= 1)).all()


OVERLAID = ("average_drop", "average_gain", "average_increase")


@pytest.mark.parametrize("name", OVERLAID)
def test_what_speaks_for_a_class_keeps_its_probability_and_what_speaks_against_loses_it(
    name: str,
) -> None:
    rng = np.random.default_rng(3)
    model = keras.Sequential([keras.Input((40,)), layers.Dense(1, activation="sigmoid")])
    weights = rng.normal(0, 0.3, (40, 1)).astype("float32")
    model.layers[0].set_weights([weights, np.zeros(1, np.float32)])
    x = rng.uniform(0.5, 1, (3, 40)).astype("float32")
    truth, chosen = x * weights[:, 0], make_metric(name)
    good, bad = (
        chosen.measure(subject_of(model, x, maps, 1, score="probability"))
        for maps in (truth, -truth)
    )
    best, worst = (0.0, 1.0) if name == "average_drop" else (1.0, 0.0)
    assert (np.abs(good - best) < np.abs(bad - best)).all()
    assert not np.allclose(bad, best)
    assert name == "average_drop" or np.allclose(bad, worst)
    assert name == "average_gain" or np.allclose(good, best)


@pytest.mark.parametrize(
    "name",
    [n for n, m in metrics().items() if m.family is Family.FAITHFULNESS and n not in OVERLAID],
)
def test_the_true_map_beats_the_reversed_one(name: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    truth = ks.explain(case.model, case.x, "occlusion", target=1, patch=2, stride=2).heatmap()
    chosen = make_metric(name)
    good, bad = (
        chosen.measure(subject_of(case.model, case.x, maps, 1)) for maps in (truth, -truth)
    )
    assert np.isfinite(good).all()
    better = good - bad if chosen.higher else bad - good
    if name == "infidelity":  # scaled by the best factor, whose sign is free
        assert np.allclose(good, bad)
        noise = np.random.default_rng(0).normal(0, 1, truth.shape)
        assert (good < chosen.measure(subject_of(case.model, case.x, noise, 1))).all()
    else:
        assert (better > 0).all(), (good, bad)
    low, high = chosen.bounds
    for values in (good, bad):
        known = values[np.isfinite(values)]
        assert ((known >= low) & (known <= high)).all()


def test_correlation_is_scipys() -> None:
    one, two = np.random.default_rng(0).normal(0, 1, (2, 3, 9))
    expected = [stats.pearsonr(a, b)[0] for a, b in zip(one, two, strict=True)]
    assert np.allclose(correlation(one, two), expected)
    assert np.allclose(correlation(1e-20 * one, two), expected)  # gradients can be that small
    assert np.isnan(correlation(np.ones((1, 9)) / 3, two[:1])).all()


# --- ROAD ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 5, 2), (9, 3), (4, 3, 5, 1)])
def test_imputation_solves_the_equations(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    sample = rng.random(shape)
    size = shape[:-1]
    shown = rng.random(size) > 0.5
    shown.flat[0] = True
    filled = imputed(sample, shown, len(size))
    assert np.array_equal(filled[shown], sample[shown])
    for place in np.argwhere(~shown):
        total, weight = np.zeros(shape[-1]), 0.0
        for other in np.argwhere(np.ones(size)):
            step = np.abs(other - place)
            if step.max() == 1:
                w = 2.0 if step.sum() == 1 else 1.0
                total, weight = total + w * filled[tuple(other)], weight + w
        assert np.allclose(filled[tuple(place)], total / weight, atol=1e-8)


def test_imputation_of_nothing_and_of_all() -> None:
    sample = np.random.default_rng(0).random((4, 5, 3)).astype("float32")
    assert np.array_equal(imputed(sample, np.ones((4, 5), bool), 2), sample)
    gone = imputed(sample, np.zeros((4, 5), bool), 2)
    assert np.allclose(gone, sample.mean(axis=(0, 1)))


def test_road_orders() -> None:
    case = zoo.SHAPES["flat_functional"]()
    truth = ks.explain(case.model, case.x, "occlusion", target=1, patch=2, stride=2).heatmap()
    subject = subject_of(case.model, case.x, truth, 1)
    most, least = (Road(order=o, noise=0.0).measure(subject) for o in ("most", "least"))
    both = Road(order="combined", noise=0.0).measure(subject)
    assert np.allclose(both, (least + most) / 2, atol=1e-6)
    assert (both > 0).all()


def test_road_is_undefined_for_ids() -> None:
    case = zoo.SHAPES["token_ids"]()
    maps = ks.explain(case.model, case.x, "gradient_x_input").heatmap()
    subject = subject_of(case.model, case.x, maps)
    assert np.isnan(Road().measure(subject)).all()
    assert any("token ids" in note for note in subject.notes)


# --- promises ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n, m in metrics().items() if m.family is Family.FAITHFULNESS]
)
def test_passes_are_what_is_said_and_chunks_do_not_matter(name: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    maps = ks.explain(case.model, case.x, "gradient", target=1).heatmap()
    chosen = make_metric(name)
    subject = subject_of(case.model, case.x, maps, 1)
    before = subject.view.store.passes["forward"]
    first = chosen.measure(subject)
    made = subject.view.store.passes["forward"] - before
    # Chunks are padded to one shape, so that none is traced anew.
    assert chosen.passes(subject.positions) * len(subject) <= made
    assert made <= chosen.passes(subject.positions) * len(subject) + subject.view.batch.size
    other = subject_of(case.model, case.x, maps, 1)
    other.run.batch = type(other.run.batch)(3, found=True)
    assert np.allclose(chosen.measure(other), first, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("deletion", {"steps": 0}, "steps=0"),
        ("deletion", {"baseline": "nope"}, "baseline 'nope'"),
        ("sufficiency", {"shares": (0.0,)}, "between 0 and 1"),
        ("road", {"shares": ()}, "between 0 and 1"),
        ("road", {"order": "up"}, "order='up'"),
        ("mu_fidelity", {"subsets": 2}, "subsets=2"),
        ("mu_fidelity", {"share": 1.0}, "share=1.0"),
        ("sensitivity_n", {"shares": (2.0,)}, "share=2.0"),
        ("infidelity", {"cells": 1}, "cells=1"),
    ],
)
def test_settings_are_checked(name: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        metric(name, **fields)
