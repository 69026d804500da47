"""Baselines: what an input is compared with, or covered by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadMethod
from kerascope.resize import linear
from kerascope.types import Array

KINDS = ("zero", "min", "max", "mean", "blur", "noise", "last")
COVERS = (*KINDS, "inpaint")  # what can cover a part; "inpaint" depends on what is left
TOKENS = ("mask", "unk", "pad")  # of text: tokens that stand for others, by what `Reading` knows
_BLUR = 8  # the blur baseline's σ is the picture's size divided by this


def by_input(baseline: object) -> dict[str, Any] | None:
    """Return a baseline of several inputs by name, where a dict of words or numbers was given.

    A method holds it as pairs, so that it stays hashable; None for any other baseline.
    """
    pairs = isinstance(baseline, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in baseline
    )
    return dict(baseline) if pairs else None  # type: ignore[call-overload,no-any-return]


def check_kind(baseline: object) -> None:
    """Raise `BadMethod` unless `baseline` is a number, an array or a known word."""
    for own in (by_input(baseline) or {}).values():
        check_kind(own)
    if isinstance(baseline, str) and baseline not in (*KINDS, *TOKENS):
        raise BadMethod(
            f"baseline '{baseline}' is not known; give a number, an array, or one of "
            f"{', '.join(KINDS)}; for text {', '.join(TOKENS)}"
        )


def packed(tree: Mapping[str, Array]) -> Array:
    """Return rows of several inputs as one structured array, with a field for each input."""
    arrays = {name: np.asarray(array) for name, array in tree.items()}
    kinds = [(name, array.dtype, array.shape[1:]) for name, array in arrays.items()]
    counts = {name: len(array) for name, array in arrays.items()}
    if len(set(counts.values())) != 1:
        raise BadMethod(f"a background of several inputs needs as many rows of each: {counts}")
    rows = np.empty(next(iter(counts.values())), dtype=kinds)
    for name, array in arrays.items():
        rows[name] = array
    return rows


def part_of(value: Any, name: str) -> Any:
    """Return the part of one input of what `packed` or `by_input` made; others as they are."""
    fields: Any = getattr(getattr(value, "dtype", None), "names", None)
    if isinstance(value, Mapping):
        fields = tuple(value)
    if fields is None:
        return value
    if name not in fields:
        raise BadMethod(f"the baseline has no input '{name}'; it has {', '.join(fields)}")
    return getattr(value[name], "array", value[name])  # taken out of `Data`


def check_cover(baseline: Any) -> Any:
    """Return what covers, with arrays taken out of `Data`; raise `BadMethod` on unknown words."""
    if isinstance(baseline, str) and baseline == "inpaint":
        return baseline
    if (parts := by_input(baseline)) is not None:
        for name, own in parts.items():
            if isinstance(own, str) and own in ("inpaint", "drop"):
                raise BadMethod(f"baseline '{own}' of input '{name}' is for all inputs or none")
            if isinstance(own, str):
                check_cover(own)
        return parts
    if isinstance(baseline, str) and baseline not in (*COVERS, *TOKENS, "drop"):
        raise BadMethod(
            f"baseline '{baseline}' is not known; give a number, an array, or one of "
            f"{', '.join(COVERS)}; for text {', '.join(TOKENS)}, drop"
        )
    return baseline.array if hasattr(baseline, "array") else baseline


def inpaint(values: Array, masks: Array) -> Array:
    """Fill what is covered in from what is shown around it: (row, …) with a mask of 1 = shown.

    Pull-push interpolation (Gortler et al. 1996, The Lumigraph, section 3.4.2): averages of the
    shown positions at ever coarser grids fill the holes of the finer ones. `masks` has size 1
    along the channels. Where nothing is shown at all, the row's mean fills it, per channel.
    """
    weights = np.asarray(masks, np.float32)
    channel = next((i for i in range(1, values.ndim) if weights.shape[i] != values.shape[i]), None)
    last = values if channel is None else np.moveaxis(values, channel, 1)
    weights = weights if channel is None else np.moveaxis(weights, channel, 1)
    skip = 1 if channel is None else 2
    mean = last.mean(axis=tuple(range(skip, last.ndim)), keepdims=True)
    filled = weights * last + (1 - weights) * (_pull_push(last - mean, weights, skip) + mean)
    return (filled if channel is None else np.moveaxis(filled, 1, channel)).astype(np.float32)


def _pull_push(values: Array, weights: Array, skip: int) -> Array:
    """Return (row, channel, *spatial) values with unknown positions taken from coarser grids."""
    if max(values.shape[skip:]) == 1:
        return values * (weights > 0)
    coarse, total = values * weights, weights
    for axis in range(skip, values.ndim):
        coarse, total = _halve(coarse, axis), _halve(total, axis)
    mean = np.divide(coarse, total, out=np.zeros_like(coarse), where=total > 0)
    below = _pull_push(mean, np.minimum(total, 1.0), skip)
    return weights * values + (1 - weights) * linear(below, values.shape[skip:])


def _halve(values: Array, axis: int) -> Array:
    """Sum pairs of neighbours along an axis; an odd last one stays alone."""
    return np.add.reduceat(values, np.arange(0, values.shape[axis], 2), axis=axis)


def blur(values: Array, sigma: float, axes: tuple[str, ...]) -> Array:
    """Return one sample blurred by a Gaussian of σ = `sigma` positions, edges held."""
    from scipy import ndimage

    sigmas = [0.0 if name in ("channel", "embedding") else sigma for name in axes]
    return ndimage.gaussian_filter(values, sigmas, mode="nearest") if sigma > 0 else values.copy()


def baseline_of(
    baseline: float | str | Array,
    sample: Array,
    axes: tuple[str, ...],
    generator: np.random.Generator,
    stays: Array | None = None,
) -> Array:
    """Return the baseline of one sample: float32, of the sample's shape.

    stays: truth values along the first axis: steps that the model leaves out, which stay as they
    are and are no part of any mean or extreme.

    A number fills; "zero", "min", "max" and "mean" (per channel) do so with the sample's own;
    "blur" is the sample blurred with σ = size / 8; "noise" is uniform between the sample's
    extremes; "last", of a series, holds each channel's last value; an array is taken as it is, or
    broadcast.
    """
    check_kind(baseline)
    if isinstance(baseline, str) and baseline in TOKENS:
        raise BadMethod(f"baseline='{baseline}' is for token ids; this input holds none")
    if stays is not None and stays.any():
        found = sample.astype(np.float32)
        whole = not isinstance(baseline, str) and np.shape(baseline) == sample.shape
        given = np.asarray(baseline)[~stays] if whole else baseline
        if not stays.all():
            found[~stays] = baseline_of(given, sample[~stays], axes, generator)
        return found
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
    if baseline == "last":
        if "time" not in axes:
            raise BadMethod(
                "baseline='last' is for series, whose last value it holds; the input has axes "
                f"{', '.join(axes)}"
            )
        time = axes.index("time")
        last = np.take(sample, [-1], axis=time)
        return np.broadcast_to(last, sample.shape).astype(np.float32)
    if baseline == "mean":
        others = tuple(i for i, name in enumerate(axes) if name != "channel")
        mean = sample.mean(axis=others if "channel" in axes else None, keepdims=True)
        return np.broadcast_to(mean, sample.shape).astype(np.float32)
    fill = {"zero": 0.0, "min": float(sample.min()), "max": float(sample.max())}[baseline]
    return np.full(sample.shape, fill, np.float32)
