"""The page in a real browser: nothing runs that should not, nothing is missing, keys work."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_results import EVIL, cam, provenance, signed
from kerascope.report import Card, Comparison, Gallery, Interval, Story, Table, write_report
from once import once

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
_FOUND = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    once,
    pytest.mark.browser,
    pytest.mark.skipif(_FOUND is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_FOUND, args=flags)
        yield started
        started.close()


class Watched:
    """A page whose every complaint is written down."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = browser.new_page(**options)
        self.page.on("console", lambda message: self.complaints.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective))"
        )
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state()

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every kind of section, in which every string tries to break out."""
    line = f'{EVIL}"><img src=x onerror=alert(2)>\u2028'
    hostile = [
        dataclasses.replace(
            one,
            labels=(line, *one.labels[1:]),
            names=(line, "b.jpg", "c.jpg"),
            notes=(line,),
            explained=(f"logit of '{line}' (1)",) * 3,
            layer=line,
            provenance=provenance(one.method, model=line, preprocessing=line),
        )
        for one in (cam(3), signed(3))
    ]
    table = Table(
        columns=(line, "share"), rows=((line, Interval(mean=0.5, low=0.4, high=0.6)),), caption=line
    )
    content = [
        Story(title=line, headline=line, paragraphs=(line,), table=table),
        Comparison(title=line, results=tuple(hostile), headings=(line, line), intro=line),
        *hostile,
    ]
    return write_report(tmp_path_factory.mktemp("page") / "report.html", content, title=line)


def tab(page: Any, number: int) -> None:
    """Turn to a page of the report."""
    page.locator("[role=tab]").nth(number).click()
    page.wait_for_function(f"document.querySelectorAll('main > *')[{number}].checkVisibility()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_opens_from_disk_without_a_complaint(
    browser: Any, report: Path, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 800}
    watched = Watched(browser, report, color_scheme=scheme, viewport=size, offline=True)
    page = watched.page
    for number in range(2):
        tab(page, number)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(int(n) for n in dark[4:-1].split(",")) < 150) == (scheme == "dark")
    shown = "[...document.querySelectorAll('main img[src]')].map(i => i.naturalWidth)"
    widths = page.evaluate(shown)
    assert len(widths) >= 9 + 3  # a comparison of three samples, and a small picture of each
    assert min(widths) > 0
    assert page.evaluate("[...document.scripts].map(s => s.type)") == [
        "application/json",
        "application/json",
        "module",
    ]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert sorted(ids) == sorted(set(ids))
    assert len(json.loads(page.locator("script#provenance").text_content() or "")) == 2
    assert watched.complaints == []
    assert [
        url for url in watched.requests if not url.startswith(("data:", "file:", "blob:"))
    ] == []
    assert len([url for url in watched.requests if url.startswith("file:")]) == 1
    page.close()


def test_the_map_is_drawn(browser: Any, report: Path) -> None:
    watched = Watched(browser, report)
    tab(watched.page, 1)
    watched.page.wait_for_function(_DRAWN)
    assert "evidence" in watched.page.locator("#app").inner_text()
    assert EVIL in watched.page.locator("#app").inner_text()
    assert watched.complaints == []
    watched.page.close()


_DRAWN = """() => [...document.querySelectorAll("#app canvas")].some((canvas) => {
  if (!canvas.width || !canvas.checkVisibility()) return false;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(data).size > 50;
})"""


def test_without_script_everything_is_said_in_words(browser: Any, report: Path) -> None:
    watched = Watched(browser, report, java_script_enabled=False)
    page = watched.page
    assert page.locator("section.page").is_visible()
    words = page.locator("noscript").inner_text()
    assert words.count("of the positive evidence for") == 6
    assert words.count("photo") == 0  # samples have the names that were given
    assert EVIL in words
    page.close()


def test_the_watch_sees_what_it_watches_for(browser: Any, tmp_path: Path) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="style-src \'none\'">'
    path = tmp_path / "bad.html"
    path.write_text(f"{policy}<style>p{{}}</style><script>alert(1);throw new Error('x')</script>")
    watched = Watched(browser, path)
    kinds = {complaint.split(":")[0] for complaint in watched.complaints}
    assert kinds == {"console", "error", "dialog"}
    assert any("style-src" in complaint for complaint in watched.complaints)
    watched.page.close()


def test_a_card_opens_its_page(browser: Any, tmp_path: Path) -> None:
    card = Card(title="1. ship", words="Pasting it turns the rest.", page="Two")
    pages = [Gallery(title="First", page="One", cards=(card,)), Gallery(title="More", page="Two")]
    watched = Watched(browser, write_report(tmp_path / "report.html", pages))
    page = watched.page
    assert not page.locator("#page-2").is_visible()
    page.locator(".lead a").click()
    page.locator("#page-2 h2").wait_for(state="visible")
    assert not page.locator("#page-1").is_visible()
    page.go_back()
    page.locator("#page-1 h2").wait_for(state="visible")
    assert watched.complaints == []
    page.close()


def test_pictures_open_in_large_and_flip_by_keys(browser: Any, report: Path) -> None:
    watched = Watched(browser, report)
    page = watched.page
    tab(page, 0)
    button = page.locator(".versus .frame button").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    large = page.locator("dialog.viewer img")
    assert large.is_visible()
    first = large.get_attribute("src")
    assert first == button.locator("img").get_attribute("src")
    assert "evidence" in (large.get_attribute("alt") or "")
    page.keyboard.press("ArrowLeft")
    assert large.get_attribute("src") == page.locator(".versus .original img").first.get_attribute(
        "src"
    )
    page.keyboard.press("ArrowRight")
    assert large.get_attribute("src") == first
    page.keyboard.press("Escape")
    assert not large.is_visible()
    assert page.evaluate("document.activeElement.matches('.versus .frame button')")
    assert watched.complaints == []
    page.close()


def test_paper_shows_what_is_folded(browser: Any, report: Path) -> None:
    page = Watched(browser, report).page
    assert not page.locator("footer pre").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("footer pre").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.locator("footer pre").is_visible()
    assert page.pdf(format="A4")[:5] == b"%PDF-"
    page.close()


_CONTRAST = """() => {
  const rgb = (c) => {
    const n = c.match(/[\\d.]+/g).map(Number);
    return n.length < 4 ? [...n, 1] : n;
  };
  const light = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c[3] > 0.9) return c;
    }
    return [255, 255, 255];
  };
  let worst = 21, where = "";
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst) { worst = ratio; where = e.outerHTML.slice(0, 80); }
  }
  return [worst, where];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_words_have_contrast(browser: Any, report: Path, scheme: str) -> None:
    page = Watched(browser, report, color_scheme=scheme).page
    for number in range(2):
        tab(page, number)
        worst, where = page.evaluate(_CONTRAST)
        assert worst >= 4.5, where
        assert worst < 21
    page.close()
