"""From what a user points at to files, in a fixed order, each with a name."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerascope.errors import BadFile, BadImage, BadInput
from kerascope.loading.pictures import SUFFIXES, is_picture

NO_SOURCE = "'' names no file or folder; '.' is the current folder"
ARRAY_SUFFIXES = (".npy", ".npz")


def picture_items(source: Any) -> tuple[list[Any], tuple[str, ...]] | None:
    """Return paths and Pillow images, with notes; None for arrays and datasets."""
    if is_picture(source):
        return [source], ()
    if isinstance(source, str | os.PathLike):
        return None if is_array_file(source) else picture_files(source)
    if type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "tolist"):
        source = source.tolist()  # a column of paths
    if not isinstance(source, list | tuple):
        return None
    if not source:
        raise BadInput("no pictures were given: the list is empty")
    kinds = {is_picture(item) or isinstance(item, str | os.PathLike) for item in source}
    if kinds == {False}:
        return None
    arrays = sum(map(is_array_file, source))
    if len(kinds) > 1 or 0 < arrays < len(source):
        raise BadInput("the list mixes pictures with arrays; give one kind")
    if arrays > 1:
        raise BadInput(f"{arrays} array files were given: put the samples of all into one")
    if arrays:
        return None
    found: list[Any] = []
    notes: tuple[str, ...] = ()
    for item in source:
        files, more = ([item], ()) if is_picture(item) else picture_files(item)
        found, notes = found + list(files), notes + more
    return found, notes


def picture_files(source: str | os.PathLike[str]) -> tuple[list[Path], tuple[str, ...]]:
    """Return the picture files that a path, folder or pattern names, sorted, and notes.

    Of a folder its pictures; where there are none, those of its sub-folders. Raises `BadImage` or
    `BadFile` when there is nothing.
    """
    if source == "":
        raise BadInput(NO_SOURCE)
    path = Path(source)
    if path.is_dir():
        return _in_folder(path)
    text = os.fspath(source)
    if not path.exists() and any(sign in text for sign in "*?["):
        found = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207
        kept = [file for file in found if _is_picture_file(file)]
        if not kept:
            what = f"{len(found)} files match, none is a picture" if found else "nothing matches"
            raise BadFile(f"pattern '{text}': {what}")
        return kept, _skipped(len(found) - len(kept), text)
    if not path.exists():
        raise BadImage(f"picture '{text}' does not exist")
    return [path], ()


def _in_folder(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    try:
        entries = sorted(folder.iterdir())
        kept = [file for file in entries if _is_picture_file(file)]
        if kept:
            return kept, _skipped(len([e for e in entries if e.is_file()]) - len(kept), folder.name)
        deeper = sorted(file for file in folder.rglob("*") if _is_picture_file(file))
    except OSError as error:
        raise BadFile(
            f"folder '{folder.name}' cannot be read: {error.strerror or error}"
        ) from error
    if not deeper:
        raise BadFile(f"folder '{folder.name}' holds no pictures ({', '.join(SUFFIXES)})")
    return deeper, (f"folder '{folder.name}': {len(deeper)} pictures, from its sub-folders",)


def _skipped(count: int, where: str) -> tuple[str, ...]:
    if count <= 0:
        return ()
    return (f"'{where}': {count} {'file' if count == 1 else 'files'} skipped, not pictures",)


def _is_picture_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def file_names(paths: Sequence[Path | None]) -> tuple[str, ...]:
    """Return a name for every file: its stem, with folder or number where stems are equal.

    None stands for a picture from memory, named by its place.
    """
    stems = [str(i) if path is None else path.stem for i, path in enumerate(paths)]
    count = Counter(stems)
    names: list[str] = []
    taken: set[str] = set()
    for stem, path in zip(stems, paths, strict=True):
        name = stem
        if count[stem] > 1 and path is not None and path.parent.name:
            name = f"{path.parent.name}_{stem}"
        tries = 2
        unique = name
        while unique in taken:
            unique, tries = f"{name}-{tries}", tries + 1
        taken.add(unique)
        names.append(unique)
    return tuple(names)


def is_array_file(source: Any) -> bool:
    """Say whether a value names a NumPy file."""
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() in ARRAY_SUFFIXES
