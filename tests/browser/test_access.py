"""Room, contrast, names and motion, on every state of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import checks
from browser.app import App, Open
from browser.watched import Watch

STATES = {
    "first": "",
    "side": "view=side",
    "split": "view=split&sample=s3",
    "sheet": "view=sheet&blend=alone",
    "contrast": "versus='lynx'&contrast=0.5",
    "narrowed": "wrong=1&class=tabby",
    "nothing": "text=nothing+like+it",
}
ROOMS = {
    "wide": {"width": 1440, "height": 900},
    "middle": {"width": 1024, "height": 768},
    "narrow": {"width": 360, "height": 780},
}


def _unfolded(page: App) -> None:
    page.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.drawn()


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(app: Open, state: str) -> None:
    """Each state in both rooms and both schemes, the pairs of them in turn."""
    schemes = ("light", "dark") if list(STATES).index(state) % 2 else ("dark", "light")
    page = app(STATES[state], viewport=ROOMS["wide"], color_scheme=schemes[0])
    if state == "first":
        _unfolded(page)
    assert checks.violations(page.page) == []
    page.page.set_viewport_size(ROOMS["narrow"])
    page.page.emulate_media(color_scheme=schemes[1])
    page.drawn()
    assert checks.violations(page.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(app: Open, scheme: str) -> None:
    page = app(color_scheme=scheme)
    _unfolded(page)
    worst, where = checks.least_contrast(page.page)
    assert worst >= 4.5, where
    assert worst < 21
    dark = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(n) for n in dark[4:-1].split(",")[:3]) < 200) == (scheme == "dark")


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_wider_than_the_window(app: Open, state: str) -> None:
    """Opened in one room, the first in turn, and taken through the others."""
    turn = list(STATES).index(state) % len(ROOMS)
    rooms = [*ROOMS][turn:] + [*ROOMS][:turn]
    page = app(STATES[state], viewport=ROOMS[rooms[0]])
    _unfolded(page)
    for room in rooms:
        page.page.set_viewport_size(ROOMS[room])
        page.drawn()
        assert checks.too_wide(page.page) == [], room
        assert checks.clipped(page.page) == [], room


@pytest.mark.parametrize("width", [1440, 1280])
def test_twice_the_size(app: Open, width: int) -> None:
    """200 % zoom halves the room and doubles the pixels."""
    size = {"width": width // 2, "height": 450}
    page = app(viewport=size, device_scale_factor=2)
    assert checks.too_wide(page.page) == []
    _unfolded(page)
    assert checks.too_wide(page.page) == []
    assert checks.clipped(page.page) == []


def test_larger_letters(app: Open) -> None:
    page = app()
    page.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    page.drawn()
    assert checks.too_wide(page.page) == []
    assert checks.clipped(page.page) == []


def test_nothing_moves_where_motion_is_unwanted(app: Open) -> None:
    page = app(reduced_motion="reduce")
    moving = page.page.evaluate(
        """[...document.querySelectorAll("body, body *")].filter((one) => {
          const s = getComputedStyle(one);
          const long = (times) => times.split(",").some((t) => parseFloat(t) > 0.01);
          return (s.animationName !== "none" && long(s.animationDuration)) ||
            long(s.transitionDuration) || s.scrollBehavior === "smooth";
        }).map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert moving == []


def test_without_script_the_page_still_says_what_it_knows(watch: Watch, report: Path) -> None:
    page = watch(report, java_script_enabled=False, calm=False).page
    text = page.locator("body").inner_text()
    for words in ("animal_00.jpg", "tabby", "Grad-CAM", "50 % of the positive evidence"):
        assert words in text.replace("\u00a0", " "), words
