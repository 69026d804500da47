"""Rules of layers whose kernel slides over a map: convolutions, pools, padding and cropping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerascope.incremental.calls import Call, Rule
from kerascope.incremental.spans import Step
from kerascope.types import Array


def of(*names: str) -> tuple[Any, ...]:
    """Return the 1-D, 2-D and 3-D layers of these names, as far as Keras has them."""
    found = [getattr(layers, f"{name}{rank}D", None) for name in names for rank in (1, 2, 3)]
    return tuple(layer for layer in found if layer is not None)


DEPTHWISE, SEPARABLE, MAX = of("DepthwiseConv"), of("SeparableConv"), of("MaxPooling")
SLIDING = (*of("Conv"), *DEPTHWISE, *SEPARABLE)


def _steps(call: Call, size: Any, stride: Any, hole: Any, padding: str) -> tuple[Step, ...]:
    """Return the steps of a kernel that slides over the maps."""
    found = []
    shapes = (call.spatial(call.given[0]), call.spatial(call.output))
    for k, s, d, n, m in zip(size, stride, hole, *shapes, strict=True):
        reach = (k - 1) * d + 1
        missing = max((m - 1) * s + reach - n, 0)
        before = {"same": missing // 2, "causal": reach - 1}.get(padding, 0)
        found.append(Step(reach, s, before))
    return tuple(found)


def convolution(call: Call) -> Rule | str:
    """Return the rule of a convolution, whose activation works on every cell alone."""
    layer = call.layer
    if layer.data_format != call.layout:
        return "has channels on another axis than the model"
    one = (1,) * call.rank
    stride = _sizes(layer.strides, call.rank)
    hole = _sizes(layer.dilation_rate, call.rank)
    steps = _steps(call, layer.kernel_size, stride, hole, layer.padding)
    options = {"strides": stride, "dilation_rate": hole, "data_format": layer.data_format}
    cells = float(np.prod(layer.kernel_size))
    filters = call.output[call.channel]
    if isinstance(layer, SEPARABLE):
        work = (cells + filters) * layer.depth_multiplier * call.given[0][call.channel]
    elif isinstance(layer, DEPTHWISE):
        work = cells * filters
    else:
        work = cells * filters * call.given[0][call.channel] / layer.groups

    def apply(regions: Sequence[Any]) -> Any:
        if isinstance(layer, SEPARABLE):
            kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
            output = ops.separable_conv(regions[0], *kernels, padding="valid", **options)
        elif isinstance(layer, DEPTHWISE):
            output = ops.depthwise_conv(regions[0], layer.kernel, padding="valid", **options)
        else:
            output = ops.conv(regions[0], layer.kernel, padding="valid", **options)
        if layer.use_bias:
            shape = (1, filters, *one) if call.channel == 1 else (1, *one, filters)
            output = ops.add(output, ops.reshape(layer.bias, shape))
        return output if layer.activation is None else layer.activation(output)

    return Rule(steps, apply, work=work, slow=isinstance(layer, (*DEPTHWISE, *SEPARABLE)))


def pooling(call: Call) -> Rule | str:
    """Return the rule of a pool; an average with padding is over the cells of the map alone."""
    layer = call.layer
    if layer.data_format != call.layout:
        return "has channels on another axis than the model"
    size, stride = _sizes(layer.pool_size, call.rank), _sizes(layer.strides, call.rank)
    steps = _steps(call, size, stride, (1,) * call.rank, layer.padding)
    options = {"strides": stride, "padding": "valid", "data_format": layer.data_format}
    work = float(np.prod(size)) * call.output[call.channel]
    if isinstance(layer, MAX):
        apply = lambda regions: ops.max_pool(regions[0], size, **options)  # noqa: E731
        return Rule(steps, apply, fill=-np.inf, work=work, slow=True)
    apply = lambda regions: ops.average_pool(regions[0], size, **options)  # noqa: E731
    if layer.padding == "valid":
        return Rule(steps, apply, work=work, slow=True)
    shapes = (call.spatial(call.given[0]), call.spatial(call.output))
    after = [
        (m - 1) * s.stride + s.reach - n - s.before for s, n, m in zip(steps, *shapes, strict=True)
    ]
    uneven = any(max(a, 0) != s.before for a, s in zip(after, steps, strict=True))
    if keras.backend.backend() == "torch" and uneven:
        # Keras on torch repeats the edge here, where other backends leave the padding out.
        return Rule(steps, apply, fill=None, work=work, slow=True)
    weights = _shares(steps, *shapes)
    return Rule(steps, apply, work=work, slow=True, weights=weights)


def _shares(steps: Sequence[Step], given: Sequence[int], output: Sequence[int]) -> Array:
    """Return kernel size / cells of the map under the kernel, for every cell of the output."""
    total = np.ones((), np.float32)
    for step, n, m in zip(steps, given, output, strict=True):
        reads = np.arange(m)[:, None] * step.stride - step.before + np.arange(step.reach)
        total = np.multiply.outer(total, step.reach / ((reads >= 0) & (reads < n)).sum(axis=1))
    return total.astype(np.float32)


def padded(call: Call) -> Rule | str:
    """Return the rule of zero padding and of cropping, which is padding by less than nothing."""
    layer = call.layer
    if getattr(layer, "data_format", call.layout) != call.layout:
        return "has channels on another axis than the model"
    crops = isinstance(layer, (layers.Cropping1D, layers.Cropping2D, layers.Cropping3D))
    amounts = layer.cropping if crops else layer.padding
    pairs = (amounts,) if isinstance(amounts[0], int) else amounts
    steps = tuple(Step(before=-pair[0] if crops else pair[0]) for pair in pairs)
    return Rule(steps, lambda regions: regions[0])


def _sizes(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)
