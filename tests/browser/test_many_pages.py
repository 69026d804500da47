"""More pages of one browser than it opens connections to one server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.studio import DEMO
from browser.watched import Watch
from fake_worker import FakeWorker

pytest.importorskip("uvicorn", reason="the studio's server is not installed")
from kerascope.studio.nets import Opening
from kerascope.studio.server import Server, Settings
from running_studio import Running

PAGES = 7
NAMES = "[...document.querySelectorAll('.strip-name')].map((one) => one.textContent)"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    FakeWorker.held, FakeWorker.slow = {None}, True  # type: ignore[arg-type]
    (tmp_path / "one.png").write_bytes((DEMO / "scene_00_tank_sunny.png").read_bytes())
    models = (Opening(name="net.keras", source="keras:Fake"),)
    started = Running(Server(Settings(models=models, folder=tmp_path), make=FakeWorker))
    yield started
    FakeWorker.held, FakeWorker.slow = set(), False
    started.close()


def seen(page: Any, name: str) -> None:
    page.wait_for_function(f"(name) => {NAMES}.includes(name)", arg=name, timeout=10_000)


def test_seven_pages_of_one_browser(watch: Watch, running: Running) -> None:
    first = watch(running.server.url, viewport={"width": 1024, "height": 768})
    pages = [first.page, *(first.context.new_page() for _ in range(PAGES - 1))]
    for page in pages[1:]:
        page.goto(running.server.url)
    for page in pages:
        seen(page, "one.png")
    upload(running, "two.png", 1)
    for page in pages:
        seen(page, "two.png")
    pages.pop(0).close()  # the one that holds the line
    upload(running, "three.png", 2)
    for page in pages:
        seen(page, "three.png")


def upload(running: Running, name: str, number: int) -> None:
    file = sorted(DEMO.glob("scene_*.png"))[number]
    answer = running.client.post("/api/samples", content=file.read_bytes(), params={"name": name})
    assert answer.status_code == 201
