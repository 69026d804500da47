"""A survey of a model on given inputs: every layer call with its shape, every output's head."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from kerascope.errors import BadInput
from kerascope.hooks.head import HeadTape, head_tape
from kerascope.hooks.inputs import Structure
from kerascope.hooks.names import Site
from kerascope.hooks.shadow import first_tensor, shadowed
from kerascope.targets import OutputSpec
from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class LayerCall:
    """One call of one layer: where, of what class, its output's shape without the sample axis.

    `alias` is True when the output is the very tensor that an earlier call returned (a container,
    or dropout at inference). `merge` is the number of rows per sample, 1 unless the layer folds an
    axis into the sample axis. `leaf` is True when the call makes no other and returns one tensor.
    """

    site: Site
    kind: str
    shape: tuple[int, ...]
    alias: bool
    merge: int
    leaf: bool = False


@dataclasses.dataclass(frozen=True)
class Survey:
    """What is known of a model's forward pass on inputs of one shape."""

    calls: tuple[LayerCall, ...]
    outputs: dict[str, OutputSpec]
    tokens: dict[str, Site]  # integer inputs by name -> the embedding call that reads them

    def shape(self, site: Site) -> tuple[int, ...]:
        """Return the output shape of a call, without the sample axis."""
        return self.call(site).shape

    def call(self, site: Site) -> LayerCall:
        """Return the record of a call; `KeyError` when it never happened."""
        for call in self.calls:
            if call.site[:2] == site[:2]:
                return call
        raise KeyError(site)


