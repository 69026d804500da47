"""Every shared check is fed methods with a wrong formula and must fail.

Among the formulas are those known from popular code.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from keras import ops

import method_checks as checks
from kerascope.method import RawMap
from kerascope.methods.cam_family import ActivationMap, spatial_axes
from kerascope.methods.segment_family import Solution

Array = np.ndarray
_l = importlib.import_module("kerascope.lrp")
_m = importlib.import_module(
    "kerascope.methods"
)  # `kerascope.methods` itself is the function that lists names


def broken(kind: type, **functions: Any) -> type:
    """Return a method class with some functions replaced.

    Without a name of its own it is not registered.
    """
    return dataclasses.dataclass(frozen=True, kw_only=True)(
        type(f"Broken{kind.__name__}", (kind,), functions)
    )


def spoiled(kind: type, spoil: Any) -> type:
    """Return a method class whose values `spoil(values, features)` makes wrong."""

    def attribute(self: Any, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        raw = kind.attribute(self, model, x, targets, run)
        raw.values = {name: spoil(array, x[name][:, None]) for name, array in raw.values.items()}
        return raw

    return broken(kind, attribute=attribute)


def combined(kind: type, combine: Any) -> type:
    """Return a class activation map with another way to combine activations and gradients."""
    return broken(kind, combine=lambda self, a, g: combine(a, g))


def _mean_gradients(
    self: Any, features: Mapping, base: Mapping, means: Mapping, used: Array
) -> dict:
    return {n: m / used.reshape(-1, *(1,) * (m.ndim - 1)) for n, m in means.items()}


def _alone(game: Any) -> Solution:
    """Return what every segment is worth by itself, the others covered."""
    one = np.broadcast_to(np.eye(game.widest, dtype=bool), (len(game.players), *[game.widest] * 2))
    return Solution(np.swapaxes(game.worths(one), 1, 2))


def _flat_plan(self: Any, players: int, generator: Any) -> Any:
    plan = _m.KernelSHAP.plan(self, players, generator)
    plan.kernel = plan.drawn.astype(float)
    return plan


def _without_relu(self: Any, places: Any, signed: dict[str, Array]) -> RawMap:
    return ActivationMap.finish(dataclasses.replace(self, relu=False), places, signed)


def _stretched(array: Array) -> Array:
    """Scale every map to 0…1, as tools do that draw each map on a scale of its own."""
    flat = array.reshape(*array.shape[:2], -1)
    shape = (*array.shape[:2], *(1,) * (array.ndim - 2))
    low, high = flat.min(axis=-1).reshape(shape), flat.max(axis=-1).reshape(shape)
    return (array - low) / (high - low)


def _mean(g: Array) -> Array:
    return g.mean(axis=spatial_axes(g), keepdims=True)


def _centred(a: Array, _g: Array) -> Array:
    """Eigen-CAM as pytorch-grad-cam has it: activations centred before the decomposition."""
    centred = a - a.mean(axis=spatial_axes(a), keepdims=True)
    return _m.EigenCAM().combine(centred, np.zeros(0))


def _flipped(values: Array, _x: Array) -> Array:
    """Give rows and columns in each other's order, as where a loop over x is the outer one."""
    return np.swapaxes(values, -1, -2).reshape(values.shape)


