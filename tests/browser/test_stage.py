"""The stage on its own: cross-hair, zoom, brush, path, difference, panels, what is drawn again."""

from __future__ import annotations

import base64
import copy
import re
from typing import Any

import numpy as np
import pytest

from browser import scenes
from browser.watched import Modules
from kerascope.report.blobs import Blobs, read_array
from kerascope.resize import linear
from kerascope.wording import number, percentage

START = """
  const { makeStage } = await load("stage.js");
  const { makeBook } = await load("book.js");
  const { makeState } = await load("state.js");
  const { inlinedHost } = await load("host.js");
  const asked = [];
  const host = inlinedHost(given.document);
  if (given.live) {
    host.live = true;
    host.erase = (request) => {
      asked.push(request);
      return Promise.resolve({ erased: { target: "logit of 'tabby'", before: 8, after: 5.5,
        drop: 2.5, picture: null,
        outputs_after: [{ name: "", bars: [{ label: "lynx", words: "61 %" }] }] } });
    };
  }
  const context = { book: makeBook(given.document), state: makeState(), host, jobs: null,
    say: () => {} };
  const stage = makeStage(context);
  const draw = () => stage.draw(context.book.resolve(context.state.get()));
  context.redraw = draw;
  context.state.subscribe(draw);
  document.querySelector("main").append(stage.element);
  Object.assign(window, { stage, context, draw, asked });
  context.state.set(given.state ?? {});
  await draw();
"""
VIEW = ".stage-view"


class Shown:
    """A stage with a document; what it says and holds."""

    def __init__(
        self, modules: Modules, document: dict[str, Any], *, live: bool = False, **state: Any
    ) -> None:
        self.modules, self.page, self.document = modules, modules.page, document
        modules.run(START, {"document": document, "live": live, "state": state})

    def set(self, **state: Any) -> None:
        self.modules.run("context.state.set(given); await draw();", state)

    def get(self, key: str) -> Any:
        return self.modules.run("return context.state.get()[given];", key)

    @property
    def redraws(self) -> int:
        return int(self.modules.run("return stage.redraws;"))

    @property
    def drawn(self) -> str:
        return str(self.page.eval_on_selector("canvas.stage-canvas", "(one) => one.toDataURL()"))

    def covered(self) -> np.ndarray:
        """Say of every pixel of the input whether the brush covers it."""
        return np.array(
            self.modules.run(
                'const c = document.querySelector("canvas.stage-mask");'
                "const pen = new OffscreenCanvas(c.width, c.height)"
                '.getContext("2d", { willReadFrequently: true });'
                "pen.drawImage(c, 0, 0);"
                "const { data } = pen.getImageData(0, 0, c.width, c.height);"
                "return Array.from(data).filter((_, i) => i % 4 === 3);"
            )
        ).astype(bool)

    def text(self, place: str) -> str:
        return str(self.page.locator(place).first.text_content())

    def keys(self, *keys: str) -> None:
        self.page.focus(VIEW)
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_timeout(50)


@pytest.fixture(scope="module")
def animals() -> dict[str, Any]:
    return scenes.document(2)


def method_id(document: dict[str, Any], name: str) -> str:
    return next(m["id"] for m in document["methods"] if m["name"] == name)


def map_of(document: dict[str, Any], name: str, target: int = 0) -> dict[str, Any]:
    found = method_id(document, name)
    return next(
        one for one in document["maps"]
        if one["method"] == found and one["sample"] == "s0" and one["target"]["place"] == target
    )  # fmt: skip


def values_of(document: dict[str, Any], one: dict[str, Any], key: str = "values") -> np.ndarray:
    return linear(read_array(one[key], document["blobs"]), tuple(one["size"]))


def test_what_does_not_change_is_not_drawn_again(modules: Modules, animals: dict[str, Any]) -> None:
    shown = Shown(modules, animals)
    assert shown.redraws == 1
    shown.modules.run("await draw(); await draw();")
    shown.set(zoom=3, drawer="clusters", contours=True)
    shown.set(view="split")
    assert shown.redraws == 2  # the picture beside the map
    shown.set(split=0.2)
    shown.set(split=0.7)
    assert shown.redraws == 2
    shown.set(opacity=0.3)
    assert shown.redraws == 3


