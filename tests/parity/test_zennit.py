"""Agreement with zennit's composites on torch twins with the same weights."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
from kerascope.hooks import HookedModel
from parity import make_references, rule_nets

COMPOSITES = [
    "epsilon_plus", "epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon_alpha2_beta1_flat",
    "epsilon_gamma_box",
]  # fmt: skip


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    return make_references.load("rules")


@functools.cache
def model(name: str) -> Any:
    return rule_nets.keras_net(name)


def explained(name: str, method: str, **fields: Any) -> ks.Attribution:
    view = HookedModel(model(name), compiled=checks.keras.backend.backend() == "jax")
    return ks.explain(view, rule_nets.pictures(), method, target=rule_nets.K, **fields)


@pytest.mark.parametrize("name", rule_nets.NETS)
def test_twin_gives_the_same_scores(theirs: dict[str, np.ndarray], name: str) -> None:
    scores = keras.ops.convert_to_numpy(model(name)(rule_nets.pictures()))
    checks.check_equal(scores, theirs[f"zennit/{name}/scores"])


@pytest.mark.parametrize("name", rule_nets.NETS)
@pytest.mark.parametrize("composite", COMPOSITES)
def test_composites(theirs: dict[str, np.ndarray], composite: str, name: str) -> None:
    """With biases in the denominators, and without."""
    for bias in ("keep", "drop"):
        found = explained(name, "lrp", composite=composite, bias=bias)
        checks.check_equal(found.values, theirs[f"zennit/{name}/{composite}/{bias}"], 1e-4)


@pytest.mark.parametrize("name", rule_nets.NETS)
@pytest.mark.parametrize("method", ["guided_backprop", "deconvnet"])
def test_rectifiers(theirs: dict[str, np.ndarray], method: str, name: str) -> None:
    found = explained(name, method)
    checks.check_equal(found.values, theirs[f"zennit/{name}/{method}/keep"])
