"""Chromium, watched pages, modules on their own, and a studio with a real model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import scenes
from browser.app import ROOM, App, Open, address
from browser.served import Served
from browser.watched import Modules, Watch, Watched
from once import AGAIN, REASON

_FOUND = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--force-color-profile=srgb",
)
_HERE = Path(__file__).parent


# `make test` goes through the suite on three backends. The page knows none; the studio's worker
# does, and hides them. Files that ask Keras itself run on each.
_TENSORFLOW = "runs on the TensorFlow backend only"
_REASONS = {
    "test_studio.py": _TENSORFLOW, "test_whole.py": _TENSORFLOW, "test_contrast.py": "",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lives here."""
    for item in items:
        if _HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        reason = _REASONS.get(item.path.name, REASON)
        if AGAIN and reason:
            item.add_marker(pytest.mark.skip(reason=reason))


# One browser a file: Playwright's own event loop must not outlive the file, or tests of other
# files in the same process could run none of theirs.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if _FOUND is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_FOUND, args=list(_FLAGS))
        yield started
        started.close()


@pytest.fixture
def watch(chromium: Any) -> Iterator[Watch]:
    """Open pages that must not complain: `watch(path_or_address, viewport=…, color_scheme=…)`.

    At the end of the test every page opened has written no error or warning to the console,
    thrown nothing, opened no dialog, kept to its policy and asked no other server. `calm=False`
    leaves all that to the test.
    """
    opened: list[tuple[Watched, bool]] = []

    def open_(place: Path | str, *, calm: bool = True, **options: Any) -> Watched:
        watched = Watched(chromium, place, **options)
        opened.append((watched, calm))
        return watched

    yield open_
    for watched, calm in opened:
        if calm:
            watched.check()
    for watched, _ in opened:
        watched.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The modules of the front end on a local server; see `Served`."""
    started = Served()
    yield started
    started.close()


@pytest.fixture
def modules(watch: Watch, served: Served) -> Modules:
    """Modules of web/ without a document; a page that complains fails the test."""
    return Modules(watch(served.address + "/", viewport={"width": 1024, "height": 768}))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of `scenes.document`: 12 samples, 5 methods, 2 targets."""
    from kerascope.report import page_of

    path = tmp_path_factory.mktemp("page") / "animals.html"
    path.write_text(page_of(scenes.document()), encoding="utf-8")
    return path


@pytest.fixture
def app(watch: Watch, report: Path) -> Open:
    """Open that page, or another, offline: `app(state="view=side", viewport=…)`."""

    def open_(state: str = "", *, path: Path = report, **options: Any) -> App:
        settings = {"viewport": ROOM, "offline": True} | options
        return App(watch(address(path, state), **settings))

    return open_
