"""Multiply-adds of a call, by the class of its layer and the shapes that it takes and gives.

Counted are products with weights and products of attention, of one sample, biases left out.
Activations, poolings, sums and normalisations are not counted, as is usual.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from keras import layers as kl

Shape = tuple[int, ...]

_DEPTHWISE = (kl.DepthwiseConv1D, kl.DepthwiseConv2D)
_SEPARABLE = (kl.SeparableConv1D, kl.SeparableConv2D)
_TRANSPOSED = (kl.Conv1DTranspose, kl.Conv2DTranspose, kl.Conv3DTranspose)
_CONVOLUTIONS = (kl.Conv1D, kl.Conv2D, kl.Conv3D)
_RECURRENT = (kl.SimpleRNN, kl.GRU, kl.LSTM)
_CONV_RECURRENT = (kl.ConvLSTM1D, kl.ConvLSTM2D, kl.ConvLSTM3D)


@dataclasses.dataclass(frozen=True, eq=False)
class _Call:
    """A layer with the shapes that it takes and gives."""

    layer: Any
    takes: Sequence[Shape]
    gives: Sequence[Shape]


def multiply_adds(
    layer: Any, takes: Sequence[Shape], gives: Sequence[Shape], own: Sequence[Any] = ()
) -> int | None:
    """Return the multiply-adds of one call itself, without those of calls inside it.

    takes, gives: shapes with the sample axis. own: the weights that belong to no call inside. None:
    a layer of unknown class with own weights of rank 2 or more, whose work cannot be known.
    """
    if layer is None or not takes or not gives:
        return 0
    for kinds, rule in _RULES:
        if isinstance(layer, kinds):
            return rule(_Call(layer, takes, gives))
    return None if any(len(weight.shape) > 1 for weight in own) else 0


def _positions(shape: Shape, layer: Any) -> int:
    """Return the number of positions of a map, samples folded in."""
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return prod((shape[0], *shape[2:]) if first else shape[:-1])


def _convolution(call: _Call) -> int:
    return _positions(call.gives[0], call.layer) * prod(call.layer.kernel.shape)


def _transposed(call: _Call) -> int:
    return _positions(call.takes[0], call.layer) * prod(call.layer.kernel.shape)


def _separable(call: _Call) -> int:
    kernels = prod(call.layer.depthwise_kernel.shape) + prod(call.layer.pointwise_kernel.shape)
    return _positions(call.gives[0], call.layer) * kernels


def _dense(call: _Call) -> int:
    return prod(call.takes[0]) * call.layer.units


def _einsum(call: _Call) -> int:
    """Return the product of the lengths of all indices of the equation."""
    given, kernel = call.layer.equation.replace("...", "").split("->")[0].split(",")
    sizes = dict(zip(kernel, call.layer.kernel.shape, strict=True))
    free = prod(call.takes[0]) // prod(sizes[index] for index in given if index in sizes)
    return free * prod(sizes.values())


def _heads(call: _Call) -> int:
    """Return the two products of attention, q·k and weights·v; the projections are calls inside."""
    query, value = call.takes[0], call.takes[min(1, len(call.takes) - 1)]
    axes = getattr(call.layer, "attention_axes", None) or range(1, len(query) - 1)
    axes = [axes] if isinstance(axes, int) else list(axes)
    pairs = prod(query[:-1]) * prod(value[axis] for axis in axes)
    if isinstance(call.layer, kl.GroupQueryAttention):
        return pairs * call.layer.num_query_heads * 2 * call.layer.head_dim
    return pairs * call.layer.num_heads * (call.layer.key_dim + call.layer.value_dim)


def _attention(call: _Call) -> int:
    query, value = call.takes[0], call.takes[1]
    return prod(query[:-1]) * value[-2] * (query[-1] + value[-1])


def _recurrent(call: _Call) -> int:
    cell = call.layer.cell
    return prod(call.takes[0][:2]) * (prod(cell.kernel.shape) + prod(cell.recurrent_kernel.shape))


def _conv_recurrent(call: _Call) -> int:
    cell = call.layer.cell
    state = call.gives[0][2:] if call.layer.return_sequences else call.gives[0][1:]
    places = _positions((1, *state), cell)
    kernels = prod(cell.kernel.shape) + prod(cell.recurrent_kernel.shape)
    return prod(call.takes[0][:2]) * places * kernels


def _repeated(call: _Call) -> int | None:
    """Return the work of `TimeDistributed`: the layer inside, on every step of every sample."""
    taken, given = call.takes[0], call.gives[0]
    inner = ((taken[0] * taken[1], *taken[2:]),), ((given[0] * given[1], *given[2:]),)
    return multiply_adds(call.layer.layer, *inner)


_Rule = Callable[[_Call], int | None]
# Depthwise and separable convolutions are subclasses of none of the plain ones.
_RULES: tuple[tuple[tuple[Any, ...], _Rule], ...] = (
    (_TRANSPOSED, _transposed),
    ((*_CONVOLUTIONS, *_DEPTHWISE), _convolution),
    (_SEPARABLE, _separable),
    ((kl.Dense,), _dense),
    ((kl.EinsumDense,), _einsum),
    ((kl.MultiHeadAttention, kl.GroupQueryAttention), _heads),
    ((kl.Attention,), _attention),
    (_RECURRENT, _recurrent),
    (_CONV_RECURRENT, _conv_recurrent),
    ((kl.TimeDistributed,), _repeated),
    (
        (kl.Embedding, kl.LayerNormalization, kl.GroupNormalization, kl.BatchNormalization,
         kl.Normalization, kl.PReLU),
        lambda call: 0,  # noqa: ARG005
    ),
)  # fmt: skip
