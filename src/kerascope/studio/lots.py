"""Files of texts, rows, series or volumes: a model says what samples are in them."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascope.errors import KerascopeError
from kerascope.studio.asking import Asked
from kerascope.studio.errors import Problem, short_line
from kerascope.studio.shelf import NAME, Lot, Sample, is_data, plain_name

if TYPE_CHECKING:
    from kerascope.studio.nets import OpenNet
    from kerascope.studio.studio import Studio
    from kerascope.studio.uploads import Upload

TEXT_BYTES = 16 << 20  # of an uploaded text or table: cells take many times that in memory
ARRAY_BYTES = 1 << 30  # of uploaded arrays, unpacked
# Files that may hold all inputs of a model of several: columns, or arrays by name.
_WHOLE = (".csv", ".tsv", ".npz")
_LIST = "list"  # the kind of the job
_PATIENCE = 15.0  # seconds between two looks at a job


def lot_of(sources: Sequence[str]) -> Lot:
    """Return what is given on the command line: a file, or NAME=FILE of each input."""
    parts = [source.rpartition("=") if not Path(source).exists() else ("", "", source)
             for source in sources]  # fmt: skip
    files = [Path(path).resolve() for _, _, path in parts]
    given = tuple(f"{name}{sign}{file}" for (name, sign, _), file in zip(parts, files, strict=True))
    digest = hashlib.sha256("\n".join(given).encode("utf-8", "surrogateescape")).hexdigest()
    return Lot(id=digest, name=plain_name(files[0].name), sources=given, files=tuple(files))


def uploaded_lot(path: Path, name: str, sha256: str) -> Lot:
    """Return an uploaded file, which is called by its content."""
    return Lot(id=sha256, name=plain_name(name), sources=(str(path),), files=(path,), uploaded=True)


def by_input(files: Sequence[Upload], inputs: Sequence[str]) -> dict[str, Upload]:
    """Return the file of each input of a model of several, which is called like it: "scan.npy".

    Empty where an input has none, or two have one name.
    """
    found = {
        name: [file for file in files if Path(file.name).stem.lower() == name.lower()]
        for name in inputs
    }
    whole = len(inputs) > 1 and all(len(held) == 1 for held in found.values())
    return {name: held[0] for name, held in found.items()} if whole else {}


def _together(files: Mapping[str, tuple[Path, Upload]]) -> Lot:
    """Return uploaded files of all inputs, which are called by their contents."""
    parts = [f"{name} {upload.sha256}" for name, (_, upload) in files.items()]
    return Lot(
        id=hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest(),
        name=plain_name(", ".join(upload.name for _, upload in files.values())),
        sources=tuple(f"{name}={path}" for name, (path, _) in files.items()),
        files=tuple(path for path, _ in files.values()), uploaded=True,
    )  # fmt: skip


class Lots:
    """What waits to be read. Lives in the server's loop only."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._waiting: list[Lot] = []
        self._errors: dict[str, str] = {}  # by lot
        self._reading = False

    def fill(self, folder: Path) -> None:
        """Read a folder, in any thread: its pictures, or the files that a model must read."""
        lots = [lot_of([str(file)]) for file in self._studio.shelf.fill(folder)]
        self._studio.in_loop(lambda: self.add(lots))

    def add(self, lots: Iterable[Lot]) -> None:
        """Take files; they are read once there is a model that takes them."""
        self._waiting += lots
        self._studio.bell.ring()
        self.retry()

    def names(self) -> list[str]:
        """Return what is still to be read, as people call it."""
        return [lot.name for lot in self._waiting if lot.id not in self._errors]

    def retry(self) -> None:
        """Read what waits, with all models that are open now."""
        if self._waiting and self._studio.nets and not self._reading:
            self._reading = True
            self._studio.later(self._read_all())

    async def _read_all(self) -> None:
        """Read lot by lot; one that no model takes is tried again when there is another model."""
        nets, tried = self._studio.nets, set[tuple[str, ...]]()
        try:
            while lot := next((x for x in self._waiting if (x.id, *nets) not in tried), None):
                tried.add((lot.id, *nets))
                await self._read_one(lot)
        finally:
            self._reading = False

    async def _read_one(self, lot: Lot) -> None:
        studio = self._studio
        before = next(iter(self._errors.values()), "")
        try:
            studio.shelf.add(await self.read(lot, list(studio.nets.values())))
            self._waiting.remove(lot)
            self._errors.pop(lot.id, None)
        except KerascopeError as error:
            self._errors[lot.id] = str(error)
        now = next(iter(self._errors.values()), "")
        if now != before:  # else what is wrong with a folder stays said
            studio.shelf.error = now
        studio.bell.ring()

    async def take(self, upload: Upload, model: str | None) -> list[Sample]:
        """Return the samples of an upload, as a model reads them; raise `Problem`."""
        net = self._studio.net(model)
        inputs = net.facts.get("inputs", [])
        several = ""
        if len(inputs) > 1:
            several = "the model takes several inputs: give the files of all at once, called like "
            several += f"them ({', '.join(inputs)})"
        if several and not upload.name.lower().endswith(_WHOLE):
            raise Problem(400, f"'{upload.name}': {several}")
        path = _suffixed(upload)
        try:
            await asyncio.to_thread(_check, path, upload)
            return await self.read(uploaded_lot(path, upload.name, upload.sha256), [net])
        except Problem as error:
            path.unlink(missing_ok=True)
            if several and error.status == 400 and path.suffix != ".npz":
                raise Problem(400, f"{error}; {several}") from error
            raise

    async def take_several(self, files: Mapping[str, Upload], model: str | None) -> list[Sample]:
        """Return the samples of a file for each input, as a model reads them; raise `Problem`."""
        net = self._studio.net(model)
        held = {name: (_suffixed(upload), upload) for name, upload in files.items()}
        try:
            for path, upload in held.values():
                if is_data(upload.name):
                    await asyncio.to_thread(_check, path, upload)
            return await self.read(_together(held), [net])
        except Problem:
            for path, _ in held.values():
                path.unlink(missing_ok=True)
            raise

    async def read(self, lot: Lot, nets: Sequence[OpenNet]) -> list[Sample]:
        """Return the samples as the first of the models reads them that takes them.

        Raises `Problem` (400) with what the first one says, where none does.
        """
        errors = []
        for net in nets:
            try:
                found = await self._listed(lot, net)
            except Problem as error:
                errors.append(str(error))
            else:
                return _samples(lot, found)
        raise Problem(400, errors[0] if errors else "no model is open: open one first")

    async def _listed(self, lot: Lot, net: OpenNet) -> dict[str, Any]:
        studio = self._studio
        net.check_open()
        await net.marked.wait()
        try:
            told = await asyncio.to_thread(lot.told)
        except OSError as error:
            raise Problem(400, f"'{lot.name}' cannot be read: {error.strerror or error}") from error
        request = {"samples": [], "lot": told}
        asked = Asked(kind=_LIST, net=net, samples=(), rank=0, request=request, made=told)
        job = studio.ask(asked)
        while not job.over:
            seen = studio.bell.number
            if not job.over:
                await studio.bell.wait(seen, _PATIENCE)
        if job.state != "done":
            raise Problem(400, f"'{lot.name}': {job.error or job.state}")
        listed: dict[str, Any] = job.beside["listed"]
        new = [f"'{lot.name}': {note}" for note in listed["notes"]]
        studio.shelf.notes += [note for note in new if note not in studio.shelf.notes]
        return listed


