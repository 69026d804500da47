"""What every method is held against: its oracle, closed forms, completeness.

Checks raise AssertionError. They are tested themselves in methods/test_broken.py: a method with a
wrong formula must fail.
"""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import kerascope as ks
import numpy_net
import oracles
import oracles_lime
import oracles_masks
import oracles_rise
import oracles_rules
import oracles_shapley
import saved
from kerascope.hooks import HookedModel
from kerascope.lrp import composites as lrp_rooms
from kerascope.method import make_method

Array = np.ndarray
TOLERANCE = 2e-5  # of the largest value: the nets run in float32, the oracles in float64
K = 0  # the class explained


def difference(measured: Any, expected: Any) -> float:
    """Return the largest difference as a share of the largest expected value."""
    measured, expected = np.asarray(measured, np.float64), np.asarray(expected, np.float64)
    assert measured.shape == expected.shape, f"shape {measured.shape}, expected {expected.shape}"
    assert np.isfinite(measured).all(), "not finite"
    scale = np.abs(expected).max()
    assert scale > 0, "the expected values are all zero: nothing is compared"
    return float(np.abs(measured - expected).max() / scale)


def check_equal(measured: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    """Values agree to `tolerance` of the largest expected one."""
    found = difference(measured, expected)
    assert found <= tolerance, (
        f"differs by {found:.2e} of the largest value, allowed are {tolerance:.0e}"
    )
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0].rpartition("tests/")[2]
    _agreement[test] = max(_agreement.get(test, 0.0), found)


_agreement: dict[str, float] = {}  # largest difference by test, for the table in methods/proof.py


@atexit.register
def _write() -> None:
    if _agreement and os.environ.get("KERASCOPE_KEEP") == "1":
        saved.FOLDER.mkdir(exist_ok=True)
        path = saved.FOLDER / f"agreement-{keras.backend.backend()}.json"
        path.write_text(json.dumps(_agreement), encoding="utf-8")


@functools.cache
def twin(net: numpy_net.Net) -> Any:
    """Return the Keras twin of a net that is not among the named ones."""
    return numpy_net.keras_model(net)


@functools.cache
def model(name: str, softmax: bool = True) -> Any:
    """Return the Keras twin of a net."""
    return numpy_net.keras_model(numpy_net.net(name), softmax=softmax)


def explain(name: str, method: Any, *, x: Array | None = None, **options: Any) -> ks.Attribution:
    """Explain class `K` of a net's twin; nothing is compiled, as the nets are tiny."""
    # Nets are tiny: tracing costs more than it saves, but on JAX, which compiles every op anyway.
    compiled = keras.backend.backend() == "jax"
    view = HookedModel(options.pop("model", None) or model(name), compiled=compiled)
    pictures = numpy_net.net(name).pictures if x is None else x
    return ks.explain(view, pictures, method, **{"target": K, "batch_size": 64} | options)


@dataclasses.dataclass(frozen=True)
class Paper:
    """One comparison of a method with its oracle.

    fields are the method's, told are the oracle's keywords.
    """

    net: str
    oracle: Callable[..., Array]
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    told: dict[str, Any] = dataclasses.field(default_factory=dict)
    tolerance: float = TOLERANCE

    @functools.cached_property
    def expected(self) -> Array:
        """What the oracle gives."""
        net = numpy_net.net(self.net)
        return self.oracle(net, net.pictures, K, **self.told)


def same(
    net: str, oracle: Callable[..., Array], tolerance: float = TOLERANCE, **fields: Any
) -> Paper:
    """Return a comparison where method and oracle have the same fields."""
    return Paper(net, oracle, fields, fields, tolerance)


def _maps(oracle: Callable[..., Array], *nets: str) -> list[Paper]:
    return [Paper(net, oracle) for net in nets]


BACKGROUND = np.random.default_rng(3).normal(size=(3, 9, 12, 4)).astype(np.float32)


def _at_layer(net: numpy_net.Net, x: Array, k: int, *, background: Array, stop: int) -> Array:
    """Expected gradients at what the first `stop` layers give."""
    bases = net.upto(background, stop)
    return oracles.expected_gradients(net, net.upto(x, stop), k, background=bases, start=stop)


_NOISY = {"samples": 5, "noise": 0.2}
_MASKS = {"masks": 40, "cell": (2, 4), "probability": 0.4}
_COVER = {"patch": (4, 3), "stride": (2, 3)}

