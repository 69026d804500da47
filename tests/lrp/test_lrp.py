"""LRP: oracles rule by rule, conservation, folding, every form of a model, what is said aloud."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import kerascope as ks
import method_checks as checks
import numpy_net
import oracles_rules
import zoo
from kerascope.hooks import HookedModel, store_of
from kerascope.lrp import COMPOSITES
from kerascope.lrp.rules import RULES, Linear, rule_of

NAMES = list(COMPOSITES)


def view(model: Any) -> HookedModel:
    """Return a model as methods see it; JAX compiles every op anyway."""
    return HookedModel(model, compiled=keras.backend.backend() == "jax")


def lrp(model: Any, x: Any, composite: Any = "epsilon_plus", **options: Any) -> ks.Attribution:
    """Return the relevance of a class."""
    return ks.explain(view(model), x, "lrp", composite=composite, **{"target": 1} | options)


@pytest.mark.parametrize("name", ["lrp", "excitation_backprop", "deep_taylor"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


# --- each rule against its matrix form --------------------------------------------------------

MATRIX: dict[str, tuple] = {
    "zero": ("zero",),
    "epsilon:0.1": ("epsilon",),
    "gamma:0.5": ("gamma", 0.5),
    "z_plus": ("alpha_beta", 1, 0),
    "alpha_beta:2,1": ("alpha_beta", 2, 1),
    "alpha_beta:3,2": ("alpha_beta", 3, 2),
    "z_box": ("z_box",),
    "flat": ("flat",),
    "w_square": ("w_square",),
}


@pytest.mark.parametrize("signs", ["any", "positive", "rectified"])
@pytest.mark.parametrize("words", MATRIX)
def test_rule(words: str, signs: str) -> None:
    """One matrix; inputs of any sign, or none negative; only positive outputs used, or all."""
    rng = np.random.default_rng(4)
    x, W, b, g = (rng.normal(size=s) for s in ((3, 7), (7, 5), 5, (3, 5)))
    x = x if signs == "any" else np.abs(x)
    if signs == "rectified":
        g = g * (x @ W + b > 0)
    for keep in (True, False):
        found = _back(rule_of(words), x, W, b, g, signs=signs, keep=keep)
        expected = [
            oracles_rules.matrix_rule(MATRIX[words], one, W, b, (one @ W + b) * back, epsilon=0.1,
                                      keep=keep)
            for one, back in zip(x, g, strict=True)
        ]  # fmt: skip
        checks.check_equal(found, np.stack(expected), 5e-4 if signs == "any" else 1e-4)


def _back(rule: Any, x: Any, W: Any, b: Any, g: Any, *, signs: str, keep: bool) -> np.ndarray:
    """Return x × the gradient that a rule sends back for `g`."""
    import kerascope.backend as backend

    tensors = [keras.ops.convert_to_tensor(a.astype(np.float32)) for a in (x, W, b, g)]
    kept: list[Any] = []

    def scores(shift: dict[str, Any]) -> Any:
        here = tensors[0] + shift["x"]
        z = here @ tensors[1] + tensors[2]
        layer = Linear(
            here, z, tensors[1], tensors[2], lambda v, k: v @ k, signs != "any",
            signs == "rectified", keep,
        )  # fmt: skip
        out = rule.apply(layer)
        kept.append(out)
        return [keras.ops.sum(out * tensors[3], axis=-1)], {"out": out, "z": z}

    (_, rest), pullback = backend.active().vjp(scores, {"x": keras.ops.zeros(x.shape)})
    out, z = (keras.ops.convert_to_numpy(keras.ops.stop_gradient(rest[n])) for n in ("out", "z"))
    assert np.array_equal(out, z), "the rule changed the forward value"
    return x * keras.ops.convert_to_numpy(pullback(0)["x"])


def test_every_rule_has_an_oracle() -> None:
    assert {words.partition(":")[0] for words in MATRIX} == set(RULES)


# --- identities -------------------------------------------------------------------------------


def _bias_free() -> Any:
    """Return a ReLU net without biases that has all kinds of layers."""
    keras.utils.set_random_seed(3)
    i = keras.Input((10, 12, 3))
    x = kl.Conv2D(4, 3, activation="relu", use_bias=False, padding="same")(i)
    y = kl.DepthwiseConv2D(3, use_bias=False, padding="same")(x)
    x = kl.ReLU()(kl.Add()([x, y]))
    x = kl.MaxPooling2D()(x)
    y = kl.SeparableConv2D(4, 3, use_bias=False, padding="same", activation="relu")(x)
    x = kl.Concatenate()([x, y])
    x = kl.Conv2DTranspose(3, 3, strides=2, use_bias=False, activation="relu")(x)
    x = kl.AveragePooling2D(3)(kl.ZeroPadding2D(1)(x))
    x = kl.LeakyReLU(negative_slope=0.2)(kl.Conv2D(4, 2, use_bias=False)(x))
    x = kl.Dense(6, activation="relu", use_bias=False)(kl.Flatten()(x))
    return keras.Model(i, kl.Dense(3, use_bias=False)(x))


def test_zero_is_gradient_x_input_without_biases() -> None:
    model, x = _bias_free(), zoo.pictures(2, 10, 12)
    plain = ks.explain(view(model), x, "gradient_x_input", target=1).values
    checks.check_equal(lrp(model, x, "zero").values, plain, 1e-6)
    result = lrp(model, x, "epsilon", epsilon=1e-9)
    checks.check_equal(result.values, plain, 1e-4)
    assert np.allclose(result.extras["conserved"], 1, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_relevance_is_conserved(name: str) -> None:
    """Without biases in the denominators, every layer hands on what it got, whatever the rule."""
    model, x = checks.model("deep"), numpy_net.net("deep").pictures
    result = lrp(model, x, name, bias="drop")
    assert np.abs(result.gap).max() <= 1e-3 * np.abs(result.scores).max(), result.gap
    assert np.allclose(result.extras["conserved"], 1, atol=1e-3)
    assert not result.notes
    for layer in ("layer2", "layer3", "layer6"):
        there = lrp(model, x, name, bias="drop", layer=layer)
        sums = there.values.reshape(len(x), -1).sum(axis=1)
        assert np.allclose(sums, there.scores, rtol=1e-3), layer


def test_what_biases_take_is_said() -> None:
    result = lrp(checks.model("deep"), numpy_net.net("deep").pictures, bias="keep", target=0)
    values = result.values.astype(np.float64).reshape(len(result.scores), -1).sum(axis=1)
    assert np.allclose(result.scores - values, result.gap, atol=1e-4)
    assert np.allclose(values / result.scores, result.extras["conserved"], atol=1e-4)
    assert any("of the score" in note for note in result.notes)


def test_walks_end_somewhere() -> None:
    """Probabilities: none negative where no input is, and one in all."""
    net = numpy_net.net("homogeneous")
    x = np.abs(net.pictures)
    result = ks.explain(view(checks.model("homogeneous")), x, "excitation_backprop", target=1)
    assert (result.values >= 0).all()
    assert np.allclose(result.values.reshape(2, -1).sum(axis=1), 1, atol=1e-4)
    inside = ks.explain(
        view(checks.model("homogeneous")), x, "excitation_backprop", target=1, layer="layer0"
    )
    assert np.allclose(inside.values.reshape(2, -1).sum(axis=1), 1, atol=1e-4)


def test_deep_taylor_is_conserved() -> None:
    x = np.abs(numpy_net.net("homogeneous").pictures)
    model = view(checks.model("homogeneous"))
    result = ks.explain(model, x, "deep_taylor", low=0.0, high=float(x.max()), target=1)
    assert np.abs(result.gap).max() <= 1e-4 * np.abs(result.scores).max()
    negative = any("negative" in note for note in result.notes)
    assert negative == (result.scores < 0).any()
    for fields in ({"low": 0.0}, {"low": 1.0, "high": 0.0}):
        with pytest.raises(ks.BadMethod, match="deep_taylor"):
            ks.explain(model, x, "deep_taylor", **fields)


# --- attention --------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["MultiHeadAttention", "GroupQueryAttention"])
def test_attention(layer: str) -> None:
    """One head against AttnLRP written out; the rest of the net is one dense layer."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 5, 4)).astype(np.float32)
    i = keras.Input((5, 4))
    if layer == "MultiHeadAttention":
        attention = kl.MultiHeadAttention(1, 3, name="attention")
    else:
        attention = kl.GroupQueryAttention(3, 1, 1, name="attention")
    head = kl.Dense(3, name="head")
    model = keras.Model(i, head(kl.Flatten()(attention(i, i))))
    zoo._shake(model)
    found = lrp(model, x, "attn_lrp").values
    parts = {v.path: v.numpy() for v in attention.variables}
    heads = {
        name: tuple(
            next(w for p, w in parts.items() if f"{name}" in p.split("/")[-2] and p.endswith(kind))
            for kind in ("kernel", "bias")
        )
        for name in ("query", "key", "value", "output")
    }
    heads = {n: (W.reshape(-1, W.shape[-1]) if n == "output" else W.reshape(W.shape[0], -1),
                 b.reshape(-1)) for n, (W, b) in heads.items()}  # fmt: skip
    W, b = (w[..., 1] for w in head.get_weights())
    expected = []
    for one in x.astype(np.float64):
        q, k, v = (one @ heads[n][0] + heads[n][1] for n in ("query", "key", "value"))
        s = np.exp(q @ k.T / np.sqrt(3))
        y = s / s.sum(-1, keepdims=True) @ v @ heads["output"][0] + heads["output"][1]
        R = oracles_rules.matrix_rule(
            ("epsilon",), y.ravel(), W[:, None], np.array([b]), np.array([y.ravel() @ W + b]),
            epsilon=1e-6, keep=None,
        )  # fmt: skip
        expected.append(oracles_rules.attention_lrp(one, heads, R.reshape(y.shape)))
    checks.check_equal(found, np.stack(expected), 1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: kl.LayerNormalization(),
        lambda: kl.LayerNormalization(axis=(1, 2)),
        lambda: kl.RMSNormalization(),
        lambda: kl.GroupNormalization(2),
        lambda: kl.UnitNormalization(),
    ],
)
def test_normalisations_are_linear_at_a_constant_spread(make: Any) -> None:
    """Without a shift, all relevance passes; the gradient itself would pass none."""
    i = keras.Input((5, 4))
    norm = make()
    if isinstance(norm, (kl.LayerNormalization, kl.GroupNormalization)):
        norm = type(norm).from_config({**norm.get_config(), "center": False})
    model = keras.Model(i, kl.Dense(3, use_bias=False)(kl.Flatten()(norm(i))))
    zoo._shake(model)
    x = np.random.default_rng(3).normal(size=(2, 5, 4)).astype(np.float32)
    result = lrp(model, x, "zero")
    assert np.allclose(result.extras["conserved"], 1, atol=1e-3)


