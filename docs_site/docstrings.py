"""Docstrings as they are written here, made Markdown: "name: what it is" lines become lists."""

from __future__ import annotations

import re

_FIELD = re.compile(r"^(?P<names>[`*]*\w+`?(?:, [`*]*\w+`?)*): (?=\S)")


def listed(text: str) -> str:
    """Return a docstring whose paragraphs of "name: words" are Markdown lists."""
    return "\n\n".join(map(_paragraph, re.split(r"\n\s*\n", text)))


def _paragraph(text: str) -> str:
    """Make the lines from the first "name: …" on a list, if the rest of them are indented."""
    lines = text.split("\n")
    starts = [i for i, line in enumerate(lines) if _FIELD.match(line)]
    if not starts or lines[0].startswith((" ", "-", "|", ">", "`")):
        return text
    first = starts[0]
    if first and not all(i in starts or lines[i][:1] == " " for i in range(first, len(lines))):
        return text
    made = [*lines[:first], ""] if first else []
    for line in lines[first:]:
        found = _FIELD.match(line)
        if found:
            made.append(f"- **{found['names'].replace('`', '')}**: {line[found.end() :]}")
        else:
            made.append(f"  {line.strip()}")
    return "\n".join(made)
