"""The ground the oracles stand on: the nets' backward pass, and the Keras twins."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import method_checks as checks
import numpy_net
import oracles

NETS = ["smooth", "pooled", "deep", "whole", "single", "linear", "homogeneous", "raw"]


@pytest.mark.parametrize("name", NETS)
def test_backward_pass_is_the_finite_difference(name: str) -> None:
    net = numpy_net.net(name)
    for k in range(3):
        checks.check_equal(
            net.gradient(net.pictures, k), oracles.gradient(net, net.pictures, k), 1e-6
        )
    maps = net.upto(net.pictures, net.top)
    step = np.random.default_rng(0).normal(size=maps.shape) * 1e-6
    change = net.scores(maps + step, 0, net.top) - net.scores(maps - step, 0, net.top)
    along = (2 * step * net.gradient(maps, 0, net.top)).reshape(2, -1).sum(axis=1)
    checks.check_equal(along, change, 1e-5)


@pytest.mark.parametrize("name", NETS)
def test_keras_twin_computes_the_same(name: str) -> None:
    net = numpy_net.net(name)
    found = checks.model(name, softmax=False)(net.pictures.astype(np.float32))
    checks.check_equal(
        keras.ops.convert_to_numpy(found), net.upto(net.pictures, len(net.layers)), 1e-5
    )
    assert keras_maps(name).shape == net.upto(net.pictures, net.top).shape


def keras_maps(name: str) -> np.ndarray:
    """Return the last maps of the twin, after checking them against the net's."""
    net = numpy_net.net(name)
    if net.top == 0:
        return net.pictures
    layer = checks.model(name).get_layer(numpy_net.keras_layer(net, net.top))
    inner = keras.Model(checks.model(name).input, layer.output)
    found = keras.ops.convert_to_numpy(inner(net.pictures.astype(np.float32)))
    checks.check_equal(found, net.upto(net.pictures, net.top), 1e-5)
    return found


def test_check_equal_bites() -> None:
    for wrong, words in (
        (np.ones((2, 3)), "shape"),
        (np.full((3, 2), np.nan), "finite"),
        (np.ones((3, 2)) + 1e-3, "differs"),
    ):
        with pytest.raises(AssertionError, match=words):
            checks.check_equal(wrong, np.ones((3, 2)))
    with pytest.raises(AssertionError, match="nothing is compared"):
        checks.check_equal(np.zeros((3, 2)), np.zeros((3, 2)))
