"""The numbers of a map as a document keeps them: at the method's own resolution, whole or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.attribution import heatmap_of
from kerascope.method import AttributionMethod
from kerascope.plot.maps import Kind, Map, axes_of, input_of
from kerascope.resize import overlaps

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

Keep = Callable[["Array"], dict[str, Any]]


def drawn_by_page(result: Attribution, item: Map) -> bool:
    """Tell whether the page draws a map out of its numbers; of others it shows a figure."""
    if item.kind is Kind.TOKENS:
        return result.tokens(item.sample, item.input) is not None
    return item.kind in (Kind.PICTURE, Kind.TABLE)


def arrays(result: Attribution, item: Map, keep: Keep) -> dict[str, Any]:
    """Return "values", "signed" and "path" of a map that the page draws; see docs/front-end.md.

    keep: makes an array of the document.
    """
    if item.kind is Kind.TABLE:
        return {"values": keep(item.values), "signed": None, "path": None}
    before = _signed(result, item)
    return {
        "values": keep(_native(result, item) if item.kind is Kind.PICTURE else item.values),
        "signed": None if before is None else keep(before),
        "path": _path(result, item, keep),
    }


def averaged(values: Array, size: tuple[int, int]) -> Array:
    """Return a (y, x) map as means over equal areas, `size` of them."""
    rows, columns = (overlaps(old, new) for old, new in zip(values.shape, size, strict=True))
    rows, columns = (w / w.sum(axis=1, keepdims=True) for w in (rows, columns))
    return (rows @ values.astype(np.float64) @ columns.T).astype(np.float32)


def _native(result: Attribution, item: Map) -> Array:
    """Return a map at the method's own resolution, where stretching it is plain interpolation."""
    if type(result.method).project is not AttributionMethod.project:
        return item.values
    return _flat(result, item, *_row(result, item))


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
    return row if row.ndim == item.values.ndim and np.isfinite(row).all() else None


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
