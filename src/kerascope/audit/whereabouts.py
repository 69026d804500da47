"""Where the evidence for each class lies: shares of it by region, beside those of other classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from kerascope.audit.classes import class_name
from kerascope.audit.collected import Collected
from kerascope.audit.once import chosen_method, matrix, numbers, towards, whole_numbers
from kerascope.audit.strategies import checked_target
from kerascope.types import Array

# By region the parts (x0, y0, x1, y1) of the picture that it is made of, as fractions.
_CORNERS = {
    "upper left corner": (0, 0, 0.25, 0.25), "upper right corner": (0.75, 0, 1, 0.25),
    "lower left corner": (0, 0.75, 0.25, 1), "lower right corner": (0.75, 0.75, 1, 1),
}  # fmt: skip
REGIONS = {
    **_CORNERS,
    "centre": (0.25, 0.25, 0.75, 0.75),
    "upper half": (0, 0, 1, 0.5),
    "lower half": (0, 0.5, 1, 1),
    "left half": (0, 0, 0.5, 1),
    "right half": (0.5, 0, 1, 1),
}
_RING = 0.125  # of each side
BORDER, OUTSIDE = "border", "outside the object"
_FEW = 2  # samples without a spread


class Place(NamedTuple):
    """How much of the positive evidence for a class lies in a region.

    share: mean over the samples, 0 … 1. area: of the region, likewise. others: mean share of the
    evidence for all other classes there; difference: share less that, with the 95 %
    interval of Welch's t. NaN where nothing can be compared.
    """

    region: str
    share: float
    area: float
    others: float
    difference: float
    interval: tuple[float, float]
    samples: int

    @property
    def words(self) -> str:
        """As a sentence; where the evidence lies is no alarm."""
        said = (
            f"{100 * self.share:.0f} % of the positive evidence lies {_in(self.region)}, which is "
            f"{100 * self.area:.0f} % of the picture"
        )
        if np.isnan(self.others):
            return said
        return f"{said}; of other classes {100 * self.others:.0f} %"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class ClassPlaces:
    """Where the evidence for one class lies, the region that differs most from others first."""

    label: int
    name: str
    samples: int
    places: tuple[Place, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "class": self.name,
            "index": self.label,
            "samples": self.samples,
            "places": [
                {
                    name: None if isinstance(value, float) and np.isnan(value) else value
                    for name, value in place._asdict().items()
                }
                | {"interval": [None if np.isnan(v) else v for v in place.interval]}
                | {"words": place.words}
                for place in self.places
            ],
        }


def whereabouts(
    collected: Collected, *, method: str | None = None, target: str | None = None
) -> tuple[ClassPlaces, ...]:
    """Return where the positive evidence of maps lies, by class; of two-dimensional maps only.

    Raises `BadInput` for a method or target that is not known.
    """
    target, method = checked_target(collected, target), chosen_method(collected, method)
    names = collected.settings.get("classes")
    sums = _Sums()
    columns = ["target_index", "map", "map_shape", "map_inside", "mask_area"]
    if method is not None:
        for batch in towards(collected, columns, method=method, target=target):
            sums.add(batch)
    return tuple(
        ClassPlaces(
            label=k, name=class_name(k, names), samples=round(float(sums.of[k][0].max())),
            places=tuple(sorted(sums.places(k), key=_by_difference)),
        )
        for k in sorted(sums.of)
    )  # fmt: skip


def region_weights(shape: tuple[int, int]) -> dict[str, Array]:
    """Return by region the share of each cell of a (y, x) map that lies in it."""
    rows, columns = shape
    found = {
        name: np.outer(_along(rows, y0, y1), _along(columns, x0, x1))
        for name, (x0, y0, x1, y1) in REGIONS.items()
    }
    inner = np.outer(_along(rows, _RING, 1 - _RING), _along(columns, _RING, 1 - _RING))
    return {**found, BORDER: 1 - inner}


def _along(cells: int, low: float, high: float) -> Array:
    """Return the share of each of equal cells between two fractions of their length."""
    edges = np.arange(cells + 1) / cells
    shared = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.clip(shared * cells, 0, 1)


class _Sums:
    """By class (4, region): how many shares, their sum, sum of squares, sum of the areas."""

    def __init__(self) -> None:
        self.names = (*REGIONS, BORDER, OUTSIDE)
        self.of: dict[int, Array] = {}

    def add(self, batch: Any) -> None:
        shapes = batch.column("map_shape").to_pylist()
        maps, labels = matrix(batch.column("map")), whole_numbers(batch.column("target_index"))
        outside = 1 - numbers(batch.column("map_inside"))
        around = 1 - numbers(batch.column("mask_area"))
        shares = np.full((len(labels), len(self.names)), np.nan)
        areas = np.full_like(shares, np.nan)
        for shape in {tuple(s) for s in shapes if s is not None and len(s) == 2}:
            rows = np.array([s is not None and tuple(s) == shape for s in shapes])
            above = np.maximum(maps[rows, : int(np.prod(shape))], 0).astype(np.float64)
            total = above.sum(axis=1, keepdims=True)
            weights = np.stack([w.ravel() for w in region_weights(shape).values()], axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares[rows, :-1] = np.where(total > 0, above @ weights / total, np.nan)
            areas[rows, :-1] = weights.mean(axis=0)
        shares[:, -1], areas[:, -1] = outside, around
        for k in np.unique(labels).tolist():
            self._add(k, shares[labels == k], areas[labels == k])

    def _add(self, k: int, shares: Array, areas: Array) -> None:
        good = np.isfinite(shares)
        parts = (np.ones_like(shares), shares, shares**2, areas)
        sums = np.stack([np.where(good, part, 0).sum(axis=0) for part in parts])
        self.of[k] = self.of.get(k, 0) + sums

    def places(self, k: int) -> Iterator[Place]:
        own = self.of[k]
        rest = np.sum([*self.of.values(), -own], axis=0)
        for i, name in enumerate(self.names):
            if own[0, i]:
                yield _place(name, own[:, i], rest[:, i])


def _place(name: str, own: Array, rest: Array) -> Place:
    (n, mean, error), (m, other, far) = _moments(own), _moments(rest)
    low = high = np.nan
    difference = mean - other
    if min(n, m) >= _FEW:
        spread = np.sqrt(error + far)
        freedom = (error + far) ** 2 / max(error**2 / (n - 1) + far**2 / (m - 1), 1e-300)
        half = float(stats.t.ppf(0.975, max(freedom, 1.0)) * spread)
        low, high = difference - half, difference + half
    area = float(own[3] / own[0])
    return Place(name, mean, area, other, difference, (low, high), round(n))


def _moments(sums: Array) -> tuple[float, float, float]:
    """Return number, mean and squared standard error."""
    n, total, squares = (float(value) for value in sums[:3])
    if n < 0.5:
        return 0.0, np.nan, np.nan
    variance = max(squares / n - (total / n) ** 2, 0.0) * n / max(n - 1, 1)
    return n, total / n, variance / n


def _by_difference(place: Place) -> float:
    return 0.0 if np.isnan(place.difference) else -abs(place.difference)


def _in(region: str) -> str:
    if region == OUTSIDE:
        return region
    return f"{'on' if region == BORDER else 'in'} the {region}"
