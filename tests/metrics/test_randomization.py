"""Randomisation: similarities, cascades, and the order that was published."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerascope.demo
import metrics.subjects as subjects
from kerascope.errors import BadMethod, Refused
from kerascope.metrics import (
    EfficientMprt,
    ModelParameterRandomization,
    RandomLogit,
    SmoothMprt,
)
from kerascope.metrics.controls import random_map
from kerascope.metrics.similarity import SIMILARITIES


def _maps(size: tuple[int, ...] = (24, 24), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, *size))


@pytest.mark.parametrize("name", SIMILARITIES)
def test_similarity_extremes(name: str) -> None:
    maps = _maps()
    subject = subjects.of_maps(maps)
    alike = SIMILARITIES[name]
    flat = subject.flat
    np.testing.assert_allclose(alike(subject, flat, 3 * flat), 1)
    if name == "ssim":  # in a window whose mean turns round as well, two signs cancel
        assert (alike(subject, flat, -flat) < 0.5).all()
    else:
        np.testing.assert_allclose(alike(subject, flat, -flat), -1)
    other = _maps(seed=1).reshape(4, -1)
    assert np.abs(alike(subject, flat, other)).max() < 0.15, "noise is not like other noise"
    assert np.isnan(alike(subject, flat, np.zeros_like(flat))).all()


def test_random_control_maps_have_an_ssim_near_zero() -> None:
    sample, axes = np.zeros((96, 96, 3), np.float32), ("y", "x", "channel")
    rng = np.random.default_rng(0)
    one, two = (
        np.stack([random_map(sample, axes, rng) for _ in range(12)]).reshape(12, -1)
        for _ in range(2)
    )
    subject = subjects.of_maps(one.reshape(12, 96, 96))
    assert abs(SIMILARITIES["ssim"](subject, one, two).mean()) < 0.2
    fine = np.random.default_rng(1).random((2, 12, 96 * 96))
    assert abs(SIMILARITIES["ssim"](subject, *fine).mean()) < 0.02


def test_rank_correlation_is_scipys() -> None:
    from scipy import stats

    first, second = np.round(_maps(), 1), np.round(_maps(seed=2) + _maps(), 1)
    subject = subjects.of_maps(first)
    flat = second.reshape(4, -1)
    for name, theirs in [("spearman", stats.spearmanr), ("pearson", stats.pearsonr)]:
        expected = [theirs(a, b)[0] for a, b in zip(subject.flat, flat, strict=True)]
        np.testing.assert_allclose(SIMILARITIES[name](subject, subject.flat, flat), expected)


def test_ssim_needs_neighbourhoods() -> None:
    vector = subjects.of_function(lambda r: r, _maps((5,)).astype(np.float32), _maps((5,)))
    assert np.isnan(SIMILARITIES["ssim"](vector, vector.flat, vector.flat)).all()
    for size in [(3, 9), (4, 30), (6, 6, 6), (12,)]:
        maps = subjects.of_maps(_maps(size))
        np.testing.assert_allclose(SIMILARITIES["ssim"](maps, maps.flat, maps.flat), 1)


@functools.cache
def _demo() -> tuple[Any, np.ndarray]:
    """Return a small trained net and its pictures."""
    from PIL import Image

    data = Path(kerascope.demo.__file__).parent / "data"
    paths = sorted(data.glob("*.png"))[:4]
    pictures = [np.asarray(Image.open(path).resize((128, 128)), np.float32) for path in paths]
    return keras.models.load_model(data / "object_net.keras"), np.stack(pictures)


def test_the_published_order() -> None:
    """Adebayo et al. 2018: from the top, guided backprop changes far less."""
    model, x = _demo()
    change = {}
    for method in ("gradient", "grad_cam", "guided_backprop"):
        subject = subjects.of_model(model, x, method)
        metric = ModelParameterRandomization(similarity="ssim", stages=None)
        upper = metric.cascade(subject).similarity[:, :5]  # the head and two blocks of five
        change[method] = 1 - np.nanmean(upper)
    assert change["gradient"] > 0.4
    assert change["grad_cam"] > 0.4
    assert change["guided_backprop"] < 0.5 * min(change["gradient"], change["grad_cam"])


def test_everything_randomised_leaves_nothing_of_the_gradient() -> None:
    model, x = _demo()
    subject = subjects.of_model(model, x, "gradient")
    last = ModelParameterRandomization(similarity="ssim", stages=1).measure(subject)
    assert np.abs(last).max() < 0.15


def test_an_edge_map_never_changes() -> None:
    model, x = _demo()
    subject = subjects.of_model(model, x, "gradient")
    subject.explain = lambda rows, samples, **_: subject.maps
    for metric in (ModelParameterRandomization(), SmoothMprt(samples=1)):
        np.testing.assert_allclose(metric.measure(subject), 1)
    np.testing.assert_allclose(EfficientMprt().measure(subject), 0)
    np.testing.assert_allclose(RandomLogit().measure(subject), 1)


def test_stages_by_order() -> None:
    subject = subjects.of_zoo("flat_functional", "gradient_x_input")
    names = {
        order: ModelParameterRandomization(order=order, stages=None).cascade(subject).stages
        for order in ("top_down", "bottom_up", "independent")
    }
    assert names["bottom_up"] == names["independent"] == (("conv1",), ("conv2",), ("head",))
    assert names["top_down"] == names["bottom_up"][::-1]
    two = ModelParameterRandomization(stages=2).cascade(subject)
    assert two.stages == (("head", "conv2"), ("conv1",))
    assert two.similarity.shape == (2, 2)


def test_cascades_end_alike_and_independent_ones_do_not_add_up() -> None:
    subject = subjects.of_zoo("flat_functional", "gradient_x_input")
    down, up, alone = (
        ModelParameterRandomization(order=order, stages=None).cascade(subject).similarity
        for order in ("top_down", "bottom_up", "independent")
    )
    np.testing.assert_allclose(down[:, -1], up[:, -1], atol=1e-6)
    np.testing.assert_allclose(alone[:, 0], up[:, 0], atol=1e-6)
    np.testing.assert_allclose(alone[:, -1], down[:, 0], atol=1e-6)
    assert np.abs(alone[:, 1] - up[:, 1]).max() > 1e-3
    mean = ModelParameterRandomization(stages=None).measure(subject)
    np.testing.assert_allclose(mean, down.mean(axis=1))


def test_smooth_mprt_compares_means_over_noise() -> None:
    subject = subjects.of_zoo("flat_functional", "gradient_x_input")
    seen: list[np.ndarray] = []
    again = subject.explain

    def watched(x: Any, rows: Any, **options: Any) -> Any:
        seen.append(next(iter(x.values())))
        return again(x, rows, **options)

    subject.explain = watched
    cascade = SmoothMprt(samples=4, stages=2, noise=0.2).cascade(subject)
    assert len(seen) == 4 * 3
    np.testing.assert_array_equal(np.array(seen[:4]), np.array(seen[4:8]))
    plain = next(iter(subject.x.values()))
    spread = (np.array(seen[:4]) - plain).std(axis=(0, 2, 3, 4))
    np.testing.assert_allclose(spread, 0.2 * np.ptp(plain, axis=(1, 2, 3)), rtol=0.1)
    assert cascade.similarity.shape == (2, 2)


def test_efficient_mprt_by_hand() -> None:
    """Four bins: evenly filled after, two of them before."""
    subject = subjects.of_zoo("flat_functional", "gradient")
    (name,) = subject.maps
    shape = subject.maps[name].shape
    count = int(np.prod(shape[1:]))
    before = np.tile([0.0, 1.0], count).reshape(2, -1)[:, :count].reshape(shape)
    after = np.tile([0.0, 1 / 3, 2 / 3, 1.0], count).reshape(2, -1)[:, :count].reshape(shape)
    subject.maps = {name: before}
    subject.explain = lambda x, rows, **_: {name: after}
    found = EfficientMprt(bins=4).measure(subject)
    np.testing.assert_allclose(found, np.log(4) / np.log(2) - 1, rtol=1e-6)
    subject.maps = {name: np.ones(shape)}
    assert np.isnan(EfficientMprt().measure(subject)).all()


def test_a_random_logit_is_another_class() -> None:
    subject = subjects.of_zoo("flat_functional", "gradient_x_input")
    own = subject.targets.items[0].index
    asked: list[Any] = []
    again = subject.explain

    def watched(x: Any, rows: Any, *, targets: Any = None, seed: int = 0) -> Any:
        asked.append(np.array(targets.items[0].class_))
        return again(x, rows, targets=targets, seed=seed)

    subject.explain = watched
    for subject.run.seed in range(10):
        found = RandomLogit().measure(subject)
    assert (np.array(asked) != own).all()
    assert len(np.unique(asked, axis=0)) > 1, "which class it is hangs on the seed"
    assert (np.abs(found) < 0.99).all()


def test_random_logit_of_two_sides_is_the_negative() -> None:
    subject = subjects.of_zoo("single_sigmoid", "gradient_x_input")
    found = RandomLogit(similarity="pearson").measure(subject)
    np.testing.assert_allclose(found, -1, atol=1e-5)


def test_what_cannot_be_randomised_is_refused() -> None:
    with pytest.raises(Refused, match="no class beside"):
        RandomLogit().measure(subjects.of_zoo("regression_head", "gradient"))
    box = subjects.of_function(lambda r: r, np.ones((2, 3), np.float32), lambda r: r)
    for metric in (ModelParameterRandomization(), EfficientMprt(), SmoothMprt()):
        with pytest.raises(Refused, match="a plain function has no weights"):
            metric.measure(box)
    i = keras.Input((4, 4, 3))
    bare = keras.Model(i, keras.layers.GlobalAveragePooling2D()(i))
    subject = subjects.of_model(bare, np.ones((1, 4, 4, 3), np.float32), "gradient")
    with pytest.raises(Refused, match="the model has no weights"):
        ModelParameterRandomization().measure(subject)


def test_scores_that_explode_are_left_out_with_a_note() -> None:
    i = keras.Input((4,))
    x = keras.layers.Dense(3, kernel_initializer=keras.initializers.Constant(1e30), name="first")(i)
    head = keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant(1e30), name="head")
    model = keras.Model(i, head(x))
    model.set_weights([np.random.default_rng(0).normal(size=w.shape) for w in model.get_weights()])
    x = np.random.default_rng(1).normal(size=(2, 4)).astype(np.float32)
    subject = subjects.of_model(model, x, "gradient", target=0)
    cascade = ModelParameterRandomization(stages=None).cascade(subject)
    assert np.isnan(cascade.similarity[:, 1]).all()
    assert "stage 2 is left out" in subject.notes[0]


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadMethod, match=r"similarity='spearmann' .*did you mean 'spearman'"):
        ModelParameterRandomization(similarity="spearmann")
    with pytest.raises(BadMethod, match="order='up'"):
        ModelParameterRandomization(order="up")
    with pytest.raises(BadMethod, match="stages=0"):
        SmoothMprt(stages=0)
    with pytest.raises(BadMethod, match="noise=0"):
        SmoothMprt(noise=0)
    with pytest.raises(BadMethod, match="bins=1"):
        EfficientMprt(bins=1)
