"""Activations: equal to those of independent sub-models, one pass, sorted as they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure
from PIL import Image

import kerascope as ks
import zoo
from kerascope.hooks import HookedModel, store_of
from kerascope.inside.activations import Activations
from once import some


def case_of(name: str) -> zoo.Case:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    return zoo.SHAPES[name]()


def sub_outputs(model: Any, prefix: str = "") -> dict[str, Any]:
    """Return the symbolic outputs of the layers of a flat graph, by path."""
    return {f"{prefix}{layer.name}": layer.output for layer in model.layers
            if not isinstance(layer, layers.InputLayer)}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["flat_functional", "sequential_with_input", "grey", "four_channels", "series_conv", "volume",
     "lstm", "conv_lstm", "token_ids", "vit", "segmentation", "box_head", "image_and_vector",
     "separable_and_depthwise", "norm_and_dropout", "loaded_keras"],
)  # fmt: skip
def test_values_are_those_of_a_sub_model(name: str) -> None:
    case = case_of(name)
    wanted = {path: tensor for path, tensor in sub_outputs(case.model).items()
              if hasattr(tensor, "dtype") and "float" in tensor.dtype}  # fmt: skip
    given = case.model.input if hasattr(case.model, "input") else case.model.inputs[0]
    sub = keras.Model(given, list(wanted.values()))
    expected = sub(case.x, training=False)
    found = ks.activations(case.model, case.x, list(wanted))
    assert list(found.values) == list(wanted)
    for path, tensor in zip(wanted, expected, strict=True):
        array = keras.ops.convert_to_numpy(tensor)
        assert found.values[path].dtype == np.float32
        assert np.allclose(found.values[path], array, rtol=1e-4, atol=1e-5 * np.abs(array).max())


def test_values_inside_nested_models_are_those_of_their_own_sub_model() -> None:
    case = zoo.SHAPES["nested_three_deep"]()
    inner = case.model.get_layer("outer").get_layer("middle").get_layer("inner")
    sub = keras.Model(inner.input, inner.get_layer("conv2").output)
    expected = keras.ops.convert_to_numpy(sub(case.x, training=False))
    found = ks.activations(case.model, case.x, "outer/middle/inner/conv2")
    assert isinstance(found.values, np.ndarray)
    assert np.allclose(found.values, expected, rtol=1e-4, atol=1e-5)
    assert np.array_equal(ks.activations(case.model, case.x, "conv2").values, found.values)


def test_a_shared_layer_is_called_by_its_call() -> None:
    case = zoo.SHAPES["shared_encoder"]()
    encoder = case.model.get_layer("encoder")
    both = {keras.ops.convert_to_numpy(encoder(x)).tobytes() for x in case.x}
    found = ks.activations(case.model, case.x, ["encoder/last", "encoder/last@1"])
    assert {array.tobytes() for array in found.values.values()} == both or all(
        any(np.allclose(array, np.frombuffer(b, "float32").reshape(array.shape), atol=1e-5)
            for b in both) for array in found.values.values()
    )  # fmt: skip


@pytest.mark.parametrize("name", some(zoo.SHAPES, 4))
def test_every_layer_of_every_model_in_one_pass(name: str) -> None:
    case = case_of(name)
    view = HookedModel(case.model)
    count = len(next(iter(view.read(case.x).values())))
    sites = [str(call.site) for call in view.survey.calls if call.merge == 1]
    passes = store_of(case.model).passes
    before = dict(passes)
    found = ks.activations(case.model, case.x, sites)
    made = {kind: n - before.get(kind, 0) for kind, n in passes.items() if n != before.get(kind, 0)}
    assert made == {"forward": count}
    for site in sites:
        maps = found.maps(site)
        assert maps.shape[0] == count
        assert maps.shape[1] == found.strength[site].shape[1]
        assert isinstance(found.plot(0, site, most=3), Figure)


@pytest.mark.parametrize("name", ["flat_functional", "channels_first", "vit", "subclassed_model"])
def test_contributions_take_one_pass_and_are_gradient_times_activation(name: str) -> None:
    case = case_of(name)
    view = HookedModel(case.model)
    x = view.read(case.x)
    wanted = "mlp1" if name == "vit" else "conv2"
    passes = store_of(case.model).passes
    before = passes["layer gradient"]
    found = ks.activations(case.model, case.x, [wanted], sort="contribution")
    assert passes["layer gradient"] - before == len(case.x)
    assert found.explained[0].startswith("logit of")
    predicted = case.model(case.x, training=False)
    classes = keras.ops.convert_to_numpy(predicted).argmax(axis=-1)
    values = found.values[wanted]
    axis = 1 if name == "channels_first" else values.ndim - 1
    site, channel = view.site(wanted), int(found.order(wanted)[0])
    # By finite differences: a channel scaled by 1 ± h changes the score by ± h · contribution.
    from kerascope.targets import resolve_targets

    targets = resolve_targets([int(c) for c in classes], view.spec(), len(classes))
    scaled = []
    for step in (1e-2, -1e-2):
        moved = np.moveaxis(values.copy(), axis, -1)
        moved[..., channel] *= 1 + step
        at = {site: np.moveaxis(moved, -1, axis)}
        scaled.append(view.scores(x, targets, at=at).values[:, 0])
    slope = (scaled[0] - scaled[1]) / 2e-2
    assert np.allclose(slope, found.contribution[wanted][:, channel], rtol=2e-2, atol=2e-3)
    ranks = found.contribution[wanted][0][found.order(wanted)]
    assert np.all(np.diff(ranks) <= 0)
    assert ranks[0] > 0


def test_a_target_means_contributions_to_it() -> None:
    case = zoo.SHAPES["flat_functional"]()
    found = ks.activations(case.model, case.x, "gap", target=2)
    kernel = case.model.get_layer("head").kernel.numpy()
    assert np.allclose(found.contribution["gap"], found.values * kernel[:, 2], rtol=1e-4, atol=1e-6)
    assert all("2" in words for words in found.explained)
    assert found.sort == "contribution"


def test_strength_is_the_mean_size() -> None:
    case = zoo.SHAPES["logits_head"]()
    found = ks.activations(case.model, case.x, "conv1", sort="strength")
    expected = np.abs(found.values).mean(axis=(1, 2))
    assert np.allclose(found.strength["conv1"], expected, rtol=1e-5)
    assert list(found.order("conv1", sample=1)) == list(np.argsort(-expected[1], kind="stable"))
    plain = ks.activations(case.model, case.x, "conv1")
    assert list(plain.order()) == [0, 1, 2, 3]


def test_tokens_lie_on_their_grid() -> None:
    case = zoo.SHAPES["vit"]()
    found = ks.activations(case.model, case.x, "mlp0")
    assert found.values.shape == (2, 13, 8)
    assert found.layouts["mlp0"].prefix == 1
    maps = found.maps("mlp0")
    assert maps.shape == (2, 8, 3, 4)
    assert maps[1, 5, 2, 3] == found.values[1, 12, 5]


def test_channels_first_maps_keep_their_channels() -> None:
    case = case_of("channels_first")
    found = ks.activations(case.model, case.x, "conv1")
    assert np.array_equal(found.maps(), found.values)
    assert np.allclose(found.strength["conv1"], np.abs(found.values).mean(axis=(2, 3)), rtol=1e-5)


def test_one_scale_or_one_each() -> None:
    case = zoo.SHAPES["logits_head"]()
    found = ks.activations(case.model, case.x, "conv1")
    shared, own = found.plot(), found.plot(shared_scale=False)
    limits = [{image.get_clim() for axes in figure.axes for image in axes.get_images()[:1]
               if axes.get_title()} for figure in (shared, own)]  # fmt: skip
    assert len(limits[0]) == 1
    assert len(limits[1]) == 4


@pytest.mark.parametrize("measure", ["max", "mean"])
def test_top_images_are_the_strongest(measure: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    x = zoo.pictures(23)
    values = ks.activations(case.model, x, "conv2").values[..., 3]
    strength = values.max(axis=(1, 2)) if measure == "max" else values.mean(axis=(1, 2))
    top = ks.top_images(case.model, x, "conv2", 3, k=4, measure=measure, batch_size=5)
    assert list(top.samples) == list(np.argsort(-strength, kind="stable")[:4])
    assert np.allclose(top.values, np.sort(strength)[::-1][:4], rtol=1e-5)
    assert np.allclose(top.maps, values[top.samples], atol=1e-5)
    y, x_ = np.unravel_index(values[top.samples[0]].argmax(), values.shape[1:])
    assert np.allclose(top.peaks[0], [(y + 0.5) / 5, (x_ + 0.5) / 7])
    assert isinstance(top.plot(), Figure)
    assert ks.top_images(case.model, x, "conv2", -2, k=1).channel == 3


def test_top_images_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = zoo.SHAPES["flat_functional"]()
    generator = np.random.default_rng(4)
    (tmp_path / "deep").mkdir()
    for k in range(5):
        folder = tmp_path / "deep" if k % 2 else tmp_path
        pixels = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{k}.png")
    monkeypatch.setattr("kerascope.inside.activations.top._FILES", 2)
    top = ks.top_images(case.model, tmp_path, "conv1", 1, k=3, preprocess="unit")
    files = sorted(map(str, tmp_path.rglob("*.png")))
    pictures = ks.load_images(files, case.model, preprocess="unit")
    values = ks.activations(case.model, pictures, "conv1").values[..., 1].max(axis=(1, 2))
    best = np.argsort(-values, kind="stable")[:3]
    assert top.seen == 5
    assert np.allclose(top.values, values[best], rtol=1e-5)
    assert list(top.names) == [pictures.names[k] for k in best]
    assert top.display is not None
    assert top.display[0].shape == (12, 16, 3)
    (tmp_path / "none").mkdir()
    with pytest.raises(ks.BadFile, match="none"):
        ks.top_images(case.model, tmp_path / "none", "conv1", 1)


def test_saved_is_loaded(tmp_path: Path) -> None:
    case = zoo.SHAPES["two_outputs"]()
    found = ks.activations(case.model, case.x, ["base/conv1", "size"], target="kind:1")
    again = Activations.load(found.save(tmp_path / "a.safetensors"))
    for name in ("base/conv1", "size"):
        assert np.array_equal(again.values[name], found.values[name])
        assert np.array_equal(again.contribution[name], found.contribution[name])
    assert again.layouts == found.layouts
    assert (again.explained, again.names, again.sort) == (found.explained, found.names, found.sort)
    one = ks.activations(case.model, case.x, "base/conv1")
    assert isinstance(Activations.load(one.save(tmp_path / "b.safetensors")).values, np.ndarray)
    with pytest.raises(ks.BadFile, match=r"c\.safetensors"):
        Activations.load(tmp_path / "c.safetensors")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": "conv9"}, "conv9"),
        ({"layers": []}, "empty"),
        ({"layers": "conv1", "sort": "size"}, "sort='size'"),
        ({"layers": "conv1", "target": 17}, "17"),
        ({"layers": "conv1", "target": (0, 1)}, "one target"),
        ({"layers": "conv1", "batch_size": None, "x": np.zeros((1, 5, 5, 3), "float32")}, "takes"),
        ({"layers": "conv1", "x": np.full((1, 12, 16, 3), np.nan, "float32")}, "NaN"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], words: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    options = {"x": case.x, **options}
    with pytest.raises(ks.BadInput, match=words):
        ks.activations(case.model, options.pop("x"), options.pop("layers"), **options)


def test_bad_requests_of_results_are_named() -> None:
    case = zoo.SHAPES["flat_functional"]()
    found = ks.activations(case.model, case.x, "conv1")
    with pytest.raises(ks.BadLayer, match="was not asked for"):
        found.maps("conv2")
    with pytest.raises(ks.BadInput, match="sample 7"):
        found.plot(7)
    with pytest.raises(ks.BadLayer, match="channel 4"):
        ks.top_images(case.model, case.x, "conv1", 4)
    with pytest.raises(ks.BadInput, match="k=0"):
        ks.top_images(case.model, case.x, "conv1", 1, k=0)
    with pytest.raises(ks.BadInput, match="measure='sum'"):
        ks.top_images(case.model, case.x, "conv1", 1, measure="sum")
    broken = zoo.SHAPES["flat_functional"]().model
    broken.get_layer("conv1").bias.assign(np.full(4, np.inf))
    with pytest.raises(ks.BadModel, match="conv1"):
        ks.activations(broken, case.x, "conv1")


def test_maps_stand_in_rows_of_as_many_as_asked_for() -> None:
    case = zoo.SHAPES["flat_functional"]()
    found = ks.activations(case.model, case.x, 0)
    count = found.maps().shape[1]
    figure = found.plot(columns=2)
    shown = [axes for axes in figure.axes if axes.images]
    lefts = {round(float(axes.get_position().x0), 2) for axes in shown if axes.get_title()}
    assert len(lefts) == 2
    assert len([axes for axes in shown if axes.get_title()]) == count
    with pytest.raises(ks.BadInput, match="columns=0 must be at least 1"):
        found.plot(columns=0)