def test_the_cross_hair_tells_the_value(modules: Modules, animals: dict[str, Any]) -> None:
    name = "occlusion"
    shown = Shown(modules, animals, method=method_id(animals, name))
    one = map_of(animals, name)
    values = values_of(animals, one)
    shown.keys("ArrowRight", "ArrowRight", "Shift+ArrowUp", "ArrowDown")
    y, x = values.shape[0] // 2 - 9, values.shape[1] // 2 + 2
    value = float(values[y, x])
    words = number(value) if value <= 0 else f"+{number(value)}"
    share = percentage(abs(value) / one["limit"])
    told = f"{words}   {share} of the limit"
    assert shown.text(".stage-value") == f"x {x}, y {y}   {told}"
    spoken = shown.text(".stage-spoken")
    assert spoken.startswith(f"x {x}, y {y}; Occlusion · ")
    assert told in spoken
    box = shown.page.locator(VIEW).bounding_box()
    shown.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"])
    shown.page.wait_for_timeout(50)
    y, x = int(0.2 * values.shape[0]), int(0.1 * values.shape[1])
    assert shown.text(".stage-value").startswith(f"x {x}, y {y}   ")
    assert shown.text(".stage-spoken") == spoken  # the pointer does not chatter


def test_zoom_by_keys_holds_the_picture_in_its_frame(
    modules: Modules, animals: dict[str, Any]
) -> None:
    shown = Shown(modules, animals, centre=[0.9, 0.1])
    shown.keys("+", "+", "+", "+")
    assert shown.get("zoom") == pytest.approx(4)
    frame, layer = (
        shown.page.locator(place).bounding_box() for place in (".stage-frame", ".stage-layer")
    )
    assert layer["width"] == pytest.approx(4 * frame["width"], rel=1e-3)
    assert layer["x"] <= frame["x"] + 0.5
    assert layer["x"] + layer["width"] >= frame["x"] + frame["width"] - 0.5
    assert layer["y"] <= frame["y"] + 0.5
    shown.keys("0")
    assert (shown.get("zoom"), shown.get("centre")) == (1, [0.5, 0.5])
    shown.page.dblclick(VIEW)
    assert shown.get("zoom") == 2


def test_the_brush_predicts_what_it_covers(modules: Modules, animals: dict[str, Any]) -> None:
    name = "integrated_gradients"
    shown = Shown(modules, animals, method=method_id(animals, name), erase=True)
    assert shown.page.get_by_text("Erase and ask the model").is_hidden()
    assert "needs the model" in shown.text(".stage-measured")
    shown.keys("]", "]", "]", "]", " ", "ArrowRight", "ArrowRight", " ", "ArrowUp", "x")
    covered = shown.covered()
    one = map_of(animals, name)
    values = values_of(animals, one).astype(np.float64).ravel()
    held = np.maximum(values, 0)[covered].sum() / np.maximum(values, 0).sum()
    words = shown.text(".stage-predicted")
    assert 0.02 < covered.mean() < 0.5
    assert words.startswith(
        f"{percentage(float(covered.mean()))} of the picture is covered; it holds "
        f"{percentage(float(held))} of the evidence for"
    )
    drop = number(float(values[covered].sum()))
    assert f"Predicted drop: {drop} of {number(one['target']['score'])}." in words
    shown.page.get_by_role("button", name="Clear").click()
    shown.page.wait_for_timeout(50)
    assert shown.text(".stage-predicted") == ""
    shown.page.get_by_role("button", name="Cover the strongest part").click()
    shown.page.wait_for_timeout(50)
    area, held = (
        float(part) for part in re.findall(r"(\d+) %", shown.text(".stage-predicted"))[:2]
    )
    assert 1 <= area < 35
    assert 40 < held < 75
    shown.keys("Escape")
    assert shown.get("erase") is False


