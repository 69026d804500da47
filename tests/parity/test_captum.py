"""Agreement with captum on a torch twin with the same weights; noise and baselines drawn alike."""

from __future__ import annotations

import numpy as np
import pytest

import method_checks as checks
from parity import cases, make_references

NET = cases.CAPTUM
NOISE = {
    "samples": cases.NOISE["samples"],
    "noise": cases.NOISE["share"],
    "seed": cases.NOISE["seed"],
}
# method and its fields, by captum's result
SAME = {
    "saliency": ("gradient", {}),
    "input_x_gradient": ("gradient_x_input", {}),
    "smoothgrad": ("smooth_grad", NOISE | {"pairs": False}),
    "smoothgrad_sq": ("smooth_grad_squared", NOISE),
    "vargrad": ("var_grad", NOISE),
}


@pytest.fixture(scope="module")
def captum() -> dict[str, np.ndarray]:
    return make_references.load("torch")


def test_twin_gives_the_same_scores(captum: dict[str, np.ndarray]) -> None:
    net, _ = cases.pictured(NET)
    checks.check_equal(captum["captum/scores"], net.upto(net.pictures, len(net.layers)))


@pytest.mark.parametrize("which", SAME)
def test_gradients(captum: dict[str, np.ndarray], which: str) -> None:
    name, fields = SAME[which]
    checks.check_equal(checks.explain(NET, name, **fields).values, captum[f"captum/{which}"])


@pytest.mark.parametrize("spacing", cases.RULES)
def test_integrated_gradients(captum: dict[str, np.ndarray], spacing: str) -> None:
    """At the same places: nothing is left to the convergence of the sum."""
    fields = {
        "spacing": spacing,
        "steps": cases.RULES[spacing][1],
        "baseline": cases.COVER,
        "tolerance": None,
    }
    found = checks.explain(NET, "integrated_gradients", **fields)
    checks.check_equal(found.values, captum[f"captum/ig_{spacing}"])


def test_expected_gradients(captum: dict[str, np.ndarray]) -> None:
    """captum's GradientShap, with the same baselines and places on their paths."""
    found = checks.explain(
        "smooth", "expected_gradients", background=cases.background(), samples=cases.SAMPLES
    )
    checks.check_equal(found.values, captum["gradient_shap/values"])


def test_grad_cam(captum: dict[str, np.ndarray]) -> None:
    found = checks.explain(NET, "grad_cam")
    checks.check_equal(found.extras["signed"], captum["captum/layer_grad_cam"][..., 0])
    pooled = checks.explain("pooled", "grad_cam")
    checks.check_equal(pooled.extras["signed"], captum["captum/pooled_grad_cam"][..., 0])


def test_hires_cam(captum: dict[str, np.ndarray]) -> None:
    """captum's layer gradient × activation, summed over channels."""
    found = checks.explain(NET, "hires_cam").extras["signed"]
    checks.check_equal(found, captum["captum/layer_gradient_x_activation"].sum(axis=-1))


def test_occlusion(captum: dict[str, np.ndarray]) -> None:
    """captum gives every pixel the mean over the windows that cover it, clipped at the border."""
    found = checks.explain(
        NET, "occlusion", patch=cases.PATCH, stride=cases.STRIDE, baseline=cases.COVER
    )
    theirs = captum["captum/occlusion"]
    assert np.ptp(theirs, axis=-1).max() == 0, (
        "captum's channels differ although they were covered together"
    )
    checks.check_equal(found.heatmap(), theirs[..., 0])


def test_occlusion_without_overlap_is_feature_ablation(captum: dict[str, np.ndarray]) -> None:
    found = checks.explain(
        NET, "occlusion", patch=cases.PATCH, stride=cases.PATCH, baseline=cases.COVER
    )
    checks.check_equal(found.heatmap(), captum["captum/feature_ablation"][..., 0])


def test_layer_cam(captum: dict[str, np.ndarray]) -> None:
    """Where A is not negative, A·max(∂y/∂A, 0) is the positive part of gradient × activation."""
    product = captum["captum/layer_gradient_x_activation"]
    found = checks.explain(NET, "layer_cam").extras["signed"]
    checks.check_equal(found, np.maximum(product, 0).sum(axis=-1))


def test_ablation_cam(captum: dict[str, np.ndarray]) -> None:
    """captum's layer feature ablation of one channel is the drop that weighs the channel."""
    net, x = cases.pictured(NET)
    drops = captum["captum/layer_feature_ablation"]
    assert np.ptp(drops, axis=(1, 2)).max() == 0, (
        "captum's positions differ although a channel goes as a whole"
    )
    expected = (net.upto(x, net.top) * drops).sum(axis=-1) / net.scores(x, cases.K)[:, None, None]
    checks.check_equal(checks.explain(NET, "ablation_cam").extras["signed"], expected, 5e-5)
