"""What an audit runs over: samples in a fixed order, with labels, objects and columns."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerascope.audit.classes import UNLABELLED, check_count, class_width, matched
from kerascope.audit.listing import Listing, from_columns, in_files, in_folder, in_table, table_kind
from kerascope.audit.objects import Objects, box_file, mask_files
from kerascope.errors import BadInput
from kerascope.facts import facts_of
from kerascope.labels import one_list
from kerascope.loading.arrays import read_arrays
from kerascope.loading.labels import check_count as check_classes
from kerascope.loading.labels import one_of
from kerascope.loading.pictures import is_picture
from kerascope.loading.sources import is_array_file
from kerascope.types import Array

_PROBES = 16  # samples of an array that its fingerprint looks at


class Handle(NamedTuple):
    """A sample that is not read yet: its number and, where it comes from an iterable, itself."""

    id: int
    given: Any = None


@dataclasses.dataclass(eq=False, kw_only=True)
class Source:
    """Samples in a fixed order; nothing of them is held but their names.

    Attributes:
        count: how many samples there are.
        root, paths: folder of the files and their places below it; None for samples from memory.
        given: the samples themselves otherwise, a sequence or an iterable gone through once.
        labels: (sample,) index of the class, −1 without one. classes: their names, where known.
        meta: further columns by name.
        objects: where the object is, where that is known.
        fingerprint: sha256 of names, sizes, labels and columns: another one is other data.
    """

    count: int
    root: Path | None
    paths: tuple[str, ...] | None
    given: Any
    labels: Array
    classes: tuple[str, ...] | None
    meta: Mapping[str, Sequence[Any]]
    objects: Objects | None
    notes: tuple[str, ...]
    fingerprint: str = ""

    def __post_init__(self) -> None:
        self._stream: Iterator[Any] | None = None
        self._next = 0
        self._kept: list[Handle] = []
        self.fingerprint = _fingerprint(self)

    def __len__(self) -> int:
        return self.count

    @property
    def labelled(self) -> bool:
        """Whether any sample has a label."""
        return bool((self.labels != UNLABELLED).any())

    def handles(self, ids: range) -> Iterator[Handle]:
        """Yield the samples with these numbers; of an iterable, numbers only grow.

        Raises `BadInput` when an iterable ends before all labels are used, or goes on after.
        """
        if self.paths is not None or hasattr(self.given, "__getitem__"):
            yield from map(Handle, ids)
        else:
            yield from self._streamed(ids)

    def _streamed(self, ids: range) -> Iterator[Handle]:
        if self._stream is None:
            self._stream = iter(self.given)
        kept, self._kept = self._kept, []
        yield from (handle for handle in kept if handle.id in ids)
        while self._next < ids.stop:
            try:
                handle = Handle(self._next, next(self._stream))
            except StopIteration:
                raise BadInput(
                    f"the samples end after {self._next}, but {self.count} were announced"
                ) from None
            self._next += 1
            if handle.id in ids:
                yield handle
        if self._next == self.count and next(self._stream, None) is not None:
            raise BadInput(f"there are more samples than the {self.count} announced")

    def keep(self, handles: Sequence[Handle]) -> None:
        """Give back handles that were taken for a look: they will be yielded again."""
        if self._stream is not None:
            self._kept = [*self._kept, *handles]


def source_of(
    data: Any,
    model: Any = None,
    *,
    labels: Any = None,
    classes: Any = None,
    masks: Any = None,
    boxes: Any = None,
    meta: Mapping[str, Sequence[Any]] | None = None,
) -> Source:
    """Return what an audit runs over.

    Args:
        data: a folder with a folder per class, or of pictures; a CSV, TSV or Parquet file, or a
            data frame, with a column of paths; a list of files; a .npy file; an array, a sequence
            of samples, or an iterable of known length, or with labels.
        model: whose classes the labels are.
        labels: by sample a name or an index, in place of those that `data` gives.
        classes: names of the model's classes in order, where they are not known of it; as
            `one_of` takes them.
        masks: a folder of masks named as the samples, or by sample (y, x) true on the object.
        boxes: by sample (x0, y0, x1, y1) in its own pixels, or a list of such; None for none; or a
            JSON file that holds them by the names of the files.
        meta: further columns by name.

    Raises:
        BadFile: a folder or table that is missing, empty or damaged.
        BadInput: counts that differ. BadTarget: a label that is no class of the model.
    """
    known = one_list(facts_of(model).labels) if classes is None else one_of(classes)
    if known is not None and model is not None:
        check_classes(known, model)
    away = Path(masks) if isinstance(masks, str | os.PathLike) else None
    listing = _listing(data, away)
    given, what = (None, "files") if listing is not None else (_samples(data), "samples")
    count = len(listing.paths) if listing is not None else _count(given, labels)
    said = labels if labels is not None else listing.labels if listing is not None else None
    said = [None] * count if said is None else _listed(said)
    check_count(said, count, what)
    width = None if model is None else class_width(model)
    found = matched(said, known, width, "labels" if labels is not None else "classes of the data")
    columns = {**(listing.meta if listing is not None else {}), **(meta or {})}
    for name, values in columns.items():
        if len(values) != count:
            raise BadInput(f"column '{name}' has {len(values)} values for {count} {what}")
    return Source(
        count=count,
        root=None if listing is None else listing.root,
        paths=None if listing is None else listing.paths,
        given=given,
        labels=found.labels,
        classes=found.classes,
        meta=columns,
        objects=_objects(listing, count, masks, boxes),
        notes=(*(listing.notes if listing is not None else ()), *found.notes),
    )


def _listing(data: Any, away: Path | None) -> Listing | None:
    """Return the files that `data` names; None for samples from memory."""
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        columns = {str(name): data[name].tolist() for name in data.columns}
        return from_columns(columns, Path.cwd(), "the data frame")
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if is_array_file(path):
            return None
        return in_table(path) if table_kind(path) else in_folder(path, away)
    if isinstance(data, list | tuple):
        if not len(data):
            raise BadInput("no samples were given: the list is empty")
        if all(isinstance(item, str | os.PathLike) for item in data):
            return in_files(data)
    return None


def _samples(data: Any) -> Any:
    if is_array_file(data):
        from kerascope.loading.arrays import one_array

        return one_array(read_arrays(data), Path(data).name)
    if is_picture(data) or not (isinstance(data, Iterable) or hasattr(data, "__getitem__")):
        raise BadInput(
            f"{type(data).__name__} is no data set: give a folder, a table of paths, an array or "
            "an iterable of samples"
        )
    if isinstance(data, Mapping):
        raise BadInput(
            "a dict is no data set; for a model with several inputs give samples that are dicts"
        )
    return data


def _count(given: Any, labels: Any) -> int:
    known = None
    with contextlib.suppress(TypeError):  # some say so only when they are asked
        known = len(given)
    if known is not None:
        count = known
    elif labels is not None:
        count = len(_listed(labels))
    else:
        raise BadInput(
            "an iterable without a length needs labels (None for those without one), which say "
            "how many samples there are"
        )
    if not count:
        raise BadInput("no samples were given: the data is empty")
    return count


def _listed(labels: Any) -> list[Any]:
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise BadInput(f"labels={labels!r}: give one name or index for each sample")
    return list(labels)


def _objects(listing: Listing | None, count: int, masks: Any, boxes: Any) -> Objects | None:
    if masks is not None and boxes is not None:
        raise BadInput("masks= and boxes= are both given; give one of them")
    for where, read in ((masks, mask_files), (boxes, box_file)):
        if isinstance(where, str | os.PathLike):
            if listing is None:
                raise BadInput(
                    f"'{Path(where).name}' goes by the names of files; these samples come from "
                    "memory"
                )
            return read(Path(where), listing.paths)
    given = masks if masks is not None else boxes
    if given is not None:
        if len(given) != count:
            raise BadInput(f"{len(given)} masks or boxes for {count} samples: one each, or None")
        return Objects(arrays=masks) if masks is not None else Objects(boxes=boxes)
    if listing is None:
        return None
    if listing.masks is not None:
        files = [None if mask is None else listing.root / mask for mask in listing.masks]
        return Objects(files=tuple(files))
    return None if listing.boxes is None else Objects(boxes=listing.boxes)


def _fingerprint(source: Source) -> str:
    """Return the sha256 of what tells the data apart without reading all of it."""
    digest = hashlib.sha256(f"{source.count}".encode())
    digest.update(np.ascontiguousarray(source.labels, "<i4").tobytes())
    for name, values in source.meta.items():
        digest.update(f"{name}{list(map(str, values))}".encode())
    if source.objects is not None:
        digest.update(source.objects.words().encode())
    if source.paths is not None and source.root is not None:
        for path in source.paths:
            digest.update(f"{path}\0{_size(source.root / path)}\n".encode())
    elif isinstance(source.given, np.ndarray):
        digest.update(f"{source.given.dtype.str}{source.given.shape}".encode())
        for i in range(0, source.count, max(1, source.count // _PROBES)):
            digest.update(np.ascontiguousarray(source.given[i]).tobytes())
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # no file may have such a name: read, it says so
        return -1
