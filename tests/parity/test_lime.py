"""Agreement with the lime package, on its masks and in the long run, and with captum's Lime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
from kerascope.methods.lime import LIME
from oracles_shapley import NINE
from parity import cases, make_references

Array = np.ndarray
FIELDS = {"segments": NINE, "baseline": cases.COVER}


@pytest.fixture(scope="module")
def reference() -> dict[str, Array]:
    return make_references.load("lime")


@pytest.fixture
def found(reference: dict[str, Array], monkeypatch: pytest.MonkeyPatch) -> ks.Attribution:
    """LIME on the masks that the lime package drew, with its ridge."""
    left = iter(reference["lime/masks"])
    assert reference["lime/masks"][:, 0].all(), "the first is the whole input"

    def draw(self: LIME, players: int, generator: Any) -> Array:
        return next(left)[1:] > 0

    monkeypatch.setattr(LIME, "draw", draw)
    samples = reference["lime/masks"].shape[1] - 1
    return checks.explain("deep", "lime", design="random", ridge=1.0, samples=samples, **FIELDS)


def test_lime_on_its_masks(reference: dict[str, Array], found: ks.Attribution) -> None:
    checks.check_equal(found.extras["segment_values"], reference["lime/weights"])
    checks.check_equal(found.extras["intercept"], reference["lime/intercept"])
    checks.check_equal(found.extras["r2"], reference["lime/r2"])


def test_captum_on_the_same_masks(reference: dict[str, Array], found: ks.Attribution) -> None:
    checks.check_equal(found.values, reference["captum/map"])


def test_lime_in_the_long_run(reference: dict[str, Array]) -> None:
    """All coalitions once, against the mean of long runs: within its standard error."""
    ours = checks.explain("deep", "lime", ridge=1e-6, **FIELDS).extras["segment_values"]
    deviation = (ours - reference["lime/mean"]) / reference["lime/error"]
    assert np.abs(deviation).max() < 5
    assert (deviation**2).mean() < 2.5
    assert (((1.05 * ours - reference["lime/mean"]) / reference["lime/error"]) ** 2).mean() > 10
