"""What explains a net where nothing is said: no positions, rows that are no patches, time."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from kerascope.errors import Refused
from kerascope.plot import alt_text
from kerascope.report.document import document_of

SIDE = 28


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).random((2, *shape)).astype("float32")


def flat() -> keras.Model:
    hidden = [layers.Flatten(), layers.Dense(6, activation="relu"), layers.Dense(3)]
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), *hidden])


def row_by_row(sequences: bool = False) -> keras.Model:
    """Read a picture as 28 steps of 28 values: 28 = 25 + 3, but these are no patches."""
    after = [layers.LSTM(4, return_sequences=sequences), *[layers.GlobalMaxPooling1D()] * sequences]
    steps = [layers.Reshape((SIDE, SIDE)), *after, layers.Dense(3)]
    return keras.Sequential([keras.Input((SIDE, SIDE, 1)), *steps])


def rows_mixed() -> keras.Model:
    """Read 16 rows: 16 = 4 × 4, but these are no patches either."""
    steps = [layers.Reshape((16, 32)), layers.Dense(5), layers.GlobalAveragePooling1D()]
    return keras.Sequential([keras.Input((16, 16, 2)), *steps, layers.Dense(3)])


NETS = {
    "flat": flat,
    "row_by_row": row_by_row,
    "sequences": lambda: row_by_row(sequences=True),
    "rows_mixed": rows_mixed,
}


@pytest.mark.parametrize("name", NETS)
def test_pictures_without_positions_are_explained_by_the_path(name: str) -> None:
    keras.utils.set_random_seed(0)
    net = NETS[name]()
    x = pictures(*net.input_shape[1:])
    result = ks.explain(net, x)
    assert result.method.name == "integrated_gradients"
    assert result.values.shape == x.shape
    rows, classes = np.arange(len(x)), result.predictions.argmax(axis=1)
    risen = net.predict(x, verbose=0)[rows, classes] - net.predict(x * 0, verbose=0)[rows, classes]
    assert np.allclose(result.values.sum(axis=(1, 2, 3)), risen, rtol=0.06, atol=1e-4)
    with pytest.raises(Refused, match="no layer with spatial positions"):
        ks.explain(net, x, "grad_cam")


def test_patches_without_attention_are_patches() -> None:
    """A net that mixes patches by dense layers alone: 4 × 4 patches of 4 × 4 pixels."""
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(7, 4, strides=4),
            layers.Reshape((16, 7)),
            layers.Dense(5, activation="relu", name="mixed"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )
    result = ks.explain(net, pictures(16, 16, 3), relu=False)
    assert (result.method.name, result.values.shape) == ("grad_cam", (2, 4, 4))
    chosen = ks.explain(net, pictures(16, 16, 3), "grad_cam", layer="mixed", relu=False)
    assert chosen.values.shape == (2, 4, 4)


def through_time(kind: str) -> keras.Model:
    """Read (time, x, channel): rows of a line that moves."""
    body = {
        "conv_lstm": layers.ConvLSTM1D(4, 3, padding="same"),
        "time_distributed": layers.TimeDistributed(layers.Conv1D(4, 3, activation="relu")),
    }[kind]
    return keras.Sequential([keras.Input((8, 12, 2)), body, layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize("kind", ["conv_lstm", "time_distributed"])
def test_rows_that_are_steps_of_time_are_no_picture(kind: str) -> None:
    keras.utils.set_random_seed(0)
    result = ks.explain(through_time(kind), pictures(8, 12, 2))
    assert (result.method.name, result.method.baseline) == ("integrated_gradients", "mean")
    assert next(iter(result.input_axes.values())) == ("sample", "time", "x", "channel")
    steps = np.maximum(result.heatmap(), 0).sum(axis=2)
    said = f"of the window, most in step {steps[0].argmax() + 1} of 8"
    assert said in alt_text(result)
    shown = document_of([result])["maps"][0]["verdict"]
    assert f"evidence most in step {steps[0].argmax() + 1} of 8" in shown


def test_a_row_of_letters_is_a_picture() -> None:
    """Columns of a picture go through TimeDistributed after convolutions: its rows are no steps."""
    keras.utils.set_random_seed(0)
    i = keras.Input((8, 12, 1))
    x = layers.Permute((2, 1, 3), name="turned")(
        layers.Conv2D(4, 3, padding="same", activation="relu")(i)
    )
    x = layers.LSTM(4)(layers.TimeDistributed(layers.Flatten())(x))
    net = keras.Model(i, layers.Dense(3)(x))
    result = ks.explain(net, pictures(8, 12, 1))
    assert next(iter(result.input_axes.values())) == ("sample", "y", "x", "channel")
    assert result.method.name == "grad_cam"
    assert result.values.shape == (2, 8, 12)
    beside = ks.explain(net, pictures(8, 12, 1), "grad_cam", layer="turned")
    assert np.allclose(beside.values, result.values, atol=1e-6)  # the same maps, turned back


def on_its_side(*, turned: bool) -> keras.Model:
    """Return the same net twice: in one, the second convolution sees columns as rows."""
    keras.utils.set_random_seed(4)
    draw = np.random.default_rng(1)
    x = i = keras.Input((8, 12, 1))
    for name, size in (("first", (3, 3)), ("second", (3, 5)), ("third", (3, 3))):
        conv = layers.Conv2D(
            3, size[:: -1 if turned and name == "second" else 1], padding="same",
            activation="relu", name=name,
        )  # fmt: skip
        if turned and name != "first":
            x = layers.Permute((2, 1, 3))(x)
        x = conv(x)
        kernel = draw.normal(0, 0.5, (*size, conv.kernel.shape[2], 3)).astype("float32")
        if turned and name == "second":
            kernel = kernel.swapaxes(0, 1)
        conv.set_weights([kernel, draw.normal(0, 0.2, 3).astype("float32")])
    net = keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    net.layers[-1].set_weights([draw.normal(size=(3, 3)), draw.normal(size=3)])
    return net


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("grad_cam", {"relu": False}),
        ("grad_cam", {"layer": "second", "relu": False}),
        ("hires_cam", {"layer": "second", "relu": False}),
        ("ablation_cam", {"layer": "second", "relu": False}),
        ("score_cam", {"layer": "second", "relu": False}),
        ("full_grad", {}),
    ],
)
def test_maps_of_layers_that_lie_on_their_side_are_turned_back(method: str, fields: dict) -> None:
    x = pictures(8, 12, 1)
    plain, turned = (
        ks.explain(on_its_side(turned=side), x, method, target=1, **fields)
        for side in (False, True)
    )
    assert plain.layer == turned.layer
    assert np.abs(plain.values).max() > 0
    assert np.allclose(plain.values, turned.values, atol=1e-5 * np.abs(plain.values).max())


def test_layers_beside_a_turned_branch_are_not_turned() -> None:
    keras.utils.set_random_seed(0)
    i = keras.Input((8, 12, 1))
    side = layers.Conv2D(2, 3, activation="relu")(layers.Permute((2, 1, 3))(i))
    last = layers.Conv2D(3, 3, padding="same", activation="relu", name="last")(i)
    pooled = [layers.GlobalAveragePooling2D()(x) for x in (side, last)]
    net = keras.Model(i, layers.Dense(3)(layers.Concatenate()(pooled)))
    found = ks.explain(net, pictures(8, 12, 1), "grad_cam", layer="last", relu=False)
    assert found.values.shape == (2, 8, 12)


def test_pictures_that_go_through_convolutions_first_have_no_steps() -> None:
    keras.utils.set_random_seed(0)
    i = keras.Input((8, 12, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(i)
    x = layers.TimeDistributed(layers.Dense(5))(x)
    net = keras.Model(i, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    result = ks.explain(net, pictures(8, 12, 1))
    assert next(iter(result.input_axes.values())) == ("sample", "y", "x", "channel")
    assert result.method.name == "grad_cam"


def test_a_forecast_as_long_as_its_window_is_no_reconstruction() -> None:
    keras.utils.set_random_seed(0)
    body = [layers.Conv1D(4, 3, padding="same", activation="relu"), layers.Conv1D(2, 1)]
    net = keras.Sequential([keras.Input((12, 2)), *body])
    series = ks.load_series(pictures(12, 2), net, channels=["a", "b"], forecast=["a", "b"])
    result = ks.explain(net, series)
    assert result.method.baseline == "mean"
    assert "forecast" in result.explained[0]
    table = ks.evaluate(net, series, "occlusion", ["insertion"], controls=False)
    assert "forecast" in table.explained[0]


AUTOENCODERS = {
    "picture": ((8, 8, 1), [layers.Conv2D(1, 3, padding="same", activation="sigmoid")]),
    "series": ((12, 2), [layers.Conv1D(2, 3, padding="same")]),
    "volume": ((4, 6, 6, 1), [layers.Conv3D(1, 3, padding="same")]),
}


@pytest.mark.parametrize("kind", AUTOENCODERS)
def test_an_output_like_the_input_is_a_reconstruction(kind: str) -> None:
    keras.utils.set_random_seed(0)
    shape, body = AUTOENCODERS[kind]
    net = keras.Sequential([keras.Input(shape), *body])
    x = pictures(*shape)
    result = ks.explain(net, x)
    asked = ks.explain(net, x, target="reconstruction")
    assert (result.method, result.explained) == (asked.method, asked.explained)
    assert result.method.name == "integrated_gradients"
    assert np.array_equal(result.values, asked.values)
    off = ((net.predict(x, verbose=0) - x) ** 2).reshape(2, -1).mean(axis=1)
    assert np.allclose(result.scores, off, atol=1e-5)
    assert any("the error of the reconstruction is explained" in note for note in result.notes)
    assert not any("no target was given" in note for note in asked.notes)
    replayed = ks.explain(net, x, "gradient")
    assert replayed.explained == asked.explained


def test_classes_as_many_as_channels_are_no_reconstruction() -> None:
    keras.utils.set_random_seed(0)
    shape, _ = AUTOENCODERS["picture"]
    softmax = [layers.Conv2D(3, 3, padding="same", activation="softmax")]
    net = keras.Sequential([keras.Input((8, 8, 3)), *softmax])
    found = ks.explain(net, pictures(8, 8, 3))
    assert "area" in found.explained[0]
    assert found.method.name == "integrated_gradients"  # the head is the only layer with positions
    net = keras.Sequential([keras.Input(shape), *AUTOENCODERS["picture"][1]])
    named = ks.load_model(net, labels=["ground", "vessel"])
    assert "over its predicted area" in ks.explain(named, pictures(*shape)).explained[0]
    rows = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    assert "class" in ks.explain(rows, pictures(4)).explained[0]
