"""Addresses of other servers that a page or a style would load; what is only linked to is not."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_AWAY = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_SOURCES = ("src", "poster", "data")  # attributes whose address is loaded, whatever the element
_HREF = ("link", "use", "image")  # elements whose address is loaded
_ELSEWHERE = {"canonical", "alternate", "next", "prev", "author", "license", "help"}  # only links
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_URL = re.compile(r"""url\(\s*["']?([^"')\s]+)|@import\s+["']([^"']+)""", re.IGNORECASE)


def of_style(text: str) -> list[str]:
    """Return the addresses of other servers in `url()` and `@import` of CSS."""
    found = (url or name for url, name in _URL.findall(_COMMENT.sub("", text)))
    return [address for address in found if _AWAY.match(address)]


def of_page(text: str) -> list[str]:
    """Return the addresses of other servers that a page of HTML loads."""
    page = _Page()
    page.feed(text)
    page.close()
    return page.found


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        given = {name: value or "" for name, value in attrs}
        asked = [given[name] for name in _SOURCES if name in given]
        if tag in _HREF and not set(given.get("rel", "").lower().split()) & _ELSEWHERE:
            asked += [given[name] for name in ("href", "xlink:href") if name in given]
        sets = f"{given.get('srcset', '')},{given.get('imagesrcset', '')}"
        asked += [part.split()[0] for part in sets.split(",") if part.strip()]
        self.found += [one for one in map(str.strip, asked) if _AWAY.match(one)]
        self.found += of_style(given.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += of_style(data)
