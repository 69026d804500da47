"""One forward pass written down: every call, and where each tensor that it takes comes from.

Calls are recorded through the shadows, so Functional, Sequential, nested and subclassed models all
look alike. Tensors are known by identity, also behind a cast; a tensor that no call gave is loose.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from kerascope.hooks.head import HeadTape, head_tape
from kerascope.hooks.model import HookedModel
from kerascope.hooks.names import Site
from kerascope.hooks.shadow import shadowed
from kerascope.hooks.survey import call_model, output_names

Shape = tuple[int, ...]
Source = str | tuple[int, int] | int  # name of an input; call and output; index of a loose tensor


@dataclasses.dataclass(eq=False)
class Frame:
    """One call: where, inside which others, the sources of what it takes, and shapes.

    leaf: False once it has made a call itself. before: the outputs of a leaf before any change.
    """

    site: Site
    layer: Any
    inside: tuple[Site, ...]
    reads: list[Source]
    takes: tuple[Shape, ...]
    leaf: bool = True
    before: list[Any] = dataclasses.field(default_factory=list)
    gives: tuple[Shape, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Loose:
    """A tensor that no call gave: the calls around its first use, how many there were before."""

    inside: tuple[Site, ...]
    at: int
    tensor: Any
    shape: Shape


@dataclasses.dataclass(eq=False)
class Trace:
    """A pass: all calls in order, loose tensors in the order of their first use, the outputs."""

    frames: list[Frame]
    loose: list[Loose]
    outputs: dict[str, Source]


Change = Callable[[int, Frame, Any], Any]


class _Recorder:
    """Visitor that writes down every call; `change` may put another output in its place."""

    def __init__(self, paths: Mapping[int, str], tape: HeadTape, change: Change) -> None:
        self.paths, self.tape, self.change = paths, tape, change
        self.counts: dict[str, int] = {}
        self.trace = Trace([], [], {})
        self._known: dict[int, tuple[Any, Source]] = {}
        self._open: list[Frame] = []

    def know(self, tensor: Any, source: Source) -> None:
        """Note where a tensor comes from."""
        self._known[id(tensor)] = (tensor, source)

    def source(self, tensor: Any, inside: tuple[Site, ...]) -> Source:
        """Return where a tensor comes from."""
        for known in (tensor, self.tape.origin(tensor)):
            if id(known) in self._known:
                return self._known[id(known)][1]
        self.know(tensor, len(self.trace.loose))
        at, shape = len(self.trace.frames), shapes_of([tensor])[0]
        self.trace.loose.append(Loose(inside, at, tensor, shape))
        return len(self.trace.loose) - 1

    def visit(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call the layer and write down what it takes and gives."""
        path = self.paths[id(layer)]
        call = self.counts.get(path, 0)
        self.counts[path] = call + 1
        inside = tuple(frame.site for frame in self._open)
        taken = tensors_in((args, kwargs))
        reads = [self.source(tensor, inside) for tensor in taken]
        frame = Frame(Site(path, call), layer, inside, reads, shapes_of(taken))
        if self._open:
            self._open[-1].leaf = False
        place = len(self.trace.frames)
        self.trace.frames.append(frame)
        self._open.append(frame)
        try:
            output = original(*args, **kwargs)
        finally:
            self._open.pop()
        if frame.leaf:
            frame.before = tensors_in(output)
            output = self.change(place, frame, self._own(output, taken))
        given = tensors_in(output)
        for k, tensor in enumerate(given):
            if frame.leaf:
                self.know(tensor, (place, k))
            else:
                self.source(tensor, (*inside, frame.site))
        frame.gives = shapes_of(given)
        return output

    def _own(self, output: Any, taken: list[Any]) -> Any:
        """Return the output with a tensor of its own where a call hands on another's."""
        old = {id(tensor) for tensor in taken}

        def own(tensor: Any) -> Any:
            shared = id(tensor) in old or self.tape.origin(tensor) is not tensor
            return ops.copy(tensor) if shared and is_tensor(tensor) else tensor

        return keras.tree.map_structure(own, output)

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        """Fused activations are not shadowed here."""
        return original(value)


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a tensor with a sample axis."""
    return hasattr(value, "dtype") and len(getattr(value, "shape", ())) > 0


def is_float(tensor: Any) -> bool:
    """Tell whether a tensor holds floating-point numbers."""
    return "float" in keras.backend.standardize_dtype(tensor.dtype)


def tensors_in(tree: Any) -> list[Any]:
    """Return the tensors in the arguments or the output of a call."""
    return [value for value in keras.tree.flatten(tree) if is_tensor(value)]


def shapes_of(tensors: list[Any]) -> tuple[Shape, ...]:
    """Return the shapes of tensors, sample axis first."""
    return tuple(tuple(int(n) for n in tensor.shape) for tensor in tensors)


def operations_of(view: HookedModel) -> dict[str, Any]:
    """Return the operations of Functional graphs that are no layers (`x + y`), by path."""
    found: dict[str, Any] = {}
    for path, owner in {"": view.model, **view.table}.items():
        for operation in getattr(owner, "operations", ()):
            if not isinstance(operation, keras.layers.Layer):
                found[f"{path}/{operation.name}".lstrip("/")] = operation
    return found


def traced(
    view: HookedModel,
    values: Mapping[str, Any],
    change: Change = lambda place, frame, output: output,  # noqa: ARG005
) -> Trace:
    """Run the model on tensors and return the trace; to be called inside what a seam runs.

    change: takes the index of a call without others inside, its frame and its output, and returns
        the output that the pass goes on with.
    """
    layers = {**operations_of(view), **view.table}
    paths = {id(layer): path for path, layer in layers.items()}
    with head_tape() as tape:
        recorder = _Recorder(paths, tape, change)
        for name, tensor in values.items():
            recorder.know(tensor, name)
        with shadowed(list(layers.values()), [], recorder):
            tree = call_model(view.model, view.structure.build(values))
        for name, tensor in output_names(view.model, tree).items():
            recorder.trace.outputs[name] = recorder.source(tensor, ())
    return recorder.trace
