"""The stage draws as Python does: pixels, contours and words of any map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from browser.watched import Modules
from kerascope.plot.colour import overlay
from kerascope.plot.whereabouts import concentration, place

PAINT = """
  const { pixelsFrom } = await load("arrays.js");
  const { scaleOf } = await load("colours.js");
  const { levelsOf, mixOf, paintLevels } = await load("paint.js");
  const [height, width] = given.shape;
  const data = new Uint8ClampedArray(given.picture);
  const picture = pixelsFrom({ width, height, data });
  const field = Float32Array.from(given.values);
  const draw = (meaning, look) => {
    const scale = scaleOf(meaning, look);
    const pixels = new Uint32Array(width * height);
    const mix = mixOf(scale, { blend: "tint", opacity: 0.85, threshold: 0, ...look });
    const layer = { field, limit: given.limit, scale };
    paintLevels(pixels, picture, levelsOf(layer, new Uint8Array(width * height)), mix);
    return Array.from(new Uint8Array(pixels.buffer));
  };
"""
SHAPE = (24, 32)


def given(seed: int = 0, *, sign: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    values = rng.normal(size=SHAPE).astype(np.float32)
    values = values if sign else np.abs(values)
    rgba = np.dstack([picture, np.full(SHAPE, 255, np.uint8)])
    return {
        "shape": SHAPE, "picture": rgba.ravel().tolist(), "values": values.ravel().tolist(),
        "limit": 1.7, "rgb": picture.tolist(),
    }  # fmt: skip


def drawn(modules: Modules, made: dict[str, Any], meaning: str, look: str = "{}") -> np.ndarray:
    found = modules.run(PAINT + f"return draw('{meaning}', {look});", made)
    pixels = np.array(found, np.int32).reshape(*SHAPE, 4)
    assert (pixels[..., 3] == 255).all()
    return pixels[..., :3]


@pytest.mark.parametrize("alpha", [0.85, 0.4, 0])
@pytest.mark.parametrize("meaning", ["signed", "positive", "magnitude"])
def test_maps_are_drawn_as_by_overlay(modules: Modules, meaning: str, alpha: float) -> None:
    made = given(sign=meaning == "signed")
    picture = np.array(made["rgb"], np.uint8)
    values = np.reshape(made["values"], SHAPE)
    wanted = overlay(picture, values, limit=made["limit"], meaning=meaning, alpha=alpha)
    found = drawn(modules, made, meaning, f"{{opacity: {alpha}}}")
    assert np.abs(found - wanted.astype(np.int32)).max() <= 2


def test_another_alpha_is_seen(modules: Modules) -> None:
    made = given()
    picture, values = np.array(made["rgb"], np.uint8), np.reshape(made["values"], SHAPE)
    wanted = overlay(picture, values, limit=made["limit"], alpha=0.85)
    found = drawn(modules, made, "signed", "{opacity: 0.8}")
    assert np.abs(found - wanted.astype(np.int32)).max() > 2


def test_below_the_threshold_a_map_is_drawn_as_zero(modules: Modules) -> None:
    made = given(sign=False)
    values = np.reshape(made["values"], SHAPE)
    cut = made | {"values": np.where(values < 0.5 * made["limit"], 0, values).ravel().tolist()}
    found = drawn(modules, made, "positive", "{threshold: 0.5}")
    # a level of the table lies on one side of the threshold or the other
    clear = np.abs(values / made["limit"] - 0.5) > 0.01
    np.testing.assert_array_equal(found[clear], drawn(modules, cut, "positive")[clear])
    assert (found != drawn(modules, made, "positive")).any()


def test_signs_show_their_part(modules: Modules) -> None:
    made = given()
    values = np.reshape(made["values"], SHAPE)
    for sign, kept in (("for", values > 0), ("against", values < 0)):
        part = made | {"values": np.where(kept, values, 0).ravel().tolist()}
        for colours in ("auto", "diverging", "viridis"):
            look = f"{{sign: '{sign}', colours: '{colours}'}}"
            whole = drawn(modules, made, "signed", look)
            np.testing.assert_array_equal(whole, drawn(modules, part, "signed", look))
            assert len(np.unique(whole[kept], axis=0)) > 50
    sizes = made | {"values": np.abs(values).ravel().tolist()}
    look = "{sign: 'absolute'}"
    found = drawn(modules, made, "signed", look)
    np.testing.assert_array_equal(found, drawn(modules, sizes, "signed", look))
    np.testing.assert_array_equal(found, drawn(modules, sizes, "magnitude"))


def test_cover_keeps_the_picture_where_nothing_is_and_alone_leaves_it_out(
    modules: Modules,
) -> None:
    made = given()
    values = np.reshape(made["values"], SHAPE).copy()
    values[:12] = 0
    values[12:] = 10
    made = made | {"values": values.ravel().tolist()}
    picture = np.array(made["rgb"], np.int32)
    covered = drawn(modules, made, "positive", "{blend: 'cover', opacity: 1}")
    assert np.abs(covered[:12] - picture[:12]).max() <= 1
    assert np.ptp(covered[12:], axis=(0, 1)).max() == 0
    assert np.abs(covered[20, 3] - [252, 255, 164]).max() <= 1
    alone = drawn(modules, made, "positive", "{blend: 'alone'}")
    assert np.ptp(alone[:12], axis=(0, 1)).max() == 0
    np.testing.assert_array_equal(alone[20, 3], [252, 255, 164])


WORDS = """
  const { concentration, placeOf } = await load("regions.js");
  return given.map(({ values, shape }) => {
    const { held, area, region } = concentration(Float32Array.from(values));
    const weight = values.map((value, i) => (region[i] ? value : 0));
    return [held, area, Array.from(region), placeOf(weight, shape)];
  });
