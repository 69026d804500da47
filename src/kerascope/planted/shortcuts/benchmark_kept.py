"""Outcomes on disk: files with a line of JSON for every audit, one file for each run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kerascope.errors import BadFile
from kerascope.files import write_whole
from kerascope.planted.shortcuts.benchmark_outcome import Outcome

_NETS = "nets"  # the folder's folder for weights


class Kept:
    """What is done of a benchmark, and the place for what is done next.

    folder: read whole; made where it is missing; None keeps nothing. shard: (i, n), the run that
    writes; it has a file of its own, so that runs may share a folder.
    Raises `BadFile`: the folder cannot be made, or holds lines that are no outcomes.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, shard: tuple[int, int]) -> None:
        self.nets: Path | None = None
        self._file: Path | None = None
        self._own: list[str] = []
        self._found: dict[str, Outcome] = {}
        if folder is None:
            return
        self.nets, place = Path(folder) / _NETS, "" if shard[1] == 1 else f"-{shard[0]}-{shard[1]}"
        self._file = Path(folder) / f"outcomes{place}.jsonl"
        try:
            self.nets.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadFile(f"cannot make folder '{folder}': {error.strerror or error}") from error
        self._found = {one.cell.name: one for one in outcomes_in(folder)}
        self._own = _lines(self._file) if self._file.exists() else []

    def get(self, name: str) -> Outcome | None:
        """Return the outcome of a cell of that name; None where it is still to be found."""
        return self._found.get(name)

    def add(self, outcome: Outcome) -> None:
        """Write an outcome; what was written before stays whole if that fails."""
        if self._file is not None:
            self._own.append(json.dumps(outcome.to_json()))
            write_whole(self._file, "".join(f"{line}\n" for line in self._own).encode())


def outcomes_in(folder: str | os.PathLike[str]) -> list[Outcome]:
    """Return all outcomes that the files `*.jsonl` of a folder hold; raise `BadFile` for others."""
    found = []
    for path in sorted(Path(folder).glob("*.jsonl")):
        for number, line in enumerate(_lines(path), 1):
            try:
                found.append(Outcome.from_json(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise BadFile(
                    f"line {number} of '{path}' is no outcome of a benchmark: {error}"
                ) from error
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadFile(f"'{path}' cannot be read: {error}") from error
