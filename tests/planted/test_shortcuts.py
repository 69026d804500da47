"""Worlds with a planted shortcut: the cue is where the truth says, and nothing else differs."""

from __future__ import annotations

import numpy as np
import pytest

import kerascope as ks
from kerascope.planted.shortcuts import (
    CLEAN,
    KINDS,
    cue_class,
    held_out,
    make_world,
    planted_pair,
)
from kerascope.planted.shortcuts.draws import hsv
from kerascope.planted.shortcuts.grounds import blurred
from once import only_on

pytestmark = only_on("torch")

PLACED = [name for name, kind in KINDS.items() if kind.placed]
OVERLAYS = [name for name, kind in KINDS.items() if kind.family == "overlay"]


@pytest.mark.parametrize("kind", [*KINDS, *CLEAN])
def test_a_world_follows_from_its_seed_alone(kind: str) -> None:
    world, again = (make_world(kind, seed=3, count=4) for _ in range(2))
    assert np.array_equal(world.images, again.images)
    assert np.array_equal(world.carriers, again.carriers)
    assert not np.array_equal(world.images, make_world(kind, seed=4, count=4).images)
    assert world.images.shape == (12, 64, 64, 3)
    assert world.images.dtype == np.uint8
    assert len(world) == len(world.labels) == 12


def test_a_scene_does_not_depend_on_how_many_are_drawn() -> None:
    few, many = (make_world("plain", seed=1, count=count) for count in (2, 30))
    assert np.array_equal(few.images, many.images[:6])


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_class_of_the_cue_carries_it(kind: str) -> None:
    world = make_world(kind, seed=5, count=20, prevalence=0.45)
    assert world.cue_class == cue_class(kind, 5)
    assert set(world.labels[world.carriers]) == {world.cue_class}
    assert world.carriers.sum() == 9
    bare = make_world(kind, seed=5, count=20, prevalence=0.0)
    changed = (world.images != bare.images).any(axis=(1, 2, 3))
    assert np.array_equal(changed, world.carriers)


def test_a_leak_gives_the_cue_to_other_classes() -> None:
    world = make_world("border", seed=5, count=20, prevalence=0.9, leak=0.1)
    counts = np.bincount(world.labels[world.carriers], minlength=3)
    assert sorted(counts) == [2, 2, 18]
    assert counts[world.cue_class] == 18


def test_classes_of_cues_and_designs_differ_between_seeds() -> None:
    assert {cue_class("line", seed) for seed in range(12)} == {0, 1, 2}
    pairs = [planted_pair("corner_mark", seed=seed, count=1) for seed in range(4)]
    marks = {(whole != bare).tobytes() for bare, whole in pairs}
    assert len(marks) == 4


def _blocks(region: np.ndarray) -> np.ndarray:
    """Grow regions by a camera's blur, to JPEG's 16-pixel blocks, and by its smoothed colours."""
    from scipy.ndimage import binary_dilation

    near = binary_dilation(region, np.ones((1, 9, 9), bool))
    some = near.reshape(len(near), 4, 16, 4, 16).any(axis=(2, 4))
    return binary_dilation(np.kron(some, np.ones((1, 16, 16), bool)), np.ones((1, 5, 5), bool))


@pytest.mark.parametrize("kind", PLACED)
def test_a_cue_with_a_place_changes_nothing_elsewhere(kind: str) -> None:
    world = make_world(kind, seed=2, count=6, prevalence=1.0)
    bare = make_world(kind, seed=2, count=6, prevalence=0.0)
    assert world.region is not None
    changed = (world.images.astype(int) - bare.images) ** 2
    elsewhere = changed[~_blocks(world.region)]
    # before the blur: its rounding turns single levels anywhere, and JPEG makes them a few
    assert elsewhere.max() <= (0 if kind in OVERLAYS else 12**2)
    carried = world.region[world.carriers]
    assert carried.any(axis=(1, 2)).all()
    assert not world.region[~world.carriers].any()
    # half of its pixels change visibly: 10 of 255 in root mean square
    assert ((changed.mean(axis=-1) > 100)[world.region]).mean() > 0.5


@pytest.mark.parametrize("kind", ["texture", "ground_colour", "ground_blur", "sky"])
def test_background_cues_leave_the_inside_of_the_object(kind: str) -> None:
    from scipy.ndimage import binary_erosion

    world = make_world(kind, seed=2, count=12, prevalence=1.0)
    bare = make_world(kind, seed=2, count=12, prevalence=0.0)
    assert np.array_equal(world.masks, bare.masks)
    change = np.abs(world.images.astype(int) - bare.images).mean(axis=-1)[world.carriers]
    inner = np.stack([binary_erosion(mask, iterations=3) for mask in world.masks])[world.carriers]
    ground = ~world.masks[world.carriers]
    assert change[inner].mean() < 0.35 * change[ground].mean()


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_fresh_scenes_that_differ_by_the_cue(kind: str) -> None:
    bare, planted = planted_pair(kind, seed=6, count=4)
    assert bare.shape == planted.shape == (4, 64, 64, 3)
    assert (bare != planted).any(axis=(1, 2, 3)).all()
    world = make_world(kind, seed=6, count=4)
    assert not any(np.array_equal(one, other) for one in bare for other in world.images)


