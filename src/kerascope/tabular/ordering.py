"""The order of categories that have none: those come side by side whose rows are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kerascope.columns import Column
    from kerascope.tabular.asked import Asked
    from kerascope.types import Array


def category_order(asked: Asked, column: Column) -> Array:
    """Return the places of a column's categories that rows hold, in order of likeness.

    Distances of the other columns' distributions, summed (Kolmogorov and Smirnov's for numbers,
    half the absolute differences for categories), brought onto a line by classical scaling (Apley
    and Zhu 2020, appendix E). Numbers that stand for categories have an order, which is kept.
    """
    data = column.read(asked.x)
    there = np.unique(data)
    if _numbered(column) or len(there) < 3:
        return there
    distance = np.zeros((len(there), len(there)))
    for other in asked.all:
        if other.name != column.name:
            values = other.read(asked.x)
            distance += _distances(values, data, there, whole=bool(other.categories))
    return there[np.argsort(_line(distance), kind="stable")]


def _numbered(column: Column) -> bool:
    """Tell whether the categories' words are numbers."""
    return all(word.lstrip("-").replace(".", "", 1).isdigit() for word in column.categories)


def _distances(values: Array, data: Array, there: Array, *, whole: bool) -> Array:
    """Return the distances between the distributions of a column among the rows of categories."""
    known = np.unique(values)
    place = np.searchsorted(known, values)
    counts = [np.bincount(place[data == one], minlength=len(known)) for one in there]
    shares = np.array(counts, np.float64)
    shares /= shares.sum(axis=1, keepdims=True)
    if whole:
        return np.abs(shares[:, None] - shares[None]).sum(axis=-1) / 2
    steps = shares.cumsum(axis=1)
    return np.abs(steps[:, None] - steps[None]).max(axis=-1)


def _line(distance: Array) -> Array:
    """Return places on a line with about these distances (Torgerson 1952); the first is leftmost.

    The sign of an eigenvector means nothing: the first category goes to the left half.
    """
    count = len(distance)
    centre = np.eye(count) - 1 / count
    _, vectors = np.linalg.eigh(-centre @ distance**2 @ centre / 2)
    places = vectors[:, -1]
    return places if places[0] <= 0 else -places
