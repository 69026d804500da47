"""Traits of whole pictures: measured, told apart by class, with the nearest controls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from audit import causes
from audit.causes import rng, world
from kerascope.audit.hypotheses.traits import LEAST_Z, families, nearest_controls, standing
from kerascope.audit.interventions.statistics import Traits, outer
from kerascope.audit.measures import luminance
from once import once

pytestmark = once

N, SIDE = 12, 64


def flat(*colour: float) -> np.ndarray:
    return np.full((N, SIDE, SIDE, len(colour)), colour, np.float32)


def noise(sigma: float) -> np.ndarray:
    return 128 + rng(1).normal(0, sigma, (N, SIDE, SIDE, 1)) * np.ones(3)


class TestMeasured:
    def test_tone(self) -> None:
        found = Traits.of(flat(200, 100, 50))
        grey = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
        np.testing.assert_allclose(found.brightness, grey, rtol=1e-5)
        np.testing.assert_allclose(
            found.colour, [[200 - grey, 100 - grey, 50 - grey]] * N, rtol=1e-4
        )
        np.testing.assert_allclose(luminance(flat(200, 100, 50)), grey, rtol=1e-5)

    def test_grey_pictures_have_no_colour(self) -> None:
        assert not Traits.of(flat(90)).colour.any()
        assert Traits.of(flat(90)).brightness[0] == 90

    @pytest.mark.parametrize("sigma", [3, 10, 30])
    def test_noise(self, sigma: float) -> None:
        """Immerkær's measure, of noise that is nothing but noise."""
        np.testing.assert_allclose(Traits.of(noise(sigma)).noise, sigma, rtol=0.13)

    def test_power_of_white_noise_is_its_variance_in_all_bands(self) -> None:
        found = np.exp(Traits.of(noise(20)).bands)
        assert np.median(found) == pytest.approx(400, rel=0.1)
        np.testing.assert_allclose(found.mean(axis=0), 400, rtol=0.4)  # medians of few terms

    def test_blur_takes_the_high_bands(self) -> None:
        sharp = noise(20)
        soft = np.stack([ndimage.gaussian_filter(p, (1.5, 1.5, 0)) for p in sharp])
        lost = Traits.of(sharp).bands - Traits.of(soft).bands
        assert (np.diff(lost.mean(axis=0)) > 0).all()
        assert lost[:, 3].min() > 4

    def test_compression_leaves_terms_of_zero(self) -> None:
        share = [Traits.of(causes.jpeg(noise(10), q)).flat.mean() for q in (95, 50, 20, 8)]
        assert share == sorted(share)
        assert share[-1] > 0.8
        assert share[0] < 0.3

    def test_the_object_does_not_count(self) -> None:
        """What is in the middle is no trait of the picture."""
        x = noise(5).astype(np.float32)
        painted = x.copy()
        painted[:, 24:40, 24:40] = (255, 0, 0)
        one, two = Traits.of(x), Traits.of(painted)
        for name in ("brightness", "colour", "bands", "noise", "flat"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert not outer(SIDE, SIDE)[24:40, 24:40].any()

    def test_layout(self) -> None:
        x = flat(100, 100, 100)
        x[:, :21] += 60
        found = Traits.of(x).layout.reshape(N, -1, 3)
        assert (found[:, :3] > 30).all()
        assert (found[:, 3:] < 0).all()

    def test_of_no_light_and_of_all(self) -> None:
        for tone in (0, 255):
            found = Traits.of(flat(tone, tone, tone))
            for name in ("brightness", "contrast", "colour", "bands", "flat", "noise", "layout"):
                assert np.isfinite(getattr(found, name)).all()


class TestStanding:
    def test_files_with_the_trait_stand_out(self) -> None:
        made = world(causes.redder, (0.4, 0, 0), each=80)
        own, others = (np.flatnonzero(w) for w in (made.labels == 0, made.labels != 0))
        found = standing("colour", Traits.of(made.pictures).colour, own, others)
        assert found.z >= LEAST_Z
        assert found.carried()[made.carriers].mean() >= 0.6
        assert found.carried()[~made.carriers].mean() <= 0.1
        carried = found.score >= found.widest(made.labels, 0)
        assert carried[made.carriers].mean() >= 0.9

    @pytest.mark.parametrize("seed", range(3))
    def test_else_none_does(self, seed: int) -> None:
        made = world(seed=seed)
        traits = families(Traits.of(made.pictures))
        for label in range(3):
            own, others = (np.flatnonzero(w) for w in (made.labels == label, made.labels != label))
            for family in ("brightness", "contrast", "colour"):
                assert standing(family, traits[family], own, others).z < LEAST_Z + 1

    def test_traits_that_do_not_vary(self) -> None:
        found = standing("flat", np.ones((40, 2)), np.arange(10), np.arange(10, 40))
        assert np.isfinite(found.score).all()
        assert found.z < LEAST_Z

    def test_controls_are_the_nearest(self) -> None:
        values = np.concatenate([np.linspace(5, 6, 20), np.linspace(0, 4, 80)])[:, None]
        found = standing("one", values, np.arange(20), np.arange(20, 100))
        controls = nearest_controls(found, np.arange(20, 100), 12)
        assert len(controls) == 12
        assert set(controls.tolist()) == set(range(88, 100))
        assert len(nearest_controls(found, np.arange(20, 26), 12)) == 6
