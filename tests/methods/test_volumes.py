"""Volumes and films: a planted slice is found by the default method; maps grow along every axis."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import series_nets as nets
from kerascope.plot import alt_text
from kerascope.plot.maps import Kind, maps_of


@pytest.mark.parametrize("kind", nets.deep_bodies())
def test_the_default_method_finds_the_slice(kind: str) -> None:
    """The slice with most evidence is the planted one; half of the evidence lies in it."""
    x, truth, place = nets.blobs(12, seed=9)
    volumes = ks.load_volumes(x, nets.classifier(kind))
    result = ks.explain(nets.classifier(kind), volumes, target=truth.tolist())
    assert (result.method.name, result.method.baseline) == ("integrated_gradients", "mean")
    first = "z" if kind == "conv3d" else "time"
    assert result.input_axes["volume"] == ("sample", first, "y", "x", "channel")
    slices = np.maximum(result.heatmap(), 0).sum(axis=(2, 3))
    assert (slices.argmax(axis=1) == place[:, 0]).mean() > 0.75
    assert (slices.max(axis=1) / slices.sum(axis=1)).mean() > 0.5
    wanted = Kind.VOLUME if kind == "conv3d" else Kind.VIDEO
    assert maps_of(result, samples=[0])[0].kind is wanted
    unit = "slice" if kind == "conv3d" else "frame"
    assert f"most in {unit} {place[0, 0] + 1} of 6" in alt_text(result)


def half_pixel(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Enlarge along every axis by `np.interp` between the centres of equal cells."""
    for axis, new in enumerate(size):
        old = values.shape[axis]
        centres = (np.arange(old) + 0.5) / old
        wanted = (np.arange(new) + 0.5) / new
        along = lambda row: np.interp(wanted, centres, row)  # noqa: B023, E731
        values = np.apply_along_axis(along, axis, values)
    return values


def stack(kind: str) -> keras.Model:
    """Nets whose last maps are smaller along each axis by a factor of its own."""
    keras.utils.set_random_seed(0)
    i = keras.Input((6, 8, 12, 2))
    if kind == "conv3d":
        x = layers.Conv3D(3, 3, padding="same", activation="relu")(i)
        x = layers.GlobalAveragePooling3D()(layers.MaxPooling3D((2, 4, 3), name="last")(x))
    elif kind == "conv_lstm":
        x = layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True)(i)
        x = layers.AveragePooling3D((1, 2, 4), name="last")(x)
        x = layers.GlobalAveragePooling3D()(x)
    else:
        x = layers.TimeDistributed(layers.Conv2D(3, 3, strides=2, padding="same"), name="last")(i)
        x = layers.GlobalMaxPooling3D()(x)
    return keras.Model(i, layers.Dense(2)(x))


@pytest.mark.parametrize("kind", ["conv3d", "conv_lstm", "time_distributed"])
def test_maps_grow_along_every_axis(kind: str) -> None:
    """Oracle: interpolation between cell centres, an axis at a time."""
    x = np.random.default_rng(3).normal(size=(2, 6, 8, 12, 2)).astype("float32")
    result = ks.explain(stack(kind), x, "grad_cam", layer="last", relu=False, target=0)
    grid = {"conv3d": (3, 2, 4), "conv_lstm": (6, 4, 3), "time_distributed": (6, 4, 6)}[kind]
    assert result.values.shape[1:] == grid
    assert np.abs(result.values).max() > 0
    for native, grown in zip(result.values, result.heatmap(), strict=True):
        wanted = half_pixel(native, (6, 8, 12))
        assert np.allclose(grown, wanted, atol=1e-5 * np.abs(native).max())


def test_frames_folded_away_leave_one_map_for_the_film() -> None:
    x, _, _ = nets.blobs(1, seed=9)
    result = ks.explain(nets.classifier("conv_lstm"), x, "grad_cam", relu=False)
    item = maps_of(result)[0]
    assert (item.kind, item.values.shape) == (Kind.PICTURE, (10, 12))


def test_films_for_three_dimensional_convolutions() -> None:
    x, _, _ = nets.blobs(2, seed=9)
    model = nets.classifier("conv3d")
    film = ks.load_volumes(x, model, frames=True)
    result = ks.explain(model, film, grade=True)
    assert result.axes == ("sample", "time", "y", "x", "channel")
    assert "of the film" in alt_text(result)
    assert len(result.grade) == 2
    plain = ks.explain(model, x)
    assert np.array_equal(plain.values, result.values)


def test_blocks_cover_time_and_place() -> None:
    x, truth, place = nets.blobs(1, seed=9)
    model = nets.classifier("time_distributed")
    result = ks.explain(model, x, "occlusion", patch=(1, 3, 3), stride=1, target=int(truth[0]))
    assert np.unravel_index(result.values[0].argmax(), result.values[0].shape)[0] == place[0, 0]
