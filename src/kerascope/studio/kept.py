"""What is kept between starts: bytes by the hash of what made them, bounded in size."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Protocol

from kerascope.errors import BadFile
from kerascope.files import cache_folder, write_whole

_DIGEST = hashlib.sha256().digest_size
_LEFT = 0.8  # of the bound, that stays when old files are removed


def key_of(made: Any) -> str:
    """Return the name of what was made of JSON values."""
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


class Kept(Protocol):
    """Bytes by name."""

    def get(self, key: str) -> bytes | None:
        """Return what is kept, or None."""

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes; what does not fit is not kept, which does not matter."""


class InMemory:
    """Keeps the latest used in this process."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self._items: collections.OrderedDict[str, bytes] = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what is kept, or None."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes, and drop what was not used for longest."""
        with self._lock:
            self.held += len(content) - len(self._items.pop(key, b""))
            self._items[key] = content
            while self.held > self.most:
                self.held -= len(self._items.popitem(last=False)[1])


class OnDisk:
    """Keeps files in a folder: the latest used, up to `most` bytes; several processes may share."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self._held: int | None = None
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what is kept, or None; a damaged file counts as none."""
        path = self.folder / key
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, rest = content[:_DIGEST], content[_DIGEST:]
        return rest if hashlib.sha256(rest).digest() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes; a disk that is full or not to be written does not matter."""
        if len(content) > self.most * _LEFT:
            return
        with self._lock, contextlib.suppress(OSError, BadFile):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self.folder / key, hashlib.sha256(content).digest() + content)
            if self._held is not None:
                self._held += len(content)
            if self._held is None or self._held > self.most:
                self._held = self._tidied()

    def _tidied(self) -> int:
        """Remove the files used longest ago where there are too many bytes; return what is left."""
        with os.scandir(self.folder) as entries:
            found = [(entry.stat(), entry.path) for entry in entries if entry.is_file()]
        held = sum(stat.st_size for stat, _ in found)
        if held <= self.most:
            return held
        for stat, path in sorted(found, key=lambda item: item[0].st_mtime):
            if held <= self.most * _LEFT:
                break
            Path(path).unlink(missing_ok=True)
            held -= stat.st_size
        return held


def kept_in(name: str, most: int) -> Kept:
    """Return what keeps bytes in the user's cache folder; in memory where KERASCOPE_CACHE is off.

    name: of the folder inside. most: bytes on disk; a quarter of it in memory.
    """
    folder = cache_folder()
    return InMemory(most // 4) if folder is None else OnDisk(folder / name, most)
