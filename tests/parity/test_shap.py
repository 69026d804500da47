"""Agreement with SHAP's GradientExplainer, within its own sampling error."""

from __future__ import annotations

import numpy as np

import method_checks as checks
from parity import cases, make_references


def compared() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return our values, theirs, and the standard error of theirs."""
    theirs = make_references.load("torch")
    found = checks.explain(
        "smooth", "expected_gradients", background=cases.background(), samples=600
    )
    return found.values, theirs["shap/mean"], theirs["shap/error"]


def test_twin_gives_the_same_scores() -> None:
    net, x = cases.pictured("smooth")
    checks.check_equal(make_references.load("torch")["shap/scores"], net.upto(x, len(net.layers)))


def test_expected_gradients() -> None:
    """Deviations are those of chance: of size one in standard errors, nowhere larger than five."""
    ours, theirs, error = compared()
    deviation = (ours - theirs) / error
    assert np.abs(deviation).max() < 5
    assert (deviation**2).mean() < 2
    checks.check_equal(ours, theirs, 0.05)


def test_comparison_bites() -> None:
    """Two percent more, or a baseline less, is beyond chance."""
    ours, theirs, error = compared()
    assert (((1.02 * ours - theirs) / error) ** 2).mean() > 2
    fewer = checks.explain(
        "smooth", "expected_gradients", background=cases.background()[:2], samples=600
    ).values
    assert (((fewer - theirs) / error) ** 2).mean() > 2
