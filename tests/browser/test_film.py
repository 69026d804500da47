"""The training film in a browser: scrubbed, played, by keys, by markers; true to its numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import checks, scenes
from browser.app import App, Open
from browser.watched import Modules
from kerascope.report import page_of
from kerascope.report.film import Film

EPOCHS = 8
MASK = np.zeros((scenes.HEIGHT, scenes.WIDTH), np.float32)
MASK[:, scenes.WIDTH // 2 :] = 1


def moments() -> dict[str, Any]:
    """A film of eight epochs: the evidence stands left, and crosses to the right in epoch 5."""
    film = Film(title="Training film", truths=scenes.truths(3), masks=[MASK] * 3)
    rng = np.random.default_rng(4)
    for epoch in range(1, EPOCHS + 1):
        centre = (0.5, 0.2 if epoch < 5 else 0.8)
        found = []
        for name in ("grad_cam", "hires_cam"):
            maps = [scenes.bump(9, 12, centre, 0.12) + rng.normal(0, 0.01, (9, 12))] * 2
            values = np.maximum(np.stack([maps] * 3), 0).astype(np.float32)
            found.append(scenes.result(name, count=3, values=values, extras={}))
        film.add(epoch, found)
        film.log(epoch, {"loss": 2 / epoch, "val_loss": 3 / epoch, "accuracy": epoch / 10})
    film.log(EPOCHS + 1, {"loss": 0.1, "val_loss": 0.2, "accuracy": 0.9})  # not explained
    return copy.deepcopy(film.document(notes=["epoch 3: no luck"]))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return moments()


@pytest.fixture(scope="module")
def written(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "training-film.html"
    path.write_text(page_of(document), encoding="utf-8")
    return path


@pytest.fixture
def open_film(app: Open, written: Path) -> Callable[..., App]:
    return lambda state="", **options: app(state, path=written, **options)


def now(film: App) -> str:
    return film.text(".film-now")


def value_of(film: App, lane: int, series: int = 0) -> str:
    return film.page.locator(".film-lane").nth(lane).locator("dd").nth(series).inner_text()


def test_it_opens_on_the_last_epoch_and_scrubs_to_any(open_film: Callable[..., App]) -> None:
    film = open_film()
    assert now(film) == "Epoch 8"
    late = film.drawn()
    slider = film.page.locator(".film-slider")
    slider.fill("3.2")  # between epochs: the nearest one counts
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 3"
    assert slider.input_value() == "3"
    assert film.state["epoch"] == "3"
    assert film.drawn() != late
    assert "left" in film.text(".answer-evidence")
    slider.fill("8")
    film.page.wait_for_timeout(50)
    assert film.drawn() == late


def test_curves_say_the_numbers_of_the_epoch(
    open_film: Callable[..., App], document: dict[str, Any]
) -> None:
    film = open_film("epoch=4")
    names = [h.inner_text() for h in film.page.locator(".film-lane h3").all()]
    assert names[:2] == ["evidence on the object", "evidence that moved"]
    lane = names.index("loss")
    assert [value_of(film, lane, i) for i in (0, 1)] == ["0.5", "0.75"]
    lane = names.index("evidence on the object")
    before = value_of(film, lane)
    film.go("epoch=5")
    film.page.wait_for_timeout(50)
    after = value_of(film, lane)
    method = document["methods"][0]["id"]
    curve = next(
        c for c in document["film"]["curves"]
        if (c["name"], c["sample"], c["method"]) == ("evidence on the object", "s0", method)
    )  # fmt: skip
    assert before == f"{round(curve['values'][3] * 100)} %"
    assert after == f"{round(curve['values'][4] * 100)} %"


def test_keys_step_jump_and_end(open_film: Callable[..., App]) -> None:
    film = open_film("epoch=4")
    slider = film.page.locator(".film-slider")
    slider.focus()
    for key, label in (
        ("ArrowRight", "Epoch 5"), ("ArrowLeft", "Epoch 4"), ("Home", "Epoch 1"),
        ("ArrowLeft", "Epoch 1"), ("PageUp", "Epoch 6"), ("End", "Epoch 8"),
    ):  # fmt: skip
        film.page.keyboard.press(key)
        film.page.wait_for_timeout(40)
        assert now(film) == label, key
    words = slider.get_attribute("aria-valuetext")
    assert words is not None
    assert words.startswith("Epoch 8")
    film.page.locator("body").click(position={"x": 2, "y": 2})
    film.page.evaluate("document.activeElement.blur()")
    film.page.keyboard.press(",")
    film.page.wait_for_timeout(40)
    assert now(film) == "Epoch 7"
    film.page.keyboard.press(".")
    film.page.wait_for_timeout(40)
    assert now(film) == "Epoch 8"


def test_markers_tell_what_moved_and_lead_there(open_film: Callable[..., App]) -> None:
    film = open_film("epoch=2")
    items = film.page.locator(".film-list button")
    words = [" ".join(item.inner_text().split()) for item in items.all()]
    assert any(
        text.startswith("Epoch 5 Since epoch 1,") and "moved onto the objects" in text
        for text in words
    )
    items.first.click()
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 5"
    assert items.first.get_attribute("aria-current") == "step"
    film.go("epoch=1")
    film.page.wait_for_timeout(50)
    dot = film.page.locator(".film-dots button").first
    assert "Epoch 5" in (dot.get_attribute("aria-label") or "")
    dot.click()
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 5"
    thumb = film.page.evaluate(
        """() => {
          const dot = document.querySelector(".film-dots button").getBoundingClientRect();
          const line = document.querySelector(".film-cursor").getBoundingClientRect();
          return [dot.x + dot.width / 2, line.x];
        }"""
    )
    assert abs(thumb[0] - thumb[1]) < 2  # the cursor stands below the marker of its epoch


def test_a_press_on_a_curve_goes_there(open_film: Callable[..., App]) -> None:
    film = open_film("epoch=8")
    plot = film.page.locator(".film-plot").first
    box = plot.bounding_box()
    assert box is not None
    at = lambda epoch: box["x"] + (epoch - 1) / EPOCHS * box["width"]  # noqa: E731
    film.page.mouse.move(at(2), box["y"] + 10)
    film.page.mouse.down()
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 2"
    film.page.mouse.move(at(6), box["y"] + 10)
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 6"
    film.page.mouse.up()
    film.page.mouse.move(at(3), box["y"] + 10)
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 6"


def test_it_plays_to_the_end_and_pauses(open_film: Callable[..., App]) -> None:
    film = open_film("epoch=8")
    play = film.page.locator(".film-play")
    play.click()  # from the end it starts anew
    film.page.locator(".film-now", has_text="Epoch 2").wait_for()
    assert play.inner_text() == "Pause"
    play.click()
    held = now(film)
    film.page.wait_for_timeout(1000)
    assert now(film) == held
    assert play.inner_text() == "Play"
    film.go("epoch=7")
    film.page.wait_for_timeout(50)
    play.click()
    film.page.locator(".film-now", has_text="Epoch 8").wait_for()
    film.page.locator(".film-play", has_text="Play").wait_for()


def test_who_wants_no_motion_steps_by_hand(open_film: Callable[..., App]) -> None:
    film = open_film("epoch=3", reduced_motion="reduce")
    assert not film.page.locator(".film-play").is_visible()
    film.page.get_by_role("button", name="Next epoch").click()
    film.page.wait_for_timeout(50)
    assert now(film) == "Epoch 4"


def test_the_table_says_what_the_curves_draw(
    open_film: Callable[..., App], document: dict[str, Any]
) -> None:
    film = open_film()
    film.page.locator(".film-numbers summary").click()
    rows = film.page.locator(".film-numbers tbody tr")
    rows.first.wait_for()
    assert rows.count() == EPOCHS + 1  # the epoch that was not explained has numbers too
    heads = [h.inner_text() for h in film.page.locator(".film-numbers thead th").all()]
    column = heads.index("loss, validation")
    cells = [row.locator("th, td").nth(column).inner_text() for row in rows.all()]
    assert cells == ["3", "1.5", "1", "0.75", "0.6", "0.5", "0.429", "0.375", "0.2"]
    assert rows.last.locator("td").first.inner_text() == "–"
    assert "no luck" in film.text(".film-notes")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (360, "light")])
def test_it_can_be_read_by_all(open_film: Callable[..., App], width: int, scheme: str) -> None:
    film = open_film("epoch=5", viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert checks.violations(film.page) == []
    assert checks.too_wide(film.page) == []


def test_a_report_without_a_film_shows_none(app: Open) -> None:
    assert not app().page.locator(".film").is_visible()


def test_axis_lines_and_words(modules: Modules) -> None:
    found = modules.run(
        """const lanes = await load("filmlanes.js");
        const film = {epochs: [2, 4], curves: [{epochs: [1, 5], values: [1, 2]}]};
        const axis = lanes.axisOf(film);
        const line = (values) => lanes.lineOf({epochs: [1, 3, 5], values}, axis, [0, 2]);
        return {
          axis: [axis.first, axis.last, axis.place(3), axis.epochAt(0.25)],
          one: lanes.axisOf({epochs: [7], curves: []}).place(7),
          near: lanes.nearestEpoch([1, 4, 9], 6.4),
          lines: [line([0, 1, 2]), line([0, null, 2]), line([null, null, null])],
          ranges: [
            {unit: true, series: []},
            {unit: false, series: [{curve: {values: [0.2, null, 3]}}]},
            {unit: false, series: [{curve: {values: [4, 4]}}]},
            {unit: false, series: [{curve: {values: [-1, 5]}}]},
          ].map(lanes.rangeOf),
          words: [[null, true], [0.256, true], [-1234567, false], [0.00001234, false]].map(
            ([value, unit]) => lanes.numberWords(value, unit)),
        };"""
    )
    assert found == {
        "axis": [1, 5, 0.5, 2],
        "one": 0.5,
        "near": 4,
        "lines": [
            "M0.0 100.0L500.0 50.0L1000.0 0.0",
            "M0.0 100.0h0M1000.0 0.0h0",
            "",
        ],
        "ranges": [[0, 1], [0, 3], [3.5, 4.5], [-1, 5]],
        "words": ["–", "26 %", "−1.2e+6", "1.2e-5".replace("-", "−")],
    }
