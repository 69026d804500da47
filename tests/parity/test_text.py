"""Agreement with captum and shap on token ids, on a torch twin with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

import kerascope as ks
import text_nets
from parity import make_references

# method and its fields, by the other library's result
SAME = {
    "integrated": (
        "integrated_gradients",
        {"steps": text_nets.STEPS, "spacing": "uniform", "tolerance": None},
    ),
    "ablation": ("feature_ablation", {}),
    "shapley": ("kernel_shap", {"samples": 64}),
    "kernel": ("shapley_sampling", {"samples": 4096}),
}


@pytest.fixture(scope="module")
def others() -> dict[str, np.ndarray]:
    return make_references.load("text")


def test_twin_gives_the_same_scores(others: dict[str, np.ndarray]) -> None:
    found = ks.explain(text_nets.smooth(), text_nets.SMOOTH_IDS, "gradient", target=1)
    assert np.allclose(found.scores, others["scores"][:, 1], atol=1e-5)


@pytest.mark.parametrize("which", SAME)
def test_values(others: dict[str, np.ndarray], which: str) -> None:
    name, fields = SAME[which]
    found = ks.explain(
        text_nets.smooth(), text_nets.SMOOTH_IDS, name, target=1, baseline=text_nets.COVER, **fields
    )
    limit = 2e-2 if which == "kernel" else 1e-4  # sampled permutations are not exact
    assert np.abs(found.values - others[which]).max() < limit * np.abs(others[which]).max()
