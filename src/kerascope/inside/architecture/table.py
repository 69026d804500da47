"""Look at a model: every call with its shape, parameters, receptive field and work."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.errors import BadInput, KerascopeError
from kerascope.facts import facts_of
from kerascope.hooks import HookedModel, Site
from kerascope.hooks.attention_calls import ATTENTION
from kerascope.hooks.graph import Graph, Node, take_graph
from kerascope.hooks.places import cam_places, candidates
from kerascope.hooks.tracing import Frame
from kerascope.inside.architecture.cost import multiply_adds
from kerascope.inside.architecture.receptive import Field, fields, has_rule
from kerascope.inside.architecture.result import Architecture, Row
from kerascope.inside.net import net_of
from kerascope.targets import resolve_targets
from kerascope.types import Array

_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (  # by a part of the class name, first fit
    ("input", ("Input",)),
    ("other", ("Padding",)),
    ("attention", ("Attention",)),
    ("recurrent", ("LSTM", "GRU", "RNN")),
    ("convolution", ("Conv",)),
    ("dense", ("Dense", "Embedding")),
    ("normalisation", ("Norm", "Rescaling")),
    ("pooling", ("Pool",)),
    ("merge", ("Add", "add", "Concatenate", "concatenate", "Multiply", "Subtract", "Average",
               "Maximum", "Minimum", "join")),
    ("activation", ("LU", "Activation", "Softmax", "Sigmoid", "Tanh", "Swish", "Silu")),
)  # fmt: skip


def architecture(model: Any, inputs: Any = None) -> Architecture:
    """Return the table of every layer call of a model, in order, with what it costs and sees.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        inputs: what the model takes, with a sample axis; one sample is enough. None makes up a
            sample of the shape that the model declares.

    Raises:
        BadInput: the model does not declare its input's shape, or does not run on `inputs`.
    """
    hooked = net_of(model)
    view = HookedModel(hooked, compiled=False)  # one pass costs less than a trace
    x = view.read(made_up(hooked) if inputs is None else inputs)
    graph = take_graph(view, x, lambda layer: not has_rule(layer))
    table = _Table(view, x, graph)
    rows = table.rows()
    total = sum(row.multiply_adds or 0 for row in rows)
    rows = [
        dataclasses.replace(row, share=(row.multiply_adds or 0) / total if total else 0.0)
        for row in rows
    ]
    return Architecture(
        values=tuple(rows),
        outputs={n: tuple(table.place[k] for k in nodes) for n, nodes in graph.outputs.items()},
        model=facts_of(hooked).source or hooked.name,
        model_sha256=view.identity.sha256,
        parameters=_count(hooked.weights),
        trainable=_count(hooked.trainable_weights),
        multiply_adds=total,
        notes=(*view.notes, *table.notes(rows)),
    )


def made_up(model: Any) -> Any:
    """Return one sample of noise of the shape that a model declares; raise `BadInput` if none."""
    try:
        declared = model.input if hasattr(model, "input") else model.inputs
        sizes = [size for tensor in keras.tree.flatten(declared) for size in tensor.shape[1:]]
    except (AttributeError, ValueError):
        declared, sizes = None, [None]
    if None in sizes:
        raise BadInput(
            "the model does not say how large its input is; give inputs, one sample is enough"
        )
    generator = np.random.Generator(np.random.Philox(key=3))

    def sample(tensor: Any) -> Array:
        if "int" in tensor.dtype:
            return np.ones((1, *tensor.shape[1:]), "int32")
        return generator.normal(0, 1, (1, *tensor.shape[1:])).astype(np.float32)

    made = keras.tree.map_structure(sample, declared)
    return made[0] if isinstance(made, list) and len(made) == 1 else made


def _count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


class _Table:
    """Puts nodes and the blocks around them into rows."""

    def __init__(self, view: HookedModel, x: Mapping[str, Array], graph: Graph) -> None:
        self.view, self.x, self.graph = view, x, graph
        self.place: dict[int, int] = {}  # row of every node
        self._blocks = {frame.site: frame for frame in graph.containers}
        self._counted: set[int] = set()  # weights, by id
        self._lengths = {name: _lengths(view, name, array.shape) for name, array in x.items()}
        self._fields = fields(graph, self._lengths, view.layout)
        self._marks = _marks(view, x)

    def rows(self) -> list[Row]:
        """Return a row for every block and node, blocks before what is inside them."""
        rows: list[Row] = []
        open_: tuple[Site, ...] = ()
        for number, node in enumerate(self.graph.nodes):
            around = node.inside
            common = next(
                (
                    k
                    for k, pair in enumerate(zip(open_, around, strict=False))
                    if len(set(pair)) > 1
                ),
                min(len(open_), len(around)),
            )
            rows += [self._block(self._blocks[site]) for site in around[common:]]
            open_ = around
            self.place[number] = len(rows)
            rows.append(self._leaf(node, number))
        return rows

    def _leaf(self, node: Node, number: int) -> Row:
        reads = tuple(dict.fromkeys(self.place[read.node] for read in node.reads))
        return dataclasses.replace(self._row(node, node.kind, number), reads=reads)

    def _block(self, frame: Frame) -> Row:
        last = max(n for n, node in enumerate(self.graph.nodes) if frame.site in node.inside)
        row = self._row(frame, type(frame.layer).__name__, last)
        return dataclasses.replace(row, family="block")

    def _row(self, call: Node | Frame, kind: str, number: int) -> Row:
        """Return the row of a call whose receptive field is that of a node."""
        own = self._own(call)
        adds = multiply_adds(call.layer, call.takes, call.gives, own)
        new = [weight for weight in own if id(weight) not in self._counted]
        self._counted |= {id(weight) for weight in new}
        attention = isinstance(call.layer, ATTENTION) or "Attention" in kind
        return Row(
            path=str(call.site),
            kind=kind,
            family=next((f for f, parts in _FAMILIES if any(p in kind for p in parts)), "other"),
            inside=tuple(map(str, call.inside)),
            reads=(),
            shape=call.gives[0][1:] if call.gives else (),
            parameters=_count(new),
            receptive_field=self._sizes(self._fields[number]),
            multiply_adds=adds,
            share=0.0,
            marks=(*self._marks.get(call.site, ()), *(["attention"] if attention else [])),
        )

    def _own(self, call: Node | Frame) -> list[Any]:
        """Return the weights of a layer that belong to none inside it."""
        inner = {
            id(weight)
            for path, child in self.view.table.items()
            if path.startswith(call.site.path + "/")
            for weight in child.weights
        }
        return [w for w in getattr(call.layer, "weights", ()) if id(w) not in inner]

    def _sizes(self, found: Mapping[str, Field]) -> dict[str, tuple[int | None, ...]]:
        return {
            name: tuple(
                None if axis.size >= length else axis.size
                for axis, length in zip(field, self._lengths[name], strict=True)
            )
            for name, field in found.items()
        }

    def notes(self, rows: list[Row]) -> list[str]:
        """Return what is missing from the table."""
        notes = []
        unknown = [row.path for row in rows if row.multiply_adds is None]
        if unknown:
            names = ", ".join(unknown[:4]) + (" …" if len(unknown) > 4 else "")
            notes.append(f"multiply-adds of {names} are unknown: custom layers with weights")
        idle = _count([w for w in self.view.model.weights if id(w) not in self._counted])
        if idle:
            notes.append(f"{idle:,} parameters are in no layer that the forward pass calls")
        if self.graph.blind:
            notes.append(f"arithmetic between layers could not be followed: {self.graph.blind}")
        return notes


def _lengths(view: HookedModel, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the lengths of an input's axes of positions."""
    axes = view.axes(name, shape[1:])
    return tuple(n for n, a in zip(shape[1:], axes, strict=True) if a not in ("channel", "feature"))


def _marks(view: HookedModel, x: Mapping[str, Array]) -> dict[Site, tuple[str, ...]]:
    """Return the places of class activation maps: every candidate, and the default."""
    found: dict[Site, tuple[str, ...]] = {}
    for name, array in x.items():
        if view.axes(name, array.shape[1:]) != ("feature",):
            found |= {place.site: ("CAM",) for place in candidates(view, x, name)}
    if found:
        with contextlib.suppress(KerascopeError):
            targets = resolve_targets(None, view.spec(), 1)
            places = cam_places(view, {n: a[:1] for n, a in x.items()}, targets, None)
            found |= {place.site: ("CAM default",) for place in places.values()}
    return found