def test_what_is_painted_is_in_the_address(modules: Modules, animals: dict[str, Any]) -> None:
    shown = Shown(modules, animals, erase=True)
    shown.keys("]", "]", "]", " ", "ArrowRight", "ArrowRight", "ArrowDown", " ")
    painted, empty = shown.covered(), ""
    assert 0.02 < painted.mean() < 0.5
    text = shown.modules.run("return context.state.text();")
    one = shown.get("mask")
    assert one.startswith("s0.")
    assert len(one) < 400
    shown.set(mask=empty)
    assert not shown.covered().any()
    assert f"mask={one}" in text
    shown.set(mask=one)
    assert np.array_equal(shown.covered(), painted)
    shown.set(sample="s1")
    assert not shown.covered().any()  # it was painted on another picture
    shown.set(sample="s0")
    assert np.array_equal(shown.covered(), painted)
    shown.page.get_by_role("button", name="Clear").click()
    assert shown.get("mask") == empty


def test_masks_as_texts(modules: Modules) -> None:
    body = """
      const { Mask } = await load("mask.js");
      const { maskCells, maskText } = await load("maskcode.js");
      const mask = new Mask(given.shape);
      mask.bytes.set(given.bytes);
      const text = maskText(mask);
      const found = maskCells(text, given.shape);
      const again = new Mask(given.shape);
      if (found) again.take(found.region, found.cells);
      return [text.length, found?.cells ?? null, Array.from(again.bytes)];
    """
    draw = np.random.default_rng(4)
    rows, columns = np.mgrid[:200, :300]
    disc = (rows - 90) ** 2 + (columns - 160) ** 2 < 60**2
    noise = draw.random((200, 300)) < 0.5
    blocks = np.kron(draw.random((25, 30)) < 0.5, np.ones((8, 10))) > 0
    speckled = disc ^ (draw.random(disc.shape) < 0.02)
    for mask, exact in (
        (disc, True), (~disc, True), (np.ones_like(disc), True), (draw.random((9, 7)) < 0.5, True),
        (speckled, False), (blocks, False), (noise, False),
    ):  # fmt: skip
        given = {"shape": list(mask.shape), "bytes": (255 * mask.ravel()).tolist()}
        length, cells, found = modules.run(body, given)
        same = (np.reshape(found, mask.shape) > 0) == mask
        assert length <= 1500
        assert (cells == list(mask.shape)) is exact
        assert same.all() if exact else same.mean() > (0.4 if mask is noise else 0.85)
    nothing = {"shape": [4, 5], "bytes": [0] * 20}
    assert modules.run(body, nothing) == [0, None, [0] * 20]
    broken = ["", "A", "AA", "!!", "BAQ", "AP__", "AP8P", "AAUFBQUF", "____", "A" * 1600, "AA=="]
    told = modules.run(
        'const { maskCells } = await load("maskcode.js");'
        "return given.map((text) => maskCells(text, [4, 4]) === null);",
        broken,
    )
    assert told == [text != "AA" for text in broken]  # which covers nothing


def test_the_brush_is_round_on_the_picture(modules: Modules) -> None:
    body = """
      const { Mask } = await load("mask.js");
      const mask = new Mask([100, 100]);
      mask.ratio = given;
      mask.disc([0.5, 0.5], 0.2);
      return Array.from(mask.bytes);
    """
    for ratio, wide, high in ((2, 40, 80), (1, 40, 40), (0.5, 80, 40)):
        mask = np.reshape(modules.run(body, ratio), (100, 100)) > 0
        assert mask.any(axis=0).sum() == pytest.approx(wide, abs=2)
        assert mask.any(axis=1).sum() == pytest.approx(high, abs=2)


def test_only_complete_methods_predict_a_drop(modules: Modules, animals: dict[str, Any]) -> None:
    shown = Shown(modules, animals, method=method_id(animals, "grad_cam"), erase=True)
    shown.keys(" ")
    words = shown.text(".stage-predicted")
    assert "of the picture is covered" in words
    assert "drop" not in words


