"""What a target shows beside its map: there with its words, and only where the map stands alone."""

from __future__ import annotations

from pathlib import Path

from browser import checks, scenes
from browser.app import Open
from kerascope.report import page_of


def test_a_reconstruction_stands_beside_its_map_alone(app: Open, tmp_path: Path) -> None:
    document = scenes.document(2, methods=("grad_cam", "occlusion"))
    figure = document["samples"][0]["inputs"][0]["picture"]
    words = ("reconstruction", "error of the <b>reconstruction</b>")
    with_parts = [one for one in document["maps"] if one["sample"] == "s0"]
    for one in with_parts:
        one["beside"] = [{"words": said, "figure": figure} for said in words]
    path = tmp_path / "beside.html"
    path.write_text(page_of(document), encoding="utf-8")
    shown = app(path=path)
    shown.page.locator(".stage-beside:visible").wait_for()
    assert shown.page.locator(".stage-beside figcaption").all_inner_texts() == list(words)
    widths = "[...document.querySelectorAll('.stage-beside img')].map((i) => i.naturalWidth > 0)"
    shown.page.wait_for_function(f"() => {widths}.every(Boolean)")
    alts = shown.page.locator(".stage-beside img")
    assert [alts.nth(i).get_attribute("alt") for i in range(2)] == list(words)
    assert checks.violations(shown.page) == []
    shown.page.keyboard.press("j")  # the next sample has none
    shown.page.locator(".stage-beside:visible").wait_for(state="detached")
    shown.page.keyboard.press("k")
    shown.page.locator(".stage-beside:visible").wait_for()
    shown.page.locator('[data-value="side"]').click()
    shown.page.locator(".stage-beside:visible").first.wait_for(state="detached")
