"""The demo's scenes and bundled files: what is drawn, what is stored, what the numbers mean."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from importlib import resources

import numpy as np
import pytest
from PIL import Image

from kerascope.demo.scenes import SIZE, bundled_scenes, make_scenes, picture_name
from kerascope.errors import BadInput

DATA = resources.files("kerascope.demo") / "data"


def test_the_same_seed_draws_the_same_scenes() -> None:
    one, two = make_scenes(4, seed=3, bias=0.0), make_scenes(6, seed=3, bias=0.0)
    assert np.array_equal(one.images, two.images[:4])
    assert not np.array_equal(one.images, make_scenes(4, seed=4, bias=0.0).images)
    assert one.images.shape == (4, SIZE, SIZE, 3)
    assert one.images.dtype == np.uint8


def test_the_mask_is_the_vehicle() -> None:
    scenes, empty = (make_scenes(6, seed=5, bias=0.0, vehicle=v) for v in (True, False))
    assert not empty.masks.any()
    changed = (scenes.images.astype(int) != empty.images).any(axis=-1)
    for mask, change in zip(scenes.masks, changed, strict=True):
        assert 0.03 < mask.mean() < 0.3
        assert change[mask].mean() > 0.97  # every pixel of the vehicle, but for equal colours
    assert not (scenes.masks & scenes.sky).any()


def test_bias_ties_weather_to_class() -> None:
    assert (
        make_scenes(20, seed=1, bias=1.0).sunny == (make_scenes(20, seed=1, bias=1.0).labels == 1)
    ).all()
    swapped = make_scenes(20, seed=1, bias=-1.0)
    assert (swapped.sunny == (swapped.labels == 0)).all()
    free = make_scenes(120, seed=1, bias=0.0)
    assert abs(np.corrcoef(free.sunny, free.labels)[0, 1]) < 0.25
    assert free.labels.mean() == 0.5


def test_another_sky_changes_the_sky() -> None:
    plain, flipped = (make_scenes(3, seed=8, bias=0.0, flip_sky=f) for f in (False, True))
    assert (plain.sunny != flipped.sunny).all()
    assert np.array_equal(plain.masks, flipped.masks)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"bias": 2.0}, {"size": 1}, {"seed": -1}])
def test_wrong_numbers(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        make_scenes(**({"count": 2, "seed": 0, "bias": 0.0} | wrong))


def test_bundled_files_are_small_and_all_described() -> None:
    facts = json.loads((DATA / "facts.json").read_text())
    sizes = {path.name: len(path.read_bytes()) for path in DATA.iterdir()}
    nets = {f"{name}.keras" for name in facts["nets"]}
    assert sizes.keys() == nets | {"facts.json", *facts["pictures"]}
    assert max(sizes[name] for name in nets) < 500_000
    assert sum(sizes.values()) < 1_500_000


def test_the_nets_differ_in_their_scenes_alone() -> None:
    facts = json.loads((DATA / "facts.json").read_text())["nets"]
    built = set()
    for name, net in facts.items():
        data = (DATA / f"{name}.keras").read_bytes()
        assert hashlib.sha256(data).hexdigest() == net["sha256"]
        assert net["accuracy"]["own"] > 0.95
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            built.add(archive.read("config.json").replace(name.encode(), b"net"))
    assert len(built) == 1
    sky, vehicle = facts["sky_net"], facts["object_net"]
    assert {
        key for key in ("bias", "scenes", "epochs", "parameters") if sky[key] != vehicle[key]
    } == {"bias"}
    assert sky["accuracy"]["swapped_weather"] < 0.2
    assert vehicle["accuracy"]["swapped_weather"] > 0.95
    assert sky["answers_turned_by_another_sky"] > 0.95
    assert vehicle["answers_turned_by_another_sky"] < 0.05


def test_the_bundled_pictures_are_scenes_named_after_what_they_show() -> None:
    scenes = bundled_scenes(size=256)
    names = json.loads((DATA / "facts.json").read_text())["pictures"]
    assert names == [picture_name(scenes, index) for index in range(len(scenes))]
    seen = set()
    for name, image in zip(names, scenes.images, strict=True):
        with Image.open(str(DATA / name)) as picture:
            assert not picture.getexif()
            # a rounding of the machine that draws may turn a value by one
            assert np.abs(np.asarray(picture).astype(int) - image).max() <= 1
        seen.add(tuple(name.removesuffix(".png").split("_")[2:]))
    assert seen == {(kind, sky) for kind in ("tank", "truck") for sky in ("sunny", "overcast")}


def test_share_inside_counts_positive_evidence_only() -> None:
    from kerascope.demo.evidence import Evidence, share_inside

    heat = np.array([[[1.0, 3.0], [-5.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]])
    masks = np.array([[[True, False], [True, True]]] * 2)
    assert share_inside(heat, masks).tolist() == [0.25, 0.0]
    evidence = Evidence(np.array([0.2, 0.4, 0.6, 0.8]), 0.1, 1.0)
    low, high = evidence.interval()
    assert low < evidence.mean == 0.5 < high
    assert evidence.interval() == (low, high)


def test_the_check_of_the_story_can_fail() -> None:
    from kerascope.demo.evidence import Evidence
    from kerascope.demo.story import DemoFailed, Finding, check

    def finding(name: str, share: float) -> Finding:
        pixels = Evidence(np.full(20, 0.5), 0.1, 1.0)  # the check reads the activation map alone
        return Finding(name, Evidence(np.full(20, share), 0.1, 1.0), pixels, 1.0)

    check([finding("sky_net", 0.1), finding("object_net", 0.7)])
    for fooled, honest in ((0.3, 0.7), (0.1, 0.5), (0.7, 0.1)):
        with pytest.raises(DemoFailed, match="does not hold"):
            check([finding("sky_net", fooled), finding("object_net", honest)])
