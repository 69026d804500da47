"""Agreement with captum's DeepLift and DeepLiftShap, and with SHAP's DeepExplainer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
from kerascope.hooks import HookedModel
from parity import make_references, rule_nets


@pytest.fixture(scope="module")
def theirs() -> dict[str, np.ndarray]:
    return make_references.load("rules")


def explained(name: str, method: str, **fields: Any) -> np.ndarray:
    view = HookedModel(rule_nets.keras_net(name), compiled=False)
    return ks.explain(view, rule_nets.pictures(), method, target=rule_nets.K, **fields).values


def test_captum_deep_lift(theirs: dict[str, np.ndarray]) -> None:
    found = explained("resnet_bn", "deep_lift", baseline=0.5)
    checks.check_equal(found, theirs["deep_lift/resnet_bn/deep_lift"])


def test_captum_deep_lift_shap(theirs: dict[str, np.ndarray]) -> None:
    found = explained("resnet_bn", "deep_shap", background=rule_nets.background())
    checks.check_equal(found, theirs["deep_lift/resnet_bn/deep_lift_shap"])


def test_captum_deep_lift_differs_at_max_pooling(theirs: dict[str, np.ndarray]) -> None:
    """There captum's values do not sum to the difference of scores; ours and SHAP's do."""
    model = rule_nets.keras_net("vgg")
    scores = [
        keras.ops.convert_to_numpy(model(x))[:, rule_nets.K]
        for x in (rule_nets.pictures(), 0 * rule_nets.pictures() + 0.5)
    ]
    wanted = scores[0] - scores[1]
    found = explained("vgg", "deep_lift", baseline=0.5)
    checks.check_equal(found.sum(axis=(1, 2, 3)), wanted, 1e-4)
    captum = theirs["deep_lift/vgg/deep_lift"]
    assert checks.difference(captum.sum(axis=(1, 2, 3)), wanted) > 0.03
    assert checks.difference(found, captum) > 0.03


def test_shap_deep_explainer(theirs: dict[str, np.ndarray]) -> None:
    found = explained("vgg", "deep_shap", background=rule_nets.background())
    checks.check_equal(found, theirs["deep_lift/vgg/deep_explainer"])