def _suffixed(upload: Upload) -> Path:
    """Give a file that came in the suffix by which its kind is known."""
    return upload.path.rename(upload.path.with_suffix(Path(upload.name).suffix.lower()))


def _check(path: Path, upload: Upload) -> None:
    """Raise `Problem` for a file that would take far more memory than it has bytes."""
    size, most, what = upload.size, TEXT_BYTES, "bytes"
    if path.suffix in (".npy", ".npz"):
        most, what = ARRAY_BYTES, "bytes unpacked"
    if path.suffix == ".npz":
        try:
            with zipfile.ZipFile(path) as held:
                size = sum(part.file_size for part in held.infolist())
        except (zipfile.BadZipFile, OSError) as error:
            raise Problem(400, f"'{upload.name}' is damaged: {error}") from error
    if size > most:
        raise Problem(413, f"'{upload.name}' has {size:,} {what}; at most {most:,} are taken")


def _samples(lot: Lot, listed: dict[str, Any]) -> list[Sample]:
    return [
        Sample(
            id="s" + hashlib.sha256(f"{lot.id} {place}".encode()).hexdigest()[:12],
            name=short_line(row["name"], NAME), path=lot.files[0], uploaded=lot.uploaded,
            kind=listed["kind"], truth=row["truth"], lot=lot, place=place,
        )
        for place, row in enumerate(listed["samples"])
    ]  # fmt: skip
