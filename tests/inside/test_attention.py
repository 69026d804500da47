"""`ks.attention`: every way to attend is found, its weights are right, pictures and files work."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import oracles_attention as oracles
import zoo
from inside.attention_nets import NETS, Net
from kerascope.backend import framework
from kerascope.hooks import HookedModel
from kerascope.hooks.attention import attended, attention_calls
from kerascope.inside.attention.mixing import distances
from kerascope.targets import resolve_targets
from method_checks import check_equal, difference


@functools.cache
def built(name: str) -> Net:
    return NETS[name]()


def view(model: Any) -> HookedModel:
    return HookedModel(model, compiled=keras.backend.backend() == "jax")


def look(name: str, **options: Any) -> ks.Attention:
    model, x, _ = built(name)
    return ks.attention(view(model), x, **options)


@functools.cache
def vit() -> zoo.Case:
    return zoo.SHAPES["vit"]()


@functools.cache
def raw(name: str) -> ks.Attention:
    return look(name)


@pytest.mark.parametrize("name", NETS)
def test_every_way_to_attend_is_found(name: str) -> None:
    result, shapes = raw(name), built(name)[2]
    assert result.layers == tuple(shapes)
    for layer, shape in shapes.items():
        weights = result.weights(layer)
        assert weights.shape == (2, *shape)
        assert weights.min() >= 0
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
        assert np.ptp(weights) > 0.05
    assert "no attribution" in result.notes[0]
    assert "not an attribution" in result.title


@pytest.mark.parametrize("name", [n for n in NETS if n != "returned_without_softmax"])
def test_gradients_at_weights_are_slopes(name: str) -> None:
    """Weights are shifted in one direction: the score changes as the gradient says."""
    model, x, _ = built(name)
    hooked = view(model)
    arrays = hooked.read(x)
    calls = attention_calls(hooked, arrays)
    targets = resolve_targets((0, 1), hooked.spec(), len(x))
    found = attended(hooked, arrays, targets, calls, "gradient")
    assert all(np.abs(g).max() > 0 for g in found.gradients)
    # The weights' own gradient along themselves: doubled weights double what is attended to.
    scores = [_scaled_scores(hooked, arrays, targets, calls[-1], 1 + s) for s in (0.01, -0.01)]
    slope = (scores[0] - scores[1]) / 0.02
    weights, gradient = found.weights[-1][:, None], found.gradients[-1]
    check_equal((weights * gradient).reshape(*gradient.shape[:2], -1).sum(axis=-1), slope, 2e-2)


def _scaled_scores(hooked: Any, x: Any, targets: Any, call: Any, scale: float) -> np.ndarray:
    """Return the scores with the weights of one place scaled."""
    from kerascope.hooks import attention_guide

    class Scaled(attention_guide.ReadAttention):
        def weights(self, key: Any, layer: Any, source: str, tensor: Any, axes: Any) -> Any:
            return tensor * scale if key == call.key else tensor

    guide = Scaled((call,))
    from kerascope.hooks.attention import _Seen
    from kerascope.hooks.passes import Plan

    plan = Plan.of(hooked, "forward", targets, (), (), rules=_Seen())

    def run(values: Any) -> Any:
        outputs = plan.call(values, plan.tap({}, {}, guide))
        return [target(outputs) for target in targets]

    found = hooked.seam.eager(run, hooked.model)(
        {name: keras.ops.convert_to_tensor(array) for name, array in x.items()}
    )
    return np.stack([keras.ops.convert_to_numpy(score) for score in found], axis=1)


def test_weights_are_those_of_the_layer_itself() -> None:
    """Fused, masked and explicit attention agree with what Keras returns on request."""
    x = built("fused")[1]
    for name in ("fused", "causal", "unfused", "grouped"):
        layer = built(name)[0].get_layer("a")
        masked = {} if name in ("fused", "grouped") else {"use_causal_mask": True}
        _, weights = layer(x, x, return_attention_scores=True, **masked)
        check_equal(raw(name).weights(), keras.ops.convert_to_numpy(weights))
    above = np.triu(np.ones((6, 6), bool), 1)
    assert not raw("causal").weights()[..., above].any()


def test_padding_is_not_attended_to() -> None:
    weights = raw("words").weights()
    assert not weights[0, :, :4, 4:].any()
    assert weights[1].min() > 0


def test_flash_fused_and_explicit_attention_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same net with flash attention, fused, and with explicit weights: the same everything."""
    net, x = oracles.net(), oracles.inputs()
    fused, explicit = oracles.keras_twin(net), oracles.keras_twin(net, dropout=0.5)
    flash = oracles.keras_twin(net)
    for k in range(3):
        flash.get_layer(f"attention{k}")._flash_attention = True
    # There is no flash kernel for CPUs: the backend's own fused one stands in for it. What matters
    # is that the layer, told to use flash attention, gives no weights.
    original, used = framework().nn.dot_product_attention, []

    def kernel(*args: Any, flash_attention: Any = None, **kwargs: Any) -> Any:
        used.append(flash_attention)
        return original(*args, **kwargs)

    monkeypatch.setattr(framework().nn, "dot_product_attention", kernel)
    with pytest.raises(ValueError, match=r"not supported when flash"):
        flash.get_layer("attention0")(x, x, return_attention_scores=True)
    for kind in ("raw", "chefer"):
        values = [
            ks.attention(view(m), x, kind=kind, target=0).values for m in (flash, fused, explicit)
        ]
        check_equal(values[0], values[1], 1e-6)
        check_equal(values[0], values[2], 5e-5)
    assert True in used
    expected = [net.attentions(one.astype(np.float64)) for one in x]
    check_equal(ks.attention(view(flash), x).values, np.array(expected))