class _Recorder:
    """Visitor that writes down every call."""

    def __init__(self, paths: Mapping[int, str], tape: Callable[[], HeadTape]) -> None:
        self.paths, self.tape = paths, tape
        self.counts: dict[str, int] = {}
        self.calls: list[tuple[Site, Any, tuple[int, ...], bool, bool]] = []
        self.embedded: list[tuple[Site, Any]] = []
        self._seen: list[Any] = []

    def visit(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        path = self.paths[id(layer)]
        call = self.counts.get(path, 0)
        self.counts[path] = call + 1
        if isinstance(layer, keras.layers.Embedding) and args:
            self.embedded.append((Site(path, call), args[0]))
        before = sum(self.counts.values())
        output = original(*args, **kwargs)
        leaf = before == sum(self.counts.values())
        tensor = first_tensor(output)
        if tensor is not None and tensor.shape is not None:
            shape = tuple(int(s) if s is not None else -1 for s in tensor.shape)
            known = any(tensor is other for other in self._seen)
            self._seen.append(tensor)
            self.calls.append((Site(path, call), layer, shape, known, leaf and tensor is output))
        return output

    def activate(self, layer: Any, original: Callable[..., Any], value: Any) -> Any:
        return original(value)


def output_names(model: Any, tree: Any) -> dict[str, Any]:
    """Return a model's outputs by name: dict keys, the model's names, or output_0, output_1, …"""
    if isinstance(tree, Mapping):
        # Sorted: Keras gives a dict in another order on torch than elsewhere.
        return {str(key): tree[key] for key in sorted(tree, key=str) if tree[key] is not None}
    if isinstance(tree, (list, tuple)):
        names = getattr(model, "output_names", None) or [f"output_{i}" for i in range(len(tree))]
        if len(names) != len(tree) or len(set(names)) != len(names):
            names = [f"output_{i}" for i in range(len(tree))]
        return dict(zip(names, tree, strict=True))
    names = getattr(model, "output_names", None) or ["output"]
    return {names[0]: tree}


def call_model(model: Any, inputs: Any) -> Any:
    """Call the model at inference."""
    with contextlib.suppress(AttributeError):
        if not getattr(model, "_call_has_training_arg", True):
            return model(inputs)
    return model(inputs, training=False)


def take_survey(
    model: Any,
    table: Mapping[str, Any],
    structure: Structure,
    sample: Mapping[str, Array],
    runner: Callable[..., Any],
) -> Survey:
    """Run the model on one sample and write down what happens; for its shapes alone if possible."""
    found: dict[str, Any] = {}
    paths = {id(layer): path for path, layer in table.items()}

    def run(x: dict[str, Any]) -> Any:
        tapes: list[HeadTape] = []
        recorder = _Recorder(paths, lambda: tapes[0])
        with head_tape() as tape, shadowed(list(table.values()), [], recorder):
            tapes.append(tape)
            tree = call_model(model, structure.build(x))
        named = output_names(model, tree)
        found["heads"] = {
            name: (tuple(int(s) for s in value.shape[1:]), tape.logits(value)[1])
            for name, value in named.items()
        }
        found["recorder"] = recorder
        found["tokens"], found["open"] = _token_sites(x, recorder.embedded, tape)
        return list(named.values())

    runner(run)(dict(sample))
    recorder: _Recorder = found["recorder"]
    calls = tuple(
        LayerCall(site, type(layer).__name__, shape[1:], known, shape[0], leaf)
        for site, layer, shape, known, leaf in recorder.calls
        if shape
    )
    outputs = {n: OutputSpec(n, shape, kind) for n, (shape, kind) in found["heads"].items()}
    tokens = found["tokens"]
    if found["open"]:
        tokens = {**tokens, **_by_pattern(model, table, structure, sample, found["open"])}
    return Survey(calls, outputs, {name: tokens[name] for name in sample if name in tokens})


def _token_sites(
    inputs: Mapping[str, Any], embedded: list[tuple[Site, Any]], tape: HeadTape
) -> tuple[dict[str, Site], tuple[str, ...]]:
    """Return each input's call of an embedding that reads it, known by identity, else by shape.

    Second, the names of inputs of which a shape cannot tell which of them is read.
    """
    sites: dict[str, Site] = {}
    left = list(embedded)
    for name, value in inputs.items():
        match = next((e for e in left if tape.origin(e[1]) is value), None)
        if match is not None:
            sites[name] = match[0]
            left.remove(match)
    alike: dict[tuple[int, ...], list[str]] = {}
    for name, value in inputs.items():
        whole = np.dtype(keras.backend.standardize_dtype(value.dtype)).kind in "iu"
        if name not in sites and whole:
            alike.setdefault(tuple(value.shape), []).append(name)
    unsure: list[str] = []
    for shape, names in alike.items():
        same = [site for site, tensor in left if tuple(tensor.shape) == shape]
        if len(names) == 1 and same:
            sites[names[0]] = same[0]
        elif same:
            unsure += names
    return sites, tuple(unsure)


def _by_pattern(
    model: Any,
    table: Mapping[str, Any],
    structure: Structure,
    sample: Mapping[str, Array],
    names: tuple[str, ...],
) -> dict[str, Site]:
    """Return which embedding reads which of several integer inputs, by what arrives there.

    A cast or a copy on the way hides whose values an embedding is given. So every input gets zeros
    and ones in an order of its own, and one eager pass shows where each arrives.
    """
    patterns = {
        name: np.random.default_rng(k).integers(0, 2, np.shape(sample[name]))
        for k, name in enumerate(names)
    }
    given = {
        name: keras.ops.cast(patterns[name], value.dtype) if name in patterns else value
        for name, value in sample.items()
    }
    recorder = _Recorder({id(layer): path for path, layer in table.items()}, HeadTape)
    with head_tape(), shadowed(list(table.values()), [], recorder):
        call_model(model, structure.build(given))
    arrived = [(site, keras.ops.convert_to_numpy(value)) for site, value in recorder.embedded]
    found: dict[str, Site] = {}
    for name, pattern in patterns.items():
        sites = [s for s, v in arrived if v.shape == pattern.shape and (v == pattern).all()]
        if sites and sites[0] not in found.values():
            found[name] = sites[0]
    return found


def refused(arrays: Mapping[str, Array], error: Exception) -> BadInput:
    """Return the error that says on which inputs the model does not run, in its own words."""
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    text = str(error).strip() or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Keras puts the reason on a line of its own, after the name of the layer.
    words = " ".join(lines[:2]) if lines[0].startswith("Exception encountered") else lines[0]
    words = words.replace("\x1b[1m", "").replace("\x1b[0m", "")
    return BadInput(f"the model does not run on inputs of shape {shapes}: {words}")
