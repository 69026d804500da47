"""KerasHub's own layers: cached attention, rotary and multi-query heads, classifiers, backbones.

Random weights, no download: `keras_hub` is a test requirement only.
"""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
from once import not_on_jax

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its imports say of others
    hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed").models

SMALL = {"vocabulary_size": 50, "num_layers": 2, "hidden_dim": 16, "intermediate_dim": 32}
RNG = np.random.default_rng(0)
TOKENS: dict[str, Any] = {
    "token_ids": RNG.integers(1, 50, (2, 12)),
    "padding_mask": np.ones((2, 12), "int32"),
}
PICTURES = RNG.random((2, 32, 32, 3)).astype("float32")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    keras.utils.set_random_seed(0)


def gemma() -> Any:
    return hub.GemmaBackbone(num_query_heads=2, num_key_value_heads=1, head_dim=8, **SMALL)


def gpt2() -> Any:
    return hub.GPT2Backbone(num_heads=2, max_sequence_length=12, **SMALL)


def bert() -> Any:
    backbone = hub.BertBackbone(num_heads=2, max_sequence_length=12, **SMALL)
    return hub.BertTextClassifier(backbone=backbone, num_classes=3, preprocessor=None)


def vit() -> Any:
    backbone = hub.ViTBackbone(
        image_shape=(32, 32, 3), patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32
    )
    return hub.ViTImageClassifier(backbone=backbone, num_classes=3, preprocessor=None)


def resnet() -> Any:
    backbone = hub.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 128],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
        image_shape=(32, 32, 3),
    )  # fmt: skip
    return hub.ResNetImageClassifier(backbone=backbone, num_classes=3, preprocessor=None)


@pytest.mark.parametrize("build", [gemma, gpt2])
def test_causal_attention_looks_back_only(build: Any) -> None:
    found = ks.attention(build(), TOKENS).values
    assert found.shape == (2, 2, 2, 12, 12)
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)
    ahead = np.triu(np.ones((12, 12), bool), 1)
    assert found[..., ahead].max() == 0
    assert np.allclose(found[..., 0, 0], 1, atol=1e-6)
    assert np.ptp(found[..., -1, :]) > 0


def test_padding_gets_no_attention() -> None:
    mask = TOKENS["padding_mask"].copy()
    mask[:, 8:] = 0
    segments = np.zeros((2, 12), "int32")
    found = ks.attention(bert(), {**TOKENS, "padding_mask": mask, "segment_ids": segments}).values
    assert found[..., :8, 8:].max() < 1e-6
    assert np.allclose(found.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("method", ["gradient_x_input", "attention_rollout", "chefer"])
def test_a_text_classifier_is_explained_by_its_tokens(method: str) -> None:
    x = {**TOKENS, "segment_ids": np.zeros((2, 12), "int32")}
    values = ks.explain(bert(), x, method, target=1).values
    tokens = values["token_ids"]
    assert tokens.shape == (2, 12)
    assert np.ptp(tokens) > 0


@not_on_jax
@pytest.mark.parametrize("method", ["chefer", "legrad", "lrp", "hires_cam", "occlusion"])
def test_a_vision_transformer_is_explained(method: str) -> None:
    fields = {"lrp": {"composite": "attn_lrp"}, "occlusion": {"patch": 8, "stride": 8},
              "hires_cam": {"relu": False}}  # fmt: skip
    result = ks.explain(vit(), PICTURES, method, target=1, **fields.get(method, {}))
    heatmap = result.heatmap()
    assert heatmap.shape == (2, 32, 32)
    assert np.ptp(heatmap) > 0


@not_on_jax
def test_a_residual_network_is_explained_and_drawn() -> None:
    model = resnet()
    assert ks.explain(model, PICTURES, "grad_cam", target=1).heatmap().shape == (2, 32, 32)
    exact = ks.explain(model, PICTURES, "integrated_gradients", target=1, steps=32)
    assert np.isfinite(exact.gap).all()
    assert "<svg" in ks.architecture(model).svg()
    assert ks.maximize(model, 0, steps=3).values.shape == (1, 32, 32, 3)
