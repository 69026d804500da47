"""Series and volumes as people bring them, and one line where they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerascope as ks
from kerascope.errors import BadFile, BadInput, KerascopeError


def forecaster(steps: int | None = 8, channels: int = 2, ahead: int = 3) -> keras.Model:
    i = keras.Input((steps, channels), name="series")
    return keras.Model(i, layers.Dense(ahead)(layers.GlobalAveragePooling1D()(i)))


def classifier(channels: int = 1) -> keras.Model:
    i = keras.Input((4, 6, 5, channels))
    return keras.Model(i, layers.Dense(2)(layers.GlobalAveragePooling3D()(i)))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Twenty hours of two channels."""
    rows = [f"2024-01-01 {h:02}:00,{h},{h * h}" for h in range(20)]
    path = tmp_path / "power.csv"
    path.write_text("\n".join(["hour,load,wind", *rows]) + "\n")
    return path


def test_a_csv_is_cut_into_windows_with_what_came_after(table: Path) -> None:
    found = ks.load_series(table, forecaster(), forecast="wind", windows=3)
    assert found.inputs.shape == (3, 8, 2)
    assert found.inputs[:, -1, 0].tolist() == [7, 13, 19]  # the last window ends with the file
    first, middle, last = found.timelines
    assert first.channels == ("load", "wind")
    assert first.times[0] == "2024-01-01 00:00"
    assert first.forecast == (1,)
    assert first.truth == ((64.0,), (81.0,), (100.0,))
    assert len(middle.truth) == 3
    assert last.truth == ()
    assert found.names[1] == "power to 2024-01-01 13:00"
    assert [len(found[1:]), found[1:].names[0]] == [2, "power to 2024-01-01 13:00"]


def test_what_is_forecast_is_guessed_aloud(table: Path) -> None:
    assert ks.load_series(table, forecaster()).timelines[0].forecast == (0,)
    assert "forecast of 'load'" in ks.load_series(table, forecaster()).notes[0]
    none = ks.load_series(table, forecaster(), forecast=())
    assert (none.notes, none.timelines[0].forecast) == ((), ())
    i = keras.Input((8, 2))
    kinds = keras.Model(i, layers.Dense(3, activation="softmax")(layers.Flatten()(i)))
    assert ks.load_series(table, kinds).timelines[0].forecast == ()


@pytest.mark.parametrize("shape", [(8, 2), (1, 8, 2), (30, 2)])
def test_arrays_of_every_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    np.save(tmp_path / "a.npy", array)
    for source in (array, tmp_path / "a.npy"):
        found = ks.load_series(source, forecaster())
        assert found.inputs.shape == (1, 8, 2)
        assert np.array_equal(found.inputs[0, -1], array.reshape(-1, 2)[-1])


def test_one_channel_and_lists_of_several_lengths() -> None:
    model = forecaster(channels=1)
    assert ks.load_series(np.zeros(8), model).inputs.shape == (1, 8, 1)
    assert ks.load_series(np.zeros((5, 8)), model).inputs.shape == (5, 8, 1)
    assert ks.load_series([np.zeros(9), np.zeros(12)], model).inputs.shape == (2, 8, 1)
    assert ks.load_series(np.zeros((9, 2)), forecaster(None)).inputs.shape == (1, 9, 2)


SERIES: list[tuple[Any, dict[str, Any], str]] = [
    (np.zeros((7, 2)), {}, "the series has 7 steps, and a window takes 8: give at least that many"),
    (np.zeros((9, 3)), {}, "the series has 3 channels, and the model takes 2; choose them"),
    (np.zeros((1, 9, 1)), {}, "the series has 1 channel, and the model takes 2"),
    ([np.zeros((9, 2)), np.zeros((5, 2))], {}, "the series has 5 steps"),
    (np.full((9, 2), np.nan), {}, "holds NaN or infinity, first at step 0 of channel 0"),
    (np.zeros((2, 2, 9, 2)), {}, "is no series: give \\(time,\\)"),
    (np.zeros((9, 2)), {"windows": 0}, "windows=0 must be at least 1"),
    (np.zeros((9, 2)), {"forecast": 5}, "forecast=5: the series has channels 0 to 1"),
    (np.zeros((9, 2)), {"length": 5}, "length=5 does not fit the model, which takes 8"),
    (np.zeros((9, 2)), {"channels": ["a"]}, "1 names for 2 channels"),
    (np.zeros((9, 2)), {"truth": np.zeros(3)}, "truth has shape \\(3,\\) for 1 windows"),
    ("none.csv", {}, "cannot read 'none.csv'"),
    ("a.txt", {}, "'a.txt' is no series; give .csv, .tsv, .npy or .npz"),
]


