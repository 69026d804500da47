"""`plan`: which models it understands, why it refuses others, what it keeps and reports."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from kerascope import incremental
from kerascope.hooks.blackbox import BlackBox
from kerascope.incremental import planning
from kerascope.incremental.batches import Incremental
from kerascope.incremental.graph import record, understood
from kerascope.targets import Outputs, Target, resolve_targets
from once import some
from unit.incremental.slow_occlusion import covered, positions, view

# What no window can follow, and the words that say why.
REFUSED = {
    "mixed_float16": "float16",
    "mixed_bfloat16": "bfloat16",
    "lstm": "has no rule",
    "conv_lstm": "changes the number of axes",
    "token_ids": "no picture, series or volume",
}


def checked(model: Any, x: Any, patch: int, **options: Any) -> tuple[Any, float]:
    """Return the plan for the first input, and its largest relative error over a grid."""
    hooked, given, targets = view(model, x, target=options.pop("target", None), compiled=False)
    name = next(iter(given))
    axes = hooked.axes(name, given[name].shape[1:])
    sizes = [n for n, a in zip(given[name].shape[1:], axes, strict=True) if a != "channel"]
    options = {"always": True} | options
    plan = incremental.plan(hooked, given, name, (patch,) * len(sizes), targets, **options)
    if isinstance(plan, str):
        return plan, 0.0
    corners, cover = positions(sizes, patch + 1), given[name][0] * 0 + 0.5
    found = plan.scores(given, 1, cover, corners, targets)
    rows = covered(given[name][1], cover, corners, plan.patch, hooked.layout)
    others = {n: np.repeat(a[1:2], len(rows), axis=0) for n, a in given.items()}
    exact = hooked.scores(others | {name: rows}, targets.take(np.ones(len(rows), int)))
    for output, values in exact.raw.items() if plan.approximate is None else ():
        assert np.allclose(found.raw[output], values, atol=1e-4, rtol=1e-4)
        assert np.allclose(found.logits[output], exact.logits[output], atol=1e-4, rtol=1e-4)
    scale = float(np.abs(exact.values).max())
    return plan, float(np.abs(found.values - exact.values).max()) / scale


@pytest.mark.parametrize("shape", some(zoo.SHAPES, 1))
def test_models_of_every_shape(shape: str) -> None:
    reason = zoo.runs_here(shape)
    if reason:
        pytest.skip(reason)
    case = zoo.SHAPES[shape]()
    plan, error = checked(case.model, case.x, 3, target=case.target)
    if isinstance(plan, str):
        assert REFUSED.get(shape, "?") in plan
    else:
        assert shape not in REFUSED
        assert error <= 1e-5


def net(*middle: Any, size: int = 24) -> Any:
    """Return a small seeded classifier with layers in the middle."""
    keras.utils.set_random_seed(3)
    given = x = keras.Input((size, size, 3))
    for layer in (layers.Conv2D(4, 3, activation="relu", name="first"), *middle):
        x = layer(x)
    return keras.Model(given, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))


def picture(size: int = 24) -> Any:
    return np.random.default_rng(5).normal(size=(2, size, size, 3)).astype(np.float32)


def test_the_note_names_the_layer_that_stops_it() -> None:
    plan, error = checked(net(layers.GroupNormalization(2, name="groups")), picture(), 4)
    assert plan.note == (
        "windows up to 'first', whole passes from there on: layer 'groups' has no rule for a window"
    )
    assert error <= 1e-5


def test_a_first_layer_without_a_rule_is_named() -> None:
    given = keras.Input((8, 8, 3))
    x = layers.Flatten()(layers.Permute((2, 1, 3), name="turn")(given))
    plan, _ = checked(keras.Model(given, layers.Dense(2, activation="softmax")(x)), picture(8), 2)
    assert plan == "layer 'turn' has no rule for a window, the first that reads the input"


def test_activations_of_one_s_own_are_not_trusted() -> None:
    def centred(x: Any) -> Any:
        return x - keras.ops.mean(x, axis=(1, 2), keepdims=True)

    plan, error = checked(net(layers.Activation(centred, name="own")), picture(), 4)
    assert "layer 'own' has an activation of its own, 'centred'" in plan.note
    assert error <= 1e-5


class Standardised(layers.Conv2D):
    """A convolution whose kernel is standardised on the way, as Keras documents it."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return super().convolution_op(inputs, kernel / keras.ops.std(kernel))


