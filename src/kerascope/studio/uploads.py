"""Files that come in: counted while they stream, into a private folder, under our own names."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from kerascope.studio.errors import Problem
from kerascope.studio.shelf import plain_name
from kerascope.studio.table import parts_of

_HEADER = 4096  # bytes of a part's headers
_MOST_FILES = 200  # of one upload
STEP = 1 << 20  # bytes between two looks at what all uploads take together
_MULTIPART = "multipart/form-data"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came in. name: as the other side calls it, words only."""

    path: Path
    name: str
    size: int
    sha256: str


class _File:
    """A file that is being written."""

    def __init__(self, folder: Path, name: str, most: int) -> None:
        self.name, self.most = name, most
        self.path = folder / f"upload-{next_number()}"
        self._file = self.path.open("xb")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self.most:
            raise Problem(413, f"'{self.name}' is larger than {self.most:,} bytes, the most")
        self._digest.update(part)
        self._file.write(part)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> Upload:
        self._file.close()
        return Upload(
            path=self.path, name=self.name, size=self.size, sha256=self._digest.hexdigest()
        )


_count = 0


def next_number() -> int:
    """Return a number that no upload of this process has had."""
    global _count
    _count += 1
    return _count


async def received(
    request: Request, folder: Path, *, each: int, most: int, whole: int, files: int = _MOST_FILES
) -> list[Upload]:
    """Return the files of a request: multipart, or one as the body with its name in `?name=`.

    each, most: bytes of a file, and of all of this request. whole: of all that lies in the folder,
    with what comes in beside this. Raises `Problem`; what was written is removed then.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    sink = _Sink(folder, each, files, whole)
    try:
        await asyncio.to_thread(sink.look)
        if kind == _MULTIPART.encode():
            await _multipart(parts_of(request, most), options.get(b"boundary", b""), sink)
        else:
            sink.begin(request.query_params.get("name", ""))
            await _pour(parts_of(request, most), sink.part)
            sink.end()
        await asyncio.to_thread(sink.look)
    except BaseException:
        sink.remove()
        raise
    if not sink.done or any(upload.size == 0 for upload in sink.done):
        sink.remove()
        raise Problem(400, "the upload holds no file, or an empty one")
    return sink.done


class _Sink:
    """Writes the files of one request."""

    def __init__(self, folder: Path, each: int, files: int, whole: int) -> None:
        self.folder, self.each, self.files, self.whole = folder, each, files, whole
        self.unseen = 0
        self.done: list[Upload] = []
        self._open: _File | None = None

    def begin(self, name: str) -> None:
        if len(self.done) >= self.files:
            raise Problem(413, f"at most {self.files} files are taken at once")
        self._open = _File(self.folder, plain_name(name) or "upload", self.each)

    def part(self, content: bytes) -> None:
        if self._open is not None:
            self._open.write(content)
            self.unseen += len(content)
            if self.unseen >= STEP:
                self.look()

    def look(self) -> None:
        """Raise `Problem` where all uploads together take too much, those under way with them."""
        self.unseen = 0
        if self._open is not None:
            self._open.flush()
        held = sum(file.stat().st_size for file in self.folder.glob("upload-*"))
        if held > self.whole:
            raise Problem(413, f"uploads take more than {self.whole:,} bytes together; start anew")

    def end(self) -> None:
        if self._open is not None:
            self.done.append(self._open.close())
            self._open = None

    def remove(self) -> None:
        self.end()
        for upload in self.done:
            upload.path.unlink(missing_ok=True)
        self.done = []


async def _pour(parts: AsyncIterator[bytes], write: Callable[[bytes], Any]) -> None:
    async for part in parts:
        await asyncio.to_thread(write, part)


async def _multipart(parts: AsyncIterator[bytes], boundary: bytes, sink: _Sink) -> None:
    """Read a multipart body; parts without a file name are passed over."""
    if not boundary:
        raise Problem(400, "the multipart body names no boundary")
    headers = _Headers(sink)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": headers.begin,
            "on_header_field": headers.field,
            "on_header_value": headers.value,
            "on_header_end": headers.line,
            "on_headers_finished": headers.finished,
            "on_part_data": lambda data, start, end: sink.part(data[start:end]),
            "on_part_end": sink.end,
            "on_end": headers.end,
        },
    )
    try:
        await _pour(parts, parser.write)
    except ValueError as error:
        raise Problem(400, f"the multipart body is damaged: {error}") from error
    if not headers.whole:
        raise Problem(400, "the multipart body is cut off")


class _Headers:
    """Collects a part's headers and begins its file."""

    def __init__(self, sink: _Sink) -> None:
        self.sink, self.whole = sink, False
        self.begin()

    def begin(self) -> None:
        self._name, self._value, self._bytes = b"", b"", 0
        self._disposition = b""

    def _count(self, count: int) -> None:
        self._bytes += count
        if self._bytes > _HEADER:
            raise Problem(400, "the headers of a part are too long")

    def field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def line(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" in options:
            self.sink.begin(options[b"filename"].decode("utf-8", "replace"))

    def end(self) -> None:
        self.whole = True
