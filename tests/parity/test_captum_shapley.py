"""Agreement with captum on the same segments: exactly, or within its sampling error."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
from oracles_shapley import NINE, SIX
from parity import make_references, shapley_references

NET, COVER = shapley_references.NET, shapley_references.COVER


@pytest.fixture(scope="module")
def captum() -> dict[str, np.ndarray]:
    return make_references.load("shapley")


def deviation(captum: dict[str, np.ndarray], which: str, values: np.ndarray) -> np.ndarray:
    """Return by how many standard errors captum's mean over many runs differs, by segment."""
    difference = (captum[f"captum/{which}"] - values) / captum[f"captum/{which} error"]
    first = [np.flatnonzero(NINE.ravel() == i)[0] for i in range(9)]
    return difference.reshape(len(values), -1)[:, first]


@pytest.mark.parametrize("name", ["kernel_shap", "shapley_sampling"])
def test_exact(captum: dict[str, np.ndarray], name: str) -> None:
    """captum goes through all 720 orders of six segments."""
    found = checks.explain(NET, name, segments=SIX, baseline=COVER)
    checks.check_equal(found.values, captum["captum/exact"])


@pytest.mark.parametrize(
    ("name", "which"), [("shapley_sampling", "sampling"), ("kernel_shap", "kernel")]
)
def test_sampled(captum: dict[str, np.ndarray], name: str, which: str) -> None:
    """Deviations are those of chance; values ten (sampling) or three percent larger are not."""
    found = checks.explain(NET, name, segments=NINE, baseline=COVER).values
    z = deviation(captum, which, found)
    assert np.abs(z).max() < 4.5
    assert (z**2).mean() < 2
    wrong = 1.1 * found if which == "sampling" else 1.03 * found
    assert (deviation(captum, which, wrong) ** 2).mean() > 2, "the comparison shows nothing"


def test_feature_ablation_of_segments(captum: dict[str, np.ndarray]) -> None:
    """Segments of any shape and size; squares are compared in test_captum."""
    found = checks.explain(NET, "feature_ablation", segments=NINE, baseline=COVER)
    checks.check_equal(found.values, captum["captum/ablation"])
