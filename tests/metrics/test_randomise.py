"""Weights drawn anew: from the right distribution, alike everywhere, and put back bit for bit."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import initializers

import metrics.subjects as subjects
import zoo
from kerascope.hooks.weights import before_the_head, weights_by_layer
from kerascope.metrics import ModelParameterRandomization
from kerascope.metrics.initializers import drawn, initializer_of
from kerascope.metrics.randomise import randomising
from kerascope.run import Run


def _generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=3))


KNOWN = [
    initializers.GlorotUniform(seed=1), initializers.GlorotNormal(seed=1),
    initializers.HeNormal(seed=1), initializers.LecunUniform(seed=1),
    initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=1),
    initializers.RandomNormal(0.3, 0.2, seed=1), initializers.RandomUniform(-0.1, 0.4, seed=1),
    initializers.TruncatedNormal(-0.2, 0.3, seed=1),
]  # fmt: skip


@pytest.mark.parametrize("initializer", KNOWN, ids=lambda i: type(i).__name__)
@pytest.mark.parametrize("shape", [(3, 3, 24, 40), (100, 90), (9000,)])
def test_distributions_are_those_of_keras(initializer: Any, shape: tuple[int, ...]) -> None:
    from scipy import stats

    ours, by_numpy = drawn(initializer, shape, _generator())
    theirs = keras.ops.convert_to_numpy(initializer(shape))
    assert by_numpy
    assert ours.shape == shape
    found = stats.ks_2samp(ours.reshape(-1), theirs.reshape(-1))
    assert found.pvalue > 1e-3, found
    assert abs(np.abs(ours).max() - np.abs(theirs).max()) < 0.15 * np.abs(theirs).max()


def test_orthogonal_and_constants() -> None:
    for shape in [(6, 3), (3, 6), (2, 2, 3, 5)]:
        values, _ = drawn(initializers.Orthogonal(gain=2.0), shape, _generator())
        flat = values.reshape(-1, shape[-1])
        square = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
        np.testing.assert_allclose(square, 4 * np.eye(len(square)), atol=1e-12)
    for initializer, expected in [
        (initializers.Zeros(), np.zeros((2, 2))),
        (initializers.Ones(), np.ones((2, 2))),
        (initializers.Constant(3.5), np.full((2, 2), 3.5)),
        (initializers.Identity(2.0), 2 * np.eye(2)),
    ]:
        np.testing.assert_array_equal(drawn(initializer, (2, 2), _generator())[0], expected)


def test_an_initialiser_of_ones_own_is_called_with_a_fixed_seed() -> None:
    class Own(initializers.Initializer):
        seed = 0

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return keras.random.uniform(shape, seed=self.seed)

    own = Own()
    first, by_numpy = drawn(own, (3, 4), _generator())
    assert not by_numpy
    np.testing.assert_array_equal(first, drawn(own, (3, 4), _generator())[0])
    assert own.seed == 0


def test_every_layer_of_keras_finds_its_initialisers() -> None:
    layers = keras.layers
    pairs = [
        (layers.Dense(2), (3,)), (layers.Conv2D(2, 3), (6, 6, 3)),
        (layers.DepthwiseConv2D(3), (6, 6, 3)), (layers.SeparableConv2D(2, 3), (6, 6, 3)),
        (layers.BatchNormalization(), (6, 3)), (layers.LayerNormalization(), (6, 3)),
        (layers.GroupNormalization(1), (6, 3)), (layers.PReLU(), (6,)),
        (layers.EinsumDense("ab,bc->ac", 2), (3,)), (layers.Embedding(5, 2), (4,)),
        (layers.LSTM(2), (6, 3)), (layers.GRU(2), (6, 3)), (layers.SimpleRNN(2), (6, 3)),
        (layers.ConvLSTM1D(2, 3), (6, 6, 3)), (layers.MultiHeadAttention(1, 2), None),
        (layers.Bidirectional(layers.LSTM(2)), (6, 3)),
        (layers.TimeDistributed(layers.Dense(2)), (6, 3)),
    ]  # fmt: skip
    for layer, shape in pairs:
        i = keras.Input(shape or (6, 3))
        model = keras.Model(i, layer(i) if shape else layer(i, i))
        view = subjects.viewed(model)
        view.read(np.zeros((1, *(shape or (6, 3))), np.float32))
        own = [w for ws in weights_by_layer(view).values() for w in ws]
        assert len(own) == len(model.weights)
        for weight in own:
            found = initializer_of(weight.layer, weight.variable.name)
            assert found is not None, f"{type(layer).__name__}: {weight.variable.path}"


def test_batch_norm_statistics_are_those_of_a_fresh_layer() -> None:
    """Never from a uniform distribution: variances near zero would blow everything up."""
    case = zoo.SHAPES["norm_and_dropout"]()
    view = subjects.viewed(case.model)
    view.read(case.x)
    with randomising(view, Run()) as weights:
        for path in weights.layers:
            weights.draw(path)
        norm = next(x for x in case.model.layers if "batch" in x.name)
        for values, expected in [(norm.gamma, 1), (norm.beta, 0), (norm.moving_mean, 0),
                                 (norm.moving_variance, 1)]:  # fmt: skip
            np.testing.assert_array_equal(values.numpy(), expected)


def test_an_lstm_forgets_little_as_keras_begins_it() -> None:
    case = zoo.SHAPES["lstm"]()
    view = subjects.viewed(case.model)
    view.read(case.x)
    with randomising(view, Run()) as weights:
        weights.draw("first")
        cell = case.model.get_layer("first").cell
        np.testing.assert_array_equal(cell.bias.numpy(), [0] * 4 + [1] * 4 + [0] * 8)
        rows = cell.recurrent_kernel.numpy()
        np.testing.assert_allclose(rows @ rows.T, np.eye(4), atol=1e-6)


def _state(model: Any) -> list[np.ndarray]:
    return [np.array(v.numpy(), copy=True) for v in model.variables]


def _same(model: Any, before: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(_state(model), before, strict=True))


@pytest.mark.parametrize(
    "name", ["flat_functional", "norm_and_dropout", "lstm", "vit", "mixed_bfloat16", "token_ids"]
)
def test_all_is_put_back_bit_for_bit(name: str) -> None:
    case = zoo.SHAPES[name]()
    view = subjects.viewed(case.model)
    view.read(case.x)
    before = _state(case.model)
    flags = [v.trainable for v in case.model.variables]
    identity = view.identity.sha256
    with randomising(view, Run()) as weights:
        for path in weights.layers:
            weights.draw(path)
        assert not _same(case.model, before)
        assert view.model.count_params() > 0
    assert _same(case.model, before)
    assert [v.trainable for v in case.model.variables] == flags
    assert subjects.viewed(case.model).identity.sha256 == identity


def test_all_is_put_back_after_an_error() -> None:
    subject = subjects.of_zoo("flat_functional", "gradient")
    model = subject.view.model
    before, calls = _state(model), []

    def failing(*args: Any, **kwargs: Any) -> Any:
        calls.append(_same(model, before))
        raise RuntimeError("broken method")

    subject.explain = failing
    with pytest.raises(RuntimeError, match="broken method"):
        ModelParameterRandomization().measure(subject)
    assert calls == [False]
    assert _same(model, before)


def test_a_ctrl_c_while_weights_are_put_back_waits() -> None:
    import signal

    subject = subjects.of_zoo("flat_functional", "gradient")
    model = subject.view.model
    before, kernel = _state(model), model.get_layer("conv1").kernel
    original, restoring = type(kernel).assign, []

    def assign(self: Any, value: Any) -> Any:
        if restoring and self is kernel:
            signal.raise_signal(signal.SIGINT)
        return original(self, value)

    def interrupted() -> None:
        with randomising(subject.view, Run()) as weights:
            weights.draw("head")
            weights.draw("conv1")
            restoring.append(1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(kernel), "assign", assign)
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    assert _same(model, before)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _float32(weight: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32")), copy=True)


def test_half_precision_weights_are_put_back_bit_for_bit() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        i = keras.Input((4,))
        model = keras.Model(i, keras.layers.Dense(3, name="head")(i))
    finally:
        keras.config.set_dtype_policy(policy)
    view = subjects.viewed(model)
    view.read(np.ones((1, 4), np.float32))
    before = [_float32(w) for w in model.weights]
    with randomising(view, Run()) as weights:
        weights.draw("head")
        assert not np.array_equal(_float32(model.weights[0]), before[0])
    for old, weight in zip(before, model.weights, strict=True):
        assert str(weight.dtype) == "bfloat16"
        np.testing.assert_array_equal(_float32(weight), old)


def test_draws_do_not_hang_on_what_else_is_drawn() -> None:
    case = zoo.SHAPES["flat_functional"]()
    view = subjects.viewed(case.model)
    view.read(case.x)
    kernels = []
    for order in [("conv1", "head"), ("head", "conv1"), ("head",)]:
        with randomising(view, Run(seed=5)) as weights:
            for path in order:
                weights.draw(path)
            kernels.append(case.model.get_layer("head").kernel.numpy().copy())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    np.testing.assert_array_equal(kernels[0], kernels[2])
    with randomising(view, Run(seed=6)) as weights:
        weights.draw("head")
        assert not np.array_equal(case.model.get_layer("head").kernel.numpy(), kernels[0])


def test_weights_without_an_initialiser_are_shuffled_and_named() -> None:
    case = zoo.SHAPES["vit"]()
    view = subjects.viewed(case.model)
    view.read(case.x)
    layer = case.model.get_layer("class_token")
    old = layer.place.numpy().copy()
    with randomising(view, Run()) as weights:
        weights.draw("class_token")
        new = layer.place.numpy()
        assert not np.array_equal(old, new)
        np.testing.assert_array_equal(np.sort(old.reshape(-1)), np.sort(new.reshape(-1)))
    assert weights.notes == [
        "shuffled, as their layers keep no initialiser: weights of class_token"
    ]


def test_data_statistics_are_no_weights() -> None:
    i = keras.Input((4,))
    scale = keras.layers.Normalization()
    scale.adapt(np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32))
    model = keras.Model(i, keras.layers.Dense(2, name="head")(scale(i)))
    view = subjects.viewed(model)
    view.read(np.ones((2, 4), np.float32))
    with randomising(view, Run()) as weights:
        assert weights.layers == ("head",)


def test_layers_come_in_the_order_of_the_pass() -> None:
    case = zoo.SHAPES["shared_encoder"]()
    view = subjects.viewed(case.model)
    view.read(case.x)
    with randomising(view, Run()) as weights:
        names = [path.rsplit("/", 1)[-1] for path in weights.layers]
    assert names[:2] == ["conv", "last"]
    assert len(names) == 3
    head = before_the_head(view)
    assert head is not None
    assert "concatenate" in head.path


def test_nothing_is_traced_again() -> None:
    """Compiled functions take weights as they are: a cascade costs no trace."""
    from kerascope.hooks import HookedModel

    case = zoo.SHAPES["flat_functional"]()
    view = HookedModel(case.model, batch_size=8)
    subject = subjects.of_model(case.model, case.x, "gradient", view=view)
    traced = view.store.traces
    assert (traced > 0) == (keras.backend.backend() != "torch")  # which runs eagerly
    cascade = ModelParameterRandomization(stages=None).cascade(subject)
    assert view.store.traces == traced
    assert (cascade.similarity[:, -1] < 0.9).all(), "the weights did not reach the graph"


def test_a_ctrl_c_just_before_weights_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    view = subjects.of_zoo("flat_functional", "gradient").view
    model = view.model
    before = [_float32(weight) for weight in model.weights]
    room = importlib.import_module("kerascope.metrics.randomise")
    whole, pressed = room.uninterrupted, []

    @contextlib.contextmanager
    def late() -> Iterator[None]:
        if not pressed:
            pressed.append(1)
            raise KeyboardInterrupt
        with whole():
            yield

    monkeypatch.setattr(room, "uninterrupted", late)

    def drawing() -> None:
        with randomising(view, Run()) as weights:
            for path in weights.layers:
                weights.draw(path)
            pairs = zip(before, model.weights, strict=True)
            assert any(not np.array_equal(old, _float32(now)) for old, now in pairs)

    with pytest.raises(KeyboardInterrupt):
        drawing()
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, _float32(weight))
