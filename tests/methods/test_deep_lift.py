"""DeepLIFT and DeepSHAP: oracles, completeness, maxima and products, what is refused."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import kerascope as ks
import method_checks as checks
import numpy_net
import zoo
from kerascope.hooks import HookedModel

FAMILY = ["deep_lift", "deep_shap"]


@pytest.mark.parametrize("name", FAMILY)
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("name", FAMILY)
def test_complete(name: str) -> None:
    checks.check_complete(name)


@pytest.mark.parametrize("name", FAMILY)
def test_linear_model(name: str) -> None:
    checks.check_linear(name)


def test_deep_shap_of_one_baseline_is_deep_lift() -> None:
    one = checks.BACKGROUND[:1]
    found = checks.explain("smooth", "deep_shap", background=one).values
    checks.check_equal(found, checks.explain("smooth", "deep_lift", baseline=one[0]).values)


def test_reveal_cancel_sees_what_cancels() -> None:
    """The paper's example, min(a, b) = a − relu(a − b): both get a half, not one nothing."""
    model = keras.Sequential([keras.Input((2,)), kl.Dense(2, "relu"), kl.Dense(1)])
    model.layers[0].set_weights([np.array([[1.0, 1.0], [0.0, -1.0]]), np.zeros(2)])
    model.layers[1].set_weights([np.array([[1.0], [-1.0]]), np.zeros(1)])
    x = np.array([[5.0, 3.0], [3.0, 5.0]], np.float32)
    view = HookedModel(model, compiled=False)
    rescale = ks.explain(view, x, "deep_lift").values
    reveal = ks.explain(view, x, "deep_lift", rule="reveal_cancel").values
    assert np.allclose(rescale, [[0, 3], [3, 0]], atol=1e-5)
    assert np.allclose(reveal, [[1.5, 1.5], [1.5, 1.5]], atol=1e-5)


def _many_kinds() -> Any:
    """Return a net with maxima, products and smooth functions."""
    keras.utils.set_random_seed(4)
    i = keras.Input((8, 10, 2))
    x = kl.MaxPooling2D()(kl.Conv2D(4, 3, padding="same", activation="elu")(i))
    gate = kl.Conv2D(4, 1, activation="sigmoid")(x)
    x = kl.Multiply()([x, gate])
    y = kl.GlobalMaxPooling2D()(kl.Conv2D(4, 2, activation="silu")(x))
    z = kl.GlobalAveragePooling2D()(kl.LeakyReLU()(kl.BatchNormalization()(x)))
    x = kl.Dense(6, activation="gelu")(kl.Concatenate()([y, z]))
    return keras.Model(i, kl.Dense(3)(kl.Activation("tanh")(x)))


@pytest.mark.parametrize("rule", ["rescale", "reveal_cancel"])
def test_complete_through_maxima_and_products(rule: str) -> None:
    model = _many_kinds()
    zoo._shake(model)
    x = zoo.pictures(3, 8, 10, 2)
    view = HookedModel(model, compiled=False)
    for baseline in ("zero", 0.7, "blur"):
        result = ks.explain(view, x, "deep_lift", baseline=baseline, rule=rule, target=1)
        sums = result.values.reshape(3, -1).sum(axis=1)
        assert np.abs(result.gap).max() <= 1e-4 * np.abs(sums).max(), (baseline, result.gap)


def test_compiled_equals_eager() -> None:
    net = numpy_net.net("deep")
    for rule in ("rescale", "reveal_cancel"):
        values = [
            ks.explain(HookedModel(checks.model("deep"), compiled=c), net.pictures, "deep_lift",
                       rule=rule).values
            for c in (True, False)
        ]  # fmt: skip
        checks.check_equal(values[0], values[1], 1e-5)


def test_what_has_no_rule_is_refused_by_name() -> None:
    case = zoo.SHAPES["vit"]()
    with pytest.raises(ks.Refused, match=r"layer 'norm0a' is a LayerNormalization: DeepLIFT"):
        checks_run(case)


def checks_run(case: zoo.Case) -> ks.Attribution:
    return ks.explain(HookedModel(case.model, compiled=False), case.x, "deep_lift")


def test_a_product_that_no_rule_sees_is_in_the_gap() -> None:
    case = zoo.SHAPES["attention_tuple"]()
    result = checks_run(case)
    assert np.abs(result.gap).max() > 1e-3
    assert any("completeness gap" in note for note in result.notes)


def test_errors_name_the_choices() -> None:
    with pytest.raises(ks.BadMethod, match="rescale, reveal_cancel"):
        checks.explain("deep", "deep_lift", rule="recale")
    with pytest.raises(ks.BadMethod, match="background has shape"):
        checks.explain("deep", "deep_shap", background=np.zeros((2, 3)))
