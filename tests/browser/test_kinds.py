"""Texts, rows, series, embeddings on the studio's page: cards, panels, what is offered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import studio_kinds as kinds
from browser import checks
from browser.watched import Watch
from kerascope.loading.given import How
from kerascope.loading.rows import Options
from kerascope.studio.lots import lot_of
from kerascope.studio.nets import Opening
from kerascope.studio.server import Server, Settings
from near_worker import NearWorker
from running_studio import Running

WAIT = 60_000  # milliseconds
Begin = Callable[..., Any]


@pytest.fixture
def begin(tmp_path: Path, watch: Watch) -> Iterator[Begin]:
    """Open a studio's page with a model of `tmp_path`, and files or a folder for it."""
    with contextlib.ExitStack() as stack:

        def open_(
            model: str, *files: str, calm: bool = True, folder: Path | None = None, **options: Any
        ) -> Any:
            opening = Opening(name=model, source=str(tmp_path / model), **options)
            lots = tuple(lot_of([str(tmp_path / file)]) for file in files)
            settings = Settings(models=(opening,), lots=lots, folder=folder)
            running = Running(Server(settings, make=NearWorker))
            stack.callback(running.close)
            url = running.server.url
            return watch(url, calm=calm, viewport={"width": 1440, "height": 900}).page

        yield open_


def offered(page: Any, name: str) -> bool:
    return page.locator(f'[data-control="{name}"]:visible').count() > 0


def test_texts_that_are_added_on_the_page(begin: Begin, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TextVectorization needs TensorFlow")
    kinds.write_text(tmp_path)
    page = begin("text.keras")
    page.locator('input[type="file"]').nth(1).set_input_files(tmp_path / "texts.txt")
    page.wait_for_selector(".text-word", timeout=WAIT)
    assert page.locator(".text-word").all_inner_texts()[3].startswith("boring")
    cards = page.locator(".strip-row:visible .strip-name").all_inner_texts()
    assert cards == list(kinds.SAID)
    assert page.locator(".strip-row img:visible").count() == 0
    assert "evidence on 'boring'" in page.locator("#verdict").inner_text()
    assert not offered(page, "erase")
    assert not offered(page, "contours")
    page.locator(".strip-row:visible").nth(1).click()
    page.wait_for_selector(".text-word:has-text('great')", timeout=WAIT)
    assert page.locator("#verdict b, .stage b").count() == 0, "markup of a text is text"
    assert checks.violations(page) == []


def test_rows_of_a_table(begin: Begin, tmp_path: Path) -> None:
    kinds.write_table(tmp_path)
    how = How(columns=Options(truth="truth"))
    page = begin("table.keras", "rows.csv", how=how, labels=str(tmp_path / "labels.txt"))
    page.wait_for_selector(".strip-row:visible >> text=row 3", timeout=WAIT)
    page.locator(".strip-row:visible", has_text="row 3").click()
    page.wait_for_selector('[aria-label*="Kernel SHAP"], .stage-title >> text=Kernel SHAP',
                           timeout=WAIT)  # fmt: skip
    shown = page.locator(".stage-pane").inner_text()
    assert all(name in shown for name in kinds.NAMES)
    assert "Show all 4" not in shown
    assert not offered(page, "erase")
    page.get_by_role("button", name="Grade this map").click()
    page.wait_for_selector(".letter[data-letter]:visible", timeout=WAIT)
    assert page.locator(".said.failed").count() == 0


def test_a_step_of_a_forecast_is_asked_for_by_its_bar(begin: Begin, tmp_path: Path) -> None:
    kinds.write_series(tmp_path)
    page = begin("series.keras", "power.csv", how=How(windows=2))
    page.wait_for_selector(".stage-title >> text=sum over 4 steps", timeout=WAIT)
    assert page.locator(".strip-row:visible").count() == 2
    assert not offered(page, "erase")
    assert not offered(page, "contours")
    assert page.locator('[data-value="split"]:visible').count() == 0
    page.locator(".bar", has_text="2 steps ahead").click()
    page.wait_for_selector(".stage-title >> text=2 steps ahead", timeout=WAIT)
    assert page.locator('.bar[aria-pressed="true"]').inner_text().startswith("2 steps ahead")


def test_a_file_that_the_model_does_not_take_is_one_line(begin: Begin, tmp_path: Path) -> None:
    kinds.write_series(tmp_path)
    (tmp_path / "short.csv").write_text("load,wind,sun\n1,2,3\n")
    page = begin("series.keras", "short.csv", calm=False)  # a refusal is written to the console
    page.wait_for_selector(".said.failed", timeout=WAIT)
    words = page.locator(".said.failed p").all_inner_texts()
    assert words == [
        "'short.csv': the series has 1 step, and a window takes 32: give at least that many"
    ]
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY damaged")
    page.locator('input[type="file"]').nth(1).set_input_files(tmp_path / "a.npy")
    page.wait_for_selector(".said.failed:has-text('a.npy')", timeout=WAIT)
    assert page.locator(".said.failed").count() == 2


def test_why_two_samples_are_alike(begin: Begin, tmp_path: Path) -> None:
    kinds.write_embedder(tmp_path)
    page = begin("embedder.keras", folder=tmp_path / "photos")
    page.wait_for_selector(".stage-canvas[aria-label*='map of']:visible", timeout=WAIT)
    page.wait_for_selector("#inspector-like[open]", timeout=WAIT)
    page.locator("#like").focus()
    assert page.locator("#like option").all_inner_texts() == ["choose a sample …", "b.png", "c.png"]
    page.locator("#like").select_option(label="c.png")
    page.get_by_role("button", name="Why alike?").click()
    title = ".stage-title:has-text(\"cosine similarity to 'c.png'\")"
    page.wait_for_selector(title, timeout=WAIT)
    assert page.locator("#verdict").inner_text().startswith("cosine similarity to 'c.png' (")
    address = page.evaluate("location.hash")
    assert "target=like+s" in address
    page.locator(".strip-row:visible", has_text="b.png").click()
    next_ = ".stage-canvas[aria-label*='map of b.png'][aria-label*=\"similarity to 'c.png'\"]"
    page.wait_for_selector(next_, timeout=WAIT)
    page.reload()
    page.wait_for_selector(next_, timeout=WAIT)
    assert page.locator("#like").input_value() in address, "the form says what is shown"
    assert checks.violations(page) == []