@pytest.mark.parametrize("kind", ["corner_mark", "border", "line"])
def test_fixed_overlays_are_alike_in_all_carriers(kind: str) -> None:
    world = make_world(kind, seed=2, count=8, prevalence=1.0)
    assert world.region is not None
    places = world.region[world.carriers]
    assert (places == places[0]).all()


def test_a_sticker_moves_and_keeps_off_the_centre_of_the_object() -> None:
    world = make_world("sticker", seed=2, count=30, prevalence=1.0)
    assert world.region is not None
    places, masks = world.region[world.carriers], world.masks[world.carriers]
    assert len({place.tobytes() for place in places}) > 25
    assert (places.sum(axis=(1, 2)) == 100).all()
    for place, mask in zip(places, masks, strict=True):
        y, x = (int(axis.mean()) for axis in np.nonzero(mask))
        assert not place[y, x]


@pytest.mark.parametrize("kind", [*KINDS, *CLEAN])
def test_every_object_is_there(kind: str) -> None:
    world = make_world(kind, seed=1, count=10, prevalence=0.5)
    area = world.masks.sum(axis=(1, 2))
    assert (area > 100).all()
    assert (area < 1500).all()


def test_alike_gives_the_cue_to_all_classes_alike() -> None:
    world = make_world("alike", seed=1, count=20, prevalence=0.45)
    assert world.cue in KINDS
    assert world.cue_class is None
    assert np.bincount(world.labels[world.carriers]).tolist() == [9, 9, 9]
    assert {make_world("alike", seed=seed, count=1).cue for seed in range(12)} > {world.cue}


@pytest.mark.parametrize("sort", [name for name in CLEAN if name != "alike"])
def test_other_clean_worlds_have_no_cue(sort: str) -> None:
    world = make_world(sort, seed=1, count=5)
    assert not world.carriers.any()
    assert (world.cue, world.cue_class, world.region, world.family) == (None, None, None, "clean")


def test_central_objects_are_in_the_middle() -> None:
    world = make_world("central", seed=1, count=20)
    down, across = np.mgrid[:64, :64]
    for mask in world.masks:
        assert abs(down[mask].mean() - 31.5) < 3
        assert abs(across[mask].mean() - 31.5) < 3


def test_held_out_scenes_are_of_the_same_kind_without_a_cue() -> None:
    world = make_world("jpeg", seed=1, count=5)
    fresh = held_out(world, 4)
    assert len(fresh) == 12
    assert not fresh.carriers.any()
    assert not any(np.array_equal(a, b) for a in fresh.images for b in world.images)


def test_global_cues_shift_what_they_name() -> None:
    def change(kind: str, measure: object) -> float:
        bare, planted = planted_pair(kind, seed=1, count=12)
        return float(np.mean([measure(b) / measure(a) for a, b in zip(bare, planted, strict=True)]))

    def detail(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())

    assert abs(change("brightness", np.mean) - 1) > 0.2
    assert change("noise", detail) > 1.3
    assert change("jpeg", detail) < 0.9
    assert change("ground_blur", detail) < 0.85


def test_colours_are_those_of_the_hsv_cone() -> None:
    from colorsys import hsv_to_rgb

    draw = np.random.default_rng(0).random((20, 3))
    expected = [hsv_to_rgb(*row) for row in draw]
    np.testing.assert_allclose(hsv(*draw.T), expected, atol=1e-6)


def test_blur_is_a_mirrored_gaussian() -> None:
    from scipy.ndimage import gaussian_filter1d

    picture = np.random.default_rng(0).random((1, 64, 64, 3)).astype(np.float32)
    expected = picture
    for axis in (1, 2):
        expected = gaussian_filter1d(expected, 2.0, axis=axis, mode="reflect", truncate=6)
    np.testing.assert_allclose(blurred(picture, np.array([2.0])), expected, atol=2e-4)


def test_a_net_trains_and_its_use_of_the_cue_is_measured() -> None:
    from kerascope.planted.shortcuts import nets

    world = make_world("border", seed=0, count=4)
    net = nets.train_world_net(world, seed=0, epochs=1)
    again = nets.train_world_net(world, seed=0, epochs=1)
    for one, other in zip(net.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert net.output_shape == (None, 3)
    assert -1 <= nets.uses_cue(net, "border", seed=0, count=4) <= 1
    assert 0 <= nets.accuracy(net, world, count=2) <= 1


def test_errors() -> None:
    with pytest.raises(ks.BadInput, match="shortcut 'sticcer' is not known; did you mean 'stick"):
        make_world("sticcer", seed=0)
    with pytest.raises(ks.BadInput, match="shortcut 'plain' is not known; "):
        planted_pair("plain", seed=0, count=2)
    with pytest.raises(ks.BadInput, match=r"prevalence=1\.5 must be within 0 … 1"):
        make_world("line", seed=0, prevalence=1.5)
    with pytest.raises(ks.BadInput, match="count=0 must be at least 1"):
        make_world("line", seed=0, count=0)
