"""The numbers of a map as a document keeps them: at the method's own resolution, whole or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.attribution import heatmap_of
from kerascope.method import AttributionMethod
from kerascope.plot.maps import Kind, Map, as_drawn, axes_of, input_of
from kerascope.resize import overlaps

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

DEEP = (Kind.SERIES, Kind.VOLUME, Kind.VIDEO)  # on paper, a figure stands for the panel

Keep = Callable[["Array"], dict[str, Any]]


def drawn_by_page(result: Attribution, item: Map) -> bool:
    """Tell whether the page draws a map out of its numbers; of others it shows a figure."""
    if item.kind is Kind.TOKENS:
        return result.tokens(item.sample, item.input) is not None
    return item.kind in (Kind.PICTURE, Kind.TABLE, *DEEP)


def arrays(result: Attribution, item: Map, keep: Keep) -> dict[str, Any]:
    """Return "values", "signed" and "path" of a map that the page draws; see docs/front-end.md.

    keep: makes an array of the document.
    """
    if item.kind is Kind.TABLE:
        return {"values": keep(item.values), "signed": None, "path": None}
    before = _signed(result, item)
    native = item.kind is Kind.PICTURE or item.kind in DEEP
    return {
        "values": keep(_native(result, item) if native else item.values),
        "signed": None if before is None else keep(before),
        "path": None if item.kind in DEEP else _path(result, item, keep),
    }


def averaged(values: Array, size: tuple[int, ...]) -> Array:
    """Return a map as means over equal areas, `size` of them along its axes."""
    found = values.astype(np.float64)
    for axis, (old, new) in enumerate(zip(values.shape, size, strict=True)):
        shares = overlaps(old, new)
        shares /= shares.sum(axis=1, keepdims=True)
        found = np.moveaxis(np.moveaxis(found, axis, -1) @ shares.T, -1, axis)
    return found.astype(np.float32)


def _native(result: Attribution, item: Map) -> Array:
    """Return a map at the method's own resolution, where stretching it is plain interpolation."""
    row, axes = _row(result, item)
    lanes = item.kind is Kind.SERIES  # (channel, time), or one row for all channels
    if lanes and "channel" in axes:
        return as_drawn(result, item).values
    if type(result.method).project is not AttributionMethod.project:
        return item.values[None] if lanes else item.values
    values = _flat(result, item, row, axes)
    return values[None] if lanes else values


def _flat(result: Attribution, item: Map, values: Array, axes: tuple[str, ...]) -> Array:
    """Return one sample's values without channels, at their own resolution: (y, x)."""
    if "channel" in axes:
        known = result.input_axes[item.input]
        kept = tuple(a for a in axes if a not in ("sample", "target", "channel"))
        # at its own size: what `heatmap_of` stretches stays as it is
        sizes = dict(zip(axes, values.shape, strict=True))
        shape = tuple(sizes.get(a, 1) if a in kept else 1 for a in known)
        values = heatmap_of(result.method, values, axes, known, shape, result.method.reduce)
    return np.nan_to_num(np.squeeze(values, axis=0), nan=0, posinf=0, neginf=0)


def _row(result: Attribution, item: Map) -> tuple[Array, tuple[str, ...]]:
    """Return the values of one sample and target, sample axis kept, and their axes."""
    tree = result.values
    values = np.asarray(tree[item.input] if isinstance(tree, Mapping) else tree)
    axes = axes_of(result, item.input)
    values = values[item.sample : item.sample + 1]
    if "target" in axes:
        values = values[:, item.target]
        axes = tuple(a for a in axes if a != "target")
    return np.asarray(values, np.float32), axes


def _signed(result: Attribution, item: Map) -> Array | None:
    """Return the map before its ReLU, where the method kept it."""
    kept = result.extras.get("signed", result.extras.get(f"signed:{item.input}"))
    if kept is None:
        return None
    row = np.asarray(kept[item.sample], np.float32)
    axes = axes_of(result, item.input)
    if "target" in axes:
        row, axes = row[item.target], tuple(a for a in axes if a != "target")
    if item.kind is Kind.TOKENS and row.shape != item.values.shape and "channel" not in axes:
        shape = np.shape(input_of(result, item.input))
        known = result.input_axes[item.input]
        row = heatmap_of(result.method, row[None], axes, known, shape, result.method.reduce)[0]
    if row.ndim != item.values.ndim or not np.isfinite(row).all():
        return None
    return row[None] if item.kind is Kind.SERIES else row


def _path(result: Attribution, item: Map, keep: Keep) -> dict[str, Any] | None:
    """Return the maps along a path that a method kept, from the baseline, where nothing is, on."""
    extras = result.extras
    maps = extras.get("path", extras.get(f"path:{item.input}"))
    if maps is None:
        return None
    several = "target" in axes_of(result, item.input)
    row = lambda array: array[item.sample][item.target] if several else array[item.sample]  # noqa: E731
    axes = _row(result, item)[1]
    ways = [_flat(result, item, np.asarray(way[None], np.float32), axes) for way in row(maps)]
    scores = [float(row(extras["path_start"])), *row(extras["path_scores"]).tolist()]
    return {
        "alphas": [0.0, *extras["path_alphas"][item.sample].tolist()],
        "scores": scores,
        "values": [keep(way) for way in [np.zeros_like(ways[0]), *ways]],
    }
