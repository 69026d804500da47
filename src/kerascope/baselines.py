"""Baselines: what an input is compared with, or covered by."""

from __future__ import annotations

import numpy as np

from kerascope.errors import BadMethod
from kerascope.types import Array

KINDS = ("zero", "min", "max", "mean", "blur", "noise")
_BLUR = 8  # the blur baseline's σ is the picture's size divided by this


def check_kind(baseline: object) -> None:
    """Raise `BadMethod` unless `baseline` is a number, an array or a known word."""
    if isinstance(baseline, str) and baseline not in KINDS:
        raise BadMethod(
            f"baseline '{baseline}' is not known; give a number, an array, or one of "
            f"{', '.join(KINDS)}"
        )


def blur(values: Array, sigma: float, axes: tuple[str, ...]) -> Array:
    """Return one sample blurred by a Gaussian of `sigma` positions along its spatial axes, edges
    held.
    """
    from scipy import ndimage

    sigmas = [0.0 if name in ("channel", "embedding") else sigma for name in axes]
    return ndimage.gaussian_filter(values, sigmas, mode="nearest") if sigma > 0 else values.copy()


def baseline_of(
    baseline: float | str | Array,
    sample: Array,
    axes: tuple[str, ...],
    generator: np.random.Generator,
) -> Array:
    """Return the baseline of one sample: float32, of the sample's shape.

    A number fills; "zero", "min", "max" and "mean" (per channel) do so with the sample's own;
    "blur" is the sample blurred with σ = size / 8; "noise" is uniform between the sample's
    extremes; an
    array is taken as it is, or broadcast.
    """
    check_kind(baseline)
    if not isinstance(baseline, str):
        try:
            return np.broadcast_to(np.asarray(baseline, np.float32), sample.shape).astype(
                np.float32
            )
        except ValueError as error:
            raise BadMethod(
                f"the baseline has shape {np.shape(baseline)}; a sample has {sample.shape}"
            ) from error
    if baseline == "blur":
        sizes = [n for n, name in zip(sample.shape, axes, strict=True) if name != "channel"]
        return blur(sample, max(sizes) / _BLUR, axes).astype(np.float32)
    if baseline == "noise":
        low, high = float(sample.min()), float(sample.max())
        return generator.uniform(low, high, sample.shape).astype(np.float32)
    if baseline == "mean":
        others = tuple(i for i, name in enumerate(axes) if name != "channel")
        mean = sample.mean(axis=others if "channel" in axes else None, keepdims=True)
        return np.broadcast_to(mean, sample.shape).astype(np.float32)
    fill = {"zero": 0.0, "min": float(sample.min()), "max": float(sample.max())}[baseline]
    return np.full(sample.shape, fill, np.float32)
