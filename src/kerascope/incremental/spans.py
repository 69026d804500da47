"""Where a patch reaches in every feature map: interval arithmetic, one axis at a time.

A `Span` follows one axis of one map for every candidate position of the patch at once, so that
sizes are static (the largest over the candidates) and only starts differ from row to row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class Step:
    """How one axis of a layer's output reads its input: `j` reads `j·stride − before + [0, reach)`.

    `reach` is the extent of the kernel, holes of a dilation included.
    """

    reach: int = 1
    stride: int = 1
    before: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Span:
    """What changes along one axis of a map of `length` cells.

    low, high: per candidate, the half-open range of cells that may differ from the base; empty
        where low == high. start, size: the window kept, which holds that range and lies in the map.
    scale, origin: the centre of cell j lies at input pixel `j·scale + origin`.
    """

    low: Array
    high: Array
    length: int
    scale: float = 1.0
    origin: float = 0.0

    @property
    def size(self) -> int:
        """Cells in the window: one size for all candidates."""
        return max(1, int((self.high - self.low).max()))

    @property
    def start(self) -> Array:
        """First cell of the window, per candidate."""
        return np.clip(self.low, 0, self.length - self.size)


def patch_span(corners: Array, patch: int, length: int) -> Span:
    """Return what a patch covers; one that sticks out is clipped."""
    return Span(np.clip(corners, 0, length), np.clip(corners + patch, 0, length), length)


def through(span: Span, step: Step, length: int) -> Span:
    """Return what changes in the output of a layer, of `length` cells."""
    low = -(-(span.low + step.before - step.reach + 1) // step.stride)
    high = (span.high - 1 + step.before) // step.stride + 1
    low, high = np.clip(low, 0, length), np.clip(high, 0, length)
    empty = (span.low >= span.high) | (low >= high)
    origin = span.origin + span.scale * ((step.reach - 1) / 2 - step.before)
    return Span(np.where(empty, high, low), high, length, span.scale * step.stride, origin)


def union(spans: Sequence[Span]) -> Span:
    """Return what changes where maps of one size are merged."""
    far = spans[0].length
    low = np.min([np.where(s.low < s.high, s.low, far) for s in spans], axis=0)
    high = np.max([np.where(s.low < s.high, s.high, 0) for s in spans], axis=0)
    low = np.where(low < high, low, high)
    return dataclasses.replace(spans[0], low=low, high=high)


def capped(span: Span, source: Span, margin: int) -> Span:
    """Return `span` cut to cells whose centres lie within `margin` input pixels of the patch."""
    first = np.ceil((source.low - margin - span.origin) / span.scale).astype(int)
    last = np.floor((source.high - 1 + margin - span.origin) / span.scale).astype(int)
    # A cell wider than patch and margins together has its centre outside: the nearest one stays.
    middle = np.rint(((source.low + source.high - 1) / 2 - span.origin) / span.scale).astype(int)
    low, high = np.minimum(first, middle), np.maximum(last, middle) + 1
    low, high = np.maximum(low, span.low), np.minimum(high, span.high)
    return dataclasses.replace(span, low=np.minimum(low, high), high=high)


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
    """Cells [start, start + size) of a map along each axis; they may lie outside of the map."""

    start: tuple[Array, ...]  # per axis, per candidate
    size: tuple[int, ...]

    @classmethod
    def read_by(cls, spans: Sequence[Span], steps: Sequence[Step]) -> Region:
        """Return what a layer reads of its input to give the windows `spans`."""
        start = tuple(a.start * s.stride - s.before for a, s in zip(spans, steps, strict=True))
        size = tuple((a.size - 1) * s.stride + s.reach for a, s in zip(spans, steps, strict=True))
        return cls(start, size)

    @classmethod
    def whole(cls, spans: Sequence[Span]) -> Region:
        """Return the region that is a whole map."""
        return cls(tuple(np.zeros_like(s.low) for s in spans), tuple(s.length for s in spans))

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Region:
        """Return the region that is the windows themselves."""
        return cls(tuple(s.start for s in spans), tuple(s.size for s in spans))

    def key(self) -> tuple[object, ...]:
        """Return what identifies the region."""
        return (self.size, *(start.tobytes() for start in self.start))

    def is_window(self, spans: Sequence[Span]) -> bool:
        """Tell whether the region is exactly the window that is kept, for every candidate."""
        return self.size == tuple(s.size for s in spans) and all(
            np.array_equal(start, s.start) for start, s in zip(self.start, spans, strict=True)
        )

    def leaves(self, shape: Sequence[int]) -> bool:
        """Tell whether any candidate reads outside of a map of this shape."""
        return any(
            int(start.min()) < 0 or int(start.max()) + size > n
            for start, size, n in zip(self.start, self.size, shape, strict=True)
        )

    def within(self, rows: Sequence[Array], low: Sequence[Array], high: Sequence[Array]) -> Array:
        """Tell, per row and cell, whether it lies in [low, high) along every axis."""
        masks = []
        for start, size, row, a, b in zip(self.start, self.size, rows, low, high, strict=True):
            cells = start[row][:, None] + np.arange(size)
            masks.append((cells >= a[row][:, None]) & (cells < b[row][:, None]))
        return _meet(masks)

    def lookup(
        self, rows: Sequence[Array], shape: Sequence[int], window: Sequence[Span] | None, fill: int
    ) -> Array:
        """Return, per row and cell, where its value lies in [the map, the fill, the windows].

        Args:
            rows: per axis, the candidate of every row.
            shape: of the map.
            window: what is kept of the map; None where nothing of it changes.
            fill: 1 when a fill value stands between map and windows, which cells outside of the
                map take; 0 when those take the nearest cell of the map.
        """
        axes = range(len(shape))
        cells = [self.start[a][rows[a]][:, None] + np.arange(self.size[a]) for a in axes]
        inside = _meet([(c >= 0) & (c < n) for c, n in zip(cells, shape, strict=True)])
        cells = [np.clip(c, 0, n - 1) for c, n in zip(cells, shape, strict=True)]
        flat = _ravel(cells, shape)
        total = int(np.prod(shape))
        if window is not None:
            sizes = [s.size for s in window]
            near = [c - s.start[r][:, None] for c, s, r in zip(cells, window, rows, strict=True)]
            changed = _meet([(c >= 0) & (c < n) for c, n in zip(near, sizes, strict=True)])
            own = np.arange(len(flat)).reshape(-1, *(1 for _ in axes)) * int(np.prod(sizes))
            flat = np.where(changed, total + fill + own + _ravel(near, sizes), flat)
        return (np.where(inside, flat, total) if fill else flat).astype(np.int32)


def _spread(parts: Sequence[Array]) -> list[Array]:
    """Return per-axis arrays (row, cell) shaped to broadcast over all axes."""
    rank = len(parts)
    shapes = [
        (len(p), *(p.shape[1] if a == b else 1 for b in range(rank))) for a, p in enumerate(parts)
    ]
    return [p.reshape(shape) for p, shape in zip(parts, shapes, strict=True)]


def _meet(masks: Sequence[Array]) -> Array:
    result = np.ones((1,) * (len(masks) + 1), bool)
    for mask in _spread(masks):
        result = result & mask
    return result


def _ravel(cells: Sequence[Array], shape: Sequence[int]) -> Array:
    result = np.zeros((1,) * (len(cells) + 1), np.int64)
    for cell, n in zip(_spread(cells), shape, strict=True):
        result = result * n + cell
    return result
