"""What stands in a scene: the object that tells the class, blobs that tell nothing, a companion."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.planted.shortcuts.draws import SIZE, Draws, X, Y, between, hsv, spread
from kerascope.types import Array

SHAPES = 3
_GLYPHS = ("11111 00100 00100 00100 00100", "10001 01010 00100 01010 10001",
           "11111 10001 10001 10001 11111")  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Objects:
    """Where objects stand and which they are.

    Attributes:
        y, x, radius: (n,) pixels. turn: (n,) radians. shapes: int (n,), 0 … 2.
    """

    y: Array
    x: Array
    radius: Array
    turn: Array
    shapes: Array

    def __getitem__(self, rows: Array) -> Objects:
        """Return some of the objects."""
        return Objects(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))

    def frame(self) -> tuple[Array, Array]:
        """Return coordinates (n, y, x) of pixels in units of the radius, turned with the object."""
        down, across = Y - spread(self.y), X - spread(self.x)
        cos, sin = np.cos(spread(self.turn)), np.sin(spread(self.turn))
        size = spread(self.radius)
        return (cos * across + sin * down) / size, (cos * down - sin * across) / size

    def cover(self) -> Array:
        """Return the share of every pixel that the object covers: (n, y, x), 0 … 1."""
        u, v = self.frame()
        far = np.empty_like(u)
        for shape, distance in enumerate((_ring, _cross, _triangle)):
            chosen = self.shapes == shape
            far[chosen] = distance(u[chosen], v[chosen])
        return np.clip(0.5 - far * spread(self.radius), 0, 1)


def place(draws: Draws, shapes: Array, *, large: Array, small: bool, central: bool) -> Objects:
    """Return objects at random places of the middle.

    large: bool (n,), those of great size; small: whether the others are smaller than usual.
    """
    y, x, size, turn = draws.uniform("object", 4)
    usual = between(8.5, 11.5, size) if small else between(9.5, 13.0, size)
    radius = np.where(large, between(17.0, 20.5, size), usual)
    reach = np.where(large, 5.0, 1.5 if central else 15.0)
    y, x = (SIZE / 2 + reach * (2 * share - 1) for share in (y, x))
    return Objects(y, x, radius, 2 * np.pi * turn, shapes)


def paint(
    pixels: Array, objects: Objects, draws: Draws, behind: Array, *,
    colours: Array | None = None, skins: Array | None = None, strong: bool = False,
) -> Array:  # fmt: skip
    """Draw objects into pictures, in place; return their masks: bool (n, y, x).

    behind: (n, y, x), the brightness that objects stand out from.
    colours: int (n,), which of three hues each has; skins: which of three textures. Random else.
    """
    hue, saturation, contrast, way, *rest = draws.uniform("paint", 9)
    if colours is not None:
        hue, saturation = colours / 3 + 0.12 * (hue - 0.5), between(0.7, 1.0, saturation)
    cover = objects.cover()
    weight = cover / cover.sum(axis=(1, 2), keepdims=True)
    behind = (behind * weight).sum(axis=(1, 2))
    step = between(0.22, 0.38, contrast)
    bright = behind + np.where((way < 0.5) & (behind > 0.35) | (behind > 0.65), -step, step)
    colour = hsv(hue, between(0.15, 0.75, saturation), np.ones_like(hue))
    colour *= (bright / colour.mean(axis=-1))[:, None].astype(np.float32)
    skin = _skin(objects, rest, skins, strong) + _outline(cover, rest[3])
    solid = np.clip(colour[:, None, None] + skin[..., None], 0, 1)
    pixels += cover[..., None] * (solid - pixels)
    return cover > 0.5


def blobs(pixels: Array, draws: Draws) -> None:
    """Draw one or two soft blobs of random colour into pictures, in place."""
    for number in range(2):
        y, x, size, long, turn, hue, value, there = draws.uniform(f"blob {number}", 8)
        radius = between(2.5, 5.0, size)
        y, x = between(4.0, 60.0, y), between(4.0, 60.0, x)
        u, v = Objects(y, x, radius, 6 * turn, np.zeros(len(y), int)).frame()
        far = np.hypot(u, v * spread(between(1.0, 1.7, long)))
        cover = np.clip(0.5 + spread(radius) * (1 - far) / 2, 0, 1)
        cover *= spread((there < (1.0, 0.5)[number]).astype(np.float32))
        colour = hsv(hue, np.full_like(hue, 0.4), between(0.2, 0.9, value))[:, None, None]
        pixels += cover[..., None] * (colour - pixels)


def companions(pixels: Array, draws: Draws, objects: Objects) -> tuple[Array, Array]:
    """Return pictures with a tree beside the object, and where the trees are: bool (n, y, x)."""
    size, turn, leaf, value, bark, wide, *places = draws.uniform("companion", 30)
    y, x = (between(12.0, 52.0, np.stack(half)) for half in (places[::2], places[1::2]))
    free = np.hypot(y - objects.y, x - objects.x) - (objects.radius + 9)
    first = np.where((free > 0).any(axis=0), (free > 0).argmax(axis=0), free.argmax(axis=0))
    y, x = (np.take_along_axis(all_, first[None], axis=0)[0] for all_ in (y, x))
    scale = between(1.05, 1.5, size)
    u, v = Objects(y, x, scale, 0.7 * (turn - 0.5), first).frame()
    edge = spread(scale)
    crown = np.clip(0.5 + edge * (5 - np.hypot(u * spread(between(0.8, 1.4, wide)), v + 4)), 0, 1)
    trunk = np.clip(0.5 - edge * np.maximum(np.abs(u) - 1.1, np.abs(v - 4) - 6), 0, 1)
    brown = hsv(np.full_like(bark, 0.07), between(0.3, 0.6, size), between(0.2, 0.5, bark))
    green = hsv(between(0.24, 0.4, leaf), between(0.5, 0.85, turn), between(0.3, 0.75, value))
    pixels = pixels + trunk[..., None] * (brown[:, None, None] - pixels)
    pixels += crown[..., None] * (green[:, None, None] - pixels)
    return pixels, np.maximum(crown, trunk) > 0.5


def glyphs(pixels: Array, draws: Draws, design: Array, which: Array) -> Array:
    """Draw each scene's own glyph near a place of the design, in place; return where: bool."""
    from scipy.ndimage import map_coordinates

    y, x, size, turn, hue, value, light = draws.uniform("glyph", 7)
    y, x = (between(14.0, 50.0, s) + 4 * (j - 0.5) for s, j in zip(design[:2], (y, x), strict=True))
    objects = Objects(y, x, 3.2 * between(0.85, 1.15, size), (turn - 0.5) * np.pi * 24 / 180, which)
    u, v = objects.frame()
    forms = [np.pad(_form(rows), 1) for rows in _GLYPHS]
    cover = np.stack([
        map_coordinates(forms[k], (b + 3, a + 3), order=1, cval=0)
        for k, a, b in zip(which, u, v, strict=True)
    ])  # fmt: skip
    paper = np.clip(4 * (3.2 - np.maximum(np.abs(u), np.abs(v))), 0, 1)[..., None]
    lit = 1 + 0.15 * spread(light - 0.5) * u
    sheet = np.full(3, 0.85) * spread(between(0.85, 1.1, value))[..., None] * lit[..., None]
    ink = hsv(design[2] + 0.1 * (hue - 0.5), np.full_like(hue, 0.7), between(0.3, 0.5, value))
    pixels += paper * (sheet - pixels)
    pixels += (cover.clip(0, 1))[..., None] * (ink[:, None, None] * lit[..., None] - pixels)
    return paper[..., 0] > 0.5


