"""Activation maximisation: closed forms, what beats what, any model shape, one trace."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import zoo
from kerascope.facts import remember
from kerascope.hooks import HookedModel, store_of
from kerascope.inside.maximize import (
    Diversity,
    Fourier,
    MaCo,
    Norm,
    Pixel,
    TotalVariation,
    Transforms,
    Visualization,
    maximize,
)
from kerascope.interrupts import stopping_together
from kerascope.method import Data
from kerascope.run import reporting
from kerascope.targets import resolve_targets
from kerascope.targets.inner import Direction, Weighted, WholeLayer
from once import some

STILL = Transforms.none()
ROUGH = Transforms(jitter=0.1, scale=(0.9, 1.1), rotate=10.0)


def case_of(name: str) -> zoo.Case:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    return zoo.SHAPES[name]()


def scores_of(model: Any, x: Any, target: Any) -> np.ndarray:
    view = HookedModel(model)
    arrays = view.read(x)
    return view.scores(arrays, resolve_targets(target, view.spec(), len(x))).values[:, 0]


# --- closed forms --------------------------------------------------------------------------------


def test_the_optimum_of_a_linear_model_is_its_weights() -> None:
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
    weights = np.random.default_rng(0).normal(0, 1, (6, 2)).astype("float32")
    model.layers[0].set_weights([weights, np.zeros(2, "float32")])
    found = maximize(model, (0, 1), steps=400, limits="none", regularizers=[Norm(3.0)])
    # w·x − 3 · mean(x²) is largest at x = 6 w / (2 · 3).
    assert np.allclose(found.values, weights.T, atol=0.02)
    assert np.allclose(found.scores, (weights**2).sum(axis=0), rtol=0.02)


@pytest.mark.parametrize("kind", [Pixel(), Fourier(decay=0.0, rate=0.2)])
def test_a_linear_picture_model_wants_its_weights_in_any_parametrisation(kind: Any) -> None:
    model = keras.Sequential([keras.Input((6, 5, 3)), layers.Flatten(), layers.Dense(1)])
    weights = np.random.default_rng(1).normal(0, 1, (90, 1)).astype("float32")
    model.layers[1].set_weights([weights, np.zeros(1, "float32")])
    found = maximize(
        model, ks.Regression(), steps=800, limits="none", parametrization=kind, transforms=STILL,
        regularizers=[Norm(45.0)],
    )  # fmt: skip
    flat = found.values.ravel()
    cosine = flat @ weights[:, 0] / np.linalg.norm(flat) / np.linalg.norm(weights)
    assert cosine > 0.995
    assert np.allclose(flat, weights[:, 0], atol=0.15)


def test_within_limits_a_linear_model_wants_the_corner() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, use_bias=False)])
    model.layers[0].set_weights([np.array([[1.0], [-2.0], [0.5], [-1.0]], "float32")])
    found = maximize(model, ks.Regression(), steps=300, limits=(-2, 5))
    assert np.allclose(found.values, [[5, -2, 5, -2]], atol=0.1)
    assert found.values.min() >= -2
    assert found.values.max() <= 5


# --- what beats what -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Fourier(), Pixel(rate=0.1)])
@pytest.mark.parametrize("target", [1, ks.Neuron("conv2", 3), ks.Neuron("conv2", 3, (2, 3))])
def test_it_beats_every_picture_given_and_random_starts(kind: Any, target: Any) -> None:
    model = zoo.SHAPES["flat_functional"]().model
    rng = np.random.default_rng(5)
    smooth = np.cumsum(np.cumsum(rng.normal(0, 1, (64, 12, 16, 3)), axis=1), axis=2)
    low, high = smooth.min(axis=(1, 2, 3), keepdims=True), smooth.max(axis=(1, 2, 3), keepdims=True)
    pictures = np.concatenate([(smooth - low) / (high - low), rng.random((64, 12, 16, 3))])
    found = maximize(model, target, steps=150, count=2, parametrization=kind, transforms=STILL)
    best = scores_of(model, pictures.astype("float32"), target).max()
    assert (found.scores > best).all()
    assert found.values.min() >= 0
    assert found.values.max() <= 1
    starts = maximize(model, target, steps=1, count=8, parametrization=kind, transforms=STILL)
    assert found.scores.min() > starts.history.max()
    assert np.allclose(scores_of(model, found.values, target), found.scores, rtol=1e-4, atol=1e-5)


def test_a_random_restart_agrees_about_the_height() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    found = maximize(model, 2, steps=200, count=3, transforms=STILL)
    assert np.ptp(found.scores) < 0.1 * np.abs(found.scores).max()
    assert not np.allclose(found.values[0], found.values[1], atol=1e-3)


# --- one step, compiled once ---------------------------------------------------------------------


def test_nothing_is_traced_again_after_the_first_step() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    store = store_of(model)
    seen: list[int] = []
    with reporting(lambda what, done, total: seen.append(store.traces)):
        maximize(model, 0, steps=6, count=2, transforms=ROUGH)
        first = len(seen)
        maximize(model, 1, steps=6, count=2, transforms=ROUGH, seed=4)
        maximize(model, (2, 0), steps=6, transforms=ROUGH)
    assert len(set(seen[1:first])) == 1
    assert set(seen[first:]) == {store.traces}


def test_channels_of_a_layer_share_one_step() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    store = store_of(model)
    both = maximize(model, [ks.Neuron("conv2", 0), ks.Neuron("conv2", 4)], steps=5)
    seen = store.traces
    one = maximize(model, [ks.Neuron("conv2", 3), ks.Neuron("conv2", 4)], steps=5)
    assert store.traces == seen
    assert np.allclose(both.values[1], one.values[1], atol=1e-5)
    assert "unit 4 of layer 'conv2'" in one.explained[1]


def test_values_do_not_depend_on_the_chunks_and_repeat() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    many = maximize(model, "all", steps=5, count=2, transforms=ROUGH)
    few = maximize(model, "all", steps=5, count=2, transforms=ROUGH, batch_size=1)
    again = maximize(model, "all", steps=5, count=2, transforms=ROUGH)
    assert many.values.shape == (6, 12, 16, 3)
    assert np.allclose(many.values, few.values, atol=1e-4)
    assert np.array_equal(many.values, again.values)
    other = maximize(model, "all", steps=5, count=2, transforms=ROUGH, seed=1)
    assert not np.allclose(many.values, other.values, atol=1e-3)


@pytest.mark.parametrize("name", some(zoo.SHAPES, 3))
def test_every_model_shape(name: str) -> None:
    case = case_of(name)
    target = int(name != "regression_head") if case.target is None else case.target
    if name == "token_ids":
        with pytest.raises(ks.Refused, match="takes tokens only"):
            maximize(case.model, target, inputs=case.x)
        return
    built = case.model.built
    weights = [np.array(w) for w in case.model.get_weights()]
    found = maximize(case.model, target, steps=30, inputs=case.x, transforms=STILL)
    assert np.isfinite(found.values).all()
    assert np.ptp(found.values) > 0
    assert found.history.shape == (1, 30)
    assert found.scores[0] > found.history[0, 0]
    after = case.model.get_weights()
    assert not built or all(np.array_equal(a, b) for a, b in zip(weights, after, strict=True))
    assert found.plot().axes


@pytest.mark.parametrize("name", ["series_conv", "volume", "channels_first", "grey", "lstm"])
def test_views_of_every_number_of_axes(name: str) -> None:
    case = case_of(name)
    target = 0 if case.target is None else case.target
    views = Transforms(jitter=0.1, scale=(0.9, 1.1), rotate=10.0, pad=0.05, views=3)
    found = maximize(case.model, target, steps=40, inputs=case.x, transforms=views)
    assert np.isfinite(found.values).all()
    assert found.history[0, -10:].mean() > found.history[0, :3].mean()


# --- targets -------------------------------------------------------------------------------------


def test_directions_layers_and_sums_score_what_they_say() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    x = zoo.pictures(3)
    conv = keras.Model(model.input, model.get_layer("conv2").output)
    maps = keras.ops.convert_to_numpy(conv(x))
    vector = np.arange(5, dtype="float32") - 1
    score = lambda target: scores_of(model, x, target)  # noqa: E731
    assert np.allclose(score(Direction("conv2", vector)), maps.mean((1, 2)) @ vector, atol=1e-5)
    at = Direction("conv2", vector, position=(1, 2))
    assert np.allclose(score(at), maps[:, 1, 2] @ vector, atol=1e-5)
    mean = maps.mean((1, 2))
    cosine = mean @ vector / np.linalg.norm(mean, axis=1) / np.linalg.norm(vector)
    expected = mean @ vector * np.maximum(cosine, 0.1) ** 2
    assert np.allclose(score(Direction("conv2", vector, cosine=2.0)), expected, atol=1e-5)
    assert np.allclose(score(WholeLayer("conv2")), (maps**2).mean((1, 2, 3)), atol=1e-5)
    both = Weighted((ks.Neuron("conv2", 1), 2.0), (ks.Class(0), -0.5))
    expected = 2 * score(ks.Neuron("conv2", 1)) - 0.5 * score(0)
    assert np.allclose(score(both), expected, atol=1e-5)
    found = maximize(model, [both, WholeLayer("conv2"), lambda tree: tree[:, 1]], steps=20)
    assert (found.scores > found.history[:, 0]).all()


def test_channels_first_layers_are_read_along_their_channels() -> None:
    case = case_of("channels_first")
    found = maximize(case.model, ks.Neuron("conv1", 3), steps=30, inputs=case.x, transforms=STILL)
    maps = ks.activations(case.model, found.values, "conv1").values
    assert np.allclose(maps[:, 3].mean(axis=(1, 2)), found.scores, rtol=1e-4)
    assert found.image.shape == (1, 12, 16, 3)


def test_other_inputs_are_held() -> None:
    case = zoo.SHAPES["image_and_vector"]()
    names = list(case.x)
    zero = maximize(case.model, 0, steps=10)
    held = maximize(case.model, 0, steps=10, inputs=case.x)
    picture = next(name for name in names if case.x[name].ndim == 4)
    vector = next(name for name in names if name != picture)
    assert zero.input == held.input == picture
    assert held.others == (vector,)
    assert any("held at zero" in note for note in zero.notes)
    x = {picture: held.values, vector: case.x[vector][:1]}
    view = HookedModel(case.model)
    score = view.scores(view.read(x), resolve_targets(0, view.spec(), 1)).values
    assert np.allclose(score[:, 0], held.scores, rtol=1e-4)
    other = maximize(case.model, 0, steps=10, inputs=case.x, over=vector)
    assert other.values.shape == (1, *case.x[vector].shape[1:])


# --- options -------------------------------------------------------------------------------------


def test_several_pictures_of_a_target_differ_more_with_diversity() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    likeness = []
    for diversity in (None, Diversity("conv1", 50.0)):
        found = maximize(model, 1, steps=120, count=3, transforms=STILL, diversity=diversity)
        maps = ks.activations(model, found.values, "conv1").values.reshape(3, -1, 4)
        gram = np.einsum("rpa,rpb->rab", maps, maps).reshape(3, -1)
        unit = gram / np.linalg.norm(gram, axis=1, keepdims=True)
        likeness.append((unit @ unit.T)[np.triu_indices(3, 1)].mean())
    assert likeness[1] < likeness[0]


def test_roughness_costs() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    rough = maximize(model, 1, steps=60, transforms=STILL)
    smooth = maximize(model, 1, steps=60, transforms=STILL, regularizers=[TotalVariation(30.0)])
    variation = lambda found: np.abs(np.diff(found.values, axis=1)).mean()  # noqa: E731
    assert variation(smooth) < 0.5 * variation(rough)
    assert smooth.scores[0] < rough.scores[0]


def test_a_start_is_kept_where_nothing_is_done_and_ranks_are_those_of_it() -> None:
    case = zoo.SHAPES["flat_functional"]()
    start = np.random.default_rng(2).uniform(0.05, 0.95, (12, 16, 3)).astype("float32")
    for kind in (Pixel(rate=1e-7), Fourier(rate=1e-9)):
        found = maximize(
            case.model, "rank-1", steps=1, start=start, parametrization=kind, transforms=STILL
        )
        assert np.allclose(found.values[0], start, atol=1e-3)
    said = int(keras.ops.convert_to_numpy(case.model(start[None])).argmax())
    assert f"class {said}" in found.explained[0]
    with pytest.raises(ks.BadTarget, match="give start="):
        maximize(case.model, "rank-1", steps=1)


def test_maco_keeps_the_magnitudes() -> None:
    model = zoo.SHAPES["grey"]().model
    shape = model.input_shape[1:]
    found = maximize(model, 0, steps=30, parametrization=MaCo(), transforms=STILL)
    raw = np.log(found.values / (1 - found.values))[0, ..., 0]
    sizes = np.abs(np.fft.rfft2(raw))
    waves = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    inner = (slice(1, (shape[0] - 1) // 2), slice(1, (shape[1] - 1) // 2))
    product = (sizes * waves**1.3)[inner]
    assert np.allclose(product, product.mean(), rtol=1e-2)
    assert abs(raw.std() - 1) < 0.25
    photographs = np.random.default_rng(0).uniform(0.1, 0.9, (4, *shape)).astype("float32")
    given = maximize(
        model, 0, steps=30, parametrization=MaCo(magnitudes=Data(photographs)), transforms=STILL
    )
    logit = lambda p: np.log(p / (1 - p))[..., 0]  # noqa: E731
    expected = np.abs(np.fft.rfft2(logit(photographs))).mean(axis=0)[inner]
    assert np.allclose(np.abs(np.fft.rfft2(logit(given.values)))[0][inner], expected, rtol=2e-2)


def test_preprocessing_is_undone_in_the_picture() -> None:
    scaled = zoo.SHAPES["rescaling_and_nested_base"]().model
    found = maximize(scaled, 0, steps=3)
    assert 100 < found.values.mean() < 155
    assert np.array_equal(found.image, np.rint(found.values).astype(np.uint8))
    model = zoo.SHAPES["flat_functional"]().model
    remember(model, preprocessing="caffe")
    values = maximize(model, 0, steps=3)
    rgb = (values.values + np.array([103.939, 116.779, 123.68]))[..., ::-1]
    assert np.abs(values.image - rgb).max() < 0.51


def test_a_stop_gives_what_is_done() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    with stopping_together() as event:
        stop = lambda what, done, total: done == 3 and event.set()  # noqa: E731
        with reporting(stop):
            found = maximize(model, (0, 1, 2), steps=50, batch_size=1)
    assert len(found) == 1
    assert found.steps == 3
    assert found.history.shape == (1, 3)
    assert "stopped: 1 of 3 done, the last after 3 of 50 steps" in found.notes


def test_a_film_and_a_file(tmp_path: Any) -> None:
    from PIL import Image

    model = zoo.SHAPES["flat_functional"]().model
    found = maximize(model, (0, 1), steps=12, frames=5)
    film = found.film(1)
    assert film.shape == (5, 12, 16, 3)
    assert np.array_equal(film[-1], found.image[1])
    for ending in ("gif", "webp"):
        with Image.open(found.animate(tmp_path / f"a.{ending}")) as picture:
            assert picture.n_frames == 5
    loaded = Visualization.load(found.save(tmp_path / "a.safetensors"))
    assert np.array_equal(loaded.values, found.values)
    assert np.array_equal(loaded.image, found.image)
    assert loaded.explained == found.explained
    assert loaded.provenance == found.provenance
    with pytest.raises(ks.BadFile, match=r"is a \.webp"):
        found.animate(tmp_path / "a.mp4")
    with pytest.raises(ks.BadInput, match="no frames were kept"):
        maximize(model, 0, steps=1).film()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target": 7}, "class 7 is out of range"),
        ({"target": None}, "target is needed"),
        ({"target": []}, "empty list"),
        ({"target": ks.Neuron("conv2", 9)}, "unit 9 is out of range"),
        ({"target": ks.Neuron("nope", 0)}, "nope"),
        ({"target": Direction("conv2", [1.0, 2.0])}, "5 channels"),
        ({"target": Direction("conv2", np.zeros(5))}, "not zero"),
        ({"target": Weighted()}, "at least one"),
        ({"steps": 0}, "steps=0"),
        ({"count": 0}, "count=0"),
        ({"limits": (1, 1)}, "limits="),
        ({"over": "nope"}, "over='nope'"),
        ({"start": np.zeros((3, 3, 3))}, "start has shape"),
        ({"start": np.full((12, 16, 3), np.nan)}, "NaN"),
        ({"parametrization": "pixel"}, "parametrization cannot be"),
        ({"regularizers": [3]}, "regularizers cannot be"),
        ({"diversity": Diversity("conv1")}, "count=2"),
        ({"score": "loss"}, "score='loss'"),
        ({"target": Weighted(ks.Neuron("conv2", 1))}, r"\(target, weight\)"),
        ({"target": Weighted((0, 1, 2))}, r"\(target, weight\)"),
        ({"target": Direction("conv2", np.ones(5), position="a")}, "whole numbers"),
        ({"target": Direction("conv2", np.ones(5), position=3)}, "does not exist"),
        ({"start": np.full((12, 16, 3), 200.0)}, "100% of start lie outside the limits"),
        ({"start": {"nope": np.zeros((12, 16, 3))}}, "start has no input"),
        ({"start": "a.png"}, "start is an array"),
    ],
)
def test_errors_are_one_line(fields: dict[str, Any], words: str) -> None:
    model = zoo.SHAPES["flat_functional"]().model
    with pytest.raises(ks.KerascopeError, match=words) as caught:
        maximize(model, **{"target": 0, "steps": 2, **fields})
    assert "\n" not in str(caught.value)


def test_more_errors() -> None:
    with pytest.raises(ks.BadMethod, match="scale"):
        Transforms(scale=(0.0, 1.0))
    with pytest.raises(ks.BadMethod, match="weight"):
        TotalVariation(float("nan"))
    with pytest.raises(ks.BadMethod, match="rate"):
        Fourier(rate=0)
    vector = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ks.BadMethod, match="Pixel"):
        maximize(vector, 0, steps=1, parametrization=Fourier())
    vector.layers[0].set_weights([np.full((4, 2), np.nan), np.zeros(2)])
    with pytest.raises(ks.BadModel, match="NaN"):
        maximize(vector, 0, steps=1)
    with pytest.raises(ks.BadInput, match="give inputs="):
        maximize(zoo.SHAPES["sequential_unbuilt"]().model, 0, steps=1)
    with pytest.raises(ks.BadMethod, match="jitter"):
        Transforms(jitter=np.inf)
    whole = keras.Sequential(
        [keras.Input((4, 4, 1), dtype="uint8"), layers.Rescaling(1 / 255), layers.Flatten(),
         layers.Dense(2)]
    )  # fmt: skip
    with pytest.raises(ks.Refused, match="whole numbers"):
        maximize(whole, 0, steps=1)


def test_one_charge_needs_no_list_and_few_functions_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kerascope.inside.maximize.step.KEPT", 3)
    model = zoo.SHAPES["flat_functional"]().model
    one = maximize(model, 0, steps=3, regularizers=TotalVariation(1.0))
    assert np.array_equal(
        one.values, maximize(model, 0, steps=3, regularizers=[TotalVariation(1.0)]).values
    )
    for k in range(4):
        maximize(model, 0, steps=1, transforms=STILL, regularizers=[Norm(1.0 + k)])
    assert len(store_of(model).compiled) <= 4  # and the pass that scores the result


def test_channels_first_directions_inside_a_contrast() -> None:
    case = case_of("channels_first")
    shape = ks.activations(case.model, case.x, "conv1").values.shape
    one, two = (Direction("conv1", np.eye(shape[1], dtype="float32")[k]) for k in range(2))
    found = maximize(case.model, ks.Contrast(one, two), steps=5, inputs=case.x)
    maps = ks.activations(case.model, found.values, "conv1").values.mean(axis=(2, 3))
    assert np.allclose(maps[:, 0] - maps[:, 1], found.scores, rtol=1e-3, atol=1e-5)
