"""The graph of a model: every call as a node, with what it reads and the calls around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops

from kerascope.errors import KerascopeError
from kerascope.hooks.glue import Part, Spread, made_of
from kerascope.hooks.model import HookedModel
from kerascope.hooks.names import Site
from kerascope.hooks.survey import refused
from kerascope.hooks.tracing import Frame, Shape, Source, Trace, traced
from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class Read:
    """An edge: the node that is read, and the shape of what arrives, sample axis first.

    spread: the positions of the node's output that the centre of it depends on, (first, last) by
    axis; () where it depends on none or that is not known, None where it is the output itself.
    """

    node: int
    shape: Shape
    spread: Spread | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """An input ("Input"), a call that makes no other, or arithmetic that joins several outputs.

    kind: class of the layer or operation; "add", "concatenate" or "join" for arithmetic. inside:
    the calls around it, outermost first. gives: shapes of its outputs. parts: for a call probed,
    what the centre of its output depends on, by node.
    """

    site: Site
    kind: str
    layer: Any
    inside: tuple[Site, ...]
    reads: tuple[Read, ...]
    gives: tuple[Shape, ...]
    parts: tuple[Read, ...] = ()

    @property
    def takes(self) -> tuple[Shape, ...]:
        """Shapes of what arrives."""
        return tuple(read.shape for read in self.reads)


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in the order of their calls, inputs first.

    containers: calls that make others. outputs: the nodes that each output of the model reads.
    blind: the error that arithmetic between layers could not be followed for, or "".
    """

    nodes: tuple[Node, ...]
    containers: tuple[Frame, ...]
    outputs: Mapping[str, tuple[int, ...]]
    blind: str = ""


def take_graph(
    view: HookedModel,
    x: Mapping[str, Array],
    probed: Callable[[Any], bool] = lambda layer: False,  # noqa: ARG005
) -> Graph:
    """Return the graph of one forward pass on the first sample of `x`, as `view.read` gave it.

    probed: tells of a layer whether to find out, by gradients, which positions it reads.
    Raises `BadInput` when the model does not run on `x`.
    """
    one = {name: ops.convert_to_tensor(array[:1]) for name, array in x.items()}
    found: list[Trace] = []

    def run(values: dict[str, Any]) -> list[Any]:
        found.append(traced(view, values))
        return []

    try:
        with view.store.lock, view.seam.inference():
            view.seam.described(run, view.model)(one)
    except KerascopeError:
        raise
    except Exception as error:
        raise refused(x, error) from error
    trace = found[0]
    chosen = [i for i, f in enumerate(trace.frames) if f.leaf and len(f.gives) and probed(f.layer)]
    blind = ""
    parts: list[list[Part]] = [[] for _ in (*trace.loose, *chosen)]
    if parts:
        try:
            parts = made_of(view, one, trace, chosen)
        except Exception as error:  # a function without a gradient raises whatever it likes
            blind = (str(error).strip().splitlines() or [type(error).__name__])[0]
    builder = _Builder(trace, {name: array[:1].shape for name, array in x.items()}, parts, chosen)
    return builder.graph(blind)


class _Builder:
    """Puts nodes in order and turns sources into edges."""

    def __init__(
        self,
        trace: Trace,
        inputs: Mapping[str, Shape],
        parts: list[list[Part]],
        chosen: list[int],
    ) -> None:
        self.trace, self.parts = trace, parts
        self.probes = dict(zip(chosen, parts[len(trace.loose) :], strict=True))
        self.nodes: list[Node] = []
        self.index: dict[Source, int] = {}  # node of an input, a call or a join
        self.members: dict[int, frozenset[int]] = {}  # what a join is made of, by node
        for name, shape in inputs.items():
            self._add(name, Node(Site(name), "Input", None, (), (), (shape,)))

    def _add(self, source: Source, node: Node) -> None:
        self.index[source] = len(self.nodes)
        self.nodes.append(node)

    def graph(self, blind: str) -> Graph:
        """Return the graph."""
        order = [(item.at, 0, k) for k, item in enumerate(self.trace.loose)]
        order += [(place, 1, place) for place in range(len(self.trace.frames))]
        for _, call, k in sorted(order):
            if not call:
                self._join(k)
            elif self.trace.frames[k].leaf:
                self._call(k)
        return Graph(
            tuple(self.nodes),
            tuple(frame for frame in self.trace.frames if not frame.leaf),
            {
                name: tuple(read.node for read in self._reads(source, ()))
                for name, source in self.trace.outputs.items()
            },
            blind,
        )

    def _node_of(self, source: Source) -> int:
        return self.index[(source[0], 0) if isinstance(source, tuple) else source]

    def _call(self, place: int) -> None:
        frame = self.trace.frames[place]
        reads = [
            read
            for source, shape in zip(frame.reads, frame.takes, strict=True)
            for read in self._reads(source, shape)
        ]
        parts = tuple(
            Read(self._node_of(part.source), frame.gives[0], part.spread)
            for part in self.probes.get(place, ())
        )
        node = Node(
            frame.site, type(frame.layer).__name__, frame.layer, frame.inside,
            tuple(dict.fromkeys(reads)), frame.gives, parts,
        )  # fmt: skip
        self._add((place, 0), node)

    def _reads(self, source: Source, shape: Shape) -> list[Read]:
        if not isinstance(source, int) or source in self.index:
            return [Read(self._node_of(source), shape)]
        return [Read(self._node_of(p.source), shape, p.spread) for p in self.parts[source]]

    def _join(self, k: int) -> None:
        """Add a node for a loose tensor that several outputs went into."""
        loose, parts = self.trace.loose[k], self.parts[k]
        spreads = {self._node_of(part.source): part.spread for part in parts}
        if len(spreads) < 2:
            return
        members, whole = frozenset(spreads), frozenset(spreads)
        reads = []
        for join, parts_of in reversed(self.members.items()):
            if parts_of < members or (parts_of == members and len(members) == len(whole)):
                members -= parts_of
                reads.append(Read(join, loose.shape, None))
        if not members and len(reads) == 1:  # another form of the same sum
            self.index[k] = reads[0].node
            return
        reads = [Read(n, loose.shape, spreads[n]) for n in sorted(members)] + reads
        kind = self._kind(parts, [self.nodes[read.node].gives[0] for read in reads], loose.shape)
        path = "".join(f"{site.path}/" for site in loose.inside[-1:]) + kind
        site = Site(path, sum(node.site.path == path for node in self.nodes))
        self.members[len(self.nodes)] = whole
        self._add(k, Node(site, kind, None, loose.inside, tuple(reads), (loose.shape,)))

    @staticmethod
    def _kind(parts: list[Part], shapes: list[Shape], shape: Shape) -> str:
        slopes = [part.slope for part in parts if part.slope is not None]
        if len(slopes) == len(parts) and np.allclose(slopes, slopes[:1], rtol=1e-3):
            return "add"
        for axis in range(1, len(shape)):
            if (
                all(len(s) == len(shape) for s in shapes)
                and sum(s[axis] for s in shapes) == (shape[axis])
            ):
                return "concatenate"
        return "join"
