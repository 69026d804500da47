"""Class activation maps: oracles, and what they must be where the head is linear."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
import numpy_net
import oracles
from kerascope.hooks import HookedModel, store_of
from kerascope.hooks.places import block_sites
from kerascope.methods.channel_search import ChannelSearch, predict, softmax, unit

FAMILY = [
    "ablation_cam", "cam", "eigen_cam", "grad_cam", "grad_cam_plus_plus", "hires_cam", "layer_cam",
    "score_cam", "x_grad_cam",
]  # fmt: skip
K = checks.K


def signed(net: str, name: str, **options: object) -> np.ndarray:
    return checks.explain(net, name, **options).extras["signed"]


def head() -> tuple[numpy_net.Net, np.ndarray, np.ndarray]:
    """Return the net with a pooled linear head, its last maps, and the weights of the class."""
    net = numpy_net.net("pooled")
    return net, net.upto(net.pictures, net.top), net.layers[-1].kernel[:, K]


@pytest.mark.parametrize("name", FAMILY)
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("name", ["grad_cam", "x_grad_cam", "hires_cam"])
def test_is_cam_on_a_pooled_linear_head(name: str) -> None:
    """The gradient is w/(H·W) everywhere, so all of them are CAM up to that factor."""
    _, maps, _ = head()
    positions = maps.shape[1] * maps.shape[2]
    checks.check_equal(signed("pooled", name) * positions, signed("pooled", "cam"))


def test_cam_averages_to_the_score_without_the_bias() -> None:
    net, _, _ = head()
    scores = net.scores(net.pictures, K) - net.layers[-1].bias[K]
    result = checks.explain("pooled", "cam")
    checks.check_equal(result.extras["signed"].mean(axis=(1, 2)), scores)
    assert np.abs(result.gap).max() <= 1e-5 * np.abs(scores).max()


@pytest.mark.parametrize("name", ["hires_cam", "x_grad_cam"])
@pytest.mark.parametrize("net", ["smooth", "whole"])
def test_sums_to_the_score_behind_one_linear_layer(name: str, net: str) -> None:
    twin = numpy_net.net(net)
    wanted = twin.scores(twin.pictures, K) - twin.layers[-1].bias[K]
    checks.check_equal(signed(net, name).sum(axis=(1, 2)), wanted)


def test_layer_cam_keeps_positive_weights_of_a_pooled_linear_head() -> None:
    _, maps, weights = head()
    checks.check_equal(
        signed("pooled", "layer_cam"), maps @ np.maximum(weights, 0) / maps[0, :, :, 0].size
    )


def test_grad_cam_plus_plus_closed_form_on_a_pooled_linear_head() -> None:
    """α = 1/(2 + g·ΣA) at every position, so each weight is H·W·α·max(g, 0)."""
    _, maps, weights = head()
    positions = maps[0, :, :, 0].size
    g = weights / positions
    share = positions * np.maximum(g, 0) / (2 + g * maps.sum(axis=(1, 2)))
    checks.check_equal(signed("pooled", "grad_cam_plus_plus"), oracles.weighted(maps, share))


def test_ablation_cam_closed_form_on_a_pooled_linear_head() -> None:
    """Without a channel the score falls by w·mean(A)."""
    net, maps, weights = head()
    share = weights * maps.mean(axis=(1, 2)) / net.scores(net.pictures, K)[:, None]
    checks.check_equal(signed("pooled", "ablation_cam"), oracles.weighted(maps, share))


def test_score_cam_of_a_score_that_nothing_moves_is_the_mean_map() -> None:
    """Equal scores have equal shares of the softmax."""
    net, maps, _ = head()
    flat = dataclasses.replace(net.layers[-1], kernel=0 * net.layers[-1].kernel)
    model = numpy_net.keras_model(dataclasses.replace(net, layers=(*net.layers[:-1], flat)))
    checks.check_equal(signed("pooled", "score_cam", model=model), maps.mean(axis=-1))


def test_eigen_cam_of_one_channel_is_the_channel() -> None:
    net = numpy_net.net("single")
    checks.check_equal(signed("single", "eigen_cam"), net.upto(net.pictures, net.top)[..., 0])


@pytest.mark.parametrize("name", FAMILY)
def test_relu_drops_what_is_negative(name: str) -> None:
    net = "pooled" if name == "cam" else "raw"
    with_relu = checks.explain(net, name)
    without = checks.explain(net, name, relu=False)
    assert (without.values < 0).any(), "nothing negative: the test shows nothing"
    assert np.array_equal(with_relu.values, np.maximum(without.values, 0))
    assert np.array_equal(with_relu.extras["signed"], without.values)


def test_heatmap_enlarges_between_half_pixel_centres() -> None:
    result = checks.explain("pooled", "grad_cam")
    checks.check_equal(result.heatmap(), oracles.enlarged(result.values, (11, 8)))


# --- scores of channels that are predicted ---------------------------------------------------


def searched(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, ChannelSearch, int]:
    """Return maps, scores that follow from them, a finished search, and how many it asked for."""
    rng = np.random.default_rng(seed)
    centres, width = rng.uniform(0, 6, (count, 2)), rng.uniform(1, 2, (count, 1, 1))
    y, x = np.mgrid[:7, :7]
    apart = (y - centres[:, 0, None, None]) ** 2 + (x - centres[:, 1, None, None]) ** 2
    maps = (np.exp(-apart / width**2) * rng.uniform(0.5, 2, (count, 1, 1))).reshape(count, -1)
    maps[5::40] = 0.0  # dead channels
    scores = 4 * np.tanh(unit(maps) @ rng.normal(size=49) / 3)
    search, asked = ChannelSearch(maps, 0.1), 0
    while len(which := search.ask()):
        asked += len(which)
        search.tell(scores[which])
    return maps, scores, search, asked


@pytest.mark.parametrize("seed", range(4))
def test_predicted_scores_give_the_map_of_all(seed: int) -> None:
    maps, scores, search, asked = searched(400, seed)
    whole, found = softmax(scores) @ maps, search.weights() @ maps
    size = np.linalg.norm(whole - maps.mean(axis=0))
    assert asked <= 200
    assert search.error <= 0.1
    assert np.linalg.norm(found - whole) <= 0.2 * size
    assert abs(search.weights().sum() - 1) < 1e-6


def test_scores_that_nothing_predicts_are_all_asked_for() -> None:
    rng = np.random.default_rng(3)
    maps, scores = rng.random((200, 49)), rng.normal(0, 3, 200)
    search, asked = ChannelSearch(maps, 0.01), []
    while len(which := search.ask()):
        asked += which.tolist()
        search.tell(scores[which])
    assert sorted(asked) == list(range(200)), "a channel was left out, or asked for twice"
    assert search.error == 0
    checks.check_equal(search.weights(), softmax(scores), 1e-12)


def test_flat_maps_share_one_score() -> None:
    maps = np.zeros((130, 4))
    maps[:3] = np.eye(4)[:3]
    search = ChannelSearch(maps, 0.1)
    assert len(search.ask()) == 4
    search.tell(np.arange(4.0))
    checks.check_equal(search.weights(), softmax(np.array([0.0, 1, 2, *[3.0] * 127])), 1e-12)


def test_prediction_is_the_conditional_normal() -> None:
    """Between points that are known the variance is small, far from them it is the prior's."""
    known = np.linspace(0, 1, 40)[:, None]
    mean, covariance = predict(known, np.sin(5 * known[:, 0]), np.array([[0.51], [9.0]]))
    assert abs(mean[0] - np.sin(5 * 0.51)) < 0.02
    assert covariance[0, 0] < 0.01 * covariance[1, 1]
    assert np.allclose(covariance, covariance.T)