_SMOOTH: dict[str, Any] = {"area": 0.2, "steps": 8, "smoothing": 0.3}
_TILES = {"segments": oracles_masks.tiles(), "smallest": 0.02}
_NINE = {"segments": oracles_shapley.NINE, "baseline": 0.5}

PAPERS: dict[str, list[Paper]] = {
    "gradient": [same(net, oracles.gradient) for net in ("smooth", "pooled", "deep")],
    "gradient_x_input": [
        same(net, oracles.gradient_x_input) for net in ("smooth", "pooled", "deep")
    ],
    "smooth_grad": [
        same(net, oracles.smooth_grad, pairs=pairs, **_NOISY)
        for net in ("smooth", "deep")
        for pairs in (True, False)
    ],
    "smooth_grad_squared": [
        same(net, oracles.smooth_grad_squared, **_NOISY) for net in ("smooth", "deep")
    ],
    "var_grad": [same(net, oracles.var_grad, **_NOISY) for net in ("smooth", "deep")],
    "integrated_gradients": [
        Paper("smooth", oracles.integrated_gradients, {"spacing": "gauss", "tolerance": None}),
        Paper(
            "smooth",
            oracles.integrated_gradients,
            {"spacing": "uniform", "steps": 128, "tolerance": None},
        ),
        Paper("smooth", oracles.integrated_gradients, {"spacing": "adaptive", "steps": 128}),
        Paper(
            "smooth",
            oracles.integrated_gradients,
            {"spacing": "gauss", "baseline": 0.7},
            {"baseline": 0.7},
        ),
        Paper("deep", oracles.integrated_gradients, {"steps": 512}, {}, 5e-3),
    ],
    "expected_gradients": [
        Paper(
            "smooth",
            oracles.expected_gradients,
            {"background": BACKGROUND, "samples": 192},
            {"background": BACKGROUND},
            1e-3,
        ),
        Paper(
            "smooth",
            _at_layer,
            {"background": BACKGROUND, "samples": 192, "layer": "layer0"},
            {"background": BACKGROUND, "stop": 2},
            1e-3,
        ),
    ],
    "blur_ig": [
        Paper("smooth", oracles.blur_ig, {"max_sigma": 3.0, "steps": 128}, {"max_sigma": 3.0}, 2e-4)
    ],
    "guided_ig": [
        same("smooth", oracles.guided_ig, steps=24),
        same("smooth", oracles.guided_ig, steps=10, fraction=0.5, max_distance=0.2),
    ],
    "xrai": [
        Paper(
            "smooth",
            oracles_masks.xrai,
            {**_TILES, "algorithm": way, "steps": 128},
            {**_TILES, "algorithm": way},
            1e-3,
        )
        for way in ("full", "fast")
    ],
    "feature_ablation": [same("deep", oracles_shapley.feature_ablation, **_NINE)],
    "kernel_shap": [same("deep", oracles_shapley.shapley, **_NINE)],
    "lime": [
        Paper(
            "deep",
            oracles_lime.lime,
            {**_NINE, "ridge": 0.5},
            {**_NINE, "ridge_alpha": 0.5, "masks": lambda players, _: oracles_lime.every(players)},
        ),
        Paper(
            "deep",
            oracles_lime.lime,
            {**_NINE, "ridge": 1.0, "samples": 70, "design": "random"},
            {
                **_NINE,
                "ridge_alpha": 1.0,
                "masks": lambda players, sample: oracles_lime.drawn(players, 70, sample),
            },
        ),
    ],
    "owen": [same("deep", oracles_shapley.owen, hierarchy=oracles_shapley.TREE, **_NINE)],
    "rise": [
        Paper("smooth", oracles_rise.rise, {**_MASKS, "estimator": "paper"}, _MASKS),
        Paper("deep", oracles_rise.rise, {**_MASKS, "estimator": "paper"}, _MASKS),
        Paper(
            "deep",
            oracles_rise.rise,
            {**_MASKS, "estimator": "centred"},
            {**_MASKS, "centred": True},
            1e-4,
        ),
    ],
    "shapley_sampling": [same("deep", oracles_shapley.shapley, **_NINE)],
    "extremal_perturbation": [
        same("smooth", oracles_masks.extremal_perturbation, 2e-3, **_SMOOTH),
        same("smooth", oracles_masks.extremal_perturbation, 2e-3, **_SMOOTH, variant="delete"),
    ],
    "sobol": [
        Paper(
            "deep",
            oracles_lime.sobol,
            {**_NINE, "designs": 6, "sequence": "random"},
            {**_NINE, "designs": 6},
            1e-4,
        )
    ],
    "full_grad": [
        same("smooth", oracles.full_grad),
        same("deep", oracles.full_grad),
        same("deep", oracles.full_grad, rescale=False),
    ],
    "cam": _maps(oracles.cam, "pooled"),
    "grad_cam": _maps(oracles.grad_cam, "smooth", "pooled", "raw"),
    "grad_cam_plus_plus": _maps(oracles.grad_cam_plus_plus, "smooth", "pooled", "raw"),
    "x_grad_cam": _maps(oracles.x_grad_cam, "smooth", "pooled", "raw"),
    "hires_cam": _maps(oracles.hires_cam, "smooth", "pooled", "raw"),
    "layer_cam": _maps(oracles.layer_cam, "smooth", "pooled", "raw"),
    "eigen_cam": _maps(oracles.eigen_cam, "smooth", "pooled", "raw"),
    "score_cam": [
        *_maps(oracles.score_cam, "smooth", "pooled", "raw"),
        same("pooled", oracles.score_cam, top_k=3),
        same("pooled", oracles.score_cam, top_k=None),
    ],
    "ablation_cam": _maps(oracles.ablation_cam, "smooth", "pooled", "deep", "raw"),
    "lrp": [
        same(net, oracles_rules.lrp, 1e-4, composite=composite, bias=bias)
        for net in ("pooled", "deep")
        for composite in oracles_rules.COMPOSITES
        if composite in lrp_rooms.COMPOSITES
        for bias in ("auto", "keep", "drop")
        # z without its bias comes near zero there: the relevance is a hundred times the score
        if (net, composite, bias) not in {("pooled", c, "drop") for c in ("zero", "epsilon")}
    ],
    "deep_lift": [
        same(net, oracles_rules.deep_lift, baseline=0.5, rule=rule)
        for net in ("smooth", "pooled", "deep")
        for rule in ("rescale", "reveal_cancel")
    ],
    "deep_shap": [same("smooth", oracles_rules.deep_shap, background=BACKGROUND)],
    "excitation_backprop": [
        same(net, oracles_rules.excitation_backprop, 1e-4) for net in ("pooled", "deep")
    ],
    "deep_taylor": [same(net, oracles_rules.deep_taylor, 1e-4) for net in ("pooled", "deep")],
    "guided_backprop": [same(net, oracles_rules.guided_backprop) for net in ("pooled", "deep")],
    "deconvnet": [same(net, oracles_rules.deconvnet) for net in ("pooled", "deep")],
    "rect_grad": [
        same(net, oracles_rules.rect_grad, share=share)
        for net, share in (("pooled", 0.7), ("deep", 0.9))
    ],
    "guided_grad_cam": [same(net, oracles_rules.guided_grad_cam) for net in ("pooled", "deep")],
    "occlusion": [same(net, oracles.occlusion, **_COVER) for net in ("smooth", "deep")]
    + [same("smooth", oracles.occlusion, baseline=0.5, **_COVER)],
}