# --- batch normalisation is folded ------------------------------------------------------------


def _folded(kind: str) -> tuple[Any, Any]:
    """Return a net with batch normalisation, and the same function with it folded by hand."""
    keras.utils.set_random_seed(5)
    make = {
        "conv": lambda **o: kl.Conv2D(4, 3, **o),
        "depthwise": lambda **o: kl.DepthwiseConv2D(3, depth_multiplier=2, **o),
        "transposed": lambda **o: kl.Conv2DTranspose(4, 3, strides=2, **o),
    }[kind]
    i = keras.Input((8, 9, 3))
    x = kl.Conv2D(3, 3, activation="relu", name="stem")(i)
    norm = kl.BatchNormalization(name="norm")
    y = kl.ReLU()(norm(make(name="one", use_bias=kind != "conv")(x)))
    model = keras.Model(i, kl.Dense(3, name="head")(kl.GlobalAveragePooling2D()(y)))
    zoo._shake(model)
    j = keras.Input((8, 9, 3))
    y = make(name="one", activation="relu")(kl.Conv2D(3, 3, activation="relu", name="stem")(j))
    twin = keras.Model(j, kl.Dense(3, name="head")(kl.GlobalAveragePooling2D()(y)))
    for name in ("stem", "head"):
        twin.get_layer(name).set_weights(model.get_layer(name).get_weights())
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    kernel, *bias = model.get_layer("one").get_weights()
    bias = bias[0] if bias else np.zeros_like(beta)
    wide = {"depthwise": scale.reshape(kernel.shape[2:]) if kind == "depthwise" else None,
            "transposed": scale[:, None]}.get(kind)  # fmt: skip
    kernel = kernel * (scale if wide is None else wide)
    twin.get_layer("one").set_weights([kernel, bias * scale + beta - mean * scale])
    return model, twin