def many_channels() -> keras.Model:
    keras.utils.set_random_seed(4)
    i = keras.Input((16, 12, 3))
    x = keras.layers.Conv2D(288, 3, activation="relu", name="maps")(i)
    model = keras.Model(i, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(x)))
    model.layers[-1].kernel.assign(np.random.default_rng(1).normal(0, 2, (288, 4)))
    return model


def test_many_channels_are_predicted_by_default() -> None:
    model = many_channels()
    x = np.random.default_rng(0).random((2, 16, 12, 3)).astype(np.float32)
    counted = store_of(model).passes
    whole = ks.explain(model, x, "score_cam", target=(0, 1), top_k=None)
    every = counted["forward"]
    found = ks.explain(model, x, "score_cam", target=(0, 1))
    assert counted["forward"] - every < every
    for a, b in zip(found.values.reshape(4, -1), whole.values.reshape(4, -1), strict=True):
        assert np.corrcoef(a, b)[0, 1] > 0.99
    assert any("of 288 channels and predicted the others" in note for note in found.notes)
    alone = ks.explain(model, x[:1], "score_cam", target=1, batch_size=3)
    checks.check_equal(alone.values[0], found.values[0, 1], 1e-5)


@pytest.mark.parametrize("top_k", [0, -1, "few"])
def test_score_cam_refuses(top_k: object) -> None:
    with pytest.raises(ks.BadMethod, match="at least 1, 'auto' or None"):
        checks.explain("pooled", "score_cam", top_k=top_k)


def test_a_padded_map_is_no_resolution_of_its_own() -> None:
    i = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="wide")(i)
    x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="narrow")(x)
    o = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x))
    view = HookedModel(keras.Model(i, o))
    sites = block_sites(view, view.read(np.zeros((1, 16, 16, 3), np.float32)))
    assert [str(site) for site in sites] == ["wide", "narrow"]
