"""Class activation maps: oracles, and what they must be where the head is linear."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import method_checks as checks
import numpy_net
import oracles

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