def test_model_is_as_before() -> None:
    model, x, _ = built("blocks")
    attend = model.get_layer("first").attend
    before = [v.numpy() for v in model.variables], sorted(attend.__dict__), model(x).shape
    functions = framework().nn.softmax, framework().nn.dot_product_attention
    ks.attention(view(model), x, kind="legrad")
    assert all(
        np.array_equal(a, v.numpy()) for a, v in zip(before[0], model.variables, strict=True)
    )
    assert sorted(attend.__dict__) == before[1]
    assert (framework().nn.softmax, framework().nn.dot_product_attention) == functions


def test_blocks_of_plain_sums_give_their_tokens() -> None:
    """LeGrad sees tokens behind blocks that are layers as behind sums made by Keras."""
    model, x, _ = built("blocks")
    found = look("blocks", kind="legrad", target=0)
    i = keras.Input((6, 4))
    tokens: Any = i
    for name in ("first", "second"):
        block = model.get_layer(name)
        y = block.norm(tokens)
        tokens = tokens + block.attend(y, y)
    twin = keras.Model(i, model.layers[-1](layers.GlobalAveragePooling1D()(tokens)))
    check_equal(found.values, ks.attention(view(twin), x, kind="legrad", target=0).values)


def test_what_the_head_reads_is_found() -> None:
    for pooled in (False, True):
        net = oracles.net(pooled)
        result = ks.attention(view(oracles.keras_twin(net)), oracles.inputs())
        assert list(result.read) == net.read


@pytest.mark.parametrize(
    ("tokens", "size", "grid", "extra"),
    [
        (197, (224, 224), (14, 14), 1),
        (201, (224, 224), (14, 14), 5),
        (49, (64, 64), (7, 7), 0),
        (13, (12, 16), (3, 4), 1),
        (50, (64, 128), (5, 10), 0),
    ],
)
def test_token_grid_from_the_count(
    tokens: int, size: tuple[int, int], grid: tuple[int, int], extra: int
) -> None:
    from kerascope.inside.attention.tokens import _proportional

    assert _proportional(size, tokens) == grid
    assert tokens - grid[0] * grid[1] == extra


def test_token_grid_from_the_patches() -> None:
    """A grid of other proportions than the picture's is known from the patch embedding."""
    i = keras.Input((20, 34, 3))
    x = layers.Conv2D(4, 8, strides=8, name="patches")(i)  # 2 × 4: the rest is cut off
    x = zoo.ClassToken()(layers.Reshape((8, 4))(x))
    x = layers.MultiHeadAttention(2, 3, name="a")(x, x)
    model = keras.Model(i, layers.Dense(3)(x[:, 0]))
    result = ks.attention(view(model), zoo.pictures(2, 20, 34))
    assert result.tokens is not None
    assert (result.tokens.before, result.tokens.grid, result.read) == (1, (2, 4), (0,))
    assert result.maps()["a"].shape == (2, 2, 2, 4)
    assert result.tokens.name(0) == "extra token 0"
    assert result.tokens.name(6) == "patch (1, 1)"


def test_mean_attention_distance() -> None:
    """Attention to oneself is at no distance; to all alike, at the mean distance."""
    centres = np.array([[0.0, 0.0], [0.0, 3.0], [4.0, 0.0]])
    weights = np.stack([np.eye(3), np.full((3, 3), 0.2)])[None]
    found = distances(weights, centres)
    assert found[0, 0] == 0
    assert found[0, 1] == pytest.approx(2 * (3 + 4 + 5) / 9)
    case = vit()
    result = ks.attention(view(case.model), case.x)
    assert {d.shape for d in result.distances().values()} == {(2, 2)}
    assert all((d > 0).all() and (d < 20).all() for d in result.distances().values())


def test_layers_and_targets_may_be_chosen() -> None:
    case = vit()
    hooked = view(case.model)
    one = ks.attention(hooked, case.x, layers="attention1")
    assert one.layers == ("attention1",)
    assert one.values.shape == (2, 1, 2, 13, 13)
    both = ks.attention(hooked, case.x, kind="chefer", target=(0, 2))
    alone = ks.attention(hooked, case.x, kind="chefer", target=2)
    assert both.axes == ("sample", "target", "query", "key")
    assert alone.axes == ("sample", "query", "key")
    check_equal(both.values[:, 1], alone.values)
    assert difference(both.values[:, 0], alone.values) > 0.01
    explained = ks.explain(hooked, case.x, "chefer", target=2)
    assert np.array_equal(alone.relevance, explained.values)
    assert alone.explained == explained.explained


