"""Series: a planted bump is found by the default method, and by windows; forecasts as targets."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import series_nets as nets
from kerascope.errors import BadInput, BadMethod, BadTarget
from kerascope.loading import Series
from kerascope.plot import alt_text


def series_of(kind: str, count: int) -> tuple[Series, np.ndarray]:
    x, y, start = nets.bumps(count, seed=9)
    model = nets.forecaster(kind)
    return ks.load_series(x, model, channels=nets.CHANNELS, forecast="wind", truth=y), start


@pytest.mark.parametrize("kind", nets.bodies())
def test_the_default_method_finds_the_bump(kind: str) -> None:
    """Over half of what speaks for the forecast lies on 3 of 96 values, and the strongest one."""
    series, start = series_of(kind, 12)
    result = ks.explain(nets.forecaster(kind), series)
    assert (result.method.name, result.method.baseline) == ("integrated_gradients", "mean")
    assert result.axes == ("sample", "time", "channel")
    positive = np.maximum(result.values, 0)
    held = [
        row[s : s + 3, nets.CAUSE].sum() / row.sum() for row, s in zip(positive, start, strict=True)
    ]
    peaks = [np.unravel_index(row.argmax(), row.shape) for row in positive]
    hit = [s <= t < s + 3 and c == nets.CAUSE for (t, c), s in zip(peaks, start, strict=True)]
    assert np.mean(held) > 0.6
    assert np.mean(hit) > 0.9
    assert result.explained[0].startswith("sum over 4 steps of the forecast of 'wind' (")
    assert "most in 'wind'" in alt_text(result)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("occlusion", {}),
        ("feature_ablation", {"segments": "channel-16"}),
        ("lime", {"segments": "channel-16", "samples": 400}),
        ("kernel_shap", {"segments": "channel-16", "samples": 400, "baseline": "inpaint"}),
    ],
)
def test_windows_find_the_bump(name: str, fields: dict) -> None:
    series, start = series_of("conv", 4)
    found = ks.explain(nets.forecaster("conv"), series, name, **fields)
    for row, s in zip(
        found.values if "channel" in found.axes else found.heatmap(), start, strict=True
    ):
        time, *channel = np.unravel_index(row.argmax(), row.shape)
        assert s - 1 <= time < s + 4
        assert channel in ([], [nets.CAUSE])


def linear() -> tuple[keras.Model, np.ndarray]:
    """A forecaster of 2 steps that is a matrix, (12, 2 channels) to 2, and the matrix."""
    weights = np.random.default_rng(0).normal(size=(12, 2, 2)).astype("float32")
    i = keras.Input((12, 2))
    model = keras.Model(i, layers.Dense(2, use_bias=False)(layers.Flatten()(i)))
    model.set_weights([weights.reshape(24, 2)])
    return model, weights


def test_targets_of_a_forecast() -> None:
    """Oracle: of a linear net, the gradient is the matrix, and −1 at the values compared with."""
    model, weights = linear()
    x = np.random.default_rng(1).normal(size=(3, 12, 2)).astype("float32")
    series = ks.load_series(x, model, forecast=1)
    ahead = model.predict(x, verbose=0)
    wanted = {
        "horizon": weights.sum(axis=2),
        "horizon-2": weights[..., 1],
        "Horizon-2 of 0": weights[..., 1],
        "change-2": weights[..., 1] - at([11]),
        "change": weights.sum(axis=2) - at([11, 11]),
        ks.Horizon(against=3): weights.sum(axis=2) - at([9, 10]),
        "horizon-2 vs horizon-1": weights[..., 1] - weights[..., 0],
    }
    for target, slope in wanted.items():
        found = ks.explain(model, series, "gradient_x_input", target=target)
        assert np.allclose(found.values, x * slope, atol=1e-5), target
    assert np.allclose(found.scores, ahead[:, 1] - ahead[:, 0], atol=1e-5)
    found = ks.explain(model, series, "occlusion", target="change-1", patch=1, baseline="zero")
    slope = weights[..., 0] - at([11])
    assert np.allclose(found.values, (x * slope).sum(axis=2), atol=1e-4)
    plain = ks.explain(lambda rows: rows.reshape(len(rows), -1) @ weights.reshape(24, 2), series,
                       "occlusion", target="change-1", patch=1, baseline="zero")  # fmt: skip
    assert np.allclose(plain.values, found.values, atol=1e-4)
    assert plain.explained[0].startswith("forecast 1 step ahead minus the last known value (")


def at(steps: list[int]) -> np.ndarray:
    """Ones at some steps of the second channel."""
    found = np.zeros((12, 2))
    np.add.at(found, (steps, 1), 1)
    return found


def test_a_persistent_forecast_has_no_change() -> None:
    """A net that repeats the last value: nothing speaks for a change against it."""
    i = keras.Input((8, 1))
    model = keras.Model(i, layers.Cropping1D((7, 0))(i))
    x = np.random.default_rng(2).normal(size=(2, 8, 1)).astype("float32")
    found = ks.explain(model, ks.load_series(x, model, forecast=0), target="change")
    assert not found.values.any()
    assert np.allclose(found.scores, 0)


def test_channels_alone_and_together() -> None:
    """Of a linear net every segment is worth Σ w·(x − cover), channel by channel."""
    model, weights = linear()
    x = np.random.default_rng(1).normal(size=(2, 12, 2)).astype("float32")
    last = np.repeat(x[:, -1:], 12, axis=1)
    worth = (x - last) * weights[..., 0]
    for segments, shape in (("channel", (1, 12)), ("channel-4", (4, 3))):
        found = ks.explain(
            model, x, "feature_ablation", target=ks.Horizon(1), segments=segments, baseline="last"
        )
        cells = worth.reshape(2, *shape, 2).sum(axis=2)
        assert np.allclose(found.values, np.repeat(cells, shape[1], axis=1), atol=1e-4)
    for name in ("owen", "kernel_shap", "lime", "sobol"):
        found = ks.explain(model, x, name, target=ks.Horizon(1), segments="channel-4")
        assert found.values.shape == x.shape


def test_everything_survives_its_file(tmp_path) -> None:
    series, _ = series_of("conv", 2)
    result = ks.explain(nets.forecaster("conv"), series, target="change-3", grade=True)
    assert result.grade[0].letter in "ABCD"
    back = ks.Attribution.load(result.save(tmp_path / "a.safetensors"))
    assert back.timeline(1) == series.timelines[1]
    assert back.timeline(1).truth == tuple((v,) for v in nets.bumps(2, seed=9)[1][1].tolist())
    again = ks.grade(nets.forecaster("conv"), back, target="change-3")
    assert again.grade == result.grade
    assert ks.replay(tmp_path / "a.safetensors", nets.forecaster("conv")).same


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("horizon-5", "step 5 is out of range: output '.*' forecasts 4 steps ahead, 1 to 4"),
        (ks.Horizon(channel="wind "), "channel 'wind ' is not forecast; did you mean 'wind'"),
        (ks.Horizon(channel=1), "channel 1 is out of range: the model forecasts 1, 0 to 0"),
        (ks.Horizon(against=99), "against=99 is not 'last' or a season of 1 to 32 steps"),
    ],
)
def test_forecasts_that_are_not_there(target: object, words: str) -> None:
    series, _ = series_of("conv", 1)
    with pytest.raises(BadTarget, match=words) as caught:
        ks.explain(nets.forecaster("conv"), series, "gradient", target=target)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", ["horizon-3", "change", ks.Horizon()])
def test_a_classifier_forecasts_nothing(target: object) -> None:
    i = keras.Input((12, 2))
    o = keras.layers.Dense(5, activation="softmax")(keras.layers.GlobalAveragePooling1D()(i))
    with pytest.raises(BadTarget, match="ends in a softmax: its 5 values are classes"):
        ks.explain(keras.Model(i, o), np.zeros((1, 12, 2)), "gradient", target=target)


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"segments": "channel-1"}, BadMethod, "segments=channel-1 must ask for at least 2"),
        ({"baseline": "later"}, BadMethod, "baseline 'later' is not known"),
    ],
)
def test_fields_that_series_do_not_have(fields: dict, error: type, words: str) -> None:
    series, _ = series_of("conv", 1)
    with pytest.raises(error, match=words):
        ks.explain(nets.forecaster("conv"), series, "lime", **fields)


def test_last_is_for_series_alone() -> None:
    i = keras.Input((6, 6, 1))
    model = keras.Model(i, layers.Dense(2)(layers.Flatten()(i)))
    x = np.ones((1, 6, 6, 1), "float32")
    with pytest.raises(BadMethod, match="baseline='last' is for series"):
        ks.explain(model, x, "occlusion", baseline="last", target=0)
    with pytest.raises(BadInput, match="segments='channel' finds one segment only"):
        ks.explain(model, x, "lime", segments="channel", target=0)
