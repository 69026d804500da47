"""Which files a data set is made of: a folder per class, a flat folder, or a table of paths."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascope.audit.arrow import arrow
from kerascope.errors import BadFile, BadInput, choices
from kerascope.loading.pictures import SUFFIXES

TABLES = (".csv", ".tsv", ".parquet")
_PATH = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")
_LABEL = ("label", "class", "class_name", "category", "target")
_MASK = ("mask", "mask_path", "mask_file")
_BOX = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """Files in a fixed order, and what a folder or table says of each.

    paths: below `root`, with forward slashes. labels: names or indices, None where there are none.
    boxes: (x0, y0, x1, y1) by file. masks: paths below `root`. meta: further columns.
    """

    root: Path
    paths: tuple[str, ...]
    labels: tuple[Any, ...] | None = None
    boxes: tuple[Any, ...] | None = None
    masks: tuple[str | None, ...] | None = None
    meta: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def in_folder(root: Path, without: Path | None = None) -> Listing:
    """Return the pictures of a folder with a folder per class, or of a flat one, sorted by path.

    without: a folder inside that holds no samples. Raises `BadFile` or `BadInput`.
    """
    if not root.is_dir():
        raise BadFile(f"data folder '{root.name}' does not exist")
    groups: dict[str, list[str]] = {}
    others, empty = 0, []
    away = None if without is None else without.resolve()
    for folder, below, files in os.walk(root):
        here = Path(folder)
        below[:] = [b for b in below if b[0] != "." and (here / b).resolve() != away]
        kept = [f for f in files if Path(f).suffix.lower() in SUFFIXES and f[0] != "."]
        others += sum(f[0] != "." for f in files) - len(kept)
        place = here.relative_to(root)
        top = place.parts[0] if place.parts else ""
        groups.setdefault(top, []).extend((place / f).as_posix() for f in kept)
    empty = sorted(name for name, files in groups.items() if name and not files)
    groups = {name: files for name, files in groups.items() if files}
    if not groups:
        raise BadFile(f"data folder '{root.name}' holds no pictures ({', '.join(SUFFIXES)})")
    if "" in groups and len(groups) > 1:
        raise BadInput(
            f"data folder '{root.name}' holds pictures beside folders of pictures "
            f"('{min(set(groups) - {''})}'): give a folder per class, or pictures only"
        )
    shown = [f"'{name}'" if _is_utf8(name) else ascii(name) for name in empty]
    notes = [f"class folder {name} holds no pictures" for name in shown]
    notes += [f"'{root.name}': {others} file(s) skipped, not pictures"] if others else []
    paths, strange = _named(sorted(path for files in groups.values() for path in files))
    if not paths:
        raise BadFile(f"data folder '{root.name}': the names of all its pictures are no UTF-8")
    notes += strange
    labels = None if "" in groups else tuple(path.partition("/")[0] for path in paths)
    return Listing(root=root, paths=paths, labels=labels, notes=tuple(notes))


def _named(paths: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the paths that a table can hold, and a note of those left out."""
    kept = tuple(path for path in paths if _is_utf8(path))
    bad = [path for path in paths if not _is_utf8(path)]
    note = "{} file(s) skipped, their names are no UTF-8: the first is {}"
    return kept, [note.format(len(bad), ascii(bad[0]))] if bad else []


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # a name in another encoding, as the system hands it out
        return False
    return True


def in_files(files: Sequence[str | os.PathLike[str]]) -> Listing:
    """Return a list of picture files as it is; paths are below their common folder."""
    full = [Path(file).absolute() for file in files]
    for path in map(str, full):
        if not _is_utf8(path):
            raise BadInput(f"the name of file {path!a} is no UTF-8: rename it")
    try:
        root = Path(os.path.commonpath([path.parent for path in full]))
    except ValueError as error:  # on several drives
        raise BadInput("the files have no folder in common; give them on one drive") from error
    return Listing(root=root, paths=tuple(path.relative_to(root).as_posix() for path in full))


def in_table(path: Path) -> Listing:
    """Return what a CSV or Parquet file lists: paths beside it, labels, boxes, masks, the rest.

    Raises `BadFile` that names the file and the columns.
    """
    columns = _columns(path)
    return from_columns(columns, path.absolute().parent, f"'{path.name}'")


def from_columns(columns: Mapping[str, Sequence[Any]], root: Path, what: str) -> Listing:
    """Return what columns by name list; paths are below `root` unless they are absolute."""
    of = {str(name).strip().lower(): name for name in columns}
    where = next((of[name] for name in _PATH if name in of), None)
    if where is None:
        known = ", ".join(map(str, columns)) or "none"
        raise BadFile(
            f"{what} has no column of paths: name it one of {', '.join(_PATH)}; columns: {known}"
        )
    if not len(columns[where]):
        raise BadFile(f"{what} lists no samples")
    said = next((of[name] for name in _LABEL if name in of), None)
    mask = next((of[name] for name in _MASK if name in of), None)
    box = next(([of[n] for n in names] for names in _BOX if set(names) <= set(of)), None)
    used = {where, said, mask, *(box or ())}
    return Listing(
        root=root,
        paths=tuple(_below(root, value) or "" for value in columns[where]),
        labels=None if said is None else tuple(columns[said]),
        boxes=None if box is None else tuple(zip(*(columns[n] for n in box), strict=True)),
        masks=None if mask is None else tuple(_below(root, value) for value in columns[mask]),
        meta={str(n): tuple(values) for n, values in columns.items() if n not in used},
    )


def _below(root: Path, value: Any) -> str | None:
    """Return a path as seen from `root`; None where there is none."""
    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        return None
    path = Path(str(value).strip())
    if not _is_utf8(str(path)):
        raise BadInput(f"the name of file {str(path)!a} is no UTF-8: rename it")
    try:
        return Path(os.path.relpath(root / path, root)).as_posix()
    except ValueError:  # on another drive
        return path.name


def _columns(path: Path) -> dict[str, list[Any]]:
    pa = arrow()
    suffix = path.suffix.lower()
    if not path.is_file():
        raise BadFile(f"table '{path.name}' does not exist")
    try:
        if suffix == ".parquet":
            table = pa.parquet.read_table(path)
        else:
            text = {
                name: pa.string() for word in (*_PATH, *_LABEL, *_MASK) for name in _cases(word)
            }
            table = pa.csv.read_csv(
                path,
                parse_options=pa.csv.ParseOptions(delimiter="\t" if suffix == ".tsv" else ","),
                convert_options=pa.csv.ConvertOptions(column_types=text, strings_can_be_null=True),
            )
        values = [column.to_pylist() for column in table.columns]
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadFile(f"table '{path.name}' cannot be read: {said}") from error
    return dict(zip(table.column_names, values, strict=True))


def _cases(word: str) -> tuple[str, ...]:
    return word, word.capitalize(), word.upper()


def table_kind(path: Path) -> bool:
    """Say whether a path names a table; raise `BadFile` for a file of another kind."""
    if path.suffix.lower() in TABLES:
        return True
    if path.is_file():
        raise BadFile(
            f"'{path.name}' is no data set: give a folder, or a table{choices(path.suffix, TABLES)}"
        )
    return False
