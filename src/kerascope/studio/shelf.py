"""The pictures of a studio: those of the folder that was given, and those that were uploaded."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from pathlib import Path
from typing import Any

from kerascope.errors import BadFile
from kerascope.loading.sources import picture_files
from kerascope.studio.errors import Problem, short_line

NAME = 200  # characters of a name


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture: its name is words only, never a place to open.

    folder: name of the sub-folder it lies in, which may be its class; "" for others.
    """

    id: str
    name: str
    path: Path
    folder: str = ""
    uploaded: bool = False

    def mark(self) -> str:
        """Return what changes when the file does."""
        found = self.path.stat()
        return f"{self.id}:{found.st_mtime_ns}:{found.st_size}"

    def sha256(self) -> str:
        """Return the hash of the file's content."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class Shelf:
    """All samples in their order; may be filled and read in several threads."""

    def __init__(self) -> None:
        self._samples: dict[str, Sample] = {}
        self._lock = threading.Lock()
        self.notes: list[str] = []
        self.error = ""
        self.filled = threading.Event()

    def fill(self, source: Path) -> None:
        """Take the pictures of a folder, or one file; a failure is kept as `error`."""
        try:
            files, notes = picture_files(source)
            root = source.resolve() if source.is_dir() else source.resolve().parent
            inside = _inside(files, root)
            self.notes += notes
            if len(inside) < len(files):
                self.notes.append(
                    f"{len(files) - len(inside)} links that lead out of the folder are left out"
                )
            self.add([_sample(file, source) for file in inside])
        except BadFile as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"'{source.name}' cannot be read: {error.strerror or error}"
        finally:
            self.filled.set()

    def add(self, samples: list[Sample]) -> None:
        """Put samples at the end; one that is there already stays in its place."""
        with self._lock:
            for sample in samples:
                self._samples.setdefault(sample.id, sample)

    def __len__(self) -> int:
        return len(self._samples)

    def get(self, name: str) -> Sample:
        """Return the sample of this id; raise `Problem` (404)."""
        found = self._samples.get(name)
        if found is None:
            raise Problem(404, f"there is no sample '{short_line(name, 40)}'")
        return found

    def some(self, start: int, count: int) -> list[Sample]:
        """Return a part of the samples in their order."""
        with self._lock:
            return list(self._samples.values())[start : start + count]

    def folders(self) -> set[str]:
        """Return the names of all sub-folders."""
        with self._lock:
            return {sample.folder for sample in self._samples.values() if sample.folder}


def _inside(files: list[Path], root: Path) -> list[Path]:
    """Return the files that lie in a folder, links followed; every folder is looked at once."""
    folders = {parent: parent.resolve() for parent in {file.parent for file in files}}
    return [
        file
        for file in files
        if (file.resolve() if file.is_symlink() else folders[file.parent]).is_relative_to(root)
    ]


def _sample(file: Path, source: Path) -> Sample:
    place = file.relative_to(source) if source.is_dir() else Path(file.name)
    digest = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()
    folder = place.parts[0] if len(place.parts) > 1 else ""
    return Sample(
        id=f"s{digest[:12]}", name=plain_name(file.name), path=file, folder=plain_name(folder)
    )


def plain_name(text: str) -> str:
    """Return a file's name as words: no folder, one line, text in any encoding."""
    last = text.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return short_line(last.encode("utf-8", "replace").decode("utf-8", "replace"), NAME)


def uploaded_sample(path: Path, name: str, sha256: str) -> Sample:
    """Return the sample of an uploaded picture, which is called by its content."""
    return Sample(
        id=f"s{sha256[:12]}", name=plain_name(name) or "picture", path=path, uploaded=True
    )


def facets_of(sample: Sample) -> dict[str, str]:
    """Return what samples can be filtered by."""
    return {"folder": sample.folder} if sample.folder else {}


def described(sample: Sample, truth: str | None) -> dict[str, Any]:
    """Return a sample as documents hold it, without its pictures."""
    return {
        "id": sample.id, "name": sample.name, "truth": truth, "facets": facets_of(sample),
        "thumb": None,
        "inputs": [],
    }  # fmt: skip
