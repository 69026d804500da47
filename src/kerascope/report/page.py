"""Put sections together into one page that needs nothing beside itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerascope.attribution import Attribution
from kerascope.errors import BadInput
from kerascope.files import write_whole
from kerascope.plot.stamp import stamp, without_folders
from kerascope.report.document import merged
from kerascope.report.encode import environment, inlined, json_for_script, policy
from kerascope.report.fitting import BUDGET, Fitted, fitted
from kerascope.report.sections import Explanations, Section
from kerascope.report.views import view
from kerascope.web import bundle

if TYPE_CHECKING:
    import os
    from pathlib import Path

TITLE = "Why the model decided as it did"
_APP = "Explanations"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """One tab: sections below each other, or the app where there are none."""

    anchor: str
    title: str
    views: tuple[tuple[Section, Any], ...] = ()


def report(
    content: Attribution | Section | Sequence[Attribution | Section],
    path: str | os.PathLike[str] = "report.html",
    *,
    title: str = TITLE,
    budget: int = BUDGET,
) -> Path:
    """Write results, or sections of a report, to one self-contained HTML file; return its path.

    content: results of one or several methods on the same samples, and sections, in their order.
    budget: bytes that maps and pictures may take; beyond it they are shown less finely, and the
        page says so.
    Raises what `write_report` raises.
    """
    several = [content] if isinstance(content, (Attribution, Section)) else list(content)
    return write_report(path, several, title=title, budget=budget)


def write_report(
    path: str | os.PathLike[str],
    content: Sequence[Attribution | Section],
    *,
    title: str = TITLE,
    budget: int = BUDGET,
    document: dict[str, Any] | None = None,
) -> Path:
    """Write the page of `build_report` to `path`, whole or not at all; return the path.

    Raises `BadFile` when the place cannot be written, and what `build_report` raises.
    """
    page = build_report(content, title=title, budget=budget, document=document)
    # File names may hold bytes that are no text: they become question marks.
    return write_whole(path, page.encode("utf-8", errors="replace"))


def build_report(
    content: Sequence[Attribution | Section],
    *,
    title: str = TITLE,
    budget: int = BUDGET,
    document: dict[str, Any] | None = None,
) -> str:
    """Return a page as HTML: one file, no network, readable on paper and in the dark.

    content: sections in their order; results that follow each other become one `Explanations`
        section and must be of the same samples. All of these become one document, shown by the app.
    budget: bytes that the document may take; beyond it maps and pictures are shown less finely.
    document: one that is made already, to be shown with the others; see docs/front-end.md.
    Raises `BadInput` when there is nothing to report or results do not belong together.
    """
    sections = _sections(content)
    sources = list({id(r): r for section in sections for r in section.sources}.values())
    explained = [section for section in sections if isinstance(section, Explanations)]
    found = fitted(explained, title=title, budget=budget) if explained else None
    pages = _pages(sections)
    if document is not None:
        found = Fitted.of(merged([*([found.document] if found else []), document]))
        if not explained:
            pages.append(Page(anchor="app", title=_APP))
    return _page(title, pages, found, _facts(sources), [stamp(result) for result in sources])


def page_of(document: dict[str, Any], *, state: str = "") -> str:
    """Return the page of a document that is made already, as HTML.

    state: of the front end, as it stands in the hash of an address, to be shown at first.
    """
    facts = [
        (name, words)
        for model in document["models"]
        for name, words in [("Model", model["name"]), *model.get("facts", ())]
    ]
    title = document["title"] or TITLE
    pages = [Page(anchor="app", title=_APP)]
    return _page(title, pages, Fitted.of(document), facts, document["stamps"], state=state)


def write_document(
    path: str | os.PathLike[str], document: dict[str, Any], *, state: str = ""
) -> Path:
    """Write the page of `page_of` to `path`, whole or not at all; return the path.

    Raises `BadFile` when the place cannot be written.
    """
    return write_whole(path, page_of(document, state=state).encode("utf-8", errors="replace"))


def _page(
    title: str,
    pages: list[Page],
    found: Fitted | None,
    facts: list[tuple[str, str]],
    stamps: list[Any],
    *,
    state: str = "",
) -> str:
    style, script = inlined(bundle.style()), inlined(bundle.script())
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            pages=pages,
            document=None if found is None else found.document,
            document_text="" if found is None else found.text,
            **({} if found is None else _by_name(found.document)),
            facts=facts,
            stamps=stamps,
            stamps_text=json.dumps(stamps, indent=2, ensure_ascii=False, default=str),
            json_for_script=json_for_script,
            state=state,
            style=style,
            script=script,
            policy=policy(style=style, script=script),
        )
    )


def _by_name(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the table without script looks up: predictions, methods, maps by sample."""
    maps: dict[str, list[Any]] = {sample["id"]: [] for sample in document["samples"]}
    for one in document["maps"]:
        maps[one["sample"]].append(one)
    said = {
        (one["sample"], one["model"], one["epoch"]): one["verdict"]
        for one in document["predictions"]
    }
    methods = {method["id"]: method for method in document["methods"]}
    return {"maps": maps, "methods": methods, "predictions": said}


def _sections(content: Sequence[Attribution | Section]) -> list[Section]:
    sections: list[Section] = []
    waiting: list[Attribution] = []
    for item in [*content, None]:
        if isinstance(item, Attribution):
            waiting.append(item)
            continue
        if waiting:
            sections.append(Explanations(results=tuple(waiting)))
            waiting = []
        if isinstance(item, Section):
            sections.append(item)
        elif item is not None:
            raise BadInput(f"a report holds results and sections, not {type(item).__name__}")
    if not sections:
        raise BadInput("there is no result to report")
    return sections


def _pages(sections: Sequence[Section]) -> list[Page]:
    """Return the tabs: the app once, and the other sections, those in a row together."""
    pages: list[Page] = []
    held: list[tuple[Section, Any]] = []
    named = ""
    for index, section in enumerate([*sections, None]):
        plain = section is not None and not isinstance(section, Explanations)
        if held and (section is None or not plain or section.page != named):
            title = named or held[0][0].heading
            pages.append(Page(anchor=f"page-{len(pages) + 1}", title=title, views=tuple(held)))
            held = []
        if section is None:
            break
        if plain:
            named = section.page
            held.append((section, view(section, index)))
        elif all(page.views for page in pages):
            pages.append(Page(anchor="app", title=section.title or _APP))
    return pages


def _facts(sources: list[Attribution]) -> list[tuple[str, str]]:
    """Return what all results share, as (name, words), for the head of the page."""
    if not sources:
        return []
    made = [result.provenance for result in sources]
    facts = {
        "Model": [f"{p.model} (sha256 {p.model_sha256[:8]}…)" for p in made],
        "Explained": [f"{p.target}, {p.score}" for p in made],
        "Preprocessing": [p.preprocessing or "none known" for p in made],
        "Made with": [
            f"Kerascope {p.kerascope}, Keras {p.keras} on {p.backend} {p.backend_version}"
            for p in made
        ],
    }
    return [(name, without_folders("; ".join(dict.fromkeys(w)))) for name, w in facts.items()]
