"""The passes: base activations of one sample, and a batch of patches from windows to scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras import ops

from kerascope.hooks.passes import Plan
from kerascope.hooks.shadow import shadowed
from kerascope.hooks.survey import call_model
from kerascope.incremental.graph import Graph, Key, Walk
from kerascope.incremental.program import Program
from kerascope.targets import Targets


class _Capture(Walk):
    """Keeps the outputs of chosen calls."""

    def __init__(self, wanted: Mapping[Key | None, int]) -> None:
        super().__init__()
        self.wanted = wanted
        self.found: dict[int, Any] = {}

    def leaf(self, key: Key, layer: Any, run: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        output = run()
        if key in self.wanted:
            self.found[self.wanted[key]] = output
        return output


class _Handover(Walk):
    """Gives the maps handed over in place of calls, and runs the others."""

    def __init__(self, given: Mapping[Key, Any]) -> None:
        super().__init__()
        self.given = given
        self.found: dict[Any, Any] = {}  # a plan asks for what was recorded: nothing
        self.guide = None  # and by which rules gradients are rewritten: none

    def leaf(self, key: Key, layer: Any, run: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        return self.given[key] if key in self.given else run()


@dataclasses.dataclass(frozen=True, eq=False)
class Tail(Plan):
    """An ordinary forward pass whose lower part is given: `at` holds values by call."""

    def tap(self, at: Mapping[Any, Any], shifts: Mapping[Any, Any], guide: Any = None) -> Any:
        """Return the visitor that hands over."""
        return _Handover(at)


def base_pass(model: Any, graph: Graph, bases: Sequence[int]) -> Callable[..., dict[int, Any]]:
    """Return the pass that gives the maps of `bases` for one sample, kept on the device."""
    wanted = {graph.nodes[i].key: i for i in bases}
    inputs = {node.name: i for i, node in enumerate(graph.nodes) if node.key is None}
    structure, leaves = model.structure, list(graph.leaves)

    def run(x: dict[str, Any]) -> dict[str, Any]:
        capture = _Capture(wanted)
        with shadowed(leaves, [], capture):
            call_model(reference(), structure.build(x))
        return {str(i): value for i, value in capture.found.items()}

    reference = Plan.of(model, "forward", Targets(()), (), ()).model
    compiled = model.compile(run, model.model)

    def call(x: Mapping[str, Any]) -> dict[int, Any]:
        found = {int(i): value for i, value in compiled(dict(x)).items()}
        return found | {i: x[name] for name, i in inputs.items()}

    return call


def patch_pass(model: Any, program: Program, targets: Targets) -> Callable[..., dict[str, Any]]:
    """Return the pass from base maps, cover and lookups to what a forward pass gives."""
    graph = program.graph
    plain = Plan.of(model, "forward", targets, (), ())
    fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
    leaves = {str(i): leaf for i, leaf in enumerate(graph.leaves)}
    tail = Tail(**fields | {"layers": leaves})

    def run(
        bases: dict[str, Any], cover: Any, lookups: list[Any], arrays: list[Any]
    ) -> dict[str, Any]:
        maps = {int(i): value for i, value in bases.items()}
        rows = lookups[0].shape[0]
        windows = program.run(maps, cover, lookups)
        given: dict[Any, Any] = {}
        for i in (*inputs, *program.order):
            shape = (rows, *graph.nodes[i].shape[1:])
            if i in program.handed:
                value = program.whole(i, maps, windows, lookups)
            elif i in maps and i not in program.spans:
                value = ops.broadcast_to(maps[i], shape)
            else:  # nothing reads it
                value = ops.broadcast_to(ops.zeros((), "float32"), shape)
            given[graph.nodes[i].key or graph.nodes[i].name] = value
        x = {graph.nodes[i].name: given.pop(graph.nodes[i].name) for i in inputs}
        return tail.forward(x, given, arrays)

    inputs = [i for i, node in enumerate(graph.nodes) if node.key is None]
    compiled = model.compile(run, model.model)
    return lambda *args: tail._unpack(compiled(*args))  # noqa: SLF001
