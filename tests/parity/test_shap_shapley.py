"""Agreement with shap on segments: KernelExplainer, backgrounds, PartitionExplainer."""

from __future__ import annotations

import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
from oracles_shapley import NINE, TREE
from parity import make_references, shapley_references

FIELDS = {"segments": NINE, "baseline": shapley_references.COVER}


@pytest.fixture(scope="module")
def shap() -> dict[str, np.ndarray]:
    return make_references.load("shapley")


@pytest.mark.parametrize("name", ["kernel_shap", "shapley_sampling"])
def test_all_coalitions(shap: dict[str, np.ndarray], name: str) -> None:
    found = checks.explain(shapley_references.NET, name, **FIELDS)
    checks.check_equal(found.extras["segment_values"], shap["shap/kernel"])


@pytest.mark.parametrize("name", ["kernel_shap", "shapley_sampling"])
def test_background(shap: dict[str, np.ndarray], name: str) -> None:
    """Both average the worth of a coalition over the background."""
    function, x, background = shapley_references.table()
    found = ks.explain(lambda b: function(b)[:, None], x, name, baseline=background, target=0)
    checks.check_equal(found.values, shap["shap/background"])


@pytest.mark.parametrize(
    ("which", "most"), [("partition", 1000), ("truncated", shapley_references.TRUNCATED)]
)
def test_owen(shap: dict[str, np.ndarray], which: str, most: int) -> None:
    """On the same hierarchy, followed to its end or as far as as many coalitions go."""
    found = checks.explain(
        shapley_references.NET, "owen", hierarchy=TREE, coalitions=most, **FIELDS
    )
    checks.check_equal(found.extras["segment_values"], shap[f"shap/{which}"])
    stopped = any("whole hierarchy" in note for note in found.notes)
    assert stopped == (which == "truncated")
