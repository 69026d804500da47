"""Hooks: names, gradients, logits, restoring, threads, memory and retraces."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from kerascope.hooks import HookedModel, Site, store_of
from kerascope.hooks.shadow import _shadows
from kerascope.hooks.skip import skippable
from kerascope.targets import resolve_targets


def view_of(shape: str, **options: Any) -> tuple[HookedModel, dict[str, np.ndarray]]:
    case = zoo.SHAPES[shape]()
    view = HookedModel(case.model, compiled=False, **options)
    return view, view.read(case.x)


def test_gradients_are_finite_differences() -> None:
    i = keras.Input((6, 7, 2))
    x = keras.layers.Conv2D(3, 3, activation="tanh", name="conv")(i)
    model = keras.Model(i, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x)))
    view = HookedModel(model, compiled=False)
    x_ = view.read(zoo.pictures(2, 6, 7, 2))
    (name, array), targets = next(iter(x_.items())), resolve_targets((0, 1), view.spec(), 2)
    found = view.gradients(x_, targets, ["conv"])
    step = np.zeros_like(array)
    step[:, 2, 3, 1] = 1e-2
    up, down = (view.scores({name: array + s * step}, targets).values for s in (1, -1))
    assert np.allclose((up - down) / 2e-2, found.inputs[name][:, :, 2, 3, 1], rtol=2e-3, atol=2e-4)
    site = view.site("conv")
    acts = found.activations[site]
    bump = np.zeros_like(acts)
    bump[:, 1, 2, 0] = 1e-2
    up, down = (view.scores(x_, targets, at={site: acts + s * bump}).values for s in (1, -1))
    assert np.allclose((up - down) / 2e-2, found.layers[site][:, :, 1, 2, 0], rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ("flat_functional", "softmax"),
        ("softmax_layer", "softmax"),
        ("activation_layer_and_reshape", "softmax"),
        ("softmax_in_nested_head", "softmax"),
        ("softmax_from_ops", "softmax"),
        ("mixed_float16", "softmax"),
        ("segmentation", "softmax"),
        ("single_sigmoid", "sigmoid"),
        ("logits_head", "linear"),
        ("regression_head", "linear"),
    ],
)
def test_logits_are_found_in_every_form(shape: str, kind: str) -> None:
    view, x = view_of(shape)
    output = next(iter(view.survey.outputs.values()))
    assert output.kind == kind
    raw, logits = view.predict(x)
    values, before = raw[output.name], logits[output.name]
    if kind == "softmax":
        again = np.exp(before - before.max(-1, keepdims=True))
        again /= again.sum(-1, keepdims=True)
        assert np.allclose(again, values, atol=2e-3 if "float16" in shape else 1e-5)
        assert not np.allclose(before, values, atol=1e-3)
    elif kind == "sigmoid":
        assert np.allclose(1 / (1 + np.exp(-before)), values, atol=1e-5)
    else:
        assert np.array_equal(before, values)


def test_log_softmax_head() -> None:
    i = keras.Input((4,))
    model = keras.Model(i, keras.layers.Dense(3, activation="log_softmax")(i))
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    logit = ks.explain(model, x, "gradient", target=1)
    kernel = model.layers[-1].kernel.numpy()
    assert np.allclose(logit.values, kernel[:, 1][None], atol=1e-5)
    chance = ks.explain(model, x, "gradient", target=1, score="probability")
    assert np.allclose(chance.scores, np.exp(chance.predictions[:, 1]), atol=1e-6)


def test_names_suffixes_indices_and_calls() -> None:
    view, _ = view_of("shared_encoder")
    assert str(view.site("encoder/conv")) == "encoder/conv"
    assert view.site("conv") == Site("encoder/conv", 0)
    assert str(view.site("conv@1")) == "encoder/conv@1"
    assert view.site(0).path in view.layers()
    with pytest.raises(ks.BadLayer, match="called 2 times"):
        view.site("conv@2")
    with pytest.raises(ks.BadLayer, match="did you mean 'encoder/conv'"):
        view.site("encoder/cnv")
    with pytest.raises(ks.BadLayer, match="out of range"):
        view.site(99)
    nested, _ = view_of("nested_three_deep")
    assert any(name.count("/") == 3 for name in nested.layers())


def test_two_calls_of_a_shared_layer_differ() -> None:
    view, x = view_of("shared_encoder")
    found = view.activations(x, ["conv", "conv@1"])
    assert not np.allclose(*found.values())


def test_maps_of_a_siamese_model_belong_to_their_input() -> None:
    case = zoo.SHAPES["shared_encoder"]()
    view = HookedModel(case.model, compiled=False)
    result = ks.explain(view, case.x, "grad_cam", target=0, relu=False)
    assert set(result.layer.values()) == {"encoder/last", "encoder/last@1"}
    other = ks.explain(view, [case.x[0], case.x[1] * 2], "grad_cam", target=0, relu=False)
    assert np.allclose(result.values["left"], other.values["left"], atol=1e-6)
    assert not np.allclose(result.values["right"], other.values["right"], atol=1e-3)


def test_everything_is_restored_after_errors_anywhere() -> None:
    case = zoo.SHAPES["layer_holding_layers"]()
    view = HookedModel(case.model, compiled=False)
    x = view.read(case.x)
    targets = resolve_targets(0, view.spec(), 2)
    block = view.layers()["block_b"]
    original = type(block).call

    def failing(self: Any, inputs: Any) -> Any:
        raise RuntimeError("layer failed")

    type(block).call = failing
    try:
        with pytest.raises(RuntimeError, match="layer failed"):
            view.gradients(x, targets, ["block_a"])
    finally:
        type(block).call = original
    assert not _shadows
    assert all("call" not in layer.__dict__ for layer in view.layers().values())
    assert view.gradients(x, targets, ["block_a"]).scores.shape == (2, 1)


def test_users_own_call_in_another_thread_is_left_alone() -> None:
    case = zoo.SHAPES["flat_functional"]()
    expected = np.asarray(keras.ops.convert_to_numpy(case.model(case.x)))
    stop, wrong = threading.Event(), []

    def use() -> None:
        while not stop.is_set():
            mine = np.asarray(keras.ops.convert_to_numpy(case.model(case.x)))
            if not np.allclose(mine, expected, atol=1e-5):
                wrong.append(mine)

    thread = threading.Thread(target=use)
    thread.start()
    try:
        view = HookedModel(case.model, compiled=False)
        x = view.read(case.x)
        zeros = np.zeros((2, 5, 7, 5), np.float32)
        targets = resolve_targets(0, view.spec(), 2)
        for _ in range(20):
            view.gradients(x, targets, ["conv2"], at={view.site("conv2"): zeros})
    finally:
        stop.set()
        thread.join()
    assert not wrong


def test_two_explanations_at_once() -> None:
    case = zoo.SHAPES["flat_functional"]()
    alone = {
        k: ks.explain(case.model, case.x, "grad_cam", target=k, relu=False).values for k in (0, 1)
    }
    results: dict[int, np.ndarray] = {}

    def work(k: int) -> None:
        for _ in range(5):
            results[k] = ks.explain(case.model, case.x, "grad_cam", target=k, relu=False).values

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, values in alone.items():
        assert np.allclose(results[k], values, atol=1e-6)


def _resident() -> int:
    """Return the process's resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_500_equal_calls_neither_grow_nor_retrace() -> None:
    case = zoo.SHAPES["flat_functional"]()

    def call(k: int) -> None:
        ks.explain(case.model, case.x, ("gradient", "grad_cam")[k % 2], target=k % 3)

    for k in range(60):
        call(k)
    store = store_of(case.model)
    traces, compiled = store.traces, len(store.compiled)
    gc.collect()
    before = _resident()
    for k in range(500):
        call(k)
    gc.collect()
    assert store.traces == traces
    assert len(store.compiled) == compiled
    assert _resident() - before < 5_000_000


