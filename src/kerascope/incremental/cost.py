"""What windows cost against whole maps, and where handing over costs least."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from kerascope.incremental.calls import Rule
from kerascope.incremental.graph import UNKNOWN, Graph
from kerascope.incremental.program import Spans

# Per second, on one ordinary CPU: only their ratios matter, and they decide no more than where
# to hand over. Whether windows are used at all is measured.
_MULTIPLY_ADDS = 2e11  # in matrix products
_SLOW = 1e10  # in depthwise kernels and pools
_BYTES = 5e9  # written by a layer, or gathered


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Estimated seconds per position; multiply-adds are those of layers with a rule."""

    whole: float
    windows: float
    followed: int  # how many of the nodes that can be followed are

    @property
    def gain(self) -> float:
        """How many times faster windows are estimated to be."""
        return self.whole / self.windows


def _seconds(graph: Graph, node: int, cells: float) -> float:
    """Return the estimated time of a layer for a number of cells."""
    rule = graph.nodes[node].rule
    if not isinstance(rule, Rule):
        return 0.0
    rate = _SLOW if rule.slow else _MULTIPLY_ADDS
    return cells * (rule.work / rate + 4 * graph.channels(node) / _BYTES)


def _gathers(graph: Graph, node: int, spans: Mapping[int, Spans]) -> float:
    """Return the estimated time of putting together what a layer reads."""
    rule = graph.nodes[node].rule
    assert isinstance(rule, Rule)
    reads = [
        (s.size - 1) * t.stride + t.reach for s, t in zip(spans[node], rule.steps, strict=True)
    ]
    total = 0.0
    for read in graph.nodes[node].reads:
        own = [s.size for s in spans[read]] if read in spans else None
        if reads != own:
            total += float(np.prod(reads)) * graph.channels(read)
    return 4 * total / _BYTES


def choose(graph: Graph, order: Sequence[int], spans: Mapping[int, Spans]) -> Estimate:
    """Return the best number of nodes in `order` to follow, in seconds of windows against whole."""
    whole = {i: _seconds(graph, i, float(np.prod(graph.spatial(i)))) for i in order}
    rest = total = sum(whole.values())
    last_read = _last_reads(graph)
    best = Estimate(total, total, 0)
    windows, inside = 0.0, set(graph_inputs(graph))
    for count, i in enumerate(order, 1):
        size = float(np.prod([s.size for s in spans[i]]))
        windows += _seconds(graph, i, size) + _gathers(graph, i, spans)
        rest -= whole[i]
        inside.add(i)
        following = order[count] if count < len(order) else len(graph.nodes)
        open_ = [j for j in inside if j in spans and last_read[j] >= following]
        paste = sum(4.0 * np.prod(graph.nodes[j].shape) / _BYTES for j in open_)
        if windows + rest + paste < best.windows:
            best = Estimate(total, windows + rest + paste, count)
    return best


def graph_inputs(graph: Graph) -> list[int]:
    """Return the nodes that are inputs of the model."""
    return [i for i, node in enumerate(graph.nodes) if node.key is None]


def _last_reads(graph: Graph) -> list[int]:
    """Return, per node, the last node that reads it; past the end for outputs of the model."""
    last = [0] * len(graph.nodes)
    for i, node in enumerate(graph.nodes):
        for read in node.reads:
            if read != UNKNOWN:
                last[read] = i
    for result in graph.results:
        if result != UNKNOWN:
            last[result] = len(graph.nodes)
    return last


def multiply_adds(graph: Graph, order: Sequence[int], spans: Mapping[int, Spans]) -> float:
    """Return the bound on any gain: multiply-adds of whole maps over those of what changes.

    Averaged over the candidate positions; layers without a rule are left out of both.
    """
    whole = changed = 0.0
    for i in order:
        rule = graph.nodes[i].rule
        if isinstance(rule, Rule):
            whole += rule.work * float(np.prod(graph.spatial(i)))
            means = [np.clip(s.high - s.low, 0, None).mean() for s in spans[i]]
            changed += rule.work * float(np.prod(means))
    return whole / changed if changed else 1.0
