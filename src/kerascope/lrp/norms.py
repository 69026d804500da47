"""Normalisations over features: linear once their spread is taken as a constant.

Achtibat et al. 2024, section 3.3.2 (AttnLRP); Ali et al. 2022, section 3.2.
"""

from __future__ import annotations

from typing import Any

from keras import layers as kl
from keras import ops

from kerascope.hooks.rules import graft


def normalised(layer: Any, x: Any, y: Any) -> Any:
    """Return the layer's y with the gradient of (x − mean)·[γ/σ]."""
    wide = ops.cast(x, "float32")
    if isinstance(layer, kl.GroupNormalization):
        source = _grouped(layer, wide)
    elif isinstance(layer, kl.LayerNormalization):
        axes = _axes(layer, wide)
        centred = wide - ops.mean(wide, axis=axes, keepdims=True)
        spread = ops.rsqrt(ops.mean(centred**2, axis=axes, keepdims=True) + layer.epsilon)
        source = centred * ops.stop_gradient(spread)
        if layer.scale:
            source = source * _along(layer.gamma, axes, wide)
    elif isinstance(layer, kl.RMSNormalization):
        axes = _axes(layer, wide)
        spread = ops.rsqrt(ops.mean(wide**2, axis=axes, keepdims=True) + layer.epsilon)
        source = wide * ops.stop_gradient(spread) * _along(layer.scale, axes, wide)
    else:
        axes = _axes(layer, wide)
        length = ops.maximum(ops.sum(wide**2, axis=axes, keepdims=True), 1e-12)
        source = wide * ops.stop_gradient(ops.rsqrt(length))
    return graft(y, ops.cast(source, y.dtype))


def _axes(layer: Any, x: Any) -> tuple[int, ...]:
    axis = layer.axis
    return tuple(a % len(x.shape) for a in (axis if isinstance(axis, (list, tuple)) else [axis]))


def _along(weight: Any, axes: tuple[int, ...], x: Any) -> Any:
    """Return a weight in a shape to be multiplied along some axes of `x`."""
    shape = [x.shape[a] if a in axes else 1 for a in range(len(x.shape))]
    return ops.reshape(ops.cast(weight, "float32"), shape)


def _grouped(layer: Any, x: Any) -> Any:
    """Return (x − mean)·[1/σ]·γ by groups of channels."""
    axis = layer.axis % len(x.shape)
    channels = x.shape[axis]
    groups = channels if layer.groups == -1 else layer.groups
    shape = tuple(-1 if i == 0 else n for i, n in enumerate(x.shape))
    split = (*shape[:axis], groups, channels // groups, *shape[axis + 1 :])
    grouped = ops.reshape(x, split)
    axes = tuple(a for a in range(1, len(split)) if a != axis)
    centred = grouped - ops.mean(grouped, axis=axes, keepdims=True)
    spread = ops.rsqrt(ops.mean(centred**2, axis=axes, keepdims=True) + layer.epsilon)
    source = ops.reshape(centred * ops.stop_gradient(spread), shape)
    return source * _along(layer.gamma, (axis,), x) if layer.scale else source
