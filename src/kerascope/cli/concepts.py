"""How the commands for concepts end: the page, and what is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascope.cli.console import say, say_json
from kerascope.cli.output import page_in

if TYPE_CHECKING:
    from kerascope.report import Gallery


def finish(
    found: Any,
    gallery: Gallery,
    output: Path,
    files: list[str],
    said: list[str],
    told: dict[str, Any] | None,
) -> None:
    """Write the page; say what was found and where it is, or only print JSON.

    found: a result with notes and provenance. files: written already. told: what the JSON holds
    beside them; None says it in words.
    """
    from kerascope.report import write_report

    page = write_report(page_in(output), [gallery], title=f"Concepts of {found.provenance.model}")
    files = [*files, page.name]
    if told is not None:
        made = dataclasses.asdict(found.provenance)
        say_json({**told, "notes": list(found.notes), "provenance": made, "files": files})
        return
    for words in said:
        say(words)
    for note in found.notes:
        say(f"note: {note}")
    say(f"{len(files)} files and the report are in {output}")
    say(f"report: {page}")
