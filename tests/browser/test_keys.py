"""The page by keyboard alone: every shortcut under "?" does what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browser import checks
from browser.app import App, Open

PICTURE = "On the picture"


def _listed(page: App, *, picture: bool = False) -> dict[str, str]:
    """The keys of the list under "?", each with its words: those of the page, or of the picture."""
    page.page.keyboard.press("?")
    title = page.page.get_by_role("heading", name=PICTURE)
    groups = page.page.locator("dialog[open] .help-body > section")
    own = groups.filter(has=title) if picture else groups.filter(has_not=title)
    rows = own.locator(".key-list > div")
    found = {}
    for row in rows.all():
        words = row.locator("dd").inner_text()
        for key in row.locator("kbd").all_inner_texts():
            found[key] = words
    page.page.keyboard.press("Escape")
    return found


def _state(page: App) -> Any:
    page.page.wait_for_timeout(30)
    return page.state


def _focus(page: App) -> Any:
    return page.page.evaluate("document.activeElement.id")


def _method(page: App) -> Any:
    return page.text(".method[aria-checked=true] .method-title")


def _said(page: App) -> Any:
    return " ".join(page.page.locator(".said").all_inner_texts()[-1:])


def _dialog(page: App) -> Any:
    return page.page.locator("dialog[open]").count()


# key: what is pressed before, how its effect is seen, and the effect
SAMPLE: Callable[[App], Any] = lambda page: _state(page).get("sample")  # noqa: E731
KEYS: dict[str, tuple[str, Callable[[App], Any], Any]] = {
    "↓": ("", SAMPLE, "s1"),
    "↑": ("j j", SAMPLE, "s1"),
    "j": ("", SAMPLE, "s1"),
    "k": ("j j", SAMPLE, "s1"),
    "/": ("", _focus, "search"),
    "w": ("", lambda page: _state(page).get("wrong"), "1"),
    "u": ("", lambda page: _state(page).get("unsure"), "1"),
    "s": ("", lambda page: _state(page).get("surprising"), "1"),
    "a": ("w", _state, {}),
    "m": (
        "",
        _method,
        "Integrated gradients",
    ),
    "M": ("", _method, "HiResCAM"),
    "t": ("", lambda page: _state(page).get("target"), "'lynx'"),
    "T": ("", lambda page: _state(page).get("target"), "'lynx'"),
    "r": ("", lambda page: _state(page).get("versus"), "'lynx'"),
    "y": ("", _said, "Python copied."),
    "v": ("", lambda page: _state(page).get("view"), "side"),
    "V": ("", lambda page: _state(page).get("view"), "sheet"),
    "c": ("", lambda page: _state(page).get("colours"), "inferno"),
    "C": ("", lambda page: _state(page).get("colours"), "diverging"),
    "g": ("", lambda page: _state(page).get("sign"), "both"),
    "G": ("", lambda page: _state(page).get("sign"), "absolute"),
    "b": ("", lambda page: _state(page).get("blend"), "cover"),
    "B": ("", lambda page: _state(page).get("blend"), "alone"),
    "o": ("", lambda page: _state(page).get("opacity"), "0.8"),
    "O": ("", lambda page: _state(page).get("opacity"), "0.9"),
    "[": ("] ] ]", lambda page: _state(page).get("threshold"), "0.1"),
    "]": ("", lambda page: _state(page).get("threshold"), "0.05"),
    "e": ("", lambda page: _state(page).get("erase"), "1"),
    "l": ("", lambda page: _state(page).get("contours"), "1"),
    "p": ("", lambda page: len(_state(page).get("pins", "").split(",")[0]) > 4, True),
    "x": ("p", _state, {}),
    "0": ("", _state, {}),
    "S": ("", lambda page: page.page.evaluate("window.saved"), 1),
    "P": ("", lambda page: page.page.evaluate("window.printed"), 1),
    "?": ("", _dialog, 1),
}
_SPY = """() => { window.saved = window.printed = 0;
HTMLAnchorElement.prototype.click = function () { window.saved += 1; };
window.print = () => { window.printed += 1; };
navigator.clipboard.writeText = async () => {}; }"""
_PRESSED = {"↓": "ArrowDown", "↑": "ArrowUp"}


def test_every_listed_key_does_what_it_says(app: Open) -> None:
    page = app()
    listed = _listed(page)
    assert set(listed) == set(KEYS)
    assert listed["w"] == "Only wrong predictions"
    for key, (before, seen, wanted) in KEYS.items():
        page.go("")
        page.page.evaluate(_SPY)
        page.page.evaluate("document.activeElement.blur()")
        for first in before.split():
            page.page.keyboard.press(first)
        was = seen(page)
        page.page.keyboard.press(_PRESSED.get(key, key))
        for _ in range(50):  # some are done a moment later
            if key not in "PSy" or seen(page) == wanted:
                break
            page.page.wait_for_timeout(100)
        assert seen(page) == wanted, f"{key}: {listed[key]}"
        if key != "0":
            assert was != wanted, f"{key}: {listed[key]} was so before"
        page.page.keyboard.press("Escape")


def _value(page: App) -> Any:
    return page.page.locator(".stage-value").first.inner_text()


def _covered(page: App) -> Any:
    page.page.wait_for_timeout(100)
    return page.text(".stage-predicted").partition(" of the picture")[0]


def _radius(page: App) -> Any:
    return float(page.page.locator(".stage-row input[type=range]").input_value())


# key: what is pressed before, and what it changes
PICTURE_KEYS: dict[str, tuple[str, Callable[[App], Any]]] = {
    **dict.fromkeys("←↑→↓", ("", _value)),
    "+": ("", lambda page: _state(page).get("zoom")),
    "−": ("+ +", lambda page: _state(page).get("zoom")),
    "Space": ("e", _covered),
    "X": ("e Space ArrowRight", _covered),
    "[": ("e", _radius),
    "]": ("e", _radius),
    "Esc": ("e", lambda page: _state(page).get("erase")),
}
_ON_PICTURE = {"←": "ArrowLeft", "↑": "ArrowUp", "→": "ArrowRight", "↓": "ArrowDown",
               "−": "-", "Esc": "Escape"}  # fmt: skip


def test_every_key_of_the_picture_does_what_the_list_says(app: Open) -> None:
    page = app()
    assert set(_listed(page, picture=True)) == set(PICTURE_KEYS)
    view = page.page.locator(".stage-view").first
    for key, (before, seen) in PICTURE_KEYS.items():
        page.go("")
        view.focus()
        for first in before.split():
            page.page.keyboard.press(first)
            page.page.wait_for_timeout(50)
        was = seen(page)
        page.page.keyboard.press(_ON_PICTURE.get(key, key))
        page.page.wait_for_timeout(50)
        assert seen(page) != was, key
        page.page.evaluate("document.activeElement.blur()")


def test_the_whole_picture_comes_back(app: Open) -> None:
    page = app("zoom=4&centre=0.2,0.3")
    near = page.page.locator(".stage-pane").first.screenshot()
    page.page.keyboard.press("0")
    page.page.wait_for_timeout(100)
    assert page.state == {}
    assert page.page.locator(".stage-pane").first.screenshot() != near


def test_keys_are_left_alone_while_words_are_typed(app: Open) -> None:
    page = app()
    page.page.locator("#search").focus()
    page.page.keyboard.type("wmj?S")
    assert page.state == {"text": "wmj?S"}
    assert _dialog(page) == 0


def test_keys_of_the_browser_are_left_alone(app: Open) -> None:
    page = app()
    for key in ("Control+m", "Alt+j", "Meta+b"):
        page.page.keyboard.press(key)
    assert _state(page) == {}


def test_samples_are_a_list_for_the_arrow_keys(app: Open) -> None:
    page = app()
    page.page.locator("#samples").focus()
    for key, wanted in [("End", "s11"), ("ArrowUp", "s10"), ("Home", "s0"), ("PageDown", "s")]:
        page.page.keyboard.press(key)
        page.drawn()
        found = page.state.get("sample")
        assert found == wanted or (wanted == "s" and found not in ("s0", "s11")), key
    row = page.page.locator(".strip-row[aria-selected=true]")
    assert row.count() == 1
    assert page.page.locator("#samples").get_attribute(
        "aria-activedescendant"
    ) == row.get_attribute("id")


def test_methods_are_radios_for_the_arrow_keys(app: Open) -> None:
    page = app()
    page.page.locator(".method[aria-checked=true]").focus()
    page.page.keyboard.press("ArrowDown")
    page.drawn()
    assert page.text(".method[aria-checked=true] .method-title") == "Integrated gradients"
    assert page.page.evaluate("document.activeElement.getAttribute('aria-checked')") == "true"


def test_the_help_opens_closes_and_gives_focus_back(app: Open) -> None:
    page = app()
    page.page.locator("#help").focus()
    page.page.keyboard.press("Enter")
    assert _dialog(page) == 1
    assert checks.violations(page.page) == []
    page.page.keyboard.press("Escape")
    assert _dialog(page) == 0
    assert _focus(page) == "help"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "dark")])
def test_focus_always_shows(app: Open, width: int, scheme: str) -> None:
    room = {"width": width, "height": 900}
    page = app("view=split", viewport=room, color_scheme=scheme, reduced_motion="reduce")
    for fold in page.page.locator("details").all():
        fold.evaluate("(one) => { one.open = true; }")
    page.drawn()
    count, told = checks.walk(page.page)
    assert told == []
    assert count > 35
