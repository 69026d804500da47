"""What stands where: the sections of the site and their pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
# A page is named as in docs/; "coming-from/" stands for all pages of that folder.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("index.md", "start.md", "how-it-works.md", "troubleshooting.md"),
    "Guides": (
        "guides/why-this-prediction.md",
        "guides/can-i-trust-it.md",
        "guides/what-has-it-learned.md",
        "guides/what-is-inside.md",
        "guides/watch-it-train.md",
        "guides/a-million-images.md",
    ),
    "Recipes": ("recipes.md", "notebooks/"),
    "Kinds of data": (
        "kinds.md", "places.md", "text.md", "tabular.md", "series.md", "volumes.md", "models.md",
    ),
    "Methods": ("methods/",),
    "In depth": ("audit.md", "studio.md", "report.md", "training-film.md", "backward-rules.md"),
    "Tables": (
        "field-table.md", "parity.md", "speed.md", "trust.md", "matrix.md", "supported.md",
        "leaks.md", "soak.md",
    ),
    "Coming from": ("coming-from/",),
    "Extending": ("extending.md", "front-end.md"),
    "Reference": ("api/", "command-line.md"),
}  # fmt: skip
Entry = dict[str, list[Any]]


def listed(pages: Iterable[str], entries: Sequence[str]) -> list[str]:
    """Return the pages that entries of a section stand for; a folder's index comes first."""
    found: list[str] = []
    for entry in entries:
        inside = sorted(
            p for p in pages if p == entry or (entry[-1] == "/" and p.startswith(entry))
        )
        found += sorted(inside, key=lambda page: not page.endswith("/index.md"))
    return found


def unlisted(pages: Iterable[str]) -> list[str]:
    """Return the pages that no section holds."""
    every = list(pages)
    held = {page for entries in SECTIONS.values() for page in listed(every, entries)}
    return [page for page in every if page not in held]


def navigation(pages: Iterable[str], families: Mapping[str, Sequence[str]]) -> list[Entry]:
    """Return the navigation as Zensical takes it: a section's pages by its name.

    families: the methods of each, whose pages stand below its name.
    """
    every = list(pages)
    sections = {name: list[Any](listed(every, entries)) for name, entries in SECTIONS.items()}
    below = [{name: [f"methods/{one}.md" for one in own]} for name, own in families.items()]
    sections["Methods"] = ["methods/index.md", *below]
    return [{name: found} for name, found in sections.items() if found]


def written() -> list[str]:
    """Return the hand-written pages, relative to docs/."""
    return sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
