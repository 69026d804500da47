"""A page in a real browser whose every complaint and request is written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_INLINE = ("data:", "blob:", "about:")

# Violations of the policy reach the console anyway; this names the place and the sample.
_WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
addEventListener("unhandledrejection", (event) => {
  console.error(`unhandled: ${event.reason}`);
});
"""


class Watched:
    """A page of its own context; `complaints`, `requests` and `foreign` tell what happened.

    place: a file, or an address. options: of the browser's context (viewport, color_scheme,
    offline, reduced_motion, device_scale_factor …).
    """

    def __init__(self, browser: Any, place: Path | str, **options: Any) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.address = place.as_uri() if isinstance(place, Path) else place
        self.context = browser.new_context(**options)
        self.context.add_init_script(_WATCH)
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("crash", lambda _: self.complaints.append("crash: the page died"))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.address)
        self.page.wait_for_load_state()

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"console: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    @property
    def foreign(self) -> list[str]:
        """What was asked of anywhere but the page itself and its own server."""
        own = urlsplit(self.address)
        return [
            url
            for url in self.requests
            if not url.startswith(_INLINE)
            and (urlsplit(url).scheme, urlsplit(url).netloc) != (own.scheme, own.netloc)
        ]

    def check(self) -> None:
        """Fail where the page complained or asked anyone else."""
        assert self.complaints == []
        assert self.foreign == []

    def close(self) -> None:
        """Close the page and its context."""
        self.context.close()


Watch = Callable[..., Watched]  # the fixture `watch`


class Modules:
    """Runs JavaScript that imports modules of web/, on an empty page with the style sheets."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.page = watched.page

    def run(self, body: str, given: Any = None) -> Any:
        """Run the body of an async function of (given, load) and return what it returns.

        `const { name } = await load("paint.js")` imports a module. What comes in and goes out is
        JSON (typed arrays: `Array.from(…)`); `document.getElementById("main")` is there to fill.
        """
        return self.page.evaluate(
            f"(given) => {{ const load = (name) => import(`/web/${{name}}`);\n"
            f"return (async () => {{\n{body}\n}})(); }}",
            given,
        )
