"""The documentation site, where `make docs` has built it: opened from disk, it can be searched."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.watched import Watch

SITE = Path(__file__).parents[2] / "build" / "site"


@pytest.mark.skipif(not SITE.exists(), reason="`make docs` has not built the site")
def test_search_from_disk(watch: Watch) -> None:
    page = watch(SITE / "trust.html").page
    page.keyboard.press("Control+k")
    field = page.get_by_placeholder("Search")
    field.wait_for()
    field.press_sequentially("watermark", delay=40)
    found = page.get_by_role("option").filter(has_text="What has this model really learned?")
    found.first.wait_for()
    assert field.input_value() == "watermark"
    found.first.click()
    page.wait_for_url("**/audit.html**")