"""


def test_places_of_many_maps_are_as_in_python(modules: Modules) -> None:
    rng = np.random.default_rng(5)
    made = []
    for i in range(150):
        shape = tuple(rng.integers(1, 30, 2))
        y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
        centre, width = rng.random(2), 0.05 + rng.random() * 0.8
        bump = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / width**2)
        noise = rng.normal(size=shape) * (0, 0.02, 0.5)[i % 3]
        values = np.round(bump + noise, 2 if i % 2 else 7).astype(np.float32)
        made.append(values if (values > 0).any() else values + 2)
    found = modules.run(
        WORDS, [{"values": one.ravel().tolist(), "shape": one.shape} for one in made]
    )
    for values, (held, area, region, words) in zip(made, found, strict=True):
        wanted_held, wanted_area, wanted = concentration(values)
        assert held == pytest.approx(wanted_held)
        assert area == pytest.approx(wanted_area)
        np.testing.assert_array_equal(np.array(region, bool).reshape(values.shape), wanted)
        weight = np.where(wanted, np.maximum(values, 0), 0).astype(np.float64)
        assert words == place(weight)
    assert len({words for *_, words in found}) > 8


REGIONS = """
  const { regionsOf } = await load("regions.js");
  const { contourPath, groundOf } = await load("contours.js");
  const field = Float32Array.from(given.values);
  const path = contourPath(groundOf(field, given.shape), 0.5);
  return { regions: regionsOf(field, given.shape, given.meaning), path };
"""


def two_spots(shape: tuple[int, int]) -> np.ndarray:
    y, x = (np.arange(n)[:, None] / n for n in shape)
    spot = lambda at, size: np.exp(-(((y - at[0]) / size) ** 2 + ((x.T - at[1]) / size) ** 2))  # noqa: E731
    return spot((0.2, 0.25), 0.1) + 0.9 * spot((0.8, 0.75), 0.08) - 0.8 * spot((0.2, 0.8), 0.1)


@pytest.mark.parametrize("shape", [(200, 300), (14, 21)])
def test_regions_and_contours_are_where_the_map_is_strong(
    modules: Modules, shape: tuple[int, int]
) -> None:
    values = two_spots(shape)
    found = modules.run(
        REGIONS, {"values": values.ravel().tolist(), "shape": shape, "meaning": "signed"}
    )
    assert [(one["words"], one["sign"]) for one in found["regions"]] == [
        ("upper left", 1), ("lower right", 1), ("upper right", -1),
    ]  # fmt: skip
    first = found["regions"][0]
    assert first["share"] > found["regions"][1]["share"] > 0.1
    top, left, bottom, right = first["box"]
    assert top < 0.2 < bottom < 0.4
    assert left < 0.25 < right < 0.45
    lines = [line for line in found["path"].split("M") if line]
    assert len(lines) == 2
    for line, (y, x) in zip(lines, ((0.2, 0.25), (0.8, 0.75)), strict=True):
        points = np.array([p.split() for p in line.removesuffix("Z").split("L")], float)
        assert np.abs(points.mean(axis=0) - (x, y)).max() < 0.04
        np.testing.assert_allclose(points[0], points[-1])


def test_a_contour_closes_along_the_edge_of_the_picture(modules: Modules) -> None:
    values = np.zeros((64, 64))
    values[:, :20] = 1
    found = modules.run(
        REGIONS, {"values": values.ravel().tolist(), "shape": (64, 64), "meaning": "positive"}
    )
    lines = [line for line in found["path"].split("M") if line]
    assert len(lines) == 1
    points = np.array([p.split() for p in lines[0].removesuffix("Z").split("L")], float)
    assert points[:, 1].min() == 0
    assert points[:, 1].max() == 1
    assert points[:, 0].min() == 0
    assert points[:, 0].max() == pytest.approx(20 / 64, abs=0.02)


def test_a_map_of_nothing_has_no_regions(modules: Modules) -> None:
    nothing = {"values": [0] * 64, "shape": (8, 8), "meaning": "signed"}
    assert modules.run(REGIONS, nothing)["regions"] == []


def test_levels_are_made_once_for_what_they_are_about(modules: Modules) -> None:
    asked = """
      const { Painter, mixOf } = await load("paint.js");
      const { scaleOf } = await load("colours.js");
      const picture = { width: 2, height: 1, rgba: new Uint32Array(2), grey: new Uint8Array(2) };
      const painter = new Painter(document.createElement("canvas"));
      const field = Float32Array.from([0.2, 1]);
      const scale = scaleOf("positive");
      const paint = (about, opacity) => {
        const mix = mixOf(scale, { blend: "tint", opacity, threshold: 0 });
        painter.paint(picture, { field, limit: 1, scale, mix, about }, `${about},${opacity}`);
        return [...painter.levels];
      };
      const found = [paint("a", 1)];
      field[0] = 0.8;
      return [...found, paint("a", 0.5), paint("b", 0.5)];
    """
    assert modules.run(asked, None) == [[51, 255], [51, 255], [204, 255]]
