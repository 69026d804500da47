"""Rows in a folder: a file for every fixed range of samples, there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from kerascope.audit.arrow import arrow
from kerascope.audit.rows import FLOATS
from kerascope.errors import BadFile, BadInput

MANIFEST = "audit.json"
SCHEMA = 1
_LOCK = ".lock"
_MARK = b"kerascope"  # key of a part's own facts


class Store:
    """A folder of parts that belong to one run, whatever became of it in between.

    settings: plain JSON values; a folder holds the rows of equal settings only. count: of samples.
    size: samples per part; the last part may have fewer.
    """

    def __init__(
        self, folder: str | os.PathLike[str], settings: Mapping[str, Any], *, count: int, size: int
    ) -> None:
        self.folder = Path(folder)
        self.settings = json.loads(json.dumps({**settings, "samples": count, "part": size}))
        self.count, self.size = count, size
        self.hash = settings_hash(self.settings)

    @property
    def parts(self) -> range:
        """Numbers of all parts."""
        return range(-(-self.count // self.size))

    def samples(self, part: int) -> range:
        """Return the samples of a part."""
        return range(part * self.size, min((part + 1) * self.size, self.count))

    def path(self, part: int) -> Path:
        """Return the file of a part."""
        return self.folder / f"part-{part:06d}.parquet"

    @contextlib.contextmanager
    def opened(self) -> Iterator[list[int]]:
        """Hold the folder against other runs, and yield the parts that are still to be made.

        Raises `BadFile` where the folder cannot be used or is in use, `BadInput` where it holds the
        rows of another run: the message says in what they differ.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadFile(
                f"cannot make the folder '{self.folder.name}': {error.strerror or error}"
            ) from error
        with _held(self.folder):
            self._check()
            for left in self.folder.glob(".*.tmp"):  # of a run that was killed
                left.unlink(missing_ok=True)
            yield [part for part in self.parts if not self.whole(part)]

    def _check(self) -> None:
        manifest, started = self.folder / MANIFEST, any(self.folder.glob("part-*.parquet"))
        if started and not manifest.exists():
            raise BadFile(
                f"'{self.folder.name}' holds parts but no {MANIFEST}: take another folder"
            )
        if started:
            _compare(read_manifest(self.folder), self.settings, self.folder.name)
            return
        text = json.dumps({"schema": SCHEMA, "settings": self.settings}, indent=1)
        try:
            write_synced(manifest, lambda file: file.write(text.encode()))
        except OSError as error:
            raise BadFile(
                f"cannot write into the folder '{self.folder.name}': {error.strerror or error}"
            ) from error

    def whole(self, part: int) -> bool:
        """Say whether a part is there, undamaged and of this run."""
        pa = arrow()
        try:
            table = pa.parquet.read_table(self.path(part))
            facts = part_facts(table.schema)
            in_turn = [sample for sample, _ in itertools.groupby(table.column("id").to_pylist())]
            return (
                facts.get("settings") == self.hash
                and facts.get("content") == content_hash(table)
                and in_turn == list(self.samples(part))
            )
        except Exception:  # of a damaged file, pyarrow may say anything
            return False

    def write(self, part: int, table: Any) -> None:
        """Write the rows of a part.

        Raises `BadFile` where the disk is full or the folder cannot be written; what was written
        before stays.
        """
        pa = arrow()
        errors = table.num_rows - table.column("target").drop_null().length()
        # Parquet's own checksums leave out the footer, where a flipped bit renames a column.
        content = content_hash(table)
        facts = {"settings": self.hash, "part": part, "errors": errors, "content": content}
        marked = table.replace_schema_metadata({_MARK: json.dumps(facts).encode()})
        split = [f"{name}.list.element" for name in FLOATS]
        plain = [f.name for f in table.schema if pa.types.is_string(f.type)]

        def put(file: BinaryIO) -> None:
            pa.parquet.write_table(
                marked, file, compression="zstd", use_dictionary=plain,
                use_byte_stream_split=split,
            )  # fmt: skip

        try:
            write_synced(self.path(part), put)
        except OSError as error:
            raise BadFile(
                f"cannot write part {part} of {len(self.parts)} into '{self.folder.name}': "
                f"{error.strerror or error}; run again to go on from there"
            ) from error


def content_hash(table: Any) -> str:
    """Return the sha256 of a table's names, types, gaps and values."""
    pa = arrow()
    digest = hashlib.sha256()
    for field in table.schema:
        column = table.column(field.name).combine_chunks()
        digest.update(f"{field.name} {field.type} {len(column)}".encode())
        digest.update(column.is_valid().to_numpy(zero_copy_only=False).tobytes())
        if pa.types.is_list(field.type):
            digest.update(column.value_lengths().fill_null(0).to_numpy().tobytes())
            column = column.flatten()
        if pa.types.is_string(field.type):
            digest.update(json.dumps(column.to_pylist()).encode())
        else:
            digest.update(column.drop_null().to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest()


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return the sha256 of what rows hang on."""
    return hashlib.sha256(json.dumps(_telling(settings), sort_keys=True).encode()).hexdigest()


def _telling(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without the model's name where its hash says what it is."""
    named = "model_sha256" in settings
    return {key: value for key, value in settings.items() if not (named and key == "model")}


def part_facts(schema: Any) -> dict[str, Any]:
    """Return a part's own facts: hash of the settings, its number, how many rows are errors."""
    return json.loads((schema.metadata or {}).get(_MARK, b"{}"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the settings that a folder's rows were made with; raise `BadFile` for none."""
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(f"folder '{folder.name}' holds no rows of an audit ({error})") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or "settings" not in data:
        raise BadFile(f"'{folder.name}/{MANIFEST}' is not of this version (schema {SCHEMA})")
    return data["settings"]


def write_synced(path: Path, content: Callable[[BinaryIO], Any]) -> None:
    """Write a file so that it is there whole or not at all, also when the power goes."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            content(file)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        os.replace(temporary, path)  # noqa: PTH105 — the one atomic call
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        place = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def _compare(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> None:
    """Raise `BadInput` that says in what two runs differ."""
    differing = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    if differing and _telling(before) != _telling(now):
        words = "; ".join(
            f"{k}: {_short(before.get(k))}, now {_short(now.get(k))}" for k in differing
        )
        raise BadInput(
            f"folder '{name}' holds the rows of another run and cannot take these: {words}; take "
            "another folder"
        )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the system lets go with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # not on Windows: there, two runs in one folder are not noticed
        yield
        return
    with (folder / _LOCK).open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadFile(f"another run is writing into '{folder.name}'") from error
        yield