_square = _m.SmoothGradSquared
WRONG: dict[str, tuple[str, type]] = {
    "gradient without its sign": ("gradient", spoiled(_m.Gradient, lambda v, x: np.abs(v))),
    "gradient x input without the input": (
        "gradient_x_input",
        spoiled(_m.GradientXInput, lambda v, x: v / x),
    ),
    "smooth grad of the absolute gradient": (
        "smooth_grad",
        spoiled(_m.SmoothGrad, lambda v, x: np.abs(v)),
    ),
    "smooth grad with noise of its own scale": (
        "smooth_grad",
        broken(
            _m.SmoothGrad,
            moments=lambda self, *a, **k: _m.SmoothGrad.moments(
                dataclasses.replace(self, noise=self.noise / 5), *a, **k
            ),
        ),
    ),
    "squared mean for mean square": (
        "smooth_grad_squared",
        broken(
            _square,
            attribute=lambda self, *a: spoiled(_m.SmoothGrad, lambda v, x: v**2)(
                samples=self.samples, noise=self.noise
            ).attribute(*a),
        ),
    ),
    "mean square for variance": (
        "var_grad",
        broken(
            _m.VarGrad,
            attribute=lambda self, *a: _square(samples=self.samples, noise=self.noise).attribute(
                *a
            ),
        ),
    ),
    "standard deviation for variance": ("var_grad", spoiled(_m.VarGrad, lambda v, x: np.sqrt(v))),
    "integrated gradients without x − x′": (
        "integrated_gradients",
        broken(_m.IntegratedGradients, _values=_mean_gradients),
    ),
    "integrated gradients times x": (
        "integrated_gradients",
        broken(
            _m.IntegratedGradients,
            _values=lambda self, f, b, m, u: {
                n: v * f[n][:, None] for n, v in _mean_gradients(self, f, b, m, u).items()
            },
        ),
    ),
    "expected gradients of the mean baseline": (
        "expected_gradients",
        spoiled(_m.ExpectedGradients, lambda v, x: v * x / (x - 0.5)),
    ),
    "blur-IG with the sign of the path": ("blur_ig", spoiled(_m.BlurIG, lambda v, x: -v)),
    "blur-IG with half the blur": (
        "blur_ig",
        broken(_m.BlurIG, _sigmas=lambda self, scale: _m.BlurIG._sigmas(self, scale) / 2),
    ),
    "guided IG along the straight path": (
        "guided_ig",
        broken(
            _m.GuidedIG,
            attribute=lambda self, *a: _m.GuidedIG.attribute(
                dataclasses.replace(self, max_distance=0.0), *a
            ),
        ),
    ),
    "FullGrad not rescaled": (
        "full_grad",
        broken(
            _m.FullGrad,
            attribute=lambda self, *a: _m.FullGrad.attribute(
                dataclasses.replace(self, rescale=False), *a
            ),
        ),
    ),
    "CAM with mean gradients for weights": (
        "cam",
        combined(_m.CAM, lambda a, g: np.sum(_mean(g) * a, axis=-1)),
    ),
    "Grad-CAM without its ReLU": ("grad_cam", broken(_m.GradCAM, finish=_without_relu)),
    "Grad-CAM with summed gradients": (
        "grad_cam",
        combined(_m.GradCAM, lambda a, g: np.sum(g.sum(axis=(2, 3), keepdims=True) * a, axis=-1)),
    ),
    "Grad-CAM with guided gradients": (
        "grad_cam",
        combined(_m.GradCAM, lambda a, g: np.sum(_mean(np.maximum(g, 0)) * a, axis=-1)),
    ),
    "Grad-CAM++ with α = 1": (
        "grad_cam_plus_plus",
        combined(
            _m.GradCAMPlusPlus,
            lambda a, g: np.sum(np.maximum(g, 0).sum((2, 3), keepdims=True) * a, axis=-1),
        ),
    ),
    "XGrad-CAM with |A|": (
        "x_grad_cam",
        combined(_m.XGradCAM, lambda a, g: np.sum(_mean(a * g) * a, axis=-1)),
    ),
    "HiResCAM with mean gradients": (
        "hires_cam",
        combined(_m.HiResCAM, lambda a, g: np.sum(_mean(g) * a, axis=-1)),
    ),
    "LayerCAM with all gradients": (
        "layer_cam",
        combined(_m.LayerCAM, lambda a, g: np.sum(a * g, axis=-1)),
    ),
    "Eigen-CAM centred": ("eigen_cam", combined(_m.EigenCAM, _centred)),
    "Score-CAM with equal weights": (
        "score_cam",
        combined(_m.ScoreCAM, lambda a, w: np.sum(a * w.mean(axis=-1, keepdims=True), axis=-1)),
    ),
    "Ablation-CAM with positive losses only": (
        "ablation_cam",
        combined(_m.AblationCAM, lambda a, w: np.sum(a * np.maximum(w, 0), axis=-1)),
    ),
    "occlusion transposed on pictures that are not square": (
        "occlusion",
        spoiled(_m.Occlusion, _flipped),
    ),
    "XRAI without black": (
        "xrai",
        broken(
            _m.XRAI,
            _paths=lambda self: _m.XRAI._paths(dataclasses.replace(self, baselines=("max",))),
        ),
    ),
    "XRAI of absolute attributions": (
        "xrai",
        broken(_m.XRAI, _rank=lambda self, a, masks: _m.XRAI._rank(self, np.abs(a), masks)),
    ),
    "extremal perturbation without smooth masks": (
        "extremal_perturbation",
        broken(
            _m.ExtremalPerturbation,
            attribute=lambda self, *a: _m.ExtremalPerturbation.attribute(
                dataclasses.replace(self, smoothing=0.0), *a
            ),
        ),
    ),
    "extremal perturbation of another area": (
        "extremal_perturbation",
        broken(
            _m.ExtremalPerturbation,
            attribute=lambda self, *a: _m.ExtremalPerturbation.attribute(
                dataclasses.replace(self, area=0.25), *a
            ),
        ),
    ),
    "RISE not divided by the probability": ("rise", spoiled(_m.RISE, lambda v, x: v * 0.4)),
    "guided backpropagation as a plain gradient": (
        "guided_backprop",
        broken(_m.GuidedBackprop, attribute=_m.Gradient.attribute),
    ),
    "LRP of a gradient without the input": (
        "lrp",
        spoiled(_l.LRP, lambda v, x: v / x),
    ),
    "excitation backprop that starts with the score": (
        "excitation_backprop",
        broken(
            _l.ExcitationBackprop,
            attribute=lambda self, *a: _l.LRP(
                composite=(("linear", "z_plus"),), bias="drop"
            ).attribute(*a),
        ),
    ),
    "deep Taylor with z⁺ at the pixels": (
        "deep_taylor",
        broken(
            _l.DeepTaylor,
            attribute=lambda self, *a: _l.LRP(
                composite=(("linear", "z_plus"),), bias="drop"
            ).attribute(*a),
        ),
    ),
    "DeepLIFT with derivatives": (
        "deep_lift",
        broken(_m.DeepLIFT, attribute=lambda self, *a: _m.GradientXInput.attribute(self, *a)),
    ),
    "DeepSHAP without a baseline": ("deep_shap", spoiled(_m.DeepSHAP, lambda v, x: v + 0.1 * x)),
    "deconvnet as guided backpropagation": (
        "deconvnet",
        broken(_m.Deconvnet, rules=lambda self: _m.GuidedBackprop().rules()),
    ),
    "RectGrad of another quantile": (
        "rect_grad",
        broken(_m.RectGrad, rules=lambda self: _m.RectGrad(share=0.5).rules()),
    ),
    "Guided Grad-CAM without Grad-CAM": (
        "guided_grad_cam",
        broken(_m.GuidedGradCAM, attribute=_m.GuidedBackprop.attribute),
    ),
    "feature ablation that keeps what it should cover": (
        "feature_ablation",
        broken(_m.FeatureAblation, solve=lambda self, game, run: _alone(game)),
    ),
    "Kernel SHAP without its kernel": ("kernel_shap", broken(_m.KernelSHAP, plan=_flat_plan)),
    "Shapley values of those who join last": (
        "shapley_sampling",
        broken(_m.ShapleySampling, solve=lambda self, *a: _m.FeatureAblation().solve(*a)),
    ),
    "Owen values without the hierarchy": (
        "owen",
        broken(_m.Owen, solve=lambda self, *a: _m.KernelSHAP(samples=1024).solve(*a)),
    ),
    "LIME without its kernel": (
        "lime",
        broken(_m.LIME, weights=lambda self, shown: np.ones(len(shown))),
    ),
    "Sobol indices of deviations": ("sobol", spoiled(_m.Sobol, lambda v, x: np.sqrt(np.abs(v)))),
    "occlusion with the sign of the change": ("occlusion", spoiled(_m.Occlusion, lambda v, x: -v)),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_check_paper_bites(mistake: str) -> None:
    name, kind = WRONG[mistake]
    with pytest.raises(AssertionError, match="differs by"):
        checks.check_paper(name, kind)


def test_every_method_has_a_mistake() -> None:
    assert {name for name, _ in WRONG.values()} == set(checks.PAPERS)


def _loss(outputs: Any) -> Any:
    """Cross-entropy of the class: what must not be explained in place of its score."""
    return -ops.log(outputs[:, checks.K])


@pytest.mark.parametrize("name", ["gradient", "smooth_grad", "integrated_gradients", "grad_cam"])
def test_check_paper_bites_on_the_gradient_of_the_loss(name: str) -> None:
    with pytest.raises(AssertionError, match="differs by"):
        checks.check_paper(name, target=_loss)


def test_check_paper_bites_on_score_cam_with_softmax_twice() -> None:
    """The softmax of probabilities, which are a softmax themselves: nearly flat weights."""
    with pytest.raises(AssertionError, match="differs by"):
        checks.check_paper("score_cam", score="probability")


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("integrated_gradients", "integrated gradients without x − x′"),
        ("expected_gradients", "expected gradients of the mean baseline"),
        ("blur_ig", "blur-IG with the sign of the path"),
        ("guided_ig", "guided gradients, not followed to the end"),
    ],
)
def test_check_complete_bites(name: str, mistake: str) -> None:
    short = spoiled(_m.GuidedIG, lambda v, x: 0.9 * v)
    kind = WRONG[mistake][1] if mistake in WRONG else short
    with pytest.raises(AssertionError):
        checks.check_complete(name, kind)


def test_check_complete_bites_on_a_gap_that_is_not_reported() -> None:
    def attribute(self: Any, *a: Any) -> RawMap:
        raw = _m.GuidedIG.attribute(self, *a)
        raw.gap = 0 * raw.gap
        return raw

    with pytest.raises(AssertionError, match="gap"):
        checks.check_complete("guided_ig", broken(_m.GuidedIG, attribute=attribute))


@pytest.mark.parametrize("name", list(checks.LINEAR))
def test_check_linear_bites(name: str) -> None:
    kind = type(checks.make(name))
    with pytest.raises(AssertionError, match="differs by"):
        checks.check_linear(name, spoiled(kind, lambda v, x: v + 0.01 * np.abs(v).max()))


@pytest.mark.parametrize("name", checks.PROPORTIONAL)
def test_check_strength_bites_on_maps_scaled_one_by_one(name: str) -> None:
    kind = type(checks.make(name))
    with pytest.raises(AssertionError, match="differs by"):
        checks.check_strength(name, spoiled(kind, lambda v, x: _stretched(v)))
