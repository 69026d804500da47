"""Integrated, expected, blur and guided gradients: oracles, completeness, identities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import method_checks as checks
import numpy_net
import oracles

FAMILY = ["integrated_gradients", "expected_gradients", "blur_ig", "guided_ig"]


@pytest.mark.parametrize("name", FAMILY)
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("name", FAMILY)
def test_complete(name: str) -> None:
    checks.check_complete(name)


@pytest.mark.parametrize("name", FAMILY)
def test_linear_model(name: str) -> None:
    checks.check_linear(name)


def test_integrated_gradients_are_gradient_x_input_without_biases() -> None:
    """f(a·x) = a·f(x): the gradient is the same everywhere on the way from zero."""
    way = checks.explain("homogeneous", "integrated_gradients", steps=3, tolerance=None)
    once = checks.explain("homogeneous", "gradient_x_input")
    checks.check_equal(way.values, once.values)


def test_steps_are_added_until_the_gap_is_small() -> None:
    few = checks.explain("deep", "integrated_gradients", steps=2, tolerance=None)
    more = checks.explain("deep", "integrated_gradients", steps=2, tolerance=0.02, max_steps=256)
    assert (more.extras["steps"] > 2).any()
    done = more.extras["steps"] < 256
    net = numpy_net.net("deep")
    change = net.scores(net.pictures, checks.K) - net.scores(0 * net.pictures, checks.K)
    assert done.any()
    assert (np.abs(more.gap)[done] <= 0.02 * np.abs(change)[done] + 1e-6).all()
    assert np.abs(more.gap).sum() < np.abs(few.gap).sum()


def test_expected_gradients_of_one_baseline_are_integrated_gradients() -> None:
    one = checks.BACKGROUND[:1]
    expected = checks.explain("smooth", "expected_gradients", background=one, samples=128)
    integrated = checks.explain("smooth", "integrated_gradients", baseline=one[0], spacing="gauss")
    checks.check_equal(expected.values, integrated.values, 1e-3)


def test_guided_ig_without_a_corridor_is_the_straight_path() -> None:
    """The left Riemann sum of integrated gradients, as the authors say of a distance of zero."""
    net, steps = numpy_net.net("smooth"), 12
    x = net.pictures
    left = x * sum(net.gradient(x * i / steps, checks.K) for i in range(steps)) / steps
    checks.check_equal(
        checks.explain("smooth", "guided_ig", steps=steps, max_distance=0.0).values, left
    )


@pytest.mark.parametrize(
    "sigma", [1.8, 2.5]
)  # below, SciPy's sampled kernel is no Gaussian any more
def test_blur_is_gaussian_with_reflecting_edges(sigma: float) -> None:
    """On a linear model blur-IG gives w·(x − blurred x), whatever the path."""
    x, w = numpy_net.net("linear").pictures, checks.linear_weights()
    blurred = ndimage.gaussian_filter(x, [0, sigma, sigma, 0], mode="reflect", truncate=9)
    checks.check_equal(
        checks.explain("linear", "blur_ig", max_sigma=sigma).values, w * (x - blurred), 1e-4
    )
    checks.check_equal(oracles.blurred(x, sigma), blurred, 1e-4)
