"""What commands say: tables and words on stdout, progress on stderr, with --json nothing else."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, quiet: bool = False) -> None:
    """Print words as they are, without any markup, unless `quiet`."""
    if not quiet:
        out.print(text, markup=False)


def say_json(data: Any) -> None:
    """Print JSON and nothing else; ASCII, so that any terminal and any page takes it."""
    sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")


def defined(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row with None where a number is NaN: undefined, and no number in JSON."""
    return tuple(None if isinstance(v, float) and v != v else v for v in row)  # noqa: PLR0124


@contextlib.contextmanager
def progress(*, quiet: bool = False) -> Iterator[Any]:
    """Show a bar with the time left for what `explain` does inside; silent without a terminal."""
    from kerascope.run import reporting

    if quiet or not err.is_terminal:
        yield lambda text: None  # noqa: ARG005
        return
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None)
        where = ""

        def at(text: str) -> None:
            nonlocal where
            where = text
            bar.reset(task, description=text, total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{where}: {what}", completed=done, total=total)

        with reporting(report):
            yield at