class Named(layers.Conv2D):
    """A convolution with a constructor of its own, no more."""

    def __init__(self, **options: Any) -> None:
        super().__init__(4, 3, padding="same", **options)


def test_a_derived_layer_that_computes_something_else_is_another_layer() -> None:
    plan, error = checked(net(Named(name="named"), Standardised(4, 3, name="own")), picture(), 4)
    assert plan.note.startswith("windows up to 'named'")
    assert "layer 'own' has no rule" in plan.note
    assert error <= 1e-5


class Restless(keras.Model):
    """A model that normalises by the batch, also at inference."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(4, 3, name="conv")
        self.norm = layers.BatchNormalization(name="norm")
        self.head = layers.Dense(3, activation="softmax", name="head")

    def call(self, x: Any) -> Any:
        x = self.norm(self.conv(x), training=True)
        return self.head(keras.ops.mean(x, axis=(1, 2)))


def test_a_layer_called_as_in_training_is_left_alone() -> None:
    hooked, x, targets = view(Restless(), picture(16), compiled=False)
    plan = incremental.plan(hooked, x, next(iter(x)), (4, 4), targets, always=True)
    assert isinstance(plan, Incremental)
    assert plan.note == (
        "windows up to 'conv', whole passes from there on: layer 'norm' runs as in training, or "
        "with a mask"
    )


def test_softmax_over_cells_is_not_taken_for_one_over_channels() -> None:
    plan, error = checked(net(layers.BatchNormalization(axis=1, name="rows")), picture(), 4)
    assert "layer 'rows' mixes cells" in plan.note
    assert error <= 1e-5


class Mean(Target):
    """Mean score of the second class over the picture."""

    def __call__(self, outputs: Outputs) -> Any:
        return keras.ops.mean(outputs.scores["head"][..., 1], axis=(1, 2))

    def words(self, row: int) -> str:
        return "mean score"


def test_a_dense_prediction_keeps_its_logits() -> None:
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="sigmoid")(given)
    model = keras.Model(given, layers.Conv2D(3, 1, activation="softmax", name="head")(x))
    hooked, x_, _ = view(model, picture(16), compiled=False)
    graph = record(hooked, {n: a[:1] for n, a in x_.items()}, next(iter(x_)))
    # The first sigmoid is read by another convolution; the softmax is what a logit is taken from.
    assert [graph.nodes[i].name for i in understood(graph)] == [model.layers[1].name]
    plan, error = checked(model, picture(16), 4, target=Mean())
    assert plan.note.startswith("windows up to")
    assert error <= 1e-5


def test_a_function_has_no_layers() -> None:
    box = BlackBox(lambda x: x.mean(axis=(1, 2)))
    x = box.read(picture())
    targets = resolve_targets(0, box.spec(), 2)
    assert incremental.plan(box, x, "input", (4, 4), targets) == "a plain function has no layers"


def test_a_patch_of_the_whole_picture_does_not_pay() -> None:
    plan, _ = checked(net(), picture(), 24, always=False)
    assert "by estimate" in plan


def test_few_positions_do_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(planning._COMPILE, keras.backend.backend(), 1.0)
    plan, _ = checked(net(), picture(), 2, always=False, corners=positions((24, 24), 3))
    assert plan == "128 positions are too few for windows to be worth preparing"


def test_slow_windows_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_SURE", 1e9)
    monkeypatch.setattr(planning, "_gain", lambda *_: 0.9)
    plan, _ = checked(net(), picture(), 2, always=False)
    assert plan == "windows were 0.90 times as fast as whole passes"


def test_the_probe_measures_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_SURE", 1e9)
    monkeypatch.setattr(planning, "_LEAST", 0.0)
    hooked, given, targets = view(net(), picture(), compiled=False)
    hooked.scores(given, targets)
    before, last = hooked.store.passes.copy(), hooked.last
    plan = incremental.plan(hooked, given, next(iter(given)), (2, 2), targets)
    assert isinstance(plan, Incremental)
    assert plan.gain is not None
    assert plan.gain > 0
    assert hooked.store.passes == before
    assert hooked.last is last


def big() -> Any:
    return net(*(layers.Conv2D(4, 3, padding="same", activation="relu") for _ in range(4)))


def test_chunks_do_not_matter_and_nothing_is_traced_again() -> None:
    hooked, given, targets = view(big(), picture())
    name, corners = next(iter(given)), positions((24, 24), 5)
    plan = incremental.plan(hooked, given, name, (4, 4), targets, corners=corners, always=True)
    assert isinstance(plan, Incremental)
    cover = np.zeros((24, 24, 3), np.float32)
    whole = plan.scores(given, 0, cover, corners, targets).values
    traces, passes = hooked.store.traces, hooked.store.passes["incremental"]
    again = incremental.plan(hooked, given, name, (4, 4), targets, corners=corners, always=True)
    assert isinstance(again, Incremental)
    parts = [
        again.scores(given, 0, cover, part, targets).values for part in np.split(corners, [7, 9])
    ]
    other = again.scores(given, 1, cover, corners, targets).values
    assert np.allclose(np.concatenate(parts), whole, atol=1e-6)
    assert not np.allclose(other, whole, atol=1e-3)
    assert hooked.store.traces == traces
    assert hooked.store.passes["incremental"] - passes == 2 * len(corners) == 2 * passes


def test_memory_bounds_the_rows() -> None:
    hooked, given, targets = view(big(), picture(), compiled=False)
    name = next(iter(given))
    free = incremental.plan(hooked, given, name, (4, 4), targets, always=True)
    assert isinstance(free, Incremental)
    budget = 3 * free.program.row_bytes()
    tight = incremental.plan(hooked, given, name, (4, 4), targets, always=True, memory=budget)
    assert isinstance(tight, Incremental)
    assert tight.rows == 3 < free.rows


def test_out_of_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked, given, targets = view(big(), picture(), compiled=False)
    corners, cover = positions((24, 24), 5), np.zeros((24, 24, 3), np.float32)
    plan = incremental.plan(hooked, given, next(iter(given)), (4, 4), targets, always=True)
    assert isinstance(plan, Incremental)
    expected = plan.scores(given, 0, cover, corners, targets).values
    real = plan.program.run

    def run(bases: Any, cover: Any, lookups: Any) -> Any:
        if lookups[0].shape[0] > 5:
            raise MemoryError
        return real(bases, cover, lookups)

    monkeypatch.setattr(plan.program, "run", run)
    assert np.allclose(plan.scores(given, 0, cover, corners, targets).values, expected, atol=1e-6)
    assert plan.rows <= 5


def test_approximation_reports_its_error() -> None:
    model = big()
    exact, error = checked(model, picture(), 4)
    assert exact.error is None
    assert error <= 1e-5
    wide, wide_error = checked(model, picture(), 4, approximate=24)
    assert wide_error <= 1e-5
    assert wide.error[0] <= 1e-5 * max(1.0, wide.error[1])
    near, near_error = checked(model, picture(), 4, approximate=1)
    assert near_error > 1e-4
    assert near.error[0] > 1e-5
    assert near.program.spans[near.program.order[-1]][0].size == 4 + 2


def test_the_model_is_left_as_it_was_and_may_die() -> None:
    model = big()
    before = [np.array(w) for w in model.weights]
    calls = [layer.__dict__.get("call") for layer in model.layers]
    checked(model, picture(), 4)
    assert all(np.array_equal(a, np.array(b)) for a, b in zip(before, model.weights, strict=True))
    assert calls == [layer.__dict__.get("call") for layer in model.layers]
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
