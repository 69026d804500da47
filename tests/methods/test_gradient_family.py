"""Gradient, gradient × input and the noisy gradients: oracles, linear models, identities."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
import numpy_net

FAMILY = ["gradient", "gradient_x_input", "smooth_grad", "smooth_grad_squared", "var_grad"]
NOISY = {"samples": 4, "noise": 0.3}


@pytest.mark.parametrize("name", FAMILY)
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("name", FAMILY[:-1])
def test_linear_model(name: str) -> None:
    checks.check_linear(name)


def test_gradient_of_a_linear_model_does_not_vary() -> None:
    spread = checks.explain("linear", "var_grad", **NOISY).values
    assert np.abs(spread).max() <= 1e-10 * (checks.linear_weights() ** 2).max()


def test_no_noise_is_the_gradient() -> None:
    plain = checks.explain("deep", "gradient").values
    for samples in (1, 3):
        quiet = {"samples": samples, "noise": 0.0}
        checks.check_equal(checks.explain("deep", "smooth_grad", **quiet).values, plain)
        checks.check_equal(checks.explain("deep", "smooth_grad_squared", **quiet).values, plain**2)
        assert (
            np.abs(checks.explain("deep", "var_grad", **quiet).values).max()
            <= 1e-10 * (plain**2).max()
        )


def test_mean_square_is_variance_plus_squared_mean() -> None:
    mean = checks.explain("deep", "smooth_grad", pairs=False, **NOISY).values
    square, variance = (checks.explain("deep", name, **NOISY).values for name in FAMILY[3:])
    checks.check_equal(mean.astype(np.float64) ** 2 + variance, square)
    assert np.abs(variance).max() > 0.1 * square.max(), "the noise moves nothing"


def test_gradient_x_input_sums_to_the_score_without_biases() -> None:
    net = numpy_net.net("homogeneous")
    sums = checks.explain("homogeneous", "gradient_x_input").values.sum(axis=(1, 2, 3))
    checks.check_equal(sums, net.scores(net.pictures, checks.K))


@pytest.mark.parametrize(("name", "reduce"), [("gradient", "max_abs"), ("gradient_x_input", "sum")])
def test_heatmap_reduces_channels_as_the_paper_does(name: str, reduce: str) -> None:
    result = checks.explain("smooth", name)
    values = result.values
    expected = np.abs(values).max(axis=-1) if reduce == "max_abs" else values.sum(axis=-1)
    checks.check_equal(result.heatmap(), expected, 1e-6)
