"""What a picture is charged for, beside the score: roughness, size, likeness to its siblings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from kerascope.errors import BadMethod
from kerascope.inside.maximize.canvas import Canvas


@dataclasses.dataclass(frozen=True)
class TotalVariation:
    """weight × the mean of |difference of neighbours|^power, along every axis of positions.

    Differences are of the picture's values from 0 to 1 (Mahendran & Vedaldi 2015).
    """

    weight: float
    power: float = 1.0

    def __post_init__(self) -> None:
        _check(self, least=1.0)

    def __call__(self, pictures: Any, canvas: Canvas) -> Any:
        """Return the charge of every picture (row, *size, channel): (row,)."""
        total = ops.zeros((pictures.shape[0],))
        for axis, n in enumerate(canvas.size, 1):
            if n > 1:
                before = (slice(None),) * axis
                far, near = pictures[(*before, slice(1, None))], pictures[(*before, slice(n - 1))]
                total = total + _mean(ops.abs(far - near), self.power)
        return self.weight * total


@dataclasses.dataclass(frozen=True)
class Norm:
    """weight × the mean of |value − grey|^power (Lᵖ; Simonyan et al. 2014 take L²)."""

    weight: float
    power: float = 2.0

    def __post_init__(self) -> None:
        _check(self, least=1.0)

    def __call__(self, pictures: Any, canvas: Canvas) -> Any:
        """Return the charge of every picture (row, *size, channel): (row,)."""
        return self.weight * _mean(ops.abs(pictures - canvas.middle), self.power)


@dataclasses.dataclass(frozen=True)
class Diversity:
    """weight × the mean cosine between the Gram matrices of a layer for pictures of one target.

    So that several pictures show several sides of it (Olah et al. 2017, after Gatys et al. 2015).
    """

    layer: Any
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.weight):
            raise BadMethod(f"weight={self.weight} must be finite")

    def charge(self, activations: Any, count: int) -> Any:
        """Return the charge (row,) of activations (row, …, channel), `count` rows for a target."""
        rows, channels = activations.shape[0], activations.shape[-1]
        flat = ops.reshape(activations, (rows, -1, channels))
        gram = ops.reshape(ops.matmul(ops.transpose(flat, (0, 2, 1)), flat), (rows, -1))
        unit = gram / (ops.sqrt(ops.sum(gram * gram, axis=1, keepdims=True)) + 1e-12)
        groups = ops.reshape(unit, (rows // count, count, -1))
        cosines = ops.matmul(groups, ops.transpose(groups, (0, 2, 1)))
        others = ops.sum(cosines, axis=-1) - ops.sum(groups * groups, axis=-1)
        return self.weight * ops.reshape(others, (rows,)) / max(1, count - 1)


def _check(charge: TotalVariation | Norm, *, least: float) -> None:
    if not np.isfinite(charge.weight):
        raise BadMethod(f"weight={charge.weight} must be finite")
    if not (np.isfinite(charge.power) and charge.power >= least):
        raise BadMethod(f"power={charge.power} must be at least {least:g}")


def _mean(sizes: Any, power: float) -> Any:
    axes = tuple(range(1, len(sizes.shape)))
    return ops.mean(sizes if power == 1 else sizes**power, axis=axes)
