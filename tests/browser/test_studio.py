"""The studio end to end: a real model, a real server, a real browser, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import checks
from browser.app import App
from browser.studio import DEMO, Studio
from browser.watched import Watch, Watched

pytest.importorskip("uvicorn", reason="the studio's server is not installed")
WAIT = 90_000  # milliseconds: what is awaited takes one or two on a machine that does nothing else


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    also = ("--also", DEMO / "object_net.keras")
    started = Studio(tmp_path_factory.mktemp("studio"), *also)
    yield started
    started.close()


def opened(watch: Watch, studio: Studio, state: str = "", **options: Any) -> App:
    """The studio's page, with a map on the stage."""
    size = {"viewport": {"width": 1440, "height": 900}} | options
    watched: Watched = watch(f"{studio.url}#{state}", **size)
    watched.page.wait_for_selector(".stage-canvas[aria-label*='map of']:visible", timeout=WAIT)
    return App(watched)


def explained(page: App, title: str) -> None:
    """Wait until the method of that title has made the map on the stage."""
    page.page.wait_for_selector(f".stage-canvas[aria-label^='{title} map']:visible", timeout=WAIT)
    page.drawn()


def ask(page: App, title: str) -> None:
    """Press the method's line, wherever it is folded."""
    page.page.evaluate("document.querySelectorAll('details.fold').forEach((d) => d.open = true)")
    page.page.locator(".method", has_text=title).first.click()


def test_what_is_looked_at_is_predicted_and_explained(watch: Watch, studio: Studio) -> None:
    page = opened(watch, studio)
    page.page.wait_for_function(
        "() => /%/.test(document.querySelector('#verdict').innerText)", timeout=WAIT
    )
    words = page.text("#verdict")
    assert "evidence" in words
    assert "scene_00_tank_sunny" in words
    assert len(page.samples()) == 10
    assert all(
        page.page.evaluate(
            "[...document.querySelectorAll('.strip-row img')].map((i) => i.naturalWidth > 0)"
        )
    )
    first = page.drawn()
    page.page.keyboard.press("j")
    page.page.wait_for_function(
        "() => document.querySelector('#verdict').innerText.includes('scene_01')"
    )
    explained(page, "Grad-CAM")
    page.page.wait_for_selector(".stage-canvas[aria-label*='map of scene_01']", timeout=WAIT)
    assert page.drawn() != first
    assert checks.violations(page.page) == []


def test_a_slow_method_tells_how_far_it_is_and_is_cancelled(watch: Watch, studio: Studio) -> None:
    page = opened(watch, studio, "sample=" + studio.get("samples")["samples"][2]["id"])
    before = page.drawn()
    ask(page, "RISE")
    jobs = page.page.locator(".jobs")
    jobs.wait_for(timeout=WAIT)
    page.page.wait_for_function(
        "() => /[1-9]\\d? %/.test(document.querySelector('.jobs summary').innerText)", timeout=WAIT
    )
    assert page.drawn() == before, "the map went away while another was made"
    jobs.locator("summary").click()
    page.page.get_by_role("button", name="Cancel: RISE").click()
    jobs.wait_for(state="hidden", timeout=WAIT)
    assert page.page.locator(".said.failed").count() == 0
    ask(page, "Occlusion")
    explained(page, "Occlusion")
    assert page.drawn() != before


def test_the_erase_test_compares_predicted_and_measured(watch: Watch, studio: Studio) -> None:
    page = opened(watch, studio)
    page.page.keyboard.press("e")
    view = page.page.locator(".stage-view").first
    box = view.bounding_box()
    assert box is not None
    for x in (0.3, 0.5, 0.7):
        page.page.mouse.move(box["x"] + x * box["width"], box["y"] + 0.5 * box["height"])
        page.page.mouse.down() if x == 0.3 else None
    page.page.mouse.up()
    predicted = page.page.locator(".stage-predicted")
    predicted.filter(has_text="of the picture is covered").wait_for()
    painted = predicted.inner_text()
    page.page.get_by_role("button", name="Cover the strongest part").click()
    predicted.filter(has_text="it holds 5").wait_for()
    assert predicted.inner_text() != painted
    page.page.get_by_role("button", name="Erase and ask the model").click()
    measured = page.page.locator(".stage-measured", has_text="Measured drop")
    measured.wait_for(timeout=WAIT)
    assert "→" in measured.inner_text()
    assert "The model now says" in measured.inner_text()
    assert measured.locator("img").evaluate("(one) => one.naturalWidth") > 0
    assert checks.violations(page.page) == []
    page.page.get_by_role("button", name="Clear", exact=True).click()
    measured.wait_for(state="detached")