def test_one_trace_per_shape() -> None:
    case = zoo.SHAPES["flat_functional"]()
    ks.explain(case.model, case.x, "gradient", target=0)
    store = store_of(case.model)
    before = store.traces
    ks.explain(case.model, case.x, "gradient", target=2)
    ks.explain(case.model, case.x, "gradient", target=[0, 1])
    assert store.traces == before
    ks.explain(case.model, case.x[:1], "gradient", target=2)
    if keras.backend.backend() != "torch":
        assert store.traces == before + 1


def test_what_is_kept_dies_with_the_model() -> None:
    import weakref

    case = zoo.SHAPES["subclassed_model"]()
    ks.explain(case.model, case.x, "grad_cam")
    gone = weakref.ref(case.model)
    case.model = None
    gc.collect()
    assert gone() is None


def test_new_weights_are_seen_without_a_new_trace() -> None:
    case = zoo.SHAPES["flat_functional"]()
    one = ks.explain(case.model, case.x, "gradient", target=0)
    traces = store_of(case.model).traces
    case.model.set_weights([w * 1.5 for w in case.model.get_weights()])
    two = ks.explain(case.model, case.x, "gradient", target=0)
    assert not np.allclose(one.values, two.values)
    assert store_of(case.model).traces == traces
    assert one.provenance.model_sha256 != two.provenance.model_sha256


