"""The samples of a studio: of the folder or file that was given, and what was uploaded."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kerascope.errors import BadFile
from kerascope.loading.sources import picture_files
from kerascope.studio.errors import Problem, short_line

NAME = 200  # characters of a name
MOST = 2000  # samples of a file
DATA = (".txt", ".csv", ".tsv", ".npy", ".npz")  # files that hold samples for a model to read


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lot:
    """Files that a model reads together: texts, rows, series, volumes, or those of each input.

    sources: as a command line gives them, with whole paths: a file, or NAME=FILE of each input.
    name: as people call it.
    """

    id: str
    name: str
    sources: tuple[str, ...]
    files: tuple[Path, ...]
    uploaded: bool = False

    def told(self) -> dict[str, Any]:
        """Return what a model's process must know, as JSON values."""
        told = {"sources": list(self.sources), "name": self.name, "most": MOST}
        return {**told, "mark": self.mark()}

    def mark(self) -> str:
        """Return what changes when a file does; raise `OSError` where one is gone."""
        stats = [(str(file), file.stat()) for file in _within(self.files)]
        parts = [(name, stat.st_mtime_ns, stat.st_size) for name, stat in stats]
        return hashlib.sha256(repr([self.id, parts]).encode("utf-8", "replace")).hexdigest()

    def sha256(self) -> str:
        """Return the hash of all contents."""
        return _lot_hash(self.files, self.mark())


def _within(files: Iterable[Path]) -> list[Path]:
    """Return files, and those that lie in folders among them."""
    found = [sorted(file.rglob("*")) if file.is_dir() else [file] for file in files]
    return [file for some in found for file in some]


@functools.lru_cache(maxsize=64)
def _lot_hash(files: tuple[Path, ...], mark: str) -> str:  # noqa: ARG001 — what it hangs on
    hashes = [_file_hash(file) for file in _within(files) if file.is_file()]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture, or one text, row, series … of a lot. Its name is words only, never a place.

    folder: name of the sub-folder it lies in, which may be its class; "" for others. kind:
    "picture", or what the model that listed it calls it: see `samples.KINDS`. truth: the right
    class, where its file says one. place: in its lot.
    """

    id: str
    name: str
    path: Path
    folder: str = ""
    uploaded: bool = False
    kind: str = "picture"
    truth: str | None = None
    lot: Lot | None = None
    place: int = 0

    def mark(self) -> str:
        """Return what changes when the file does."""
        if self.lot is not None:
            return f"{self.id}:{self.lot.mark()}"
        found = self.path.stat()
        return f"{self.id}:{found.st_mtime_ns}:{found.st_size}"

    def sha256(self) -> str:
        """Return the hash of the file's content, and the place in it."""
        return _file_hash(self.path) if self.lot is None else f"{self.lot.sha256()} {self.place}"


class Shelf:
    """All samples in their order; may be filled and read in several threads."""

    def __init__(self) -> None:
        self._samples: dict[str, Sample] = {}
        self._lock = threading.Lock()
        self.notes: list[str] = []
        self.error = ""
        self.filled = threading.Event()

    def fill(self, source: Path) -> list[Path]:
        """Take the pictures of a folder, or one file; a failure is kept as `error`.

        Return the files for a model to read, of a folder that holds no pictures.
        """
        try:
            others = data_files(source) if source.is_dir() else []
            if others and not _has_pictures(source):
                return others
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
        return []

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


def is_data(name: str) -> bool:
    """Tell whether a file of this name is for a model to read, not a picture."""
    return Path(name).suffix.lower() in DATA


def data_files(folder: Path) -> list[Path]:
    """Return the files of a folder that are for a model to read, sorted; none lies elsewhere."""
    root = folder.resolve()
    found = [file for file in sorted(folder.iterdir()) if is_data(file.name) and file.is_file()]
    return [file for file in found if file.resolve().is_relative_to(root)]


def _has_pictures(folder: Path) -> bool:
    try:
        return bool(picture_files(folder)[0])
    except BadFile:
        return False


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
        "thumb": None, "kind": sample.kind,
        "inputs": [],
    }  # fmt: skip
