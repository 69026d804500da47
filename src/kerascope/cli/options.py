"""Options that several commands share."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

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


MODEL_HELP = "A .keras or .h5 file, keras:NAME (Keras Applications) or hub:PRESET (KerasHub)."
Model = Annotated[str, typer.Argument(help=MODEL_HELP)]
Custom = Annotated[
    list[str],
    typer.Option(
        "--custom", help="module:Class of a custom layer or function in the file; repeatable."
    ),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe", help="Let the model file run code that it carries. Only for files you trust."
    ),
]
Categories = Annotated[
    list[str],
    typer.Option(help="COLUMN=word,word,…: its categories in the model's order; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", callback=to_folder,
        help="Folder for all that is written; or the page, as why.html (the rest goes into why/).",
    ),
]  # fmt: skip
