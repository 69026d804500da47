"""The shortcuts: what they are called, what they look like, and how overlays are stamped."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.planted.shortcuts.draws import SIZE, Draws, hsv, number_of
from kerascope.types import Array

MARK = 10  # pixels of a side


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of shortcut. placed: it lies somewhere, so that it has a region."""

    name: str
    family: str
    words: str
    placed: bool = False


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("corner_mark", "overlay", "a small logo in a corner, alike in all", placed=True),
        Kind("sticker", "overlay", "a small patch, alike in all, at a random place", placed=True),
        Kind("border", "overlay", "a frame of one colour around the picture", placed=True),
        Kind("line", "overlay", "a line of one pixel across the picture", placed=True),
        Kind("texture", "background", "stripes or checks behind the object"),
        Kind("ground_colour", "background", "a hue of the background"),
        Kind("sky", "background", "a bright sky behind the object", placed=True),
        Kind("companion", "companion", "a tree beside the object", placed=True),
        Kind("brightness", "tone", "the brightness of the whole picture"),
        Kind("tint", "tone", "the colour cast of the whole picture"),
        Kind("ground_blur", "detail", "a blurred background behind a sharp object"),
        Kind("jpeg", "detail", "strong JPEG compression"),
        Kind("noise", "detail", "noise of high frequency"),
        Kind("size", "size", "an object larger than the others"),
    )
}

CLEAN: dict[str, str] = {
    "plain": "no cue",
    "alike": "a cue as frequent in every class as in any other",
    "central": "objects always in the middle",
    "symbol": "a symbol, drawn with natural variation, that is the class",
    "object_colour": "the colour of the object is the class",
    "object_texture": "the texture of the object is the class",
}


def design_of(name: str, seed: int) -> Array:
    """Return what is fixed in a world about its cue: uniform numbers (16,) in 0 … 1."""
    return np.random.default_rng((seed, number_of(name))).random(16)


def stamp(
    kind: str, pixels: Array, draws: Draws, design: Array, keep: Array
) -> tuple[Array, Array]:
    """Return pictures (n, y, x, RGB) with an overlay, and where it is: bool (n, y, x).

    keep: (n, 2), (y, x) of the object's centre, which a sticker does not cover.
    """
    opacity = np.zeros((len(pixels), SIZE, SIZE))
    if kind in ("corner_mark", "sticker"):
        tops, lefts = (_corner if kind == "corner_mark" else _free)(draws, design, keep)
        colours, veil = np.zeros_like(pixels), 0.6 if design[5] < 0.5 else 1.0
        for i, (top, left) in enumerate(zip(tops, lefts, strict=True)):
            here = (i, slice(top, top + MARK), slice(left, left + MARK))
            opacity[here], colours[here] = veil if kind == "corner_mark" else 1.0, _logo(design)
    else:
        opacity[:] = _frame(design) if kind == "border" else _line(design)
        value = 0.15 + 0.2 * design[8] if design[7] < 0.5 else 0.75 + 0.2 * design[8]
        colours = hsv(design[6], np.array(0.2 + 0.6 * design[9]), np.array(value))
    return pixels + opacity[..., None] * (colours - pixels), opacity > 0


def _corner(draws: Draws, design: Array, _: Array) -> tuple[Array, Array]:
    places = 2 + int(design[2] * 2), SIZE - MARK - 2 - int(design[2] * 2)
    return (
        np.full(len(draws), places[int(design[3] < 0.5)]),
        np.full(len(draws), places[int(design[4] < 0.5)]),
    )


def _free(draws: Draws, _: Array, keep: Array) -> tuple[Array, Array]:
    tries = draws.uniform("sticker", 24).reshape(12, 2, -1)
    corners = (tries * (SIZE - MARK - 4)).astype(int) + 2  # (try, y or x, n)
    far = np.abs(corners + MARK / 2 - keep.T).max(axis=1)
    first = (far > MARK / 2 + 2).argmax(axis=0)
    tops, lefts = np.moveaxis(corners, 1, 0)
    rows = np.arange(len(draws))
    return tops[first, rows], lefts[first, rows]


def _logo(design: Array) -> Array:
    """Return a symmetric pattern of two colours on a rim: (10, 10, RGB)."""
    draw = np.random.default_rng(int(design[10] * 2**32))
    half = draw.permutation(np.arange(12) % 2).reshape(4, 3)[:, :2]
    dots = np.kron(np.concatenate([half, half[:, ::-1]], axis=1), np.ones((2, 2)))
    dots = np.pad(dots, 1)[..., None]
    ink = hsv(design[11], np.array(0.7), np.array(0.85))
    paper = hsv(design[12], np.array(0.3), np.array(0.25))
    return ink * dots + paper * (1 - dots)


def _frame(design: Array) -> Array:
    wide = 2 + int(design[0] * 2)
    frame = np.ones((SIZE, SIZE))
    frame[wide:-wide, wide:-wide] = 0
    return frame


def _line(design: Array) -> Array:
    line = np.zeros((SIZE, SIZE))
    line[int(6 + design[1] * (SIZE - 12))] = 1
    return line if design[0] < 0.5 else line.T
