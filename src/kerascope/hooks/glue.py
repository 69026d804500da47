"""Arithmetic between layers, followed by gradients: what a tensor is made of, and from where.

Every call's output is cut off from what is below it and gets a zero shift. Then a tensor has a
gradient at a shift exactly where it is made of that output without another call in between. The
gradient of the tensor's centre shows the positions it depends on; those of its first and last
position show whether others depend on more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascope.hooks.inputs import axes_of
from kerascope.hooks.model import HookedModel
from kerascope.hooks.tracing import Shape, Source, Trace, is_float, is_tensor, traced
from kerascope.types import Array

Spread = tuple[tuple[int, int], ...]  # (first, last) index of each axis; () where there is none


@dataclasses.dataclass(frozen=True)
class Part:
    """How a tensor depends on an output of another call, or on an input.

    spread: the positions that the tensor's centre depends on. slope: two numbers that are the same
    for terms of one sum; None where the shapes differ.
    """

    source: Source
    spread: Spread
    slope: tuple[float, float] | None


def made_of(
    view: HookedModel, one: Mapping[str, Any], first: Trace, probed: Sequence[int]
) -> list[list[Part]]:
    """Return the parts of every loose tensor of `first`, then of the output of every call probed.

    one: tensors of one sample. first: the trace of a pass on them. probed: indices of calls.
    """
    places = _places(one, first)
    generator = np.random.Generator(np.random.Philox(key=5))
    shapes = [item.shape for item in first.loose] + [first.frames[p].gives[0] for p in probed]
    weights = [
        ops.convert_to_tensor(generator.normal(1, 0.3, s).astype(np.float32)) for s in shapes
    ]

    def run(values: dict[str, Any], rows: list[Any]) -> list[list[Part]]:
        def scores(shifts: dict[str, Any]) -> Any:
            moved = {
                name: value + ops.cast(shifts[name], value.dtype) if name in shifts else value
                for name, value in values.items()
            }
            trace = traced(view, moved, lambda place, _, output: _cut(output, place, shifts))
            tensors = [item.tensor for item in trace.loose]
            tensors += [trace.frames[place].before[0] for place in probed]
            sums = []
            for tensor, row in zip(tensors, rows, strict=True):
                terms = ops.cast(tensor, "float32") * row
                places_ = _three(tuple(terms.shape), view.layout)
                sums += [ops.sum(part)[None] for part in (terms, *(terms[at] for at in places_))]
            return sums, []

        zeros = {key: ops.zeros(shape, "float32") for key, (shape, _) in places.items()}
        _, pullback = view.seam.vjp(scores, zeros)
        return [
            _parts([pullback(4 * i + k) for k in range(4)], row, places)
            for i, row in enumerate(rows)
        ]

    # Not compiled: compiling that many small gradients takes far longer than running them once.
    with view.store.lock:
        return view.seam.eager(run, view.model)(dict(one), weights)


def _places(one: Mapping[str, Any], first: Trace) -> dict[str, tuple[Shape, Source]]:
    """Return shape and source of every shift, by key."""
    places: dict[str, tuple[Shape, Source]] = {
        name: (tuple(tensor.shape), name) for name, tensor in one.items() if is_float(tensor)
    }
    for place, frame in enumerate(first.frames):
        if frame.leaf:
            places |= {_key(place, k): (s, (place, k)) for k, s in enumerate(frame.gives)}
    return places


def _key(place: int, output: int) -> str:
    return f"output {output} of call {place}"


def _cut(output: Any, place: int, shifts: Mapping[str, Any]) -> Any:
    """Return an output that depends on nothing but its shifts."""
    count = -1

    def cut(tensor: Any) -> Any:
        nonlocal count
        if not is_tensor(tensor):
            return tensor
        count += 1
        if not is_float(tensor):
            return tensor
        return ops.stop_gradient(tensor) + ops.cast(shifts[_key(place, count)], tensor.dtype)

    return keras.tree.map_structure(cut, output)


def _three(shape: Shape, layout: str) -> list[tuple[Any, ...]]:
    """Return the indices of a tensor's centre, first and last position, with all channels."""
    axes = axes_of(shape[1:], layout)
    free = [axis in ("channel", "feature") for axis in axes]
    return [
        (0, *(slice(None) if f else at(n) for n, f in zip(shape[1:], free, strict=True)))
        for at in (lambda n: n // 2, lambda n: 0, lambda n: n - 1)  # noqa: ARG005
    ]


def _parts(
    gradients: list[dict[str, Any]], row: Any, places: Mapping[str, tuple[Shape, Source]]
) -> list[Part]:
    """Return the parts of a tensor by the gradients of the whole and of three positions."""
    weight = ops.convert_to_numpy(row)
    parts = []
    for key, (_, source) in places.items():
        whole, *three = (ops.convert_to_numpy(gradient[key]) for gradient in gradients)
        if whole.any():
            same = whole.shape == weight.shape
            slope = (float(whole.sum()), float((whole * weight).sum())) if same else None
            parts.append(Part(source, _spread(three), slope))
    return parts


def _spread(three: list[Array]) -> Spread:
    """Return what the centre depends on; the whole of an axis where an edge depends on more."""
    centre, *edges = (np.nonzero(gradient)[1:] for gradient in three)
    if not len(centre[0]):
        return ()
    spread = []
    for k, found in enumerate(centre):
        more = any(len(e[k]) and np.ptp(e[k]) > np.ptp(found) for e in edges)
        whole = (0, three[0].shape[k + 1] - 1)
        spread.append(whole if more else (int(found.min()), int(found.max())))
    return tuple(spread)
