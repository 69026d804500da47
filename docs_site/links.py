"""Links of Markdown pages: found, checked, and turned into those of the site."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,}).*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^()\s]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\((?P<to>[^()\s]+)\)")
CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """Return `text` with all that is in no fenced block changed by `change`."""
    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def anchors(text: str) -> set[str]:
    """Return the anchors that the headings of a page have on sites that show Markdown."""
    found: set[str] = set()
    outside: list[str] = []
    outside_fences(text, lambda part: outside.append(part) or part)
    for heading in re.findall(r"^#{1,6} +(.+?) *$", "\n".join(outside), re.MULTILINE):
        plain = LINK.sub(lambda link: link["text"], heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = sum(1 for other in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken(page: Path) -> Iterable[str]:
    """Yield what is wrong with each link of a page to a file or an anchor."""
    text = page.read_text(encoding="utf-8")
    bare: list[str] = []
    outside_fences(text, lambda part: bare.append(CODE.sub("``", part)) or part)
    for link in [*LINK.finditer("".join(bare)), *IMAGE.finditer("".join(bare))]:
        to, _, anchor = link["to"].partition("#")
        if "://" in to or to.startswith("mailto:"):
            continue
        target = (page.parent / to).resolve() if to else page
        if not target.exists():
            yield f"{page.name}: {link['to']}: there is no such file"
        elif (
            anchor
            and target.suffix == ".md"
            and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            yield f"{page.name}: {link['to']}: there is no such heading"


def on_site(text: str, place: Callable[[str], str | None]) -> str:
    """Return a page whose links lead where `place` says; None leaves the words without the link."""

    def turned(link: re.Match[str]) -> str:
        if "://" in link["to"] or link["to"].startswith(("#", "mailto:")):
            return link[0]
        to, _, anchor = link["to"].partition("#")
        found = place(to)
        if found is None:
            return link["text"]
        return f"[{link['text']}]({found}{'#' if anchor else ''}{anchor})"

    return outside_fences(text, lambda part: LINK.sub(turned, part))


def link_code(text: str, pages: dict[str, str]) -> str:
    """Return a page where inline code that is a name in `pages` leads to that page.

    Headings, links and fenced blocks stay as they are.
    """
    names = "|".join(sorted(map(re.escape, pages), key=len, reverse=True))
    spare = re.compile(rf"^#.*$|{LINK.pattern}|(?<!`)`(?P<name>{names})`(?!`)", re.MULTILINE)

    def turned(found: re.Match[str]) -> str:
        if found["name"] is None:
            return found[0]
        return f"[`{found['name']}`]({pages[found['name']]})"

    return outside_fences(text, lambda part: spare.sub(turned, part))
