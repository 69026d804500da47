"""Draw soft-edged shapes and noise on a picture of any size, with NumPy alone.

Coordinates are shares of the picture: x to the right, y down, both 0…1. Edges are as wide as a
pixel whatever the size, so that one scene can be drawn small for a net and large for a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kerascope.types import Array

Colour = Sequence[float] | Array
"""Red, green, blue, 0…1: three numbers, or a picture (height, width, 3)."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """A region by its signed distance, negative inside, and a box that holds it."""

    box: tuple[float, float, float, float]  # left, top, right, bottom
    distance: Callable[[Array, Array], Array]


def disc(centre: Point, radius: float, *, stretch: float = 1.0) -> Shape:
    """Return a disc, or an ellipse `stretch` times as wide as it is high."""
    cx, cy = centre
    wide = radius * stretch

    def distance(x: Array, y: Array) -> Array:
        across, down = (x - cx) / wide, (y - cy) / radius
        size, slope = np.hypot(across, down), np.hypot(across / wide, down / radius)
        # to first order in the distance from the edge; the tiny terms keep the centre finite
        return (size - 1.0) * (size + 1e-9) / (slope + 1e-9 / radius)

    return Shape((cx - wide, cy - radius, cx + wide, cy + radius), distance)


def capsule(start: Point, end: Point, radius: float) -> Shape:
    """Return a thick line with round ends."""
    (ax, ay), (bx, by) = start, end
    dx, dy = bx - ax, by - ay
    length2 = max(dx * dx + dy * dy, 1e-12)

    def distance(x: Array, y: Array) -> Array:
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / length2, 0.0, 1.0)
        return np.hypot(x - ax - along * dx, y - ay - along * dy) - radius

    box = (min(ax, bx) - radius, min(ay, by) - radius, max(ax, bx) + radius, max(ay, by) + radius)
    return Shape(box, distance)


def polygon(points: Sequence[Point]) -> Shape:
    """Return a convex polygon; its corners may run either way round."""
    corners = np.asarray(points, np.float64)
    after = np.roll(corners, -1, axis=0)
    area = float(np.sum(corners[:, 0] * after[:, 1] - after[:, 0] * corners[:, 1]))
    edge = (after - corners) * (1.0 if area > 0 else -1.0)
    normal = np.stack([edge[:, 1], -edge[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)

    def distance(x: Array, y: Array) -> Array:
        found = np.full(np.broadcast_shapes(x.shape, y.shape), -np.inf)
        for (px, py), (nx, ny) in zip(corners, normal, strict=True):
            np.maximum(found, (x - px) * nx + (y - py) * ny, out=found)
        return found

    low, high = corners.min(axis=0), corners.max(axis=0)
    return Shape((low[0], low[1], high[0], high[1]), distance)


class Canvas:
    """A square picture that shapes are painted on, one over the other.

    Attributes:
        rgb: (size, size, 3) float64, 0…1.
        x: (1, size) and y: (size, 1): where the pixels' centres are.
        cover: (size, size) how much of each pixel has been painted since `cover` was last cleared.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        centres = (np.arange(size) + 0.5) / size
        self.x, self.y = centres[None, :], centres[:, None]
        self.rgb = np.zeros((size, size, 3))
        self.cover = np.zeros((size, size))

    def fill(self, cover: Array, colour: Colour) -> None:
        """Paint `colour` where `cover` (size, size), 0…1, says."""
        self._blend((slice(None), slice(None)), np.broadcast_to(cover, self.cover.shape), colour)

    def paint(
        self, shape: Shape, colour: Colour, *, soft: float = 0.0, strength: float = 1.0
    ) -> None:
        """Paint a shape; `soft` is the width of its edge as a share of the picture."""
        width = max(soft, 1.0 / self.size)
        left, top, right, bottom = shape.box
        rows = self._span(top - width, bottom + width)
        columns = self._span(left - width, right + width)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        away = shape.distance(self.x[:, columns], self.y[rows, :])
        self._blend((rows, columns), strength * np.clip(0.5 - away / width, 0.0, 1.0), colour)

    def _span(self, low: float, high: float) -> slice:
        start, stop = int(np.floor(low * self.size)), int(np.ceil(high * self.size))
        return slice(min(max(start, 0), self.size), min(max(stop, 0), self.size))

    def _blend(self, where: tuple[slice, slice], cover: Array, colour: Colour) -> None:
        ink = np.asarray(colour, np.float64)
        ink = ink[where] if ink.ndim == 3 else ink
        part = self.rgb[where]
        part += cover[..., None] * (ink - part)
        np.maximum(self.cover[where], cover, out=self.cover[where])


class Noise:
    """Smooth noise, 0…1, on the whole plane: random values on a lattice, blended in between."""

    def __init__(self, random: np.random.Generator, *, cells: int = 32) -> None:
        self._lattice = random.random((cells, cells))
        self._cells = cells

    def at(self, u: Array, v: Array, *, octaves: int = 1) -> Array:
        """Return the noise at lattice coordinates; each octave is twice as fine, half as strong."""
        total, weight = np.zeros(np.broadcast_shapes(u.shape, v.shape)), 0.0
        for octave in range(octaves):
            share, scale = 0.5**octave, 2.0**octave
            # the shift keeps the lattices of two octaves from lining up
            total += share * self._single(u * scale + 7.3 * octave, v * scale + 3.1 * octave)
            weight += share
        return total / weight

    def _single(self, u: Array, v: Array) -> Array:
        column, row = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        s, t = u - column, v - row
        s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
        n = self._cells
        left, right, top, bottom = column % n, (column + 1) % n, row % n, (row + 1) % n
        upper = self._lattice[top, left] * (1 - s) + self._lattice[top, right] * s
        lower = self._lattice[bottom, left] * (1 - s) + self._lattice[bottom, right] * s
        return upper * (1 - t) + lower * t


def mix(first: Colour, second: Colour, share: float | Array) -> Array:
    """Return `first` where `share` is 0, `second` where it is 1; `share` may be a picture's."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    part = np.asarray(share, np.float64)
    return a + (part[..., None] if part.ndim else part) * (b - a)
