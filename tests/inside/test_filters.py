"""Filters: kernels in one order of axes, and units with a known defect found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure

import kerascope as ks
import zoo
from kerascope.hooks import store_of
from kerascope.inside.filters import Filters
from once import some


def planted() -> tuple[keras.Model, np.ndarray]:
    """A net with one dead, one repeated, one turned kernel, one silent and one stuck unit."""
    keras.utils.set_random_seed(2)
    i = keras.Input((8, 9, 3))
    x = layers.Conv2D(6, 3, activation="relu6", name="conv")(i)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(i, layers.Dense(4, activation="sigmoid", name="head")(x))
    kernel = np.random.default_rng(0).normal(0, 0.1, (3, 3, 3, 6)).astype("float32")
    kernel[..., 1] = 0
    kernel[..., 3] = 2 * kernel[..., 0]
    kernel[..., 4] = -kernel[..., 2]
    conv, head = model.get_layer("conv"), model.get_layer("head")
    conv.kernel.assign(kernel)
    conv.bias.assign([0, -1, 0, 0, 60, 0])
    head.bias.assign([0, -90, 90, 0])
    return model, np.random.default_rng(1).normal(0, 1, (5, 8, 9, 3)).astype("float32")


def test_planted_defects_are_found() -> None:
    model, x = planted()
    found = ks.filters(model, data=x)
    conv, head = found.statistics
    assert found.values.shape == (3, 3, 3, 6)
    assert conv.dead == (1,)
    assert conv.duplicates == ((0, 3, 1.0), (2, 4, -1.0))
    assert head.dead == ()
    kernel = model.get_layer("conv").kernel.numpy()
    assert np.allclose(conv.norms, np.linalg.norm(kernel.reshape(-1, 6), axis=0), rtol=1e-5)
    assert sum(conv.counts) == kernel.size
    assert conv.edges[0] == pytest.approx(kernel.min())
    assert conv.zeros == pytest.approx(1 / 6)
    assert conv.deviation == pytest.approx(kernel.std(), rel=1e-4)


def test_units_that_never_fire_or_always_saturate_are_found() -> None:
    model, x = planted()
    conv, head = ks.filters(model, data=x).activity
    assert (conv.layer, conv.activation, conv.samples, conv.units) == ("conv", "relu6", 5, 6)
    assert conv.never == (1,)
    assert conv.always == (4,)
    assert (head.never, head.always) == ((1,), (2,))
    values = keras.Model(model.input, model.get_layer("conv").output).predict(x, verbose=0)
    flat = values.reshape(-1, 6)
    assert np.allclose(conv.firing, (flat > 0).mean(axis=0), atol=1e-6)
    assert np.allclose(conv.high, flat.max(axis=0), rtol=1e-5)
    assert np.allclose(conv.low, flat.min(axis=0), rtol=1e-5)


def test_one_pass_over_the_data_and_any_chunk_gives_the_same() -> None:
    model, x = planted()
    whole = ks.filters(model, data=x, batch_size=5)
    before = store_of(model).passes["forward"]
    parts = ks.filters(model, data=x, batch_size=2)
    assert store_of(model).passes["forward"] - before == len(x)
    for a, b in zip(whole.activity, parts.activity, strict=True):
        assert (a.never, a.always, a.layer) == (b.never, b.always, b.layer)
        assert np.allclose(a.high, b.high, rtol=1e-5)


@pytest.mark.parametrize("name", some(zoo.SHAPES, 2))
def test_every_model_shape_has_kernels(name: str) -> None:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    case = zoo.SHAPES[name]()
    found = ks.filters(case.model, data=case.x)
    assert found.statistics[0].name == found.layer
    for item in found.statistics:
        assert sum(item.counts) == np.prod(item.shape)
        assert len(item.norms) == item.units
    assert isinstance(found.plot(), Figure)
    assert found.activity or found.notes


def one(layer: Any, shape: tuple[int, ...]) -> Any:
    i = keras.Input(shape)
    return ks.filters(keras.Model(i, layer(i)))


def test_kernels_have_one_order_of_axes() -> None:
    transposed = layers.Conv2DTranspose(5, 3)
    found = one(transposed, (6, 6, 2))
    assert found.values.shape == (3, 3, 2, 5)
    assert np.array_equal(found.values[1, 2, 0, 4], transposed.kernel.numpy()[1, 2, 4, 0])
    depthwise = layers.DepthwiseConv2D(3, depth_multiplier=2)
    found = one(depthwise, (6, 6, 4))
    assert found.values.shape == (3, 3, 1, 8)
    assert np.array_equal(found.values[0, 1, 0, 5], depthwise.kernel.numpy()[0, 1, 2, 1])
    assert one(layers.Conv1D(5, 3), (9, 2)).values.shape == (3, 2, 5)
    assert one(layers.LSTM(4), (9, 2)).statistics[1].shape == (4, 16)
    i = keras.Input((9, 6))
    attention = layers.MultiHeadAttention(2, 4, name="attention")
    model = keras.Model(i, attention(i, i))
    shapes = {s.name: s.shape for s in ks.filters(model).statistics}
    assert shapes["attention/query"] == (6, 8)
    assert shapes["attention/attention_output"] == (8, 6)


def test_a_layer_is_found_by_words() -> None:
    model = zoo.SHAPES["separable_and_depthwise"]().model
    assert ks.filters(model).layer == "separable.depthwise"
    assert ks.filters(model, "separable.pointwise").values.shape == (1, 1, 3, 4)
    assert ks.filters(model, "depthwise").layer == "depthwise"
    with pytest.raises(ks.BadLayer, match="not found"):
        ks.filters(model, "depthwize")
    with pytest.raises(ks.BadLayer, match="no such kernel"):
        ks.filters(model, "separable.kernel")
    with pytest.raises(ks.BadLayer, match="kernels: separable"):
        ks.filters(model, model.layers[-2].name)


def test_bad_input_is_named() -> None:
    model, x = planted()
    with pytest.raises(ks.BadInput, match=r"keras\.Model, not Dense"):
        ks.filters(layers.Dense(2))
    with pytest.raises(ks.BadInput, match=r"similar=1\.5"):
        ks.filters(model, similar=1.5)
    with pytest.raises(ks.BadInput, match="NaN"):
        ks.filters(model, data=x * np.nan)
    with pytest.raises(ks.BadModel, match="no layer with a kernel"):
        ks.filters(zoo.SHAPES["sequential_unbuilt"]().model)
    model.get_layer("conv").bias.assign(np.full(6, np.nan))
    with pytest.raises(ks.BadModel, match="NaN or infinite"):
        ks.filters(model)


def test_pictures_show_the_numbers() -> None:
    model, _ = planted()
    found = ks.filters(model)
    figure = found.plot()
    picture = figure.axes[0].get_images()[0].get_array()
    assert (np.asarray(picture) == 128).all(axis=-1).sum() > 100  # the dead kernel is grey
    for view in ("channels", "norm", "matrix", "colour"):
        assert isinstance(found.plot(view=view, shared_scale=True), Figure)
    assert isinstance(found.plot_statistics(), Figure)
    with pytest.raises(ks.BadInput, match="view='rgb'"):
        found.plot(view="rgb")
    with pytest.raises(ks.BadInput, match="matrix"):
        ks.filters(model, "head").plot(view="norm")
    with pytest.raises(ks.BadInput, match="most=0"):
        found.plot(most=0)


def test_saved_is_loaded(tmp_path: Path) -> None:
    model, x = planted()
    found = ks.filters(model, data=x)
    again = Filters.load(found.save(tmp_path / "f.safetensors"))
    assert np.array_equal(again.values, found.values)
    assert again.statistics == found.statistics
    assert again.activity == found.activity
    assert again.colours == found.colours
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(ks.BadFile, match=r"x\.safetensors"):
        Filters.load(tmp_path / "x.safetensors")