def test_a_changed_activation_is_seen() -> None:
    case = zoo.SHAPES["flat_functional"]()
    ks.explain(case.model, case.x, "gradient", target=0)
    case.model.get_layer("conv2").activation = keras.activations.linear
    eager = ks.explain(HookedModel(case.model, compiled=False), case.x, "gradient", target=0)
    again = ks.explain(case.model, case.x, "gradient", target=0)
    assert np.allclose(eager.values, again.values, atol=1e-5)


def test_out_of_memory_halves_the_chunk_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    case = zoo.SHAPES["flat_functional"]()
    view = HookedModel(case.model, compiled=False, batch_size=8)
    x = view.read(np.concatenate([case.x] * 4))
    targets = resolve_targets(0, view.spec(), 8)
    whole = view.gradients(x, targets).inputs
    from kerascope.hooks.passes import Plan

    original, sizes = Plan.backward, []

    def small_machine(self: Any, x_: Any, *rest: Any) -> Any:
        rows = next(iter(x_.values())).shape[0]
        sizes.append(rows)
        if rows > 2:
            raise MemoryError
        return original(self, x_, *rest)

    monkeypatch.setattr(Plan, "backward", small_machine)
    fresh = HookedModel(case.model, compiled=False, batch_size=8)
    fresh.read(next(iter(x.values())))
    fresh.store.compiled.clear()
    halved = fresh.gradients(x, targets).inputs
    assert sizes[:3] == [8, 4, 2]
    assert fresh.batch_size == 2
    for name, array in whole.items():
        assert np.allclose(array, halved[name], atol=1e-6)


def test_a_plain_function_gives_scores_only() -> None:
    case = zoo.SHAPES["flat_functional"]()

    def remote(x: np.ndarray) -> np.ndarray:
        return np.asarray(keras.ops.convert_to_numpy(case.model(x)))

    mine = ks.explain(remote, case.x, "occlusion", target=1, patch=4)
    theirs = ks.explain(case.model, case.x, "occlusion", target=1, patch=4, score="probability")
    assert np.allclose(mine.values, theirs.values, atol=1e-5)
    assert "no logits" in mine.notes[0]
    with pytest.raises(ks.BadMethod, match="needs"):
        ks.explain(remote, case.x, "gradient")


def test_quantised_layers_are_hooked() -> None:
    i = keras.Input((6,))
    x = keras.layers.Dense(5, activation="relu", name="hidden")(i)
    model = keras.Model(i, keras.layers.Dense(3, name="head")(x))
    for name in ("hidden", "head"):
        model.get_layer(name).quantize("int8")
    view = HookedModel(model, compiled=False)
    x_ = view.read(np.random.default_rng(0).normal(size=(2, 6)).astype("float32"))
    targets = resolve_targets(0, view.spec(), 2)
    found = view.gradients(x_, targets, ["hidden"])
    assert found.activations[view.site("hidden")].shape == (2, 5)


# --- what nobody needs any more ------------------------------------------------------------------


class _Routed(keras.Model):
    """A model whose output depends on a layer through an argmax alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first = keras.layers.Conv2D(3, 3, padding="same", name="first")
        self.gate = keras.layers.Dense(2, name="gate")
        self.second = keras.layers.Conv2D(4, 3, padding="same", name="second")
        self.head = keras.layers.Dense(3, name="head")

    def call(self, x: Any) -> Any:
        maps = self.first(x)
        way = keras.ops.argmax(self.gate(keras.ops.mean(maps, axis=(1, 2))), axis=-1)
        sign = keras.ops.cast(way * 2 - 1, "float32")[:, None]
        return sign * self.head(keras.ops.mean(self.second(maps), axis=(1, 2)))


def _zeroed(model: Any, x: Any, layer: str) -> tuple[Any, set[str]]:
    """Return scores with a layer's output zeroed, and the calls that may be left out then."""
    view = HookedModel(model, compiled=keras.backend.backend() == "jax")
    arrays = view.read(x)
    targets = resolve_targets(0, view.spec(), len(next(iter(arrays.values()))))
    site = view.site(layer)
    zero = {site: np.zeros_like(view.activations(arrays, [site])[site])}
    with view.store.lock:
        dead = skippable(view, targets, (), arrays, zero)
    return view.scores(arrays, targets, at=zero).values, {str(site) for site in dead}


