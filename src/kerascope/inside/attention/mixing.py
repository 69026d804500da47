"""What layers of attention amount to together: rollout, flow, relevance; plain NumPy.

Weights are (sample, head, query, key), one array per layer, first layer first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerascope.threads import each
from kerascope.types import Array

FUSIONS = ("mean", "max", "min")
_CAPACITY = 2**26  # of a whole token: capacities of a flow are integers


def fuse(weights: Array, fusion: str = "mean") -> Array:
    """Return one (sample, query, key) matrix of all heads: their mean, max or min."""
    return getattr(weights, fusion)(axis=1)


def with_residual(fused: Array, residual: float = 0.5) -> Array:
    """Return rows that sum to one, a share `residual` of each its own token (Abnar, section 3).

    Attention that pools to another number of tokens has no residual.
    """
    if fused.shape[-2] == fused.shape[-1]:
        fused = (1 - residual) * fused + residual * np.eye(fused.shape[-1], dtype=fused.dtype)
    sums = fused.sum(axis=-1, keepdims=True)
    return fused / np.where(sums > 0, sums, 1)


def without_weakest(fused: Array, discard: float) -> Array:
    """Return the matrices with this share of their weakest entries set to zero."""
    flat = fused.reshape(len(fused), -1).copy()
    count = int(flat.shape[1] * discard)
    if count:
        weakest = np.argpartition(flat, count - 1, axis=1)[:, :count]
        np.put_along_axis(flat, weakest, 0, axis=1)
    return flat.reshape(fused.shape)


def rollout(
    layers: Sequence[Array], *, residual: float = 0.5, fusion: str = "mean", discard: float = 0.0
) -> Array:
    """Return the product of all layers, last first: (sample, query, token of the input)."""

    def mix(weights: Array) -> Array:
        return with_residual(without_weakest(fuse(weights, fusion), discard), residual)

    first, *others = each(mix, layers)
    return functools.reduce(lambda total, mixed: mixed @ total, others, first)


def relevance(layers: Sequence[Array], gradients: Sequence[Array]) -> Array:
    """Return R = R + mean over heads of (∇A ⊙ A)⁺ · R, from R = 1: (sample, target, query, token).

    Chefer, Gur, Wolf 2021, equations 5 and 6. gradients: (sample, target, head, query, key).
    Attention that pools at the end has no residual.
    """

    def mix(weights: Array, gradient: Array) -> Array:
        product = gradient * weights[:, None]
        return np.maximum(product, 0, out=product).mean(axis=2)

    total: Array | None = None
    for positive in each(mix, layers, gradients):
        if total is None:
            total = np.broadcast_to(
                np.eye(positive.shape[-1]), (*positive.shape[:2], *[positive.shape[-1]] * 2)
            )
        square = positive.shape[-2] == positive.shape[-1]
        total = (total if square else 0) + positive @ total
    assert total is not None
    return total.astype(np.float32)


def flow(
    layers: Sequence[Array],
    read: Sequence[int],
    *,
    residual: float = 0.5,
    fusion: str = "mean",
    told: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> Array:
    """Return the maximum flow from what is read to every input token: (sample, token), 0 … 1.

    A layer's weights, with the residual, are the capacities between its tokens (Abnar & Zuidema
    2020, section 3). read: queries of the last layer; where there are several, each gives an equal
    share. told: hears how many of all flows are done.
    """
    mixed = each(lambda weights: with_residual(fuse(weights, fusion), residual), layers)
    samples, tokens = len(mixed[0]), mixed[0].shape[-1]
    flows = np.zeros((samples, tokens), np.float32)
    for sample in range(samples):
        graph, source = _network([layer[sample] for layer in mixed], read)
        for token in range(tokens):
            flows[sample, token] = _most(graph, source, token)
            told(sample * tokens + token + 1, samples * tokens)
    return flows


def _network(layers: list[Array], read: Sequence[int]) -> tuple[Any, int]:
    """Return capacities between nodes, input tokens first, and the node that everything leaves."""
    from scipy.sparse import csr_array

    starts = np.cumsum([0, layers[0].shape[1], *(layer.shape[0] for layer in layers)])
    rows, columns, values = [], [], []
    for i, layer in enumerate(layers):
        below, above = starts[i], starts[i + 1]
        query, key = np.nonzero(layer)
        rows.append(above + query)
        columns.append(below + key)
        values.append(layer[query, key])
    source = int(starts[-1])
    rows.append(np.full(len(read), source))
    columns.append(starts[-2] + np.asarray(read))
    values.append(np.full(len(read), 1 / len(read)))
    capacities = np.round(np.concatenate(values) * _CAPACITY).astype(np.int32)
    place = (np.concatenate(rows), np.concatenate(columns))
    return csr_array((capacities, place), shape=(source + 1, source + 1)), source


def _most(graph: Any, source: int, sink: int) -> float:
    from scipy.sparse.csgraph import maximum_flow

    return maximum_flow(graph, source, sink).flow_value / _CAPACITY


def distances(weights: Array, centres: Array) -> Array:
    """Return the mean distance over which each head attends: (sample, head), in units of `centres`.

    weights: among the grid's tokens only, (sample, head, query, key); each query's are made to sum
    to one. Dosovitskiy et al. 2021, appendix D.7.
    """
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    sums = weights.sum(axis=-1)
    return ((weights * apart).sum(axis=-1) / np.where(sums > 0, sums, 1)).mean(axis=-1)
