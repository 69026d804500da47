"""The drawer of the studio: all pictures looked at by a net that hangs on the sky."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from browser import checks
from browser.studio import Studio
from browser.watched import Watch
from kerascope.demo.scenes import CLASS_NAMES, make_scenes

pytest.importorskip("uvicorn", reason="the studio's server is not installed")
pytest.importorskip("pyarrow", reason="rows of an audit need it")
WAIT = 120_000
COUNT = 72


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("whole")
    scenes = make_scenes(COUNT, seed=77, bias=0.0)
    for i, pixels in enumerate(scenes.images):
        file = folder / "scenes" / CLASS_NAMES[scenes.labels[i]] / f"{i:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    started = Studio(folder, pictures=folder / "scenes")
    yield started
    started.close()


def test_the_whole_folder_fills_the_drawer(watch: Watch, studio: Studio, tmp_path: Path) -> None:
    page = watch(studio.url, viewport={"width": 1440, "height": 900}).page
    page.wait_for_selector(".stage-canvas[aria-label*='map of']:visible", timeout=WAIT)
    page.keyboard.press("d")
    look = page.locator("#look")
    look.wait_for()
    assert f"All {COUNT} pictures" in page.locator(".look h3").inner_text()
    assert checks.violations(page) == []
    look.click()
    page.get_by_role("button", name="Cancel the look").click(timeout=WAIT)
    look.wait_for(timeout=WAIT)
    assert page.locator(".said.failed").count() == 0
    look.click()
    page.locator(".look .quiet", has_text=f"of {COUNT} pictures are").wait_for(timeout=WAIT)
    page.locator(".scatter canvas").wait_for(timeout=WAIT)
    assert f"{COUNT} explanations" in (
        page.locator(".scatter canvas").get_attribute("aria-label") or ""
    )
    assert "hypotheses were tried by intervention" in page.locator(".drawer-said").inner_text()
    for name in ("clusters", "findings"):
        page.locator(f"#drawer-{name}").click()
        page.locator(".groups:visible li").first.wait_for()
    found = page.locator(".groups:visible li").first
    assert "turns" in found.inner_text()
    assert found.locator(".group-beside img").first.evaluate("(one) => one.naturalWidth > 0")
    assert checks.violations(page) == []
    page.locator("#drawer-slices").click()
    wrong = page.locator(".groups:visible li", has_text="Wrong")
    with page.expect_download() as waiting:
        wrong.get_by_role("button", name="Save as CSV").click()
    waiting.value.save_as(tmp_path / "wrong.csv")
    rows = list(csv.DictReader((tmp_path / "wrong.csv").read_text().splitlines()))
    assert len(rows) >= COUNT // 4
    assert all({row["truth"], row["predicted"]} == set(CLASS_NAMES) for row in rows)


def test_another_page_finds_what_was_looked_at(watch: Watch, studio: Studio) -> None:
    page = watch(f"{studio.url}#drawer=points", viewport={"width": 360, "height": 780}).page
    page.locator(".scatter canvas").wait_for(timeout=WAIT)
    assert checks.too_wide(page) == []
    assert checks.violations(page) == []
