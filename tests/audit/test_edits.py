"""Edits of pictures: each moves its own trait to where it should be; no dose changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from audit.causes import jpeg, rng
from kerascope.audit.interventions import edits
from kerascope.audit.interventions.objects import without_objects, zoomed
from kerascope.audit.interventions.statistics import Traits
from kerascope.audit.measures import luminance
from once import once

pytestmark = once

N, SIDE = 8, 48


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    """Smooth noise of several tones, casts and grains, (8, 48, 40, 3), far from black and white."""
    draw = rng(1)
    rough = draw.normal(0, 1, (N, SIDE, SIDE - 8, 3))
    widths = np.linspace(0, 1.5, N)
    smooth = np.stack(
        [ndimage.gaussian_filter(r, (s, s, 0)) for r, s in zip(rough, widths, strict=True)]
    )
    smooth *= draw.uniform(5, 14, N)[:, None, None, None] / smooth.std((1, 2, 3), keepdims=True)
    tone = draw.uniform(100, 150, (N, 1, 1, 1)) + draw.normal(0, 8, (N, 1, 1, 3))
    return np.rint(np.clip(smooth + tone, 0, 255)).astype(np.float32)


@pytest.fixture(scope="module")
def donors(x: np.ndarray) -> np.ndarray:
    return x[rng(2).permutation(N)]


NOTHING: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [
    ("brightness", lambda x: edits.shift_luma(x, np.zeros(N))),
    ("contrast", lambda x: edits.stretch(x, np.ones(N))),
    ("colour", lambda x: edits.shift_chroma(x, np.zeros((N, 3)))),
    ("bands", lambda x: edits.scale_bands(x, np.ones((N, 4)))),
    ("blur", lambda x: edits.blur(x, np.zeros(N))),
    ("noise", lambda x: edits.add_noise(x, np.zeros(N), rng(0))),
    ("paste nothing", lambda x: edits.paste(x, 255 - x, np.zeros(x.shape[1:3], bool))),
    ("paste itself", lambda x: edits.paste(x, x, np.ones(x.shape[1:3], bool))),
]  # fmt: skip


@pytest.mark.parametrize("edit", [e for _, e in NOTHING], ids=[name for name, _ in NOTHING])
def test_no_dose_changes_nothing(x: np.ndarray, edit: Callable[[np.ndarray], np.ndarray]) -> None:
    found = edit(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x)


class TestTone:
    def test_brightness_becomes_the_donors(self, x: np.ndarray, donors: np.ndarray) -> None:
        r, d = Traits.of(x), Traits.of(donors)
        found = Traits.of(edits.shift_luma(x, d.brightness - r.brightness))
        np.testing.assert_allclose(found.brightness, d.brightness, atol=0.51)  # whole numbers
        np.testing.assert_allclose(found.colour, r.colour, atol=0.02)
        np.testing.assert_allclose(found.bands, r.bands, atol=0.02)

    def test_colour_becomes_the_donors_as_bright_as_before(
        self, x: np.ndarray, donors: np.ndarray
    ) -> None:
        r, d = Traits.of(x), Traits.of(donors)
        found = Traits.of(edits.shift_chroma(x, d.colour - r.colour))
        np.testing.assert_allclose(found.colour, d.colour, atol=1.5)  # medians, whole numbers
        np.testing.assert_allclose(found.brightness, r.brightness, atol=1.0)
        before = np.abs(r.colour - d.colour).max()
        assert np.abs(found.colour - d.colour).max() < 0.1 * before

    def test_contrast_grows_around_the_mean(self, x: np.ndarray) -> None:
        found = edits.stretch(x, np.full(N, 2.0))
        mean = x.mean(axis=(1, 2, 3))
        np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), mean, atol=0.5)
        np.testing.assert_allclose(found.std((1, 2)) / x.std((1, 2)), 2, atol=0.02)

    def test_what_leaves_the_range_is_clipped(self, x: np.ndarray) -> None:
        assert edits.shift_luma(x, np.full(N, 300.0)).min() == 255
        assert edits.shift_luma(x, np.full(N, -300.0)).max() == 0


class TestDetail:
    def test_bands_come_near_the_donors(self) -> None:
        """Grain with other powers in all bands, within the gains that an edit may have."""
        draw = rng(3)
        x = 120 + draw.normal(0, 20, (N, SIDE, SIDE, 1)) * np.ones(3)
        r = Traits.of(x)
        wanted = r.bands + draw.uniform(-1.5, 1.0, (N, 4))
        found = Traits.of(edits.scale_bands(x.astype(np.float32), np.exp((wanted - r.bands) / 2)))
        before, after = np.abs(r.bands - wanted), np.abs(found.bands - wanted)
        assert after.mean() < 0.45 * before.mean()  # between bands the edit's gains are a slope
        np.testing.assert_allclose(found.brightness, r.brightness, atol=2.5)

    def test_one_gain_for_all_bands_is_exact(self, x: np.ndarray) -> None:
        r = Traits.of(x[:1])
        found = Traits.of(edits.scale_bands(x[:1], np.full((1, 4), 1.5)))
        np.testing.assert_allclose(found.bands[:, 1:] - r.bands[:, 1:], 2 * np.log(1.5), atol=0.1)

    def test_blur_is_a_gaussian_of_each_width(self, x: np.ndarray) -> None:
        sigma = np.linspace(0, 2, N)
        found = edits.blur(x, sigma)
        for one, picture, s in zip(found, x, sigma, strict=True):
            wanted = np.stack(
                [ndimage.gaussian_filter(picture[..., c], s, mode="reflect") for c in range(3)], -1
            )
            np.testing.assert_allclose(one, np.rint(wanted))

    @pytest.mark.parametrize("quality", [8, 50, 95])
    def test_compression_is_pillows(self, x: np.ndarray, quality: int) -> None:
        found = edits.compress(x, np.full(N, float(quality)))
        np.testing.assert_array_equal(found, jpeg(x, quality))
        grey = edits.compress(x[..., :1], np.full(N, quality))
        assert grey.shape == (*x.shape[:3], 1)
        assert np.abs(grey - x[..., :1]).mean() < 20

    def test_noise_comes_near_the_donors(self) -> None:
        """Measured as `Traits.noise`: of the luminance."""
        x = np.full((4, 64, 64, 3), 128, np.float32)
        for channels in (3, 1):
            found = Traits.of(edits.add_noise(x[..., :channels], np.full(4, 15.0), rng(5)))
            np.testing.assert_allclose(found.noise, 15, rtol=0.13)


class TestPlace:
    def test_paste_takes_the_donors_pixels_there_alone(
        self, x: np.ndarray, donors: np.ndarray
    ) -> None:
        where = rng(6).random((N, *x.shape[1:3])) < 0.3
        found = edits.paste(x, donors, where)
        np.testing.assert_array_equal(found[where], donors[where])
        np.testing.assert_array_equal(found[~where], x[~where])


SQUARE = np.zeros((1, 40, 40), bool)
SQUARE[0, 12:24, 14:26] = True


def scene() -> np.ndarray:
    """Return a red square on grey-green noise, (1, 40, 40, 3)."""
    draw = rng(7)
    found = np.array([100.0, 120.0, 90.0]) + draw.normal(0, 4, (1, 40, 40, 1))
    found[SQUARE] = (250, 10, 10)
    return found.astype(np.float32)


class TestObjects:
    def test_nothing_is_left_of_a_filled_object(self) -> None:
        found = without_objects(scene(), SQUARE)[0]
        np.testing.assert_array_equal(found[~ndimage.binary_dilation(SQUARE[0])],
                                      scene()[0][~ndimage.binary_dilation(SQUARE[0])])  # fmt: skip
        inside = found[SQUARE[0]]
        np.testing.assert_allclose(inside.mean(axis=0), (100, 120, 90), atol=3)
        assert np.abs(inside - (100, 120, 90)).max() < 20

    def test_a_filled_object_has_the_grain_around_it(self) -> None:
        found = without_objects(scene(), SQUARE)[0, ..., 0]
        assert 1.5 < found[SQUARE[0]].std() < 6

    def test_no_object_and_nothing_else_stay(self) -> None:
        for mask in (np.zeros_like(SQUARE), np.ones_like(SQUARE)):
            np.testing.assert_array_equal(without_objects(scene(), mask), scene())

    def test_the_same_size_changes_nothing(self) -> None:
        np.testing.assert_allclose(zoomed(scene(), SQUARE, np.ones(1)), scene(), atol=1e-3)

    @pytest.mark.parametrize("by", [0.5, 1.5, 2.0])
    def test_sizes_scale_around_the_object(self, by: float) -> None:
        found = zoomed(scene(), SQUARE, np.full(1, by))[0]
        red = found[..., 0] - found[..., 1] > 100
        assert np.bincount(ndimage.label(red)[0].ravel())[1:].max() == pytest.approx(
            by**2 * 144, rel=0.25
        )
        assert red[17, 19]


def test_grey_pictures_have_a_luminance() -> None:
    x = rng(8).uniform(0, 255, (2, 8, 8, 1))
    np.testing.assert_allclose(luminance(x), x[..., 0], rtol=1e-6)
