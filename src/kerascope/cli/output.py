"""Where a command writes: a folder, or a page by name with a folder beside it."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from kerascope.errors import BadFile

# The page that this run writes, where -o names one in place of a folder.
_asked: ContextVar[Path | None] = ContextVar("_asked", default=None)


def to_folder(given: Path | None) -> Path | None:
    """Return the folder that -o names: of "why.html", a page, the rest goes into "why"."""
    page = given is not None and given.suffix.lower() in (".html", ".htm")
    _asked.set(given if page else None)
    return given.with_suffix("") if page and given is not None else given


def page_in(folder: Path) -> Path:
    """Return where the page goes: where -o says, or into the folder."""
    return _asked.get() or folder / "report.html"


Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", callback=to_folder,
        help="Folder for all that is written; or the page, as why.html (the rest goes into why/).",
    ),
]  # fmt: skip


def check_folder(folder: Path) -> None:
    """Make the folder and make sure that it can be written, before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".kerascope-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadFile(
            f"cannot write to the folder '{folder}': {error.strerror or error}"
        ) from error