def measured(result: ks.Attribution) -> Array:
    """Return what an oracle is compared with: values; the signed map of class activation maps."""
    return result.extras.get("signed", result.values)


def check_paper(name: str, method: Any = None, **options: Any) -> list[float]:
    """A method (by default the one called `name`) agrees with the oracle of `name`."""
    found = []
    for paper in PAPERS[name]:
        result = explain(paper.net, method or name, **paper.fields, **options)
        expected = paper.expected
        check_equal(measured(result), expected, paper.tolerance)
        if "signed" in result.extras:
            check_equal(result.values, np.maximum(expected, 0), paper.tolerance)
        found.append(difference(measured(result), expected))
    return found


def linear_weights() -> Array:
    """Return the weights of class `K` of the net "linear", in the shape of its pictures."""
    net = numpy_net.net("linear")
    return net.layers[-1].kernel[:, K].reshape(net.pictures.shape[1:])


# What each method gives on a linear model y = w·x + b, from w and the pictures.
LINEAR: dict[str, Callable[[Array, Array], Array]] = {
    "gradient": lambda w, x: np.broadcast_to(w, x.shape),
    "gradient_x_input": lambda w, x: w * x,
    "smooth_grad": lambda w, x: np.broadcast_to(w, x.shape),
    "smooth_grad_squared": lambda w, x: np.broadcast_to(w**2, x.shape),
    "integrated_gradients": lambda w, x: w * (x - 0.3),
    "guided_ig": lambda w, x: w * (x - 0.3),
    "expected_gradients": lambda w, x: w * (x - LEVELS.mean(axis=0)),
    "blur_ig": lambda w, x: w * (x - oracles.blurred(x, 2.0)),
    "deep_lift": lambda w, x: w * (x - 0.3),
    "deep_shap": lambda w, x: w * (x - LEVELS.mean(axis=0)),
    "full_grad": lambda w, x: np.stack([_unit(np.abs(w * one)).sum(axis=-1) for one in x]),
}
LEVELS = np.random.default_rng(4).normal(size=(4, 5, 7, 3)).astype(np.float32)
_LINEAR_FIELDS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"baseline": 0.3},
    "guided_ig": {"baseline": 0.3},
    "expected_gradients": {"background": LEVELS, "samples": 8},
    "blur_ig": {"max_sigma": 2.0},
    "deep_lift": {"baseline": 0.3},
    "deep_shap": {"background": LEVELS},
}


