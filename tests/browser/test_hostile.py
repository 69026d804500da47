"""Names that are scripts, addresses that are nonsense: all stay words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from browser import checks, scenes
from browser.app import Open
from kerascope.report import page_of


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = scenes.hostile(scenes.document(6))
    path = tmp_path_factory.mktemp("evil") / "evil.html"
    path.write_text(page_of(made), encoding="utf-8", errors="replace")
    return path


_LISTENING = """[...document.querySelectorAll("*")].filter((one) => [...one.attributes].some(
  ({ name, value }) => /^on/i.test(name) || (name === "href" && /^javascript:/i.test(value))
)).length"""


def _inert(page: Any) -> None:
    """Every string is on the page as it is, and none became an element."""
    assert page.evaluate("document.querySelectorAll('body img[src=x], svg[onload]').length") == 0
    assert page.evaluate("document.querySelectorAll('script').length") == 3
    assert page.evaluate(_LISTENING) == 0
    assert page.evaluate("document.body.innerText").count("alert(1)") > 3


def test_names_are_words(app: Open, evil: Path) -> None:
    page = app(path=evil)
    _inert(page.page)
    for key in ("j", "m", "t", "r", "v", "v", "l", "p", "y", "?"):
        page.page.keyboard.press(key)
        page.page.wait_for_timeout(60)
    page.page.keyboard.press("Escape")
    page.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.page.locator(".strip-row").nth(1).click()
    page.drawn()
    _inert(page.page)
    page.page.locator("#search").fill("alert")
    page.page.get_by_label("Class", exact=True).select_option(index=1)
    page.drawn()
    _inert(page.page)
    assert checks.too_wide(page.page) == []


def test_names_are_words_in_the_narrow_and_on_paper(app: Open, evil: Path) -> None:
    page = app(path=evil, viewport={"width": 360, "height": 800})
    assert checks.too_wide(page.page) == []
    page.page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.page.keyboard.press("P")
    page.page.wait_for_function("() => window.printed")
    _inert(page.page)


def test_names_are_words_without_script(watch: Any, evil: Path) -> None:
    page = watch(evil, java_script_enabled=False, calm=False).page
    assert page.locator("body img[src='x']").count() == 0
    assert "alert(1)" in page.locator("body").inner_text()


def test_a_shared_copy_keeps_words_words(app: Open, evil: Path, tmp_path: Path) -> None:
    state = "text=%3C/script%3E%3Cscript%3Ealert(9)%3C/script%3E&target=%22%3E%3Cimg src=x>"
    page = app(state, path=evil, accept_downloads=True)
    with page.page.expect_download() as waiting:
        page.page.locator("#share").click()
    waiting.value.save_as(tmp_path / "shared.html")
    again = app(path=tmp_path / "shared.html")
    _inert(again.page)
    assert again.page.locator("#search").input_value().startswith("</script>")


@pytest.mark.parametrize(
    "state",
    [
        "<script>alert(1)</script>",
        "sample=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E&view=%3Cscript%3E&text=%22%3E%3Csvg+onload",
        "view=toString&colours=__proto__&pins=,,,&opacity=1e999&centre=NaN,NaN&zoom=-1",
        "%E0%A4%A&=&&&==&a=b=c&%00=%00",
        "sample=" + "s" * 5000,
        "page=nowhere&drawer=nothing&epoch=nine",
        "erase=1&mask=s0.%3Cscript%3E",
        "erase=1&mask=s0.AP__________" + "_" * 1400,
        "erase=1&mask=nobody.AAUF&how=saw",
    ],
)
def test_addresses_are_only_a_state(app: Open, state: str) -> None:
    page = app(state)
    assert page.text("#verdict").startswith("tabby 91 %")
    assert page.page.locator("img[src=x], svg[onload]").count() == 0
    page.page.keyboard.press("j")
    assert page.drawn()
