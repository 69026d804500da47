"""Fresh weights as Keras's initialisers draw them, but by NumPy: the same on every backend."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerascope.types import Array

Draw = Callable[[Any, tuple[int, ...], np.random.Generator], Array]

_CUT = 2.0  # standard deviations at which a truncated normal ends
_KEPT = 0.87962566103423978  # the standard deviation of a unit normal that is cut there


def initializer_of(layer: Any, name: str) -> Any:
    """Return the initialiser that a layer keeps for its weight of this name, or None.

    `kernel` has `kernel_initializer` (of a depthwise layer, `depthwise_initializer`) and
    `recurrent_kernel` has `recurrent_initializer`.
    """
    stems = [name, name.removesuffix("_kernel")] + (["depthwise"] if name == "kernel" else [])
    for stem in stems:
        found = getattr(layer, f"{stem}_initializer", None)
        if found is not None:
            return found
    return None


def drawn(
    initializer: Any, shape: tuple[int, ...], generator: np.random.Generator
) -> tuple[Array, bool]:
    """Return fresh values, and whether NumPy drew them; else the backend did, with a fixed seed."""
    for kind, draw in _draws().items():
        if isinstance(initializer, kind):
            return draw(initializer, shape, generator), True
    fixed = copy.copy(initializer)
    if hasattr(fixed, "seed"):
        fixed.seed = int(generator.integers(2**31))
    from keras import ops

    return ops.convert_to_numpy(fixed(shape)), False


def _truncated(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    from scipy import special

    tail = special.ndtr(-_CUT)
    return special.ndtri(generator.uniform(tail, 1 - tail, shape))


def _scaled(initializer: Any, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Draw as `VarianceScaling` does: Glorot, He and LeCun."""
    fan_in, fan_out = _fans(initializer, shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out}.get(initializer.mode, (fan_in + fan_out) / 2)
    variance = initializer.scale / max(1.0, fan)
    if initializer.distribution == "truncated_normal":
        return _truncated(shape, generator) * math.sqrt(variance) / _KEPT
    if initializer.distribution == "untruncated_normal":
        return generator.normal(0, math.sqrt(variance), shape)
    limit = math.sqrt(3 * variance)
    return generator.uniform(-limit, limit, shape)


def _fans(initializer: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many values go into a unit, and how many come out of one."""
    into, out = (getattr(initializer, name, None) for name in ("input_axes", "output_axes"))
    if into is not None and out is not None:
        return math.prod(shape[axis] for axis in into), math.prod(shape[axis] for axis in out)
    if len(shape) < 2:
        return (shape or (1,))[0], (shape or (1,))[0]
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def _orthogonal(initializer: Any, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    rows, columns = math.prod(shape[:-1]), shape[-1]
    tall = generator.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return initializer.gain * (q.T if rows < columns else q).reshape(shape)


@functools.cache
def _draws() -> dict[type, Draw]:
    from keras import initializers

    return {
        initializers.VarianceScaling: _scaled,
        initializers.RandomNormal: lambda i, s, g: g.normal(i.mean, i.stddev, s),
        initializers.TruncatedNormal: lambda i, s, g: i.mean + i.stddev * _truncated(s, g),
        initializers.RandomUniform: lambda i, s, g: g.uniform(i.minval, i.maxval, s),
        initializers.Orthogonal: _orthogonal,
        initializers.Zeros: lambda i, s, g: np.zeros(s),  # noqa: ARG005
        initializers.Ones: lambda i, s, g: np.ones(s),  # noqa: ARG005
        initializers.Constant: lambda i, s, g: np.broadcast_to(np.asarray(i.value, float), s),  # noqa: ARG005
        initializers.Identity: lambda i, s, g: i.gain * np.eye(s[0], s[1]),  # noqa: ARG005
    }
