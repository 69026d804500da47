"""Methods that explain by attention: closed forms on one layer, NumPy oracles on three."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import oracles_attention as oracles
import small_vit
from kerascope.hooks import HookedModel
from method_checks import check_equal

CLASS = 1
NAMES = ["attention_rollout", "attention_flow", "chefer", "attention_x_gradient", "legrad"]


@functools.cache
def twin(pooled: bool = False, layers: int = 3) -> Any:
    return oracles.keras_twin(oracles.net(pooled, layers))


@functools.cache
def trained() -> Any:
    return small_vit.load()


def explain(model: Any, method: str, x: Any = None, **options: Any) -> ks.Attribution:
    compiled = keras.backend.backend() == "jax"
    x = oracles.inputs() if x is None else x
    return ks.explain(HookedModel(model, compiled=compiled), x, method, target=CLASS, **options)


@pytest.mark.parametrize("name", NAMES)
def test_paper(name: str) -> None:
    for pooled in (False, True):
        expected = oracles.expected(name, oracles.net(pooled), oracles.inputs(), CLASS)
        check_equal(explain(twin(pooled), name).values, expected, 5e-5)


@pytest.mark.parametrize(
    "fields", [{"fusion": "max"}, {"fusion": "min", "residual": 0.2}, {"discard": 0.6}]
)
def test_rollout_options(fields: dict[str, Any]) -> None:
    found = explain(twin(), "attention_rollout", **fields).values
    expected = oracles.expected(
        "attention_rollout", oracles.net(), oracles.inputs(), CLASS, **fields
    )
    check_equal(found, expected)
    assert np.abs(found - explain(twin(), "attention_rollout").values).max() > 0.01


@functools.cache
def one_layer() -> Any:
    return oracles.one_layer()


@pytest.mark.parametrize("name", NAMES)
def test_one_layer(name: str) -> None:
    """y = w·Σ_j A_0j x_j, so ∂y/∂A_0j = w·x_j, and every method has a closed form."""
    model, form = one_layer()
    x = oracles.inputs()
    weights, slopes = form(x)
    row, slope = weights[:, 0], slopes[..., CLASS]
    residual = 0.5 * row + 0.5 * np.eye(oracles.TOKENS)[0]
    expected = {
        "attention_rollout": residual,
        "attention_flow": residual,
        "chefer": np.maximum(row * slope, 0),
        "attention_x_gradient": row * np.maximum(slope, 0) / oracles.TOKENS,
        "legrad": np.maximum(slope, 0) / oracles.TOKENS,
    }[name]
    check_equal(explain(model, name).values, expected)


def test_gradients_kept_whole_sum_to_the_score() -> None:
    """Σ_j A_0j ∂y/∂A_0j = y where one layer and a linear head are all there is."""
    model, _ = one_layer()
    result = explain(model, "attention_x_gradient", relu=False)
    check_equal(result.values.sum(axis=-1) * oracles.TOKENS, result.scores)
    assert (result.values < 0).any()


def test_some_layers_only() -> None:
    one = explain(twin(), "attention_rollout", layers="attention2").values
    weights = oracles.net().attentions(oracles.inputs()[0].astype(np.float64))[2].mean(axis=0)
    check_equal(one[0], 0.5 * weights[0] + 0.5 * np.eye(oracles.TOKENS)[0])
    with pytest.raises(ks.BadLayer, match=r"'atention2'.*did you mean 'attention2'"):
        explain(twin(), "chefer", layers="atention2")


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("attention_rollout", {"fusion": "median"}, "'median' is not one of mean, max, min"),
        ("attention_rollout", {"residual": 1.0}, "residual=1.0"),
        ("attention_rollout", {"discard": -0.1}, "discard=-0.1"),
        ("attention_flow", {"fusion": ""}, "fusion=''"),
    ],
)
def test_bad_fields(name: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        explain(twin(), name, **fields)


# At least so many times in a hundred the strongest of 64 patches is the one that tells the class,
# and on average at most so many patches are stronger. Chance is 1.6 in a hundred, and 31.5.
FINDS = {
    "rollout": (95, 0.2),
    "flow": (95, 0.2),
    "chefer": (90, 2.0),
    "attention_x_gradient": (95, 1.0),
    "legrad": (80, 0.5),
    "token_cam": (30, 4.0),
}


@pytest.mark.parametrize("kind", FINDS)
def test_the_patch_that_tells_the_class_is_found(kind: str) -> None:
    pictures, kinds, cells = small_vit.scenes(64, seed=3)
    chosen = np.flatnonzero(kinds < small_vit.CLASSES)[: 16 if kind == "flow" else 50]
    result = ks.attention(trained(), pictures[chosen], kind=kind)
    flat = result.relevance.reshape(len(chosen), -1)
    there = flat[np.arange(len(chosen)), cells[chosen]]
    stronger = (flat > there[:, None]).sum(axis=1)
    share = np.maximum(there, 0) / np.maximum(np.maximum(flat, 0).sum(axis=1), 1e-30)
    hits, rank = 100 * float((stronger == 0).mean()), float(stronger.mean())
    print(f"{kind}: found in {hits:.0f} % of {len(chosen)} scenes, {rank:.2f} patches stronger, "
          f"{share.mean():.0%} of the map on it")  # fmt: skip
    assert hits >= FINDS[kind][0]
    assert rank <= FINDS[kind][1]


def test_the_small_transformer_knows_its_textures() -> None:
    assert small_vit.accuracy(trained()) >= 0.99
    assert small_vit.WEIGHTS.stat().st_size < 300_000