@pytest.mark.parametrize("kind", ["conv", "depthwise", "transposed"])
def test_batch_normalisation_is_folded(kind: str) -> None:
    model, twin = _folded(kind)
    x = zoo.pictures(2, 8, 9)
    for name in NAMES:
        for bias in ("auto", "keep"):
            expected = lrp(twin, x, name, bias=bias).values
            checks.check_equal(lrp(model, x, name, bias=bias).values, expected, 1e-3)


def test_batch_normalisation_is_folded_behind_concatenate() -> None:
    keras.utils.set_random_seed(6)
    i = keras.Input((8, 9, 3))
    stem = kl.Conv2D(3, 3, activation="relu", name="stem")
    norm = kl.BatchNormalization(name="norm")
    x = stem(i)
    parts = [kl.Conv2D(n, 3, padding="same", name=f"c{n}")(x) for n in (2, 3)]
    y = kl.ReLU()(norm(kl.Concatenate()(parts)))
    model = keras.Model(i, kl.Dense(3, name="head")(kl.GlobalAveragePooling2D()(y)))
    zoo._shake(model)
    scale, shift = (np.split(np.asarray(v), [2]) for v in _scale_and_shift(norm))
    both = [kl.Conv2D(n, 3, padding="same", activation="relu", name=f"f{n}") for n in (2, 3)]
    y = kl.Concatenate()([layer(x) for layer in both])
    twin = keras.Model(i, model.get_layer("head")(kl.GlobalAveragePooling2D()(y)))
    for k, n in enumerate((2, 3)):
        kernel, bias = model.get_layer(f"c{n}").get_weights()
        twin.get_layer(f"f{n}").set_weights([kernel * scale[k], bias * scale[k] + shift[k]])
    x = zoo.pictures(2, 8, 9)
    for name in ("epsilon_plus", "epsilon_alpha2_beta1", "epsilon_gamma_box"):
        checks.check_equal(lrp(model, x, name).values, lrp(twin, x, name).values, 1e-3)


