"""Ten thousand samples: few elements, and the filmstrip draws wherever it is scrolled to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser import scenes
from browser.app import App, Open
from browser.watched import Watched
from kerascope.report import page_of

COUNT = 10_000
IMAGES = """[...document.querySelectorAll(".strip-row")].filter((row) => !row.hidden).map((row) => {
  const image = row.querySelector("img");
  return image.complete && image.naturalWidth > 0;
})"""


@pytest.fixture(scope="module")
def many(chromium: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    path = tmp_path_factory.mktemp("many") / "many.html"
    path.write_text(page_of(scenes.many(COUNT)), encoding="utf-8")
    watched = Watched(chromium, path, viewport={"width": 1440, "height": 900})
    yield App(watched)
    watched.check()
    watched.close()


def _nodes(page: App) -> int:
    return int(page.page.evaluate("document.querySelectorAll('*').length"))


def test_there_are_few_elements(many: App, app: Open) -> None:
    assert _nodes(many) < 1000
    assert _nodes(many) < _nodes(app()) + 200
    assert "10,000 samples" in many.text(".strip-total")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1])
def test_scrolling_draws_what_is_there(many: App, share: float) -> None:
    before = _nodes(many)
    many.page.evaluate(
        "(share) => { const strip = document.querySelector('#samples');"
        " strip.scrollTop = share * (strip.scrollHeight - strip.clientHeight); }",
        share,
    )
    many.page.wait_for_timeout(150)
    names = many.samples()
    first = int(names[0][7:12])
    assert abs(first - share * (COUNT - 10)) < 40
    assert names == [f"animal_{i:05}.jpg" for i in range(first, first + len(names))]
    assert all(many.page.evaluate(IMAGES))
    assert _nodes(many) < before + 200
    box = many.page.locator(".strip-row:not([hidden])").nth(6).bounding_box()
    assert box is not None


def test_the_last_sample_is_reached_by_keys(many: App) -> None:
    many.page.locator("#samples").focus()
    many.page.keyboard.press("End")
    many.drawn()
    assert many.state["sample"] == f"t{COUNT - 1}"
    row = many.page.locator(".strip-row[aria-selected=true]")
    assert row.is_visible()
    assert row.get_attribute("aria-posinset") == str(COUNT)


def test_filters_of_many(many: App) -> None:
    many.page.locator("[data-filter=wrong]").click()
    many.drawn()
    assert many.text(".strip-total") == f"{-(-(COUNT - 3) // 12):,} of 10,000"
    assert set(many.page.locator(".strip-marks").all_inner_texts()) >= {"not tabby"}
    many.page.locator("[data-filter=wrong]").click()