def _form(rows: str) -> Array:
    return np.array([[float(dot) for dot in row] for row in rows.split()])


def _skin(objects: Objects, draws: list[Array], skins: Array | None, strong: bool) -> Array:
    """Return what stripes, checks or nothing add to the objects' brightness: (n, y, x)."""
    period, angle, deep = draws[:3]
    u, v = objects.frame()
    u, v = u * spread(objects.radius), v * spread(objects.radius)
    wave = 2 * np.pi / spread(between(3.5, 6.0, period))
    stripes = np.sin(wave * u + 6 * spread(angle))
    if skins is None:
        return spread(0.1 * deep) * stripes + 0.05 * spread(angle - 0.5) * v / 10
    checks = stripes * np.sin(wave * v + 6 * spread(deep))
    kinds = np.stack([stripes, checks * 1.4, np.zeros_like(u)])
    chosen = np.take_along_axis(kinds, skins[None, :, None, None], axis=0)[0]
    return spread(between(0.15, 0.24, deep) if strong else between(0.1, 0.17, deep)) * chosen


def _outline(cover: Array, strength: Array) -> Array:
    """Return a rim, darker or lighter than the rest: (n, y, x)."""
    inner = cover.copy()
    inner[:, 1:-1, 1:-1] = np.minimum.reduce(
        [cover[:, :-2, 1:-1], cover[:, 2:, 1:-1], cover[:, 1:-1, :-2], cover[:, 1:-1, 2:]]
    )
    return spread(0.3 * (strength - 0.6)) * (inner < 0.5)


# Signed distances in units of the radius; all cover the same area, 2.8.
def _ring(u: Array, v: Array) -> Array:
    return np.abs(np.hypot(u, v) - 0.75) - 0.3


def _cross(u: Array, v: Array) -> Array:
    u, v = np.abs(u), np.abs(v)
    return np.maximum(np.minimum(u, v) - 0.385, np.maximum(u, v) - 1.1)


def _triangle(u: Array, v: Array) -> Array:
    return np.maximum(v, np.abs(u) * 0.8660254 - v / 2) - 0.734
