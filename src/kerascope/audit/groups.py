"""The maps and embeddings of one class after the other, in bounded memory."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerascope.audit.arrow import arrow
from kerascope.audit.collected import Collected
from kerascope.audit.drawing import drawn
from kerascope.audit.once import matrix, towards, whole_numbers
from kerascope.types import Array

_MEMORY = 256 * 2**20  # bytes of maps and embeddings held at a time


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Group:
    """Samples of one class, sorted by id.

    maps: (sample, *grid) signed. embedding: (sample, feature), None where there is none.
    samples: how many the class has. notes: which were left out, and why.
    """

    label: int
    ids: Array
    maps: Array
    embedding: Array | None
    samples: int
    notes: tuple[str, ...]


def groups(
    collected: Collected, *, method: str | None, target: str, most: int, seed: int,
    memory: int = _MEMORY,
) -> Iterator[Group]:  # fmt: skip
    """Yield the classes that are explained towards, with at most `most` samples of each.

    The rows are read once for the numbers of samples, and once for as many classes as `memory`
    bytes hold.
    """
    by_class, size = _ids(collected, method, target)
    chosen = {k: drawn(ids, most, seed=seed, label=k) for k, ids in sorted(by_class.items())}
    for several in _shares([(k, len(ids) * size) for k, ids in chosen.items()], memory):
        wanted = {k: chosen[k] for k in several}
        found = _read(collected, wanted, method, target)
        for k in several:
            yield _group(k, found.pop(k), len(by_class[k]))


def _ids(collected: Collected, method: str | None, target: str) -> tuple[dict[int, list[int]], int]:
    """Return the samples with a row, by class, and the bytes that one takes."""
    by_class: dict[int, list[int]] = {}
    size = 0
    for batch in towards(collected, ["target_index"], method=method, target=target):
        ids, labels = whole_numbers(batch.column("id")), whole_numbers(batch.column("target_index"))
        for k in np.unique(labels):
            by_class.setdefault(int(k), []).extend(ids[labels == k].tolist())
    for batch in towards(collected, ["map", "embedding"], method=method, target=target):
        if batch.num_rows:
            size = 4 * sum(matrix(batch.column(name)).shape[1] for name in ("map", "embedding"))
            break
    return by_class, max(size, 1)


def _shares(sizes: Sequence[tuple[int, int]], memory: int) -> Iterator[list[int]]:
    """Yield classes that fit into the memory together; one at least."""
    several: list[int] = []
    held = 0
    for k, size in sizes:
        if several and held + size > memory:
            yield several
            several, held = [], 0
        several.append(k)
        held += size
    if several:
        yield several


Read = list[tuple[Array, Array, Array, list[Any]]]


def _read(
    collected: Collected, wanted: dict[int, Array], method: str | None, target: str
) -> dict[int, Read]:
    """Return ids, flat maps, embeddings and map shapes of some samples, by class."""
    found: dict[int, Read] = {k: [] for k in wanted}
    columns = ["target_index", "map", "map_shape", "embedding"]
    every = np.unique(np.concatenate(list(wanted.values())))
    for batch in towards(collected, columns, method=method, target=target):
        rows = batch.filter(arrow().array(np.isin(batch.column("id").to_numpy(), every)))
        labels = whole_numbers(rows.column("target_index"))
        for k in set(np.unique(labels).tolist()) & set(wanted):
            own = rows.filter(arrow().array(labels == k))
            shapes = [None if s is None else tuple(s) for s in own.column("map_shape").to_pylist()]
            maps, embedding = matrix(own.column("map")), matrix(own.column("embedding"))
            found[k].append((whole_numbers(own.column("id")), maps, embedding, shapes))
    return found


def _group(label: int, read: Read, samples: int) -> Group:
    """Return what was read of a class, but for maps that are empty or of another shape."""
    shapes = [shape for part in read for shape in part[3]]
    grid = Counter(s for s in shapes if s is not None).most_common(1)
    shape = grid[0][0] if grid else ()
    width = int(np.prod(shape))
    ids = np.concatenate([part[0] for part in read])
    maps = np.full((len(ids), width), np.nan, np.float32)
    place = 0
    for part in read:
        fits = np.array([s == shape for s in part[3]], bool) & bool(grid)
        if fits.any():
            maps[place : place + len(fits)][fits] = part[1][fits, :width]
        place += len(fits)
    strength = np.abs(maps).max(axis=1, initial=0.0)
    good = np.isfinite(maps).all(axis=1) & (strength > 0) & (width > 0)
    order = np.argsort(ids, kind="stable")
    order = order[good[order]]
    other = sum(s is not None and s != shape for s in shapes)
    return Group(
        label=label, ids=ids[order], maps=maps[order].reshape(len(order), *shape),
        embedding=_embedding(read, order), samples=samples,
        notes=tuple(_notes(len(ids), samples, other, int((~good).sum()) - other)),
    )  # fmt: skip


def _embedding(read: Read, order: Array) -> Array | None:
    widths = {part[2].shape[1] for part in read if part[2].shape[1]}
    if len(widths) != 1 or any(part[2].shape[1] not in widths for part in read):
        return None
    found = np.concatenate([part[2] for part in read])[order]
    return found if len(found) and np.isfinite(found).all() else None


def _notes(taken: int, samples: int, other: int, empty: int) -> Iterator[str]:
    if taken < samples:
        yield f"{taken} of {samples} samples, drawn"
    if other:
        yield f"{other} maps of another shape left out"
    if empty:
        yield f"{empty} maps without any evidence left out"