def _scale_and_shift(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def test_relevance_at_a_folded_layer_is_refused_with_advice() -> None:
    model, _ = _folded("conv")
    with pytest.raises(ks.BadLayer, match="folded into the batch normalisation"):
        lrp(model, zoo.pictures(1, 8, 9), layer="one")


# --- every form of a model --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box"])
def test_builds_agree(name: str) -> None:
    keras.utils.set_random_seed(2)
    net = zoo.Subclassed()
    net(zoo.pictures())
    zoo._shake(net)
    i, j = keras.Input((12, 16, 3)), keras.Input((12, 16, 3))
    gap = kl.GlobalAveragePooling2D()
    functional = keras.Model(i, net.head(gap(net.conv2(net.conv1(i)))))
    base = keras.Sequential([keras.Input((12, 16, 3)), net.conv1, net.conv2], name="base")
    nested = keras.Model(j, net.head(gap(base(j))))
    expected = lrp(functional, zoo.pictures(), name).values
    for model in (net, nested):
        checks.check_equal(lrp(model, zoo.pictures(), name).values, expected, 1e-5)


def test_compiled_once_and_eager_agree() -> None:
    case = zoo.SHAPES["rescaling_and_nested_base"]()
    eager = ks.explain(HookedModel(case.model, compiled=False), case.x, "lrp")
    hooked = HookedModel(case.model)
    compiled = ks.explain(hooked, case.x, "lrp")
    traces = store_of(case.model).traces
    again = ks.explain(hooked, case.x, "lrp")
    assert store_of(case.model).traces == traces
    checks.check_equal(compiled.values, eager.values, 1e-5)
    assert np.array_equal(again.values, compiled.values)


def test_rescaling_hands_on_all_relevance() -> None:
    """A net that rescales its input by itself gives what it gives for inputs rescaled before."""
    x = np.random.default_rng(1).uniform(0, 255, (2, 12, 16, 3)).astype("float32")
    case = zoo.SHAPES["flat_functional"]()
    i = keras.Input((12, 16, 3))
    model = keras.Model(i, case.model(kl.Rescaling(1 / 127.5, offset=-1)(i)))
    for name in ("epsilon_plus_flat", "epsilon_gamma_box", "epsilon_plus"):
        expected = lrp(case.model, x / 127.5 - 1, name).values
        checks.check_equal(lrp(model, x, name).values, expected, 1e-4)


# --- composites, channels, notes --------------------------------------------------------------


def test_composite_of_ones_own() -> None:
    model, x = checks.model("deep"), numpy_net.net("deep").pictures
    own = (("convolution", "z_plus"), ("dense", "epsilon"))
    checks.check_equal(lrp(model, x, own).values, lrp(model, x).values, 1e-7)
    by_name = (("layer0", "flat"), ("Conv2D", "alpha_beta:1,0"), ("layer*", "epsilon:1e-6"))
    expected = lrp(model, x, "epsilon_plus_flat").values
    checks.check_equal(lrp(model, x, by_name).values, expected, 1e-5)


def test_relevance_through_channels_adds_up() -> None:
    """Concept relevance propagation: what goes through single channels sums to the whole."""
    model, x = checks.model("deep"), numpy_net.net("deep").pictures
    whole = lrp(model, x).values
    parts = [lrp(model, x, through=(f"layer3:{k}",)).values for k in range(5)]
    checks.check_equal(sum(parts), whole)
    some = lrp(model, x, through=("layer3:0,2",)).values
    checks.check_equal(some, parts[0] + parts[2])
    at = lrp(model, x, layer="layer3", bias="drop").values
    one = lrp(model, x, layer="layer2", through=("layer3:1",), bias="drop").values
    assert np.allclose(one.reshape(2, -1).sum(1), at[..., 1].reshape(2, -1).sum(1), rtol=1e-3)


class Weighing(kl.Layer):
    """A layer that multiplies with a weight by itself."""

    def build(self, shape: Any) -> None:
        self.matrix = self.add_weight(shape=(shape[-1], 3), initializer="random_normal")

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, self.matrix)


