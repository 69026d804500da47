"""Receptive fields: the part of an input that one position of a layer's output can depend on.

Every axis is followed by itself: for each position of a map, the first and the last position of the
input that reach it, padding left out. A unit in the middle has the field of Araujo, Norris and Sim,
"Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019), as far as it
lies inside the input. Statistics of normalisation layers are not counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import layers as kl

from kerascope.hooks.graph import Graph, Node, Read
from kerascope.hooks.inputs import axes_of
from kerascope.types import Array

_CONVOLUTIONS = (
    kl.Conv1D, kl.Conv2D, kl.Conv3D, kl.DepthwiseConv1D, kl.DepthwiseConv2D, kl.SeparableConv1D,
    kl.SeparableConv2D,
)  # fmt: skip
_TRANSPOSED = (kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose)
_POOLS = (
    kl.MaxPooling1D, kl.MaxPooling2D, kl.MaxPooling3D, kl.AveragePooling1D, kl.AveragePooling2D,
    kl.AveragePooling3D,
)  # fmt: skip
_GLOBAL = (
    kl.GlobalMaxPooling1D, kl.GlobalMaxPooling2D, kl.GlobalMaxPooling3D,
    kl.GlobalAveragePooling1D, kl.GlobalAveragePooling2D, kl.GlobalAveragePooling3D,
)  # fmt: skip
_REPEATED = (kl.UpSampling1D, kl.UpSampling2D, kl.UpSampling3D)
_PADS = (kl.ZeroPadding1D, kl.ZeroPadding2D, kl.ZeroPadding3D)
_CROPS = (kl.Cropping1D, kl.Cropping2D, kl.Cropping3D)
_POINTWISE = (
    kl.Activation, kl.ReLU, kl.LeakyReLU, kl.PReLU, kl.ELU, kl.Dropout, kl.SpatialDropout1D,
    kl.SpatialDropout2D, kl.SpatialDropout3D, kl.GaussianNoise, kl.GaussianDropout,
    kl.BatchNormalization, kl.LayerNormalization, kl.GroupNormalization, kl.Rescaling,
    kl.Normalization, kl.Embedding, kl.Softmax, kl.Add, kl.Subtract, kl.Multiply, kl.Average,
    kl.Maximum, kl.Minimum, kl.Concatenate, kl.Dense, kl.EinsumDense, kl.UnitNormalization,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Axis:
    """What positions of a map read of one axis of the input.

    size: the most positions that one reads. low, high: the first and last that each reads, by
    position along the same axis of the map; None where the map has no such axis any more.
    """

    size: int
    low: Array | None = None
    high: Array | None = None


Field = tuple[Axis, ...]  # one for each axis of positions of the input


def _axis(low: Array, high: Array) -> Axis:
    return Axis(int((high - low).max()) + 1, low, high)


def _everything(axis: Axis, length: int) -> Axis:
    """Return what all positions together read."""
    if axis.low is None or axis.high is None:
        return Axis(length)
    return Axis(int(axis.high.max() - axis.low.min()) + 1)


def _window(axis: Axis, first: Array, last: Array) -> Axis:
    """Return what is read through a layer whose positions read `first` to `last` of its map."""
    assert axis.low is not None
    assert axis.high is not None
    end = len(axis.low) - 1
    return _axis(axis.low[np.clip(first, 0, end)], axis.high[np.clip(last, 0, end)])


def has_rule(layer: Any) -> bool:
    """Tell whether the positions that a layer reads are known by its class."""
    known = (
        *_CONVOLUTIONS, *_TRANSPOSED, *_POOLS, *_GLOBAL, *_REPEATED, *_PADS, *_CROPS, *_POINTWISE,
    )  # fmt: skip
    return isinstance(layer, known) and not _mixes(layer)


def _mixes(layer: Any) -> bool:
    """Tell whether a softmax goes over something else than the last axis."""
    return isinstance(layer, kl.Softmax) and layer.axis not in (-1, [-1], (-1,))


def fields(
    graph: Graph, inputs: Mapping[str, tuple[int, ...]], layout: str
) -> list[dict[str, Field]]:
    """Return the receptive field of every node, by input.

    inputs: lengths of each input's axes of positions; an input without such gets no field.
    """
    found: list[dict[str, Field]] = []
    for node in graph.nodes:
        if node.kind == "Input":
            name = node.site.path
            axes = tuple(_axis(np.arange(n), np.arange(n)) for n in inputs[name])
            found.append({name: axes} if axes else {})
            continue
        parts: list[dict[str, Field]] = []
        for read in node.parts or node.reads:
            reader = _Reader(graph.nodes[read.node], node, read, layout)
            parts.append({
                name: reader.field(field, inputs[name])
                for name, field in found[read.node].items()
            })  # fmt: skip
        names = dict.fromkeys(name for part in parts for name in part)
        found.append({n: _union([part[n] for part in parts if n in part]) for n in names})
    return found


def _positions(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """Return which axes of a tensor are positions, sample axis left out."""
    axes = axes_of(shape[1:], layout)
    return tuple(k for k, a in enumerate(axes) if a not in ("channel", "feature"))


@dataclasses.dataclass(frozen=True, eq=False)
class _Reader:
    """One edge: the node below, the node that reads it."""

    below: Node
    node: Node
    read: Read
    layout: str

    def field(self, field: Field, lengths: tuple[int, ...]) -> Field:
        """Return the field through the arithmetic before the layer, and the layer itself."""
        whole = tuple(map(_everything, field, lengths))
        given, arrived = self._lengths(self.below.gives[0]), self._lengths(self.read.shape)
        if self.below.kind == "Input" and len(given) != len(field):  # tokens
            given = arrived = self.below.gives[0][1:]
        if self.read.spread is not None:
            field = self._measured(field, whole, given, arrived)
        elif given != arrived:
            field = _unplaced(field)
        layer = self.node.layer
        if self.node.parts or layer is None:
            return field
        mixes = isinstance(layer, (kl.Dense, kl.EinsumDense)) and not arrived and any(given)
        if mixes or isinstance(layer, _GLOBAL) or not has_rule(layer):
            return whole
        gives = self._lengths(self.node.gives[0])
        windows = _windows(layer, arrived, gives)
        if windows is None:
            return field
        if len(windows) != len(field) or any(axis.low is None for axis in field):
            return whole
        return tuple(_window(axis, *pair) for axis, pair in zip(field, windows, strict=True))

    def _lengths(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(shape[1 + k] for k in _positions(shape, self.layout))

    def _measured(
        self, field: Field, whole: Field, given: Sequence[int], arrived: Sequence[int]
    ) -> Field:
        """Return the field of a tensor whose centre was seen to read a part of the node below."""
        spread = list(self.read.spread or ())
        if spread and len(spread) != len(given):
            spread = [spread[k] for k in _positions(self.below.gives[0], self.layout)]
        placed = len(given) == len(field) == len(spread) and field[0].low is not None
        if not placed:
            single = bool(spread) and all(first == last for first, last in spread)
            return _unplaced(field) if single or not given else whole
        axes = []
        for k, (first, last) in enumerate(spread):
            if len(arrived) == len(given):
                start = np.round(
                    (np.arange(arrived[k]) - arrived[k] // 2) * _ratio(given[k], arrived[k])
                ).astype(int)
                axes.append(_window(field[k], start + first, start + last))
            else:
                start = np.arange(given[k] - (last - first))
                axes.append(_window(field[k], start, start + last - first))
        return tuple(axes) if len(arrived) == len(given) else _unplaced(tuple(axes))


def _ratio(given: int, arrived: int) -> float:
    """Return the factor by which a map shrinks or grows, but for its edges."""
    return round(given / arrived) if given >= arrived else 1 / round(arrived / given)


def _unplaced(field: Field) -> Field:
    return tuple(Axis(axis.size) for axis in field)


def _union(found: list[Field]) -> Field:
    """Return what several fields cover together."""
    axes = []
    for parts in zip(*found, strict=True):
        lows = [axis.low for axis in parts if axis.low is not None]
        highs = [axis.high for axis in parts if axis.high is not None]
        if len(lows) == len(parts) and len({len(low) for low in lows}) == 1:
            axes.append(_axis(np.min(lows, axis=0), np.max(highs, axis=0)))
        else:
            axes.append(Axis(max(axis.size for axis in parts)))
    return tuple(axes)


def _windows(
    layer: Any, lengths: tuple[int, ...], gives: tuple[int, ...]
) -> list[tuple[Array, Array]] | None:
    """Return the first and last position that each position reads, by axis; None for its own."""
    rank = len(lengths)
    if isinstance(layer, _REPEATED):
        factors = layer.size if isinstance(layer.size, (tuple, list)) else (layer.size,) * rank
        smooth = getattr(layer, "interpolation", "nearest") != "nearest"
        return [_enlarged(n, int(f), smooth=smooth) for n, f in zip(gives, factors, strict=True)]
    if isinstance(layer, (*_PADS, *_CROPS)):
        sides = layer.padding if isinstance(layer, _PADS) else layer.cropping
        firsts = [pair[0] for pair in ([sides] if isinstance(sides[0], int) else sides)]
        sign = -1 if isinstance(layer, _PADS) else 1
        starts = [np.arange(n) + sign * first for n, first in zip(gives, firsts, strict=True)]
        return [(start, start) for start in starts]
    if isinstance(layer, _POOLS):
        sizes, strides, holes = layer.pool_size, layer.strides, (1,) * rank
    elif isinstance(layer, (*_CONVOLUTIONS, *_TRANSPOSED)):
        sizes, strides, holes = layer.kernel_size, layer.strides, layer.dilation_rate
    else:
        return None
    rule = _spread_out if isinstance(layer, _TRANSPOSED) else _slid
    return [
        rule(np.arange(gives[k]), lengths[k], int(sizes[k]), int(strides[k]), int(holes[k]),
             layer.padding)
        for k in range(rank)
    ]  # fmt: skip


def _slid(
    at: Array, length: int, size: int, stride: int, hole: int, padding: str
) -> tuple[Array, Array]:
    """Return the first and last cell inside the map that a sliding window reads."""
    reach = (size - 1) * hole
    before = {"causal": reach, "valid": 0}.get(padding)
    if before is None:
        before = max((-(-length // stride) - 1) * stride + reach + 1 - length, 0) // 2
    start = at * stride - before
    stop = start + reach
    first = np.where(start < 0, start + -(start // hole) * hole, start)
    last = np.where(stop >= length, stop - -(-(stop - length + 1) // hole) * hole, stop)
    return first, last


def _spread_out(
    at: Array, _: int, size: int, stride: int, hole: int, padding: str
) -> tuple[Array, Array]:
    """Return the first and last cell that a transposed convolution lays over a position."""
    reach = (size - 1) * hole
    cut = max(reach + 1 - stride, 0) // 2 if padding == "same" else 0
    return -((reach - at - cut) // stride), (at + cut) // stride


def _enlarged(length: int, factor: int, *, smooth: bool) -> tuple[Array, Array]:
    """Return the cells that nearest, or smooth, enlargement reads."""
    at = np.arange(length)
    if not smooth:
        return at // factor, at // factor
    centre = (at + 0.5) / factor - 0.5
    return np.floor(centre).astype(int), np.ceil(centre).astype(int)
