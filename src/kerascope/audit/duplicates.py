"""Pictures that are there more than once: the same bytes, or hashes that differ in few bits."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.collected import Collected
from kerascope.audit.once import once, whole_numbers
from kerascope.checks import check_whole
from kerascope.errors import BadInput
from kerascope.types import Array

BITS = 64
# Of 18 photographs, JPEG quality 50, half the size and other brightness change 0 to 2 bits, 2 % cut
# off each side 2 to 8; any two photographs differ in 22 and more.
MOST_BITS = 6
_UNLIKE = 10
_AT_ONCE = 2**20  # pairs of hashes that are compared at once
_FLAT = 4  # bits set; a picture with so few has next to no content to compare


class Copies(NamedTuple):
    """Samples that are copies of one another, sorted.

    exact: whether all have the same bytes. bits: the most in which a hash differs from that of the
    first. classes: indices of their labels, −1 for none. conflict: whether the labels differ.
    """

    ids: tuple[int, ...]
    exact: bool
    bits: int
    classes: tuple[int, ...]

    @property
    def conflict(self) -> bool:
        """Whether some of these copies have different labels."""
        return len({k for k in self.classes if k != UNLABELLED}) > 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Duplicates:
    """All groups of copies, those with different labels first, then by size.

    most_bits: in which hashes of near copies differ; chains may join ones that differ in more.
    samples: looked at. extra: how many would go if one of each group stayed.
    """

    groups: tuple[Copies, ...]
    most_bits: int
    samples: int
    names: tuple[str, ...] | None
    notes: tuple[str, ...]

    @property
    def extra(self) -> int:
        """How many samples are copies of one that is kept."""
        return sum(len(group.ids) - 1 for group in self.groups)

    @property
    def conflicts(self) -> tuple[Copies, ...]:
        """Return the groups whose labels differ."""
        return tuple(group for group in self.groups if group.conflict)

    @property
    def words(self) -> str:
        """What there is to say, in a sentence."""
        if not self.groups:
            return f"no picture of {self.samples} is there twice"
        exact = sum(group.exact for group in self.groups)
        return (
            f"{self.extra} of {self.samples} pictures are copies of others, in {len(self.groups)} "
            f"groups ({exact} of the same bytes, {len(self.groups) - exact} that differ in at most "
            f"{self.most_bits} of {BITS} bits of their hash); {len(self.conflicts)} groups have "
            "different labels"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "samples": self.samples,
            "extra": self.extra,
            "most_bits": self.most_bits,
            "words": self.words,
            "notes": list(self.notes),
            "groups": [
                {
                    "ids": list(g.ids), "exact": g.exact, "bits": g.bits, "conflict": g.conflict,
                    "classes": [None if k == UNLABELLED else class_name(k, self.names)
                                for k in g.classes],
                }
                for g in self.groups
            ],
        }  # fmt: skip


def duplicates(collected: Collected, *, most_bits: int = MOST_BITS) -> Duplicates:
    """Return the groups of pictures that are copies of one another; about 60 bytes a sample held.

    most_bits: in which the perceptual hashes of near copies may differ, 0 … 10. Raises `BadInput`.
    """
    check_whole(0, most_bits=most_bits)
    if most_bits > _UNLIKE:
        raise BadInput(
            f"most_bits={most_bits} joins pictures that are not alike; at most {_UNLIKE}"
        )
    read = _read(collected)
    flat = read.hashed & (ones(read.hashes) <= _FLAT)
    names = collected.settings.get("classes")
    groups = _groups(read, np.flatnonzero(read.hashed & ~flat), most_bits)
    notes = []
    if flat.any():
        notes.append(f"{flat.sum()} pictures are nearly flat: of them only equal files are found")
    if not read.hashed.any() and len(read.ids):
        notes.append("the samples are no pictures: only equal ones are found")
    return Duplicates(
        groups=tuple(sorted(groups, key=lambda g: (not g.conflict, -len(g.ids), g.ids))),
        most_bits=most_bits, samples=len(read.ids),
        names=None if names is None else tuple(names), notes=tuple(notes),
    )  # fmt: skip


def near_pairs(values: Array, most_bits: int) -> Iterator[Array]:
    """Yield (pair, 2) places of distinct uint64 `values` that differ in at most `most_bits`.

    Of `most_bits` + 1 parts of the bits, two such values have one in common: only those with an
    equal part are compared. A pair may come more than once.
    """
    edges = np.linspace(0, BITS, most_bits + 2).astype(int)
    for low, high in itertools.pairwise(edges.tolist()):
        part = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(part, kind="stable")
        starts = np.flatnonzero(np.diff(part[order], prepend=part[order[:1]] + np.uint64(1)))
        for bucket in np.split(order, starts[1:]):
            yield from _compared(values, bucket, most_bits)


def ones(values: Array) -> Array:
    """Return how many bits are set in each of some uint64."""
    v = values - ((values >> np.uint64(1)) & np.uint64(0x5555555555555555))
    pairs = np.uint64(0x3333333333333333)
    v = (v & pairs) + ((v >> np.uint64(2)) & pairs)
    v = (v + (v >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return ((v * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.int64)


def _compared(values: Array, bucket: Array, most_bits: int) -> Iterator[Array]:
    if len(bucket) < 2:
        return
    step = max(1, _AT_ONCE // len(bucket))
    for start in range(0, len(bucket) - 1, step):
        rows = bucket[start : start + step]
        far = ones(values[rows][:, None] ^ values[bucket[start:]])
        first, second = np.nonzero(np.triu(far <= most_bits, 1))
        if len(first):
            yield np.stack([rows[first], bucket[start:][second]], axis=1)


class _Read(NamedTuple):
    """By sample: id, sha256 as bytes, hash, whether there is one, class."""

    ids: Array
    digests: Array
    hashes: Array
    hashed: Array
    labels: Array


def _read(collected: Collected) -> _Read:
    parts = []
    for whole in once(collected, ["sha256", "phash", "label_index"]):
        batch = whole.filter(
            whole.column("sha256").is_valid()
        )  # a file that cannot be read has none
        digests = batch.column("sha256").to_pylist()
        hashes = batch.column("phash").to_pylist()
        parts.append(
            _Read(
                whole_numbers(batch.column("id")),
                np.array([bytes.fromhex(d or "") for d in digests], "V32"),
                np.array([int(h or "0", 16) for h in hashes], np.uint64),
                np.array([h is not None for h in hashes], bool),
                whole_numbers(batch.column("label_index")),
            )
        )
    return _Read(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _groups(read: _Read, hashed: Array, most_bits: int) -> Iterator[Copies]:
    """Yield the parts of the graph whose edges are equal bytes, equal hashes and near ones."""
    _, same = np.unique(read.digests, return_inverse=True)
    values, firsts = np.unique(read.hashes[hashed], return_index=True)
    place = np.searchsorted(values, read.hashes[hashed])
    edges = [_chain(same, np.arange(len(same))), _chain(place, hashed)]
    if most_bits:
        edges += [hashed[firsts][pairs] for pairs in near_pairs(values, most_bits)]
    pairs = np.concatenate(edges)
    count = len(read.ids)
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (count, count))
    _, part = connected_components(graph, directed=False)
    order = np.lexsort((read.ids, part))
    for rows in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
        if len(rows) > 1:
            exact = len(set(same[rows].tolist())) == 1
            far = 0 if exact else int(ones(read.hashes[rows] ^ read.hashes[rows[0]]).max())
            yield Copies(tuple(read.ids[rows].tolist()), exact, far,
                         tuple(read.labels[rows].tolist()))  # fmt: skip


def _chain(keys: Array, nodes: Array) -> Array:
    """Return (edge, 2) pairs of nodes that join those with equal keys in a row."""
    order = np.argsort(keys, kind="stable")
    equal = np.flatnonzero(np.diff(keys[order]) == 0)
    return np.stack([nodes[order[equal]], nodes[order[equal + 1]]], axis=1)
