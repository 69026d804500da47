"""What is computed on windows for one patch size and one hand-over: static but for the starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from kerascope.incremental.calls import Rule
from kerascope.incremental.graph import Graph
from kerascope.incremental.spans import Region, Span, capped, patch_span, through, union
from kerascope.types import Array

Spans = tuple[Span, ...]
_SOURCE = -2  # the region that the patch itself covers


def follow(
    graph: Graph,
    order: Sequence[int],
    source: int,
    corners: Sequence[Array],
    patch: Sequence[int],
    cap: int | None,
) -> dict[int, Spans]:
    """Return, for the occluded input and every node in `order`, what changes along each axis.

    corners: per axis, the candidate positions. cap: pixels that a window may grow beyond the patch.
    """
    shape = graph.spatial(source)
    first = tuple(patch_span(c, p, n) for c, p, n in zip(corners, patch, shape, strict=True))
    spans: dict[int, Spans] = {source: first}
    for i in order:
        node, found = graph.nodes[i], []
        assert isinstance(node.rule, Rule)
        for axis, (step, length) in enumerate(zip(node.rule.steps, graph.spatial(i), strict=True)):
            merged = union([spans[r][axis] for r in node.reads if r in spans])
            span = through(merged, step, length)
            found.append(span if cap is None else capped(span, first[axis], cap))
        spans[i] = tuple(found)
    return spans


@dataclasses.dataclass(frozen=True, eq=False)
class Fetch:
    """A region of a map put together from base and window; `slot`: where its lookup stands."""

    node: int
    region: Region
    fill: float | None
    slot: int


class Program:
    """The windows of some nodes, the regions they read, and the maps handed over.

    order: the nodes computed on windows. handed: the nodes, or the input, whose whole maps the
    ordinary pass is given. bases: the nodes whose base activations are needed.
    """

    def __init__(
        self,
        graph: Graph,
        order: Sequence[int],
        source: int,
        spans: Mapping[int, Spans],
    ) -> None:
        self.graph, self.order, self.source, self.spans = graph, tuple(order), source, spans
        self.fetches: list[Fetch] = []
        self._slots: dict[Any, Fetch] = {}
        self.patch = self._fetch(_SOURCE, Region.of(spans[source]), None)
        self.reads: dict[int, list[Fetch | None]] = {}
        self.scaled: dict[int, Fetch] = {}
        for i in order:
            node = graph.nodes[i]
            assert isinstance(node.rule, Rule)
            region = Region.read_by(spans[i], node.rule.steps)
            self.reads[i] = [self._read(r, region, node.rule.fill) for r in node.reads]
            if node.rule.weights is not None:
                self.scaled[i] = self._fetch(i, Region.of(spans[i]), None, "weights")
        self.handed = self._handed()
        self.pastes = {i: self._fetch(i, Region.whole(spans[i]), None) for i in self.handed}
        wanted = [f.node for f in self._slots.values()]
        self.bases = tuple(sorted({n for n in wanted if n >= 0 and graph.nodes[n].key is not None}))

    def _read(self, node: int, region: Region, fill: float | None) -> Fetch | None:
        """Return how a node reads a map, or None where it reads the window as it stands."""
        spans = self.spans.get(node)
        if spans is not None and region.is_window(spans):
            return None
        leaves = region.leaves(self.graph.spatial(node))
        return self._fetch(node, region, fill if leaves else None)

    def _fetch(self, node: int, region: Region, fill: float | None, what: str = "map") -> Fetch:
        key = (what, node, region.key(), fill)
        if key not in self._slots:
            self._slots[key] = Fetch(node, region, fill, len(self._slots))
        return self._slots[key]

    def _handed(self) -> tuple[int, ...]:
        """Return what nodes outside of the windows read: everything where that cannot be known."""
        mine = {self.source, *self.order}
        if self.graph.loose:
            return tuple(sorted(mine))
        outside = [n for i, n in enumerate(self.graph.nodes) if i not in mine]
        read = {r for n in outside for r in n.reads} | set(self.graph.results)
        return tuple(sorted(read & mine))

    def lookups(self, rows: Sequence[Array]) -> list[Array]:
        """Return the lookups of all fetches for a batch; `rows`: per axis, each row's candidate."""
        found = []
        for (what, node, _, _), fetch in self._slots.items():
            shape = self.graph.spatial(self.source if node == _SOURCE else node)
            window = None if what == "weights" else self.spans.get(node)
            if node == _SOURCE:
                # Inside the patch the cover shows: a map of its own, one for all rows.
                flat = fetch.region.lookup(rows, shape, None, 0)
                low = [s.low for s in self.spans[self.source]]
                high = [s.high for s in self.spans[self.source]]
                covers = fetch.region.within(rows, low, high)
                found.append(np.where(covers, flat + int(np.prod(shape)), flat).astype(np.int32))
                continue
            found.append(fetch.region.lookup(rows, shape, window, int(fetch.fill is not None)))
        return found

    def row_bytes(self) -> int:
        """Return an estimate of the bytes that one row takes: every window and every region."""
        cells = [
            np.prod(f.region.size) * self.graph.channels(max(f.node, 0))
            for f in self._slots.values()
        ]
        cells += [
            np.prod([s.size for s in spans]) * self.graph.channels(i)
            for i, spans in self.spans.items()
        ]
        return int(4 * sum(cells))

    # --- on tensors ------------------------------------------------------------------------------

    def run(self, bases: Mapping[int, Any], cover: Any, lookups: Sequence[Any]) -> dict[int, Any]:
        """Return the window of every node; `bases` and `cover` have a sample axis of 1."""
        flats = {i: self.flat(base) for i, base in bases.items()}
        table = ops.concatenate([flats[self.source], self.flat(cover)])
        windows = {self.source: self.unflat(ops.take(table, lookups[self.patch.slot], axis=0))}
        made: dict[int, Any] = {}
        for i in self.order:
            node = self.graph.nodes[i]
            assert isinstance(node.rule, Rule)
            regions = []
            for read, fetch in zip(node.reads, self.reads[i], strict=True):
                if fetch is None:
                    regions.append(windows[read])
                    continue
                if fetch.slot not in made:
                    made[fetch.slot] = self.put_together(fetch, flats, windows, lookups)
                regions.append(made[fetch.slot])
            windows[i] = node.rule.apply(regions)
            if i in self.scaled:
                weights = ops.reshape(ops.convert_to_tensor(node.rule.weights), (-1, 1))
                share = self.unflat(ops.take(weights, lookups[self.scaled[i].slot], axis=0))
                windows[i] = windows[i] * share
        return windows

    def put_together(
        self,
        fetch: Fetch,
        flats: Mapping[int, Any],
        windows: Mapping[int, Any],
        lookups: Sequence[Any],
    ) -> Any:
        """Return a region of a map, row by row: base, fill and window in one gather."""
        base = flats[fetch.node]
        parts = [base]
        if fetch.fill is not None:
            parts.append(ops.full((1, base.shape[-1]), fetch.fill, base.dtype))
        if fetch.node in windows:
            parts.append(self.flat(windows[fetch.node]))
        table = ops.concatenate(parts) if len(parts) > 1 else base
        return self.unflat(ops.take(table, lookups[fetch.slot], axis=0))

    def whole(
        self,
        node: int,
        bases: Mapping[int, Any],
        windows: Mapping[int, Any],
        lookups: Sequence[Any],
    ) -> Any:
        """Return a node's whole map for every row."""
        return self.put_together(
            self.pastes[node], {node: self.flat(bases[node])}, windows, lookups
        )

    def flat(self, value: Any) -> Any:
        """Return a map as a list of cells, channels last."""
        if self.graph.layout == "channels_first":
            value = ops.moveaxis(value, 1, -1)
        return ops.reshape(value, (-1, value.shape[-1]))

    def unflat(self, value: Any) -> Any:
        """Return gathered cells (row, …, channel) in the layout of the model."""
        return ops.moveaxis(value, -1, 1) if self.graph.layout == "channels_first" else value