def _unit(values: Array) -> Array:
    return (values - values.min()) / np.ptp(values)


def check_linear(name: str, method: Any = None) -> None:
    """On a linear model a method gives its closed form."""
    net = numpy_net.net("linear")
    result = explain("linear", method or name, **_LINEAR_FIELDS.get(name, {}))
    check_equal(result.values, LINEAR[name](linear_weights(), net.pictures))


# What the values must sum to: the score minus the score of this starting point.
START: dict[str, tuple[dict[str, Any], Callable[[Array], Array], float]] = {
    "integrated_gradients": ({"steps": 64}, lambda x: 0 * x, 1e-4),
    "expected_gradients": (
        {"background": BACKGROUND[:1], "samples": 64},
        lambda x: 0 * x + BACKGROUND[0],
        2e-3,
    ),
    "blur_ig": ({"max_sigma": 2.0, "steps": 64}, lambda x: oracles.blurred(x, 2.0), 1e-3),
    "guided_ig": ({"steps": 80}, lambda x: 0 * x, 4e-2),
    "deep_lift": ({"baseline": 0.5}, lambda x: 0 * x + 0.5, 1e-4),
    "deep_shap": ({"background": BACKGROUND[:1]}, lambda x: 0 * x + BACKGROUND[0], 1e-4),
}


def check_complete(name: str, method: Any = None) -> None:
    """Values sum to the score difference that NumPy finds, and `gap` is what is missing."""
    fields, start, tolerance = START[name]
    net = numpy_net.net("smooth")
    result = explain("smooth", method or name, **fields)
    wanted = net.scores(net.pictures, K) - net.scores(start(net.pictures), K)
    sums = result.values.astype(np.float64).sum(axis=(1, 2, 3))
    check_equal(sums, wanted, tolerance)
    assert np.abs(result.gap - (wanted - sums)).max() < 1e-5, "`gap` is not what is missing"


# Twice the score, twice the map. The rest are shares, squares, or blind to the score.
PROPORTIONAL = [
    "blur_ig",
    "expected_gradients",
    "gradient",
    "gradient_x_input",
    "grad_cam",
    "guided_ig",
    "hires_cam",
    "integrated_gradients",
    "layer_cam",
    "occlusion",
    "smooth_grad",
    "x_grad_cam",
]


def make(name: str) -> Any:
    """Return a method on its defaults."""
    return make_method(name, {})


@functools.cache
def halved(name: str) -> Any:
    """Return the Keras twin of a net whose last layer is halved: half the evidence."""
    net = numpy_net.net(name)
    head = net.layers[-1]
    half = dataclasses.replace(head, kernel=head.kernel / 2, bias=head.bias / 2)
    return numpy_net.keras_model(dataclasses.replace(net, layers=(*net.layers[:-1], half)))


def check_strength(name: str, method: Any = None) -> None:
    """Half the evidence gives half the map: no map is scaled to its own maximum."""
    fields = {
        "smooth_grad": {"samples": 4},
        "guided_ig": {"steps": 8},
        "expected_gradients": {"samples": 5},
    }
    options = fields.get(name, {})
    whole = explain("smooth", method or name, **options)
    half = explain("smooth", method or name, model=halved("smooth"), **options)
    check_equal(2 * half.values, whole.values)
    check_equal(2 * half.heatmap(), whole.heatmap())
