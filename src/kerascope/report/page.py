"""Put sections together into one page that needs nothing beside itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kerascope.attribution import Attribution, write_whole
from kerascope.errors import BadInput
from kerascope.plot.stamp import stamp, without_folders
from kerascope.report.encode import environment, front_end, json_for_script, policy
from kerascope.report.sections import Explanations, Section
from kerascope.report.views import ExplanationsView, view

if TYPE_CHECKING:
    import os
    from pathlib import Path

_STYLE = "kerascope.css"
_SCRIPT = "viewer.js"


def build_report(
    content: Sequence[Attribution | Section], *, title: str = "Why the model decided as it did"
) -> str:
    """Return a page as HTML: one file, no network, readable on paper and in the dark.

    content: sections in their order; results that follow each other become one `Explanations`
        section and must be of the same samples.
    Raises `BadInput` when there is nothing to report or results do not belong together.
    """
    sections = _sections(content)
    views = [(section, view(section, index)) for index, section in enumerate(sections)]
    sources = list({id(r): r for section in sections for r in section.sources}.values())
    stamps = [stamp(result) for result in sources]
    style, script = front_end(_STYLE), front_end(_SCRIPT)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            sections=views,
            contents=_contents(views),
            facts=_facts(sources),
            stamps=stamps,
            stamps_text=json.dumps(stamps, indent=2, ensure_ascii=False, default=str),
            json_for_script=json_for_script,
            style=style,
            script=script,
            policy=policy(style=style, script=script),
        )
    )


def write_report(
    path: str | os.PathLike[str],
    content: Sequence[Attribution | Section],
    *,
    title: str = "Why the model decided as it did",
) -> Path:
    """Write the page of `build_report` to `path`, whole or not at all; return the path.

    Raises `BadFile` when the place cannot be written, and what `build_report` raises.
    """
    page = build_report(content, title=title)
    # File names may hold bytes that are no text: they become question marks.
    return write_whole(path, page.encode("utf-8", errors="replace"))


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


def _contents(views: list[tuple[Section, Any]]) -> list[tuple[str, str, str]]:
    """Return (anchor, name, verdict) of every sample, where there are enough to get lost."""
    samples = [s for _, v in views if isinstance(v, ExplanationsView) for s in v.samples]
    return [(s.anchor, s.name, s.verdict) for s in samples] if len(samples) > 2 else []


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