@pytest.mark.parametrize(
    ("shape", "layer", "below", "above"),
    [
        ("flat_functional", "conv2", "conv1", "predictions"),
        ("rescaling_and_nested_base", "base/conv2", "base/conv1", "predictions"),
        ("vit", "block/mlp", "", ""),
    ],
)
def test_replaced_outputs_leave_out_what_lies_below(
    shape: str, layer: str, below: str, above: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = zoo.SHAPES[shape]()
    names = list(HookedModel(case.model).layers())
    layer = layer if layer in names else names[len(names) // 2]
    scores, dead = _zeroed(case.model, case.x, layer)
    if keras.backend.backend() == "torch" and below in names:
        assert below in dead
        assert above not in dead
    monkeypatch.setattr("kerascope.hooks.functions.skippable", lambda *_: frozenset())
    again, _ = _zeroed(zoo.SHAPES[shape]().model, case.x, layer)
    assert np.array_equal(scores, again)


def test_what_acts_without_a_gradient_is_not_left_out() -> None:
    model = _Routed()
    model(zoo.pictures())
    zoo._shake(model)
    _, dead = _zeroed(model, zoo.pictures(), "second")
    assert dead == set(), "the gate decides the sign, although no gradient goes through it"


def test_which_integers_an_embedding_reads_is_seen_through_casts() -> None:
    ids = {name: keras.Input((6,), dtype="int32", name=name) for name in ("mask", "kind", "words")}
    cast = keras.layers.Lambda(lambda t: keras.ops.cast(t, "int16"))
    words = keras.layers.Embedding(20, 4, name="of_words")(cast(ids["words"]))
    kinds = keras.layers.Embedding(3, 4, name="of_kinds")(cast(ids["kind"]))
    weights = keras.layers.Lambda(lambda t: keras.ops.cast(t, "float32")[..., None])(ids["mask"])
    summed = keras.layers.GlobalAveragePooling1D()((words + kinds) * weights)
    model = keras.Model(ids, keras.layers.Dense(2)(summed))
    view = HookedModel(model)
    view.read({name: np.ones((2, 6), "int32") for name in ids})
    sites = {name: str(site) for name, site in view.survey.tokens.items()}
    assert sites == {"kind": "of_kinds", "words": "of_words"}


def test_single_categories_behind_casts_are_told_apart_and_masks_are_no_tokens() -> None:
    names = [f"c{k}" for k in range(5)]
    ids = {name: keras.Input((1,), dtype="int32", name=name) for name in names}
    parts = [
        keras.layers.Embedding(9, 3, name=f"of_{name}")(
            keras.layers.Lambda(lambda t: keras.ops.cast(t, "int16"))(ids[name])
        )
        for name in reversed(names)
    ]
    flat = keras.layers.Flatten()(keras.layers.Concatenate()(parts))
    view = HookedModel(keras.Model(ids, keras.layers.Dense(1)(flat)))
    view.read({name: np.ones((2, 1), "int32") for name in names})
    assert {n: str(s) for n, s in view.survey.tokens.items()} == {n: f"of_{n}" for n in names}

    @keras.saving.register_keras_serializable("tests")
    class Positions(keras.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.words, self.places = (keras.layers.Embedding(9, 3) for _ in range(2))

        def call(self, x: Any) -> Any:
            return self.words(x) + self.places(keras.ops.arange(4)[None])

    words, mask = (keras.Input((4,), dtype="int32", name=n) for n in ("ids", "mask"))
    kept = keras.layers.Lambda(lambda t: keras.ops.cast(t, "float32")[..., None])(mask)
    pooled = keras.layers.GlobalAveragePooling1D()(Positions(name="both")(words) * kept)
    view = HookedModel(keras.Model({"ids": words, "mask": mask}, keras.layers.Dense(1)(pooled)))
    view.read({"ids": np.ones((1, 4), "int32"), "mask": np.ones((1, 4), "int32")})
    assert set(view.survey.tokens) == {"ids"}


def test_no_gradient_passes_through_whole_numbers() -> None:
    picture = keras.Input((8, 8, 3), dtype="uint8", name="picture")
    x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(picture))
    x = keras.layers.GlobalAveragePooling2D()(x)
    alone = keras.Model(picture, keras.layers.Dense(3, activation="softmax")(x))
    pixels = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    for method in ("gradient", "lrp", "integrated_gradients"):
        with pytest.raises(ks.Refused, match=r"declared of whole numbers, .* float input"):
            ks.explain(alone, pixels, method)
    for method in ("grad_cam", "occlusion"):
        assert np.abs(ks.explain(alone, pixels, method, grade=True).values).max() > 0
    facts = keras.Input((4,), name="facts")
    both = keras.layers.Dense(3)(keras.layers.Concatenate()([x, facts]))
    two = keras.Model({"picture": picture, "facts": facts}, both)
    given = {"picture": pixels, "facts": np.ones((2, 4), np.float32)}
    result = ks.explain(two, given, "gradient")
    assert "no gradient passes through input 'picture'" in " ".join(result.notes)
    assert np.abs(result.values["facts"]).max() > 0
