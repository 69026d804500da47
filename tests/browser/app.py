"""The page as a test handles it: opened, driven by its controls, read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from browser import checks
from browser.watched import Watched

CANVAS = ".stage-canvas"
ROOM = {"width": 1440, "height": 900}
WRITTEN = 170  # milliseconds after which a slider's value stands in the address


class App:
    """A page with the front end on it; it has come to rest."""

    waits_for = CANVAS

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.page = watched.page
        self.page.wait_for_selector(self.waits_for)
        self.drawn()

    def drawn(self) -> list[str]:
        """Hashes of the canvases of the stage, once they are at rest."""
        return checks.settle(self.page, CANVAS)

    @property
    def link(self) -> str:
        """What stands in the address behind "#", once it has been written."""
        self.page.wait_for_timeout(WRITTEN)
        return str(self.page.evaluate("location.hash.slice(1)"))

    @property
    def state(self) -> dict[str, str]:
        """The same, by name."""
        return dict(parse_qsl(self.link))

    def control(self, name: str) -> Any:
        """A control of the toolbar."""
        return self.page.locator(f'[data-control="{name}"]').first

    def slide(self, name: str, value: float) -> None:
        """Move a slider as a person does: its value, then the event."""
        self.control(name).evaluate(
            "(one, value) => { one.value = value;"
            " one.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )

    def press(self, name: str, value: str) -> None:
        """Press one of a group of buttons."""
        self.control(name).locator(f'[data-value="{value}"]').click()

    def go(self, state: str) -> None:
        """Open a link to another state of the same page."""
        self.page.evaluate("(hash) => { location.hash = hash; }", state)
        self.page.wait_for_timeout(50)

    def text(self, selector: str) -> str:
        """The words of an element as they are seen."""
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def samples(self) -> list[str]:
        """Names of the samples in the filmstrip, in their order on the screen."""
        return list(
            self.page.evaluate(
                """[...document.querySelectorAll(".strip-row")].filter((row) => !row.hidden)
                .sort((a, b) => a.dataset.index - b.dataset.index)
                .map((row) => row.querySelector(".strip-name").textContent)"""
            )
        )


Open = Callable[..., App]  # the fixture `app`


def address(path: Path, state: str = "") -> str:
    """The address of a file in a state."""
    return path.as_uri() + (f"#{state}" if state else "")
