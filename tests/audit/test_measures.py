"""Measures of pictures and maps against closed forms."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from audit.data import picture
from kerascope.audit.maps import grid_of, lowered, map_measures, rounded, share_inside
from kerascope.audit.measures import jpeg_quality, perceptual_hash, picture_measures
from once import once

pytestmark = once


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=-1).astype("float32")


class TestPictures:
    def test_a_gradient(self) -> None:
        ramp = np.broadcast_to(np.arange(64.0), (32, 64))
        found = picture_measures(grey(ramp))
        assert found["brightness"] == pytest.approx(31.5, abs=1e-4)
        assert found["contrast"] == pytest.approx(np.sqrt((64**2 - 1) / 12), rel=1e-5)
        assert found["sharpness"] == pytest.approx(0, abs=1e-6)
        assert found["noise"] == pytest.approx(0, abs=1e-4)

    def test_colour_and_luminance(self) -> None:
        found = picture_measures(np.broadcast_to(np.float32([200, 100, 50]), (9, 9, 3)))
        assert (found["red"], found["green"], found["blue"]) == (200, 100, 50)
        assert found["brightness"] == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
        assert found["contrast"] == pytest.approx(0, abs=1e-4)
        assert found["high_frequency"] == 0

    def test_the_laplacian_of_a_wave(self) -> None:
        f = 0.125
        wave = np.broadcast_to(50 * np.sin(2 * np.pi * f * np.arange(66)), (34, 66))
        # ∇² of sin(2πfx) on a grid is 2·(cos 2πf − 1)·sin(2πfx); 64 inner columns, 8 whole waves.
        expected = 50**2 / 2 * (2 * np.cos(2 * np.pi * f) - 2) ** 2
        assert picture_measures(grey(wave))["sharpness"] == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize(("frequency", "share"), [(0.1, 0), (0.2, 0), (0.3, 1), (0.45, 1)])
    @pytest.mark.parametrize("turned", [False, True])
    def test_the_share_of_high_frequencies(
        self, frequency: float, share: float, turned: bool
    ) -> None:
        wave = np.broadcast_to(np.cos(2 * np.pi * frequency * np.arange(96)), (64, 96))
        found = picture_measures(grey(100 + (wave.T if turned else wave)))
        assert found["high_frequency"] == pytest.approx(share, abs=0.01)

    def test_white_noise_has_the_high_frequencies_that_fill_the_plane(self) -> None:
        noise = np.random.default_rng(0).normal(0, 20, (255, 256))
        found = picture_measures(grey(noise))
        # Of a square of side 1, all but the disc of radius ¼.
        assert found["high_frequency"] == pytest.approx(1 - np.pi / 16, abs=0.01)
        assert found["noise"] == pytest.approx(20, rel=0.02)

    def test_blur_lowers_sharpness_and_detail_as_it_must(self) -> None:
        noise = np.random.default_rng(1).normal(0, 20, (256, 256))
        blurred = ndimage.uniform_filter1d(noise, 2, axis=1, mode="wrap")
        sharp, soft = picture_measures(grey(noise)), picture_measures(grey(blurred))
        assert soft["contrast"] == pytest.approx(sharp["contrast"] / np.sqrt(2), rel=0.02)
        # Laplacian of white noise: σ²·(4² + 4·1²); of the mean of two neighbours: σ²·15/2.
        assert sharp["sharpness"] == pytest.approx(400 * 20, rel=0.03)
        kernel = np.convolve([0.5, 0.5], [1, -4, 1])
        expected = 400 * ((kernel**2).sum() + 2 * 0.5)
        assert soft["sharpness"] == pytest.approx(expected, rel=0.03)
        assert soft["high_frequency"] < sharp["high_frequency"]

    def test_small_pictures_and_other_channels(self) -> None:
        found = picture_measures(np.ones((2, 5, 1), "float32"))
        assert found["brightness"] == 1
        assert found["red"] is None
        assert found["sharpness"] is None

    @pytest.mark.parametrize("quality", [5, 30, 49, 50, 75, 90, 95, 100])
    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_the_quality_of_a_jpeg(self, quality: int, mode: str) -> None:
        file = io.BytesIO()
        Image.fromarray(picture(0)).convert(mode).save(file, "JPEG", quality=quality)
        with Image.open(file) as opened:
            assert jpeg_quality(opened) == quality

    def test_other_files_have_no_quality(self) -> None:
        assert jpeg_quality(Image.fromarray(picture(0))) is None


class TestHash:
    @staticmethod
    def distance(a: str, b: str) -> int:
        return (int(a, 16) ^ int(b, 16)).bit_count()

    def test_near_duplicates_are_near_and_others_far(self) -> None:
        one = picture(0, 64, 80).astype("float32")
        file = io.BytesIO()
        Image.fromarray(one.astype("uint8")).resize((50, 40)).save(file, "JPEG", quality=40)
        again = np.asarray(Image.open(file)).astype("float32")
        others = [perceptual_hash(picture(i, 64, 80).astype("float32")) for i in range(1, 9)]
        mine = perceptual_hash(one)
        assert len(mine) == 16
        assert self.distance(mine, perceptual_hash(again)) <= 8
        assert self.distance(mine, perceptual_hash(one * 0.7 + 20)) <= 2
        assert min(self.distance(mine, other) for other in others) > 12

    def test_flat_pictures_are_alike(self) -> None:
        hashes = {perceptual_hash(np.full((40, 33, 3), v, "float32")) for v in (0, 7, 255)}
        assert hashes == {"0" * 16}


class TestMaps:
    def test_means_over_cells(self) -> None:
        values = np.arange(24, dtype="float32").reshape(1, 4, 6)
        assert lowered(values, (2, 3)).tolist() == [[[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]]]
        assert np.array_equal(lowered(values, (4, 6)), values)
        assert grid_of((224, 9), 16) == (16, 9)

    @given(st.integers(1, 40), st.integers(1, 40))
    def test_the_mean_stays(self, height: int, width: int) -> None:
        values = np.random.default_rng(height).normal(size=(2, height, width)).astype("float32")
        low = lowered(values, grid_of((height, width), 16))
        np.testing.assert_allclose(low.mean(axis=(1, 2)), values.mean(axis=(1, 2)), atol=1e-5)

    @given(st.floats(width=32, allow_nan=False, allow_infinity=False))
    def test_rounding_is_that_of_float16_and_keeps_small_numbers(self, value: float) -> None:
        low = float(rounded(np.float32([value]))[0])
        if 6.2e-5 < abs(value) < 65000:
            assert low == float(np.float16(value))
        elif 1e-37 < abs(value) < 1e38:
            assert low == pytest.approx(value, rel=2**-11)

    def test_a_point(self) -> None:
        point = np.zeros((1, 8, 10))
        point[0, 2, 7] = 5
        found = map_measures(point)
        assert found["map_positive"] == pytest.approx(5 / 80)
        assert found["map_negative"] == 0
        assert found["map_concentration"] == pytest.approx(1 - 1 / 80)
        np.testing.assert_allclose(found["map_centroid"], [[2.5 / 8, 7.5 / 10]])

    def test_even_empty_and_negative_maps(self) -> None:
        maps = np.stack([np.ones((4, 4)), np.zeros((4, 4)), -np.ones((4, 4))])
        found = map_measures(maps)
        np.testing.assert_allclose(found["map_concentration"], [0, np.nan, 0])
        np.testing.assert_allclose(found["map_negative"], [0, 0, -1])
        np.testing.assert_allclose(found["map_centroid"][0], [0.5, 0.5])
        assert np.isnan(found["map_centroid"][1:]).all()

    def test_the_share_on_an_object(self) -> None:
        low = np.array([[3.0, 1.0], [-7.0, 0.0]])
        assert share_inside(low, np.array([[1.0, 0.5], [1.0, 0.0]])) == pytest.approx(3.5 / 4)
        assert share_inside(-np.ones((2, 2)), np.ones((2, 2))) is None