def _head(layer: Any) -> Any:
    i = keras.Input((5, 4))
    return keras.Model(i, kl.Dense(3, name="head")(kl.Flatten()(layer(i))))


def test_layers_without_a_rule_are_refused_with_advice() -> None:
    x = np.random.default_rng(3).normal(size=(2, 5, 4)).astype(np.float32)
    case = zoo.SHAPES["flat_functional"]()
    advice = {
        (case.model, (("convolution", "z_plus"),)): ["'head' (Dense)", "zero, epsilon, gamma"],
        (_head(Weighing(name="own")), "epsilon"): ["'own' (Weighing)", '("Weighing", "zero")'],
        (_head(kl.TimeDistributed(kl.Dense(3), name="steps")), "epsilon"): ["'steps'", '"zero"'],
    }
    for (model, composite), words in advice.items():
        with pytest.raises(ks.Refused) as error:
            lrp(model, case.x if model is case.model else x, composite)
        assert all(word in str(error.value) for word in words), error.value
        assert "\n" not in str(error.value)


def test_advice_helps() -> None:
    """A layer of one's own gets the rule zero by name: its gradient × its input."""
    x = np.random.default_rng(3).normal(size=(2, 5, 4)).astype(np.float32)
    model = _head(Weighing(name="own"))
    found = lrp(model, x, (("Weighing", "zero"), ("linear", "zero")))
    assert not found.notes
    plain = ks.explain(view(model), x, "gradient_x_input", target=1).values
    checks.check_equal(found.values, plain)
    with pytest.raises(ks.Refused):
        lrp(model, x, (("Weighing", "epsilon"), ("linear", "zero")))


def test_layers_that_no_rule_sees_are_named() -> None:
    case = zoo.SHAPES["attention_tuple"]()
    notes = lrp(case.model, case.x).notes
    assert any("TupleAttention 'attend'" in note for note in notes), notes
    case = zoo.SHAPES["flat_functional"]()
    notes = lrp(case.model, case.x, (("Conv3D", "flat"), ("linear", "epsilon"))).notes
    assert any("no layer fits 'Conv3D'" in note for note in notes), notes


