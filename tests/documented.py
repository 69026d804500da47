"""Pages of the documentation as data: what stands under which heading, and what of it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[1] / "docs"
_PART = re.compile(r"^(#+) ([^\n]*)$|^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Section(NamedTuple):
    """A heading of a page, its level, the words below it, and its blocks of Python."""

    level: int
    heading: str
    words: str
    blocks: tuple[str, ...]


def sections(page: str) -> list[Section]:
    """Return the sections of a page under docs/, in order; comments in code are no headings."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found: list[Section] = []
    blocks: list[str] = []
    words = ""
    level, heading, end = 0, "", 0
    for match in _PART.finditer(text):
        words += text[end : match.start()]
        end = match.end()
        if match[1] is None:
            blocks += [match[4]] if match[3] == "python" else []
            continue
        found.append(Section(level, heading, " ".join(words.split()), tuple(blocks)))
        level, heading, words, blocks = len(match[1]), match[2], "", []
    words += text[end:]
    return [*found, Section(level, heading, " ".join(words.split()), tuple(blocks))][1:]