def test_two_browsers_at_once(watch: Watch, studio: Studio) -> None:
    samples = [one["id"] for one in studio.get("samples")["samples"]]
    pages = [opened(watch, studio, f"sample={samples[k]}") for k in (4, 5)]
    for page in pages:
        ask(page, "Gradient × input")
    for page, name in zip(pages, ("scene_04", "scene_05"), strict=True):
        explained(page, "Gradient × input")
        assert name in page.text("#verdict")
        alt = page.page.locator(".stage-canvas:visible").first.get_attribute("aria-label")
        assert name in (alt or "")
    assert pages[0].drawn() != pages[1].drawn()


def test_two_models_are_compared(watch: Watch, studio: Studio) -> None:
    page = opened(watch, studio)
    one, other = page.page.locator("#model option").all_inner_texts()
    assert {one, other} == {"sky_net.keras", "object_net.keras"}
    page.control("pin").click()
    page.page.locator("#model").select_option(label=other)
    page.press("view", "side")
    page.page.wait_for_function(
        "() => document.querySelectorAll('.stage-pane').length === 3", timeout=WAIT
    )
    titles = " ".join(page.page.locator(".stage-title").all_inner_texts())
    assert one in titles or other in titles


def test_what_the_studio_shares_opens_from_disk(
    watch: Watch, studio: Studio, tmp_path: Path
) -> None:
    page = opened(watch, studio, "blend=cover&opacity=0.6")
    wanted, words = page.drawn(), page.text("#verdict")
    with page.page.expect_download() as waiting:
        page.page.locator("#share").click()
    path = tmp_path / "shared.html"
    waiting.value.save_as(path)
    shared = App(watch(path, offline=True, viewport={"width": 1440, "height": 900}))
    assert shared.drawn() == wanted
    assert shared.text("#verdict") == words
    assert studio.token not in path.read_text(encoding="utf-8")


def test_pictures_and_models_are_added(watch: Watch, studio: Studio, tmp_path: Path) -> None:
    watched = watch(studio.url, calm=False, viewport={"width": 1440, "height": 900})
    watched.page.wait_for_selector(".stage-canvas[aria-label*='map of']:visible", timeout=WAIT)
    page = App(watched)
    page.page.locator(".menu > summary").first.click()
    evil = tmp_path / "<img src=x onerror=alert(1)>.png"
    evil.write_bytes((DEMO / "scene_08_tank_sunny.png").read_bytes())
    page.page.locator("input[type=file][accept^='image/*']").set_input_files(evil)
    page.page.wait_for_function(
        "() => document.querySelector('#verdict').innerText.includes('onerror')", timeout=WAIT
    )
    explained(page, "Grad-CAM")
    bad = tmp_path / "no.keras"
    bad.write_bytes(b"no model at all")
    page.page.locator("input[type=file][accept*='.keras']").set_input_files(bad)
    page.page.locator(".said.failed").first.wait_for(timeout=WAIT)
    assert page.page.locator("img[src=x]").count() == 0
    assert _grave(watched) == []


def _grave(watched: Watched) -> list[str]:
    """Complaints but that of the browser about an answer that says no."""
    return [one for one in watched.complaints if "Failed to load resource" not in one]


def test_a_worker_that_dies_is_a_message_and_a_restart(watch: Watch, studio: Studio) -> None:
    watched = watch(studio.url, calm=False, viewport={"width": 1440, "height": 900})
    watched.page.wait_for_selector(".stage-canvas[aria-label*='map of']", timeout=WAIT)
    page = App(watched)
    ask(page, "RISE")
    page.page.locator(".jobs").wait_for(timeout=WAIT)
    workers = studio.workers()
    assert workers
    for worker in workers:
        worker.kill()
    card = page.page.locator(".said.failed").first
    card.wait_for(timeout=WAIT)
    assert "sky_net.keras" in card.inner_text() or "model" in card.inner_text(), card.inner_text()
    assert studio.process.poll() is None
    for button in page.page.get_by_role("button", name="Restart").all():
        button.click()
    page.page.locator(".strip-row").nth(7).click()
    page.page.wait_for_selector(".stage-canvas[aria-label*='map of scene_07']", timeout=WAIT)
    ask(page, "Gradient × input")
    explained(page, "Gradient × input")
    assert _grave(watched) == []
    assert "Traceback" not in studio.said()


def test_who_has_no_token_sees_nothing(watch: Watch, studio: Studio) -> None:
    watched = watch(studio.address, calm=False)
    assert "scene_00" not in watched.page.content()
    assert watched.page.evaluate("fetch('/api/document').then((a) => a.status)") in (401, 403)


@pytest.mark.parametrize("width", [1024, 360])
def test_the_studio_in_less_room(watch: Watch, studio: Studio, width: int) -> None:
    page = opened(watch, studio, viewport={"width": width, "height": 780}, color_scheme="dark")
    assert checks.too_wide(page.page) == []
    assert checks.violations(page.page) == []