def test_the_brush_measures_with_a_model(modules: Modules, animals: dict[str, Any]) -> None:
    shown = Shown(modules, animals, live=True, erase=True)
    ring = shown.page.locator("ellipse").first.bounding_box()
    assert ring["width"] == pytest.approx(ring["height"], rel=0.02)  # round from the start
    box = shown.page.locator(VIEW).bounding_box()
    shown.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=3)
    shown.page.mouse.up()
    shown.page.wait_for_timeout(600)  # the hand rests
    [request] = shown.modules.run("return asked;")
    one = map_of(animals, "grad_cam")
    assert request["sample"] == "s0"
    assert request["how"] == "blur"
    assert request["target"] in (one["target"]["index"], one["target"]["key"])
    height, width = request["mask"]["shape"]
    mask = np.frombuffer(base64.b64decode(request["mask"]["bytes"]), np.uint8).reshape(
        height, width
    )
    assert [height, width] == one["size"]
    assert set(np.unique(mask)) == {0, 255}
    assert mask[height // 2, int(0.3 * width) : int(0.6 * width)].all()
    assert not mask[: height // 4].any()
    told = shown.text(".stage-measured")
    assert "Measured drop: 2.5 (logit of 'tabby': 8 → 5.5)." in told
    assert "now says lynx, 61 %" in told
    shown.keys(" ")
    assert shown.text(".stage-measured") == ""  # another mask, another measurement
    shown.page.get_by_role("button", name="Erase and ask the model").click()
    shown.page.wait_for_timeout(50)
    assert "Measured drop" in shown.text(".stage-measured")
    other = map_of(animals, "grad_cam", 1)
    shown.set(target=other["target"]["key"])
    shown.page.wait_for_function(  # what was measured was another class
        "() => !document.querySelector('.stage-measured')?.innerText", timeout=10_000
    )
    shown.page.wait_for_timeout(600)
    assert shown.modules.run("return asked.at(-1).target;") == other["target"]["index"]
    assert "Measured drop" in shown.text(".stage-measured")


def test_what_was_measured_of_an_older_mask_is_dropped(
    modules: Modules, animals: dict[str, Any]
) -> None:
    shown = Shown(modules, animals, live=True, erase=True)
    shown.modules.run(
        """window.waiting = [];
        context.host.erase = (request) => new Promise((resolve, reject) => {
          waiting.push({ resolve, reject });
        });"""
    )
    erased = {"target": "it", "before": 8, "after": 5.5, "drop": 2.5, "picture": None}
    for _ in range(2):
        shown.keys("ArrowRight", " ")
        shown.page.wait_for_timeout(600)
    # A better map of the same name and class has come: the answer holds for it too.
    again = "context.book.merge({ maps: given.map((one) => ({ ...one })) }); await draw();"
    shown.modules.run(again, animals["maps"])
    answer = "waiting[given[0]].resolve({ erased: { ...given[1], drop: given[2] } }); await draw();"
    shown.modules.run(answer, [1, erased, 3])
    assert "Measured drop: 3 " in shown.text(".stage-measured")
    shown.modules.run(answer, [0, erased, 7])
    assert "Measured drop: 3 " in shown.text(".stage-measured")
    shown.keys("x")
    shown.page.wait_for_timeout(600)
    shown.modules.run("waiting[2].reject(new Error('memory ran out')); await draw(); await draw();")
    assert shown.text(".stage-measured") == "memory ran out"


def test_the_difference_of_two_maps(modules: Modules, animals: dict[str, Any]) -> None:
    own, other = map_of(animals, "grad_cam"), map_of(animals, "occlusion")
    body = """
      const { differenceNumbers } = await load("sources.js");
      const found = await differenceNumbers(context, { map: null },
        context.book.map(given[0]), context.book.map(given[1]));
      return [Array.from(found.values), found.limit];
    """
    shown = Shown(modules, animals)
    for second in (other, map_of(animals, "grad_cam", 1)):
        found, limit = modules.run(body, [own["id"], second["id"]])
        units = (own["limit"], second["limit"]) if second is other else (1, 1)
        wanted = values_of(animals, own) / units[0] - values_of(animals, second) / units[1]
        np.testing.assert_allclose(np.reshape(found, own["size"]), wanted, atol=1e-4)
        assert limit == (1 if second is other else max(own["limit"], second["limit"]))
    shown.set(view="difference", pins=[])
    assert "Pin another map" in shown.text(".stage-hint")
    shown.set(pins=[other["id"]])
    assert " less Occlusion" in shown.text(".stage-title")
    assert shown.text(".stage-low").startswith("less")


def test_any_map_can_be_chosen_to_compare_with(modules: Modules, animals: dict[str, Any]) -> None:
    shown = Shown(modules, animals)
    groups = shown.page.locator("[data-control=compare] optgroup")
    assert groups.count() == 0  # the list is made when it is opened
    shown.page.focus("[data-control=compare]")
    labels = groups.evaluate_all("all => all.map((one) => one.label)")
    assert labels == ["Another method", "Another class", "Another image"]
    counts = groups.evaluate_all("all => all.map((one) => one.children.length)")
    assert counts == [4, 1, 1]
    other = map_of(animals, "smooth_grad")
    shown.page.select_option("[data-control=compare]", other["id"])
    shown.page.wait_for_timeout(100)
    assert (shown.get("view"), shown.get("pins")) == ("side", [other["id"]])
    titles = shown.page.locator(".stage-title").all_text_contents()
    assert titles[0] == "animal_00.jpg"
    assert titles[1].startswith("Grad-CAM · ")
    assert titles[2].startswith("SmoothGrad · ")
    shown.page.get_by_role("button", name="Look closer: SmoothGrad").click()
    shown.page.wait_for_timeout(100)
    assert (shown.get("view"), shown.get("method")) == ("stage", other["method"])


def test_flicker_can_be_paused_and_turned_by_hand(
    modules: Modules, animals: dict[str, Any]
) -> None:
    shown = Shown(modules, animals, view="flicker")
    over = shown.page.locator(".stage-over")
    away = "(one) => one.classList.contains('stage-away')"
    seen = set()
    for _ in range(12):
        seen.add(over.evaluate(away))
        shown.page.wait_for_timeout(120)
    assert seen == {True, False}
    shown.page.get_by_role("button", name="Pause").click()
    still = over.evaluate(away)
    shown.page.wait_for_timeout(1200)
    assert over.evaluate(away) is still
    shown.page.get_by_role("button", name="Turn over").click()
    assert over.evaluate(away) is not still
    assert shown.page.get_by_role("button", name="Go on").is_visible()
    shown.set(view="stage")
    assert over.is_hidden()


def test_a_map_that_cannot_be_read_says_so(modules: Modules, animals: dict[str, Any]) -> None:
    document = copy.deepcopy(animals)
    map_of(document, "grad_cam")["values"]["shape"] = [3, 3]
    shown = Shown(modules, document)
    assert shown.text(".stage-message").startswith("This map cannot be shown: an array of 3 × 3")
    shown.set(method=method_id(document, "occlusion"))
    assert shown.page.locator(".stage-message").is_hidden()


@pytest.fixture
def with_path(animals: dict[str, Any]) -> dict[str, Any]:
    document = copy.deepcopy(animals)
    one = map_of(document, "integrated_gradients")
    values, blobs = read_array(one["values"], document["blobs"]), Blobs()
    parts = [0, 0.25, 0.7, 1.0]
    one["path"] = {
        "alphas": [0, 0.3, 0.6, 1], "scores": [1.0, 2.0, 6.0, 9.0],
        "values": [blobs.array(values * part) for part in parts],
    }  # fmt: skip
    document["blobs"] |= blobs.held
    return document


def test_the_path_is_scrubbed(modules: Modules, with_path: dict[str, Any]) -> None:
    name = "integrated_gradients"
    shown = Shown(modules, with_path, method=method_id(with_path, name))
    slider = shown.page.get_by_label("Path from the baseline")
    assert slider.is_visible()
    assert shown.text(".stage-path output").startswith("100 % of the way: score 9, 100 %")
    whole = shown.drawn
    slider.fill("0.45")
    shown.page.wait_for_timeout(100)
    assert shown.get("path") == 0.45
    assert shown.text(".stage-path output") == "45 % of the way: score 4, 38 % of the change"
    assert shown.drawn != whole
    found = modules.run("return Array.from(stage.slots[0].panel.numbers.values);")
    one = map_of(with_path, name)
    wanted = read_array(one["values"], with_path["blobs"]) * (0.25 + 0.7) / 2
    np.testing.assert_allclose(np.reshape(found, wanted.shape), wanted, atol=1e-5)
    assert shown.page.locator(".stage-chart").get_attribute("aria-label") == (
        "Score along the path: 1 at the baseline, 9 at the input"
    )
    shown.set(method=method_id(with_path, "grad_cam"))
    assert slider.is_hidden()


def test_every_input_has_its_panel_and_its_share(modules: Modules, animals: dict[str, Any]) -> None:
    document = copy.deepcopy(animals)
    first = map_of(document, "occlusion")
    second = copy.deepcopy(first) | {"id": "second", "input": "other", "portion": 0.25}
    first |= {"portion": 0.75, "worth": -1.2345}
    document["maps"].append(second)
    sample = document["samples"][0]
    sample["inputs"].append(sample["inputs"][0] | {"name": "other"})
    shown = Shown(modules, document, method=method_id(document, "occlusion"))
    shares = shown.page.locator(".stage-share").all_text_contents()
    assert shares == ["75 % of the evidence, adds −1.23 to the score", "25 % of the evidence"]
    assert shown.page.locator(".stage-part canvas.stage-canvas:visible").count() == 2
    shown.set(sample="s1")
    assert shown.page.locator(".stage-part").count() == 0


def test_heads_of_attention_take_the_place_of_the_map(
    modules: Modules, animals: dict[str, Any]
) -> None:
    document, blobs = copy.deepcopy(animals), Blobs()
    one = map_of(document, "grad_cam")
    rng = np.random.default_rng(0)
    one["attention"] = {
        "layers": [
            {"name": f"block{i}", "heads": [blobs.array(rng.random((4, 4))) for _ in range(3)]}
            for i in (1, 2)
        ]
    }
    document["blobs"] |= blobs.held
    shown = Shown(modules, document)
    heads = shown.page.locator(".stage-head")
    assert heads.count() == 6
    before = shown.drawn
    heads.nth(4).click()
    shown.page.wait_for_timeout(100)
    assert heads.nth(4).get_attribute("aria-pressed") == "true"
    label = shown.page.locator("canvas.stage-canvas").first.get_attribute("aria-label")
    assert label == "Attention of block2, head 2"
    assert shown.drawn != before


def test_kinds_without_a_panel_show_their_figure(modules: Modules, animals: dict[str, Any]) -> None:
    document = copy.deepcopy(animals)
    one = map_of(document, "grad_cam")
    one |= {"kind": "series", "values": None, "figure": document["samples"][0]["thumb"]}
    shown = Shown(modules, document)
    image = shown.page.locator("img.stage-figure")
    assert image.get_attribute("alt") == one["alt"]
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    assert shown.page.locator("[data-control=erase]").is_hidden()


def test_the_picture_stands_there_until_its_map_comes(
    modules: Modules, animals: dict[str, Any]
) -> None:
    waiting = copy.deepcopy(animals) | {"maps": []}
    shown = Shown(modules, waiting)
    assert shown.text(".stage-title") == "animal_00.jpg"
    box = shown.page.locator(".stage-frame").bounding_box()
    shown.modules.run("context.book.merge({ maps: given }); await draw();", animals["maps"])
    assert shown.text(".stage-title").startswith("Grad-CAM")
    after = shown.page.locator(".stage-frame").bounding_box()
    assert after == {key: pytest.approx(value, abs=0.5) for key, value in box.items()}
