"""The graph of a model as one real forward pass shows it: which call reads whose output.

Calls of layers are recorded through the shadows, so Functional, Sequential, nested and subclassed
models all look alike. Tensors are known by identity; a tensor that no recorded call gave comes from
arithmetic between layers, and whatever reads it is left to the ordinary pass.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from kerascope.hooks.head import head_tape
from kerascope.hooks.shadow import shadowed
from kerascope.hooks.survey import call_model
from kerascope.incremental.calls import Call, Rule
from kerascope.incremental.rules import has_rule, head_like, rule_of
from kerascope.types import Array

Key = tuple[int, int]  # id of the layer, index of the call
UNKNOWN = -1


class Walk(ABC):
    """Visitor that sees the outermost call of every leaf layer once, in order."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.inside = False

    def visit(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Hand an outermost call over to `leaf`."""
        if self.inside:
            return original(*args, **kwargs)
        call = self.counts.get(id(layer), 0)
        self.counts[id(layer)] = call + 1
        self.inside = True
        try:
            return self.leaf(
                (id(layer), call), layer, lambda: original(*args, **kwargs), args, kwargs
            )
        finally:
            self.inside = False

    @abstractmethod
    def leaf(self, key: Key, layer: Any, run: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        """Return what the call gives."""

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        """Fused activations are not shadowed here."""
        return original(value)


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """An input of the model (`key` is None), or one call of a leaf layer.

    reads: the nodes whose outputs it was given; `UNKNOWN` for a tensor from elsewhere. shape: of
    the output, with a sample axis of 1; () where it is not one floating-point map. rule: how it
    runs on a window; a string says why it cannot. touched: False where the occluded input has no
    part in it.
    """

    name: str
    key: Key | None
    reads: tuple[int, ...]
    shape: tuple[int, ...]
    rule: Rule | str
    touched: bool
    head: bool = False  # ends in a softmax or sigmoid


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """All nodes in the order of their calls, inputs first.

    loose: whether any tensor came from arithmetic between layers, which may read anything.
    leaves: the layers and operations to shadow. layout: where channels are.
    """

    nodes: tuple[Node, ...]
    loose: bool
    leaves: tuple[Any, ...]
    layout: str
    results: tuple[int, ...]  # nodes that are outputs of the model

    def spatial(self, node: int) -> tuple[int, ...]:
        """Return the size of a node's map along its spatial axes."""
        shape = self.nodes[node].shape
        return shape[2:] if self.layout == "channels_first" else shape[1:-1]

    def channels(self, node: int) -> int:
        """Return the number of channels of a node's map."""
        shape = self.nodes[node].shape
        return shape[1] if self.layout == "channels_first" else shape[-1]


def leaf_layers(model: Any, table: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return layers that hold no others or have a rule, and the operations of Functional graphs."""
    parents = {path.rpartition("/")[0] for path in table}
    found = [layer for path, layer in table.items() if path not in parents or has_rule(layer)]
    for owner in (model, *table.values()):
        if isinstance(owner, keras.Model):
            found += _operations(owner)
    return tuple({id(leaf): leaf for leaf in found}.values())


def _operations(model: Any) -> list[Any]:
    """Return the operations of a Functional model that are no layers, e.g. `x + y`."""
    operations = getattr(model, "operations", ())
    return [op for op in operations if not isinstance(op, keras.layers.Layer)]


class _Recorder(Walk):
    """Writes down every leaf call with its maps."""

    def __init__(self, layout: str, inputs: Mapping[str, Any], occluded: str) -> None:
        super().__init__()
        self.layout, self.loose = layout, False
        self.nodes: list[Node] = []
        self.known: dict[int, int] = {}
        self.kept: list[Any] = []  # as long as they live, no other tensor has their identity
        for name, tensor in inputs.items():
            self._add(Node(name, None, (), tuple(tensor.shape), "", name == occluded), tensor)

    def _add(self, node: Node, output: Any) -> None:
        self.nodes.append(node)
        self.kept.append(output)
        if node.shape:
            self.known[id(output)] = len(self.nodes) - 1

    def leaf(self, key: Key, layer: Any, run: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        flat = keras.tree.flatten((args, kwargs))
        places = tuple(i for i, value in enumerate(flat) if keras.ops.is_tensor(value))
        maps = [flat[i] for i in places]
        output = run()
        if any(output is value for value in maps):
            return output  # nothing was done: dropout at inference
        self.kept.extend(maps)
        reads = tuple(self.known.get(id(value), UNKNOWN) for value in maps)
        self.loose |= UNKNOWN in reads
        single = keras.ops.is_tensor(output) and "float" in keras.backend.standardize_dtype(
            output.dtype
        )
        shape = tuple(int(n) for n in output.shape) if single else ()
        rule: Rule | str = "gives more than one map"
        if len(shape) > 2 and shape[0] == 1:
            given = tuple(tuple(int(n) for n in value.shape) for value in maps)
            plain = [None if i in places else value for i, value in enumerate(flat)]
            bare_args, bare = keras.tree.pack_sequence_as((args, kwargs), plain)
            call = Call(layer, bare_args, bare, places, given, shape, self.layout)
            rule = rule_of(call)
        elif single:
            rule = "gives no map"
        touched = not reads or any(r == UNKNOWN or self.nodes[r].touched for r in reads)
        self._add(Node(layer.name, key, reads, shape, rule, touched, head_like(layer)), output)
        return output


def record(model: Any, sample: Mapping[str, Array], occluded: str) -> Graph:
    """Return the graph of a `HookedModel` for one sample of its inputs by name."""
    found: dict[str, Any] = {}
    leaves = leaf_layers(model.model, model.table)

    def run(x: dict[str, Any]) -> Any:
        recorder = _Recorder(model.layout, x, occluded)
        with head_tape() as tape, shadowed(list(leaves), [], recorder):
            tree = call_model(model.model, model.structure.build(x))
        results = [tape.origin(value) for value in keras.tree.flatten(tree)]
        found["recorder"] = recorder
        found["results"] = tuple(recorder.known.get(id(value), UNKNOWN) for value in results)
        return results

    with model.seam.inference():
        model.seam.described(run, model.model)(
            {name: keras.ops.convert_to_tensor(value) for name, value in sample.items()}
        )
    recorder: _Recorder = found["recorder"]
    loose = recorder.loose or UNKNOWN in found["results"]
    return Graph(tuple(recorder.nodes), loose, leaves, model.layout, found["results"])


def _may_follow(graph: Graph) -> list[bool]:
    """Tell of each node whether it has a rule and cannot be the head of the model.

    The ordinary pass must see the head run, or there would be no logits: a softmax or sigmoid is
    followed only where a layer with weights reads it later.
    """
    later = [False] * len(graph.nodes)
    for i in reversed(range(len(graph.nodes))):
        rule = graph.nodes[i].rule
        for read in graph.nodes[i].reads:
            if read != UNKNOWN and (later[i] or (isinstance(rule, Rule) and rule.work > 0)):
                later[read] = True
    return [
        node.key is not None and isinstance(node.rule, Rule) and (later[i] or not node.head)
        for i, node in enumerate(graph.nodes)
    ]


def understood(graph: Graph) -> list[int]:
    """Return the nodes that a window can follow, in order: each has a rule, and all it reads do."""
    allowed = _may_follow(graph)
    good = {i for i, node in enumerate(graph.nodes) if node.key is None or not node.touched}
    order = []
    for i, node in enumerate(graph.nodes):
        if allowed[i] and node.touched and good.issuperset(node.reads):
            good.add(i)
            order.append(i)
    return order


def first_stop(graph: Graph, followed: Iterable[int]) -> Node | None:
    """Return the first node that a window reaches but cannot pass."""
    inside = set(followed)
    for i, node in enumerate(graph.nodes):
        if node.key is not None and node.touched and i not in inside:
            return node
    return None