# --- recurrent layers -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_gates_weigh_and_take_nothing(kind: str) -> None:
    """Arras et al. 2017, section 3: relevance goes to what a gate lets through, and to the past."""
    i = keras.Input((5, 4))
    cell = getattr(kl, kind)(3, name="cell")
    model = keras.Model(i, kl.Dense(3, name="head")(cell(i)))
    zoo._shake(model)
    x = np.random.default_rng(3).normal(size=(2, 5, 4)).astype(np.float32)
    result = lrp(model, x, "zero")
    W, _ = model.get_layer("head").get_weights()
    back = oracles_rules.lstm_lrp if kind == "LSTM" else oracles_rules.gru_lrp
    expected = [back(one, cell.get_weights(), W[:, 1]) for one in x.astype(np.float64)]
    checks.check_equal(result.values, np.stack(expected), 1e-4)
    assert not any("no rule" in note for note in result.notes)


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"composite": "epsilon_pluss"}, "epsilon_plus"),
        ({"composite": (("Conv2D", "gama:0.25"),)}, "gamma"),
        ({"composite": (("Conv2D", "gamma:a"),)}, "numbers"),
        ({"composite": (("Conv2D", "z_plus:1"),)}, "none"),
        ({"composite": (("Conv2D", "alpha_beta:2,2"),)}, "alpha-1"),
        ({"composite": (("Conv2D",),)}, "pair"),
        ({"bias": "maybe"}, "'auto', 'keep' or 'drop'"),
        ({"epsilon": -1.0}, "must not be negative"),
        ({"through": ("layer3",)}, "layer:42"),
        ({"through": ("layer3:9",)}, "channels 0 to 4"),
    ],
)
def test_errors_name_the_choices(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        lrp(checks.model("deep"), numpy_net.net("deep").pictures, **fields)


def test_fields_are_plain_data() -> None:
    value = checks.make_method("lrp", {"composite": [["Conv2D", "gamma:0.25"]]})
    assert dataclasses.replace(value) == value
    assert hash(value) == hash(type(value).from_json(value.to_json()))


@pytest.mark.parametrize("measure", ["cosine", "dot", "distance"])
def test_likeness_is_shared_out_by_what_is_multiplied(measure: str) -> None:
    """Of a linear embedding e = W x: x W b, over the lengths; a distance is partly the other's."""
    rng = np.random.default_rng(5)
    weights, x, other = (rng.normal(size=shape).astype("float32") for shape in ((6, 4), (2, 6), 4))
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, use_bias=False)])
    model.set_weights([weights])
    e = x @ weights
    starts = {
        "dot": e * other,
        "cosine": e * other / (np.linalg.norm(e, axis=1, keepdims=True) * np.linalg.norm(other)),
        "distance": -e * (e - other) / np.linalg.norm(e - other, axis=1, keepdims=True),
    }
    wanted = np.einsum("sj,sij->si", starts[measure] / e, x[:, :, None] * weights)
    found = ks.explain(model, x, "lrp", target=ks.Similarity(other, measure), epsilon=0.0)
    assert np.allclose(found.values, wanted, rtol=1e-4, atol=1e-5)
    assert np.allclose(found.extras["conserved"], wanted.sum(axis=1) / found.scores, rtol=1e-3)
    said = "the embedding compared with, biases and the stabiliser hold the rest"
    assert any(said in note for note in found.notes) is (measure == "distance")
    if measure != "distance":
        assert np.allclose(found.values.sum(axis=1), found.scores, rtol=1e-3)


def test_relevance_that_grows_is_said_to_be_no_share() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1), keras.layers.Dense(1)])
    weights = ([[1.0], [0.0]], [-0.9], [[1.0]], [0.0])
    model.set_weights([np.array(value, "float32") for value in weights])
    found = ks.explain(model, np.array([[1.0, 0.0]], "float32"), "lrp", composite="epsilon")
    assert found.extras["conserved"] == pytest.approx([10], rel=1e-3)  # 1 of 1 − 0.9
    said = next(note for note in found.notes if note.startswith("relevance sums to 1000%"))
    assert "the map is no share of the score" in said