def test_half_precision() -> None:
    net, x = oracles.net(), oracles.inputs()
    plain = ks.attention(view(oracles.keras_twin(net)), x, kind="chefer", target=0).values
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = oracles.keras_twin(net)
    finally:
        keras.config.set_dtype_policy(policy)
    found = ks.attention(view(half), x, kind="chefer", target=0).values
    assert found.dtype == np.float32
    check_equal(found, plain, 0.05)


def test_windows_are_shown_and_not_chained() -> None:
    assert raw("windows").axes == ("sample", "layer", "window", "head", "query", "key")
    for kind in ("rollout", "flow", "chefer", "attention_x_gradient", "legrad"):
        with pytest.raises(ks.Refused, match="'windows/attend' attends within 6 windows"):
            look("windows", kind=kind)
    cam = look("windows", kind="token_cam")
    assert cam.values.shape == (2, 4, 6)


def test_layers_that_differ_come_by_name() -> None:
    result = look("dot_and_additive")
    assert isinstance(result.values, np.ndarray)
    i = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3, name="two")(i, i)
    x = layers.MultiHeadAttention(3, 3, name="three")(x, x)
    model = keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    several = ks.attention(view(model), built("fused")[1])
    assert {k: v.shape for k, v in several.values.items()} == {
        "two": (2, 2, 6, 6),
        "three": (2, 3, 6, 6),
    }
    assert several.axes["two"] == ("sample", "head", "query", "key")
    rolled = ks.attention(view(model), built("fused")[1], kind="rollout")
    np.testing.assert_allclose(rolled.values.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "kind", "words"),
    [
        ("fused", {"kind": "rollouts"}, ks.BadMethod, "'rollouts' is not known.*'rollout'"),
        ("fused", {"fusion": "max"}, ks.BadMethod, "'raw' has no field 'fusion'"),
        ("fused", {"kind": "rollout", "fusions": 1}, ks.BadMethod, "no field 'fusions'"),
        ("fused", {"layers": "b"}, ks.BadLayer, "no attention in layer 'b'; known: a"),
        ("fused", {"kind": "token_cam", "layers": ["a", "b"]}, ks.BadMethod, "at one layer"),
        ("fused", {"score": "odds"}, ks.BadInput, "score='odds'"),
        ("fused", {"batch_size": 0}, ks.BadInput, "batch_size=0"),
        ("fused", {"target": 7}, ks.BadTarget, "7"),
        ("fused", {"words": ["a", "b"]}, ks.BadInput, "a list of words for every sample"),
        ("fused", {"words": [["a"]]}, ks.BadInput, "1 samples; there are 2"),
        ("cross", {"kind": "rollout", "layers": "a"}, None, ""),
        ("returned_without_softmax", {"kind": "chefer"}, ks.Refused, "'a' returns.*no gradient"),
    ],
)
def test_bad_input(name: str, options: dict[str, Any], kind: Any, words: str) -> None:
    if kind is None:  # attention that pools at the end is a chain
        assert look(name, **options).values.shape == (2, 3, 6)
        return
    with pytest.raises(kind, match=words) as error:
        look(name, **options)
    assert "\n" not in str(error.value)


def test_models_that_cannot_be_looked_at() -> None:
    case = zoo.SHAPES["flat_functional"]()
    with pytest.raises(ks.Refused, match=r"no attention was found.*Conv2D"):
        ks.attention(case.model, case.x)
    with pytest.raises(ks.BadModel, match=r"needs a keras\.Model, not function"):
        ks.attention(lambda x: x, case.x)
    model, x, _ = NETS["fused"]()
    kernel = model.get_layer("a").query_dense.kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(ks.BadModel, match="NaN or infinite"):
        ks.attention(model, x)


@pytest.mark.parametrize("kind", ["raw", "rollout", "chefer", "token_cam"])
def test_round_trip_through_a_file(kind: str, tmp_path: Path) -> None:
    case = vit()
    result = ks.attention(view(case.model), case.x, kind=kind)
    again = ks.Attention.load(result.save(tmp_path / "a.safetensors"))
    for name in ("axes", "kind", "method", "layers", "tokens", "read", "explained", "names",
                 "notes", "provenance", "words"):  # fmt: skip
        assert getattr(again, name) == getattr(result, name), name
    assert np.array_equal(again.values, result.values)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ks.BadFile, match="text"):
        ks.Attention.load(tmp_path / "text")


def test_layers_by_name_survive_a_file(tmp_path: Path) -> None:
    result = raw("blocks")
    kept = ks.Attention.load(result.save(tmp_path / "a.safetensors"))
    assert np.array_equal(kept.weights("second/attend_second"), result.weights(1))
    with pytest.raises(ks.BadLayer, match="out of range"):
        result.weights(2)
    with pytest.raises(ks.BadInput, match="holds no weights"):
        look("blocks", kind="rollout").weights()