@pytest.mark.parametrize(("source", "options", "words"), SERIES)
def test_series_that_cannot_be(source: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(KerascopeError, match=words) as caught:
        ks.load_series(source, forecaster(), **options)
    assert "\n" not in str(caught.value)


def test_columns_that_cannot_be(table: Path) -> None:
    with pytest.raises(BadInput, match="channel 'solar' not found"):
        ks.load_series(table, forecaster(), channels=["load", "solar"])
    with pytest.raises(BadInput, match="channel 'hour' holds words"):
        ks.load_series(table, forecaster(), channels=["load", "hour"])
    with pytest.raises(BadInput, match="forecast='solar': no such channel"):
        ks.load_series(table, forecaster(), forecast="solar")
    open_ = [np.zeros((9, 2)), np.zeros((5, 2))]
    with pytest.raises(BadInput, match="the series differ in length, 5 to 9 steps"):
        ks.load_series(open_, forecaster(None))
    with pytest.raises(BadInput, match="which is no series"):
        ks.load_series(np.zeros((9, 2)), classifier())


@pytest.mark.parametrize("shape", [(4, 6, 5), (4, 6, 5, 1), (1, 4, 6, 5, 1), (1, 4, 6, 5)])
def test_volumes_of_every_shape(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", x=np.ones(shape, "float32"))
    found = ks.load_volumes(tmp_path / "scan.npz", classifier())
    assert found.inputs.shape == (1, 4, 6, 5, 1)
    assert found.names == ("scan",)


def test_a_moving_picture_is_a_film(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((12, 10, 3), 20 * i, np.uint8)) for i in range(8)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    found = ks.load_volumes(tmp_path / "a.gif", classifier(3), frames=True)
    assert found.inputs.shape == (1, 4, 6, 5, 3)
    assert found.frames
    assert np.allclose(found.inputs[0, -1], 140 / 255, atol=0.02)
    assert "4 of 8 frames are taken, evenly" in found.notes
    frames[0].save(tmp_path / "one.png")
    with pytest.raises(BadInput, match=r"'one\.png' has 1 frame, and the model takes 4"):
        ks.load_volumes(tmp_path / "one.png", classifier(3))
    (tmp_path / "bad.gif").write_bytes(b"GIF")
    with pytest.raises(BadFile, match=r"'bad\.gif' cannot be read as a picture"):
        ks.load_volumes(tmp_path / "bad.gif", classifier(3))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((3, 6, 5)), "samples of 3×6×5×1 .* do not fit the model, which takes 4×6×5×1"),
        (np.zeros((6, 5)), "is no volume or film"),
        (np.full((4, 6, 5), np.inf), "the volumes hold NaN or infinite values"),
        (np.zeros((0, 4, 6, 5, 1)), "there is no volume: the array is empty"),
        ("scan.doc", "'scan.doc' is no volume"),
    ],
)
def test_volumes_that_cannot_be(source: Any, words: str) -> None:
    with pytest.raises(KerascopeError, match=words) as caught:
        ks.load_volumes(source, classifier())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 5, 2), "the series has 5 steps; the model takes 8"),
        ((1, 8, 3), "the model wants 2 channels"),
        ((8, 2), "a single sample needs a sample axis"),
    ],
)
def test_plain_arrays_that_do_not_fit(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        ks.explain(forecaster(), np.zeros(shape, "float32"))
    assert "\n" not in str(caught.value)
