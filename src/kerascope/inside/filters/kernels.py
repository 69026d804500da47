"""Kernels of a layer in one common order of axes, and what their numbers alone tell."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from keras import layers as kl

from kerascope import backend
from kerascope.hooks.weights import kernel_of
from kerascope.types import Array

BINS = 48
_DEAD = 1e-6  # of the largest norm in the layer
_TRANSPOSED = (kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose)
_DEPTHWISE = (kl.DepthwiseConv1D, kl.DepthwiseConv2D)


@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelStatistics:
    """What the weights of one kernel tell.

    Attributes:
        name: path of the layer, with the kernel's name where it has several.
        kind: class of the layer.
        shape: (*window, channel, unit).
        dead: units whose weights are all zero (norm under 1e-6 of the layer's largest).
        duplicates: (unit, unit, cosine) of kernels that point the same or the opposite way; each
            unit is named once, with the first unit that it repeats.
        norms: Euclidean norm of every unit's weights.
        edges, counts: histogram of all weights.
        mean, deviation: of all weights. zeros: share of weights that are exactly zero.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dead: tuple[int, ...]
    duplicates: tuple[tuple[int, int, float], ...]
    norms: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float
    deviation: float
    zeros: float

    @property
    def units(self) -> int:
        """How many kernels there are."""
        return self.shape[-1]


def kernels_of(layer: Any) -> dict[str, Array]:
    """Return the kernels of a layer as (*window, channel, unit) float32, by name; none has none.

    "" is the name of a lone kernel.
    """
    if hasattr(layer, "depthwise_kernel") and hasattr(layer, "pointwise_kernel"):
        depth = _host(layer.depthwise_kernel)
        return {"depthwise": _single(depth), "pointwise": _host(layer.pointwise_kernel)}
    cell = getattr(layer, "cell", None)
    if cell is not None and hasattr(cell, "recurrent_kernel"):
        return {"kernel": _host(cell.kernel), "recurrent": _host(cell.recurrent_kernel)}
    array = kernel_of(layer)
    if array is None or array.ndim < 2:
        return {}
    if isinstance(layer, _DEPTHWISE):
        return {"": _single(array)}
    if isinstance(layer, _TRANSPOSED):
        return {"": np.swapaxes(array, -1, -2)}
    if isinstance(layer, kl.EinsumDense):
        return {"": _matrix(array, layer.equation)}
    return {"": array}


def _host(variable: Any) -> Array:
    return np.array(backend.active().host(variable), np.float32)


def _single(kernel: Array) -> Array:
    """Return depthwise kernels (*window, channel, multiplier): each reads one channel."""
    return kernel.reshape(*kernel.shape[:-2], 1, -1)


def _matrix(kernel: Array, equation: str) -> Array:
    """Return the kernel of an einsum as (channel, unit): units are the indices it brings in."""
    left, output = equation.replace("...", "").split("->")
    given, letters = left.split(",")
    units = [k for k, letter in enumerate(letters) if letter in output and letter not in given]
    channels = [k for k in range(len(letters)) if k not in units]
    sizes = [int(np.prod([kernel.shape[k] for k in part])) for part in (channels, units)]
    return kernel.transpose(*channels, *units).reshape(sizes)


def statistics_of(name: str, kind: str, kernel: Array, similar: float) -> KernelStatistics:
    """Return the statistics of a kernel (*window, channel, unit).

    similar: size of the cosine from which on two kernels are duplicates.
    """
    flat = kernel.reshape(-1, kernel.shape[-1]).astype(np.float64)
    norms = np.linalg.norm(flat, axis=0)
    dead = norms <= _DEAD * norms.max() if norms.max() > 0 else np.ones(len(norms), bool)
    counts, edges = np.histogram(flat, bins=BINS)
    return KernelStatistics(
        name=name,
        kind=kind,
        shape=kernel.shape,
        dead=tuple(map(int, np.flatnonzero(dead))),
        duplicates=_duplicates(flat, norms, dead, similar),
        norms=tuple(map(float, norms)),
        edges=tuple(map(float, edges)),
        counts=tuple(map(int, counts)),
        mean=float(flat.mean()),
        deviation=float(flat.std()),
        zeros=float((flat == 0).mean()),
    )


def _duplicates(
    flat: Array, norms: Array, dead: Array, similar: float
) -> tuple[tuple[int, int, float], ...]:
    """Return pairs of units that are alike; kernels of fewer than two weights always are."""
    if len(flat) < 2:
        return ()
    alive = np.flatnonzero(~dead)
    unit = flat[:, alive] / norms[alive]
    found, taken = [], np.zeros(len(alive), bool)
    for k in range(len(alive) - 1):
        if taken[k]:
            continue
        cosines = unit[:, k] @ unit[:, k + 1 :]
        for j in np.flatnonzero((np.abs(cosines) >= similar) & ~taken[k + 1 :]):
            taken[k + 1 + j] = True
            found.append((int(alive[k]), int(alive[k + 1 + j]), round(float(cosines[j]), 6)))
    return tuple(found)
