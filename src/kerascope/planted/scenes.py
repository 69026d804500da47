"""Generated scenes that one planted cue decides; everything else in them says nothing.

All of scene number i follows from (seed, i): the cue, the rest, and the grain draw from streams of
their own, so that the same scene can be drawn without its cue, or with all else drawn anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.types import Array

SIZE = 48
_CUE, _REST, _GRAIN, _LABEL = range(4)
_GREY = 0.5
_AREA = 90.0  # pixels of a shape, alike for all of them, so that none is known by its size
_BLUE, _PURPLE = (0.25, 0.35, 0.9), (0.65, 0.35, 0.8)
_RED, _GREEN, _YELLOW, _CYAN = (
    (0.9, 0.25, 0.2),
    (0.2, 0.75, 0.3),
    (0.9, 0.85, 0.2),
    (0.2, 0.8, 0.85),
)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Planted:
    """Scenes and the truth about them.

    Attributes:
        images: uint8 (scene, y, x, RGB).
        labels: int64 (scene,), 0 or 1.
        evidence: bool (scene, y, x), the pixels that decide; none where the cue was left out.
        distractors: bool (scene, y, x), the pixels of objects that never matter.
    """

    images: Array
    labels: Array
    evidence: Array
    distractors: Array

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Array) -> Planted:
        """Return some of the scenes."""
        return Planted(**{f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)})


@dataclasses.dataclass(eq=False)
class _Scene:
    """A picture in the making. taken: where something stands, with a margin."""

    pixels: Array
    evidence: Array
    distractors: Array
    taken: Array

    def stamp(self, mask: Array, colour: Array, *, evidence: bool) -> None:
        self.pixels[mask] = colour[mask] if colour.ndim == 3 else colour
        (self.evidence if evidence else self.distractors)[mask] = True
        self.taken |= _grown(mask, 2)

    def free(
        self, draw: np.random.Generator, shape: Callable[[float, float], Array],
        across: tuple[float, float] = (9, SIZE - 9), down: tuple[float, float] = (9, SIZE - 9),
    ) -> Array:  # fmt: skip
        """Return the mask of a shape at a place where nothing stands yet."""
        for _ in range(200):
            mask = shape(draw.uniform(*down), draw.uniform(*across))
            if not (mask & self.taken).any():
                return mask
        return shape(draw.uniform(*down), draw.uniform(*across)) & ~self.taken


_Y, _X = np.mgrid[0:SIZE, 0:SIZE] + 0.5


def _disc(y: float, x: float, area: float = _AREA) -> Array:
    return (_Y - y) ** 2 + (_X - x) ** 2 < area / np.pi


def _square(y: float, x: float, area: float = _AREA) -> Array:
    return np.maximum(np.abs(_Y - y), np.abs(_X - x)) < np.sqrt(area) / 2


def _triangle(y: float, x: float, area: float = _AREA) -> Array:
    side = np.sqrt(4 * area / np.sqrt(3))
    height = side * np.sqrt(3) / 2
    down = _Y - (y - height * 2 / 3)
    return (down > 0) & (down < height) & (np.abs(_X - x) < down / np.sqrt(3))


def _cross(y: float, x: float, area: float = _AREA) -> Array:
    arm = np.sqrt(area / 5)
    near = np.minimum(np.abs(_Y - y), np.abs(_X - x))
    return (near < arm / 2) & (np.maximum(np.abs(_Y - y), np.abs(_X - x)) < arm * 1.5)


def _ring(y: float, x: float, area: float = _AREA) -> Array:
    far = (_Y - y) ** 2 + (_X - x) ** 2
    outer = area / np.pi * 1.6
    return (far < outer) & (far > outer - area / np.pi)


def _grown(mask: Array, by: int) -> Array:
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, iterations=by)


def _shape(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    shape = (_disc, _square)[label]
    scene.stamp(scene.free(draw, shape), draw.uniform(0.1, 0.9, 3), evidence=True)


def _texture(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    place = scene.free(draw, lambda y, x: _square(y, x, 144))
    waves = np.sin((_Y, _X)[label] * 2 * np.pi / 4 + draw.uniform(0, 2 * np.pi))
    stripes = np.repeat((0.5 + 0.4 * np.sign(waves))[..., None], 3, axis=2)
    scene.stamp(place, stripes, evidence=True)


def _colour(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    shape = (_disc, _square, _triangle)[draw.integers(3)]
    tone = np.array((_RED, _GREEN)[label]) + draw.uniform(-0.08, 0.08, 3)
    scene.stamp(scene.free(draw, shape), np.clip(tone, 0, 1), evidence=True)


def _position(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    across = ((8.0, SIZE / 2 - 6), (SIZE / 2 + 6, SIZE - 8.0))[label]
    scene.stamp(scene.free(draw, _disc, across), np.array(_YELLOW), evidence=True)


def _co_occurrence(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    one = draw.integers(2)
    for k, shape in enumerate((_cross, _ring)):
        if label or k == one:
            scene.stamp(scene.free(draw, shape), draw.uniform(0.1, 0.9, 3), evidence=True)


def _conjunction(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    pair = (_square, _RED) if label else ((_disc, _RED), (_square, _GREEN))[draw.integers(2)]
    scene.stamp(scene.free(draw, pair[0]), np.array(pair[1]), evidence=True)


def _outside(scene: _Scene, draw: np.random.Generator, label: int) -> None:
    y, x = draw.choice((4.0, SIZE - 4.0), 2)
    tone = np.array((_YELLOW, _CYAN)[label])
    scene.stamp(_square(y, x, 25.0), tone, evidence=True)


@dataclasses.dataclass(frozen=True)
class Cue:
    """What decides. draw: puts it into a scene. words: says it. rest: shapes of what never matters.

    both: evidence for either class lies where the mask says; else for class 1 only, as class 0
    lives on something that is missing.
    """

    draw: Callable[[_Scene, np.random.Generator, int], None]
    words: str
    rest: tuple[Callable[[float, float], Array], ...] = (_triangle, _cross)
    both: bool = True


CUES: dict[str, Cue] = {
    "shape": Cue(_shape, "a disc or a square, of any colour"),
    "texture": Cue(_texture, "stripes that lie or stand", (_triangle, _disc)),
    "colour": Cue(_colour, "something red or something green", (_cross, _ring)),
    "position": Cue(_position, "a yellow disc on the left or on the right", (_square, _cross)),
    "co_occurrence": Cue(
        _co_occurrence,
        "a cross and a ring together, or one alone",
        (_square, _triangle),
        both=False,
    ),
    "conjunction": Cue(
        _conjunction, "a red square, or something red or square", (_cross, _triangle), both=False
    ),
    "outside": Cue(
        _outside, "a yellow or cyan mark in a corner, beside an object", (_disc, _square)
    ),
}


def make_planted(
    cue: str, count: int, *, seed: int, without: bool = False, other: bool = False
) -> Planted:
    """Draw `count` scenes, half of each label.

    without: leave the cue out; all else stays, and tells the label no more than by the place that
    it leaves free. other: keep the cue as it is and draw everything else anew.

    Raises `BadInput` for an unknown cue or numbers out of range.
    """
    if cue not in CUES:
        raise BadInput(f"cue '{cue}' is not known{choices(cue, CUES)}")
    if count < 1 or seed < 0:
        raise BadInput(f"count={count} must be at least 1 and seed={seed} at least 0")
    found = [_drawn(CUES[cue], seed, i, without=without, other=other) for i in range(count)]
    images, labels, evidence, distractors = zip(*found, strict=True)
    return Planted(
        images=np.stack(images),
        labels=np.array(labels, np.int64),
        evidence=np.stack(evidence),
        distractors=np.stack(distractors),
    )


def _drawn(
    cue: Cue, seed: int, index: int, *, without: bool, other: bool
) -> tuple[Array, int, Array, Array]:
    streams = [np.random.default_rng((seed, index, k)) for k in (_CUE, _REST, _GRAIN)]
    label = int((index + np.random.default_rng((seed, index // 2, _LABEL)).integers(2)) % 2)
    if other:
        streams[_REST], streams[_GRAIN] = (
            np.random.default_rng((seed, index, k, 1)) for k in (_REST, _GRAIN)
        )
    empty = np.zeros((SIZE, SIZE), bool)
    scene = _Scene(_ground(streams[_GRAIN]), empty.copy(), empty.copy(), empty.copy())
    cue.draw(scene, streams[_CUE], label)
    if without:
        scene.pixels = _ground(np.random.default_rng((seed, index, _GRAIN, *((1,) * other))))
        scene.evidence[:] = False
    for _ in range(streams[_REST].integers(1, 3)):
        shape = cue.rest[streams[_REST].integers(len(cue.rest))]
        tone = np.array((_BLUE, _PURPLE)[streams[_REST].integers(2)])
        mask = scene.free(streams[_REST], shape)
        scene.stamp(
            mask, np.clip(tone + streams[_REST].uniform(-0.08, 0.08, 3), 0, 1), evidence=False
        )
    noise = streams[_GRAIN].normal(0, 0.03, scene.pixels.shape)
    pixels = np.rint(np.clip(scene.pixels + noise, 0, 1) * 255).astype(np.uint8)
    return pixels, label, scene.evidence, scene.distractors


def _ground(draw: np.random.Generator) -> Array:
    """Return a soft ground of greys: (y, x, RGB), 0 … 1."""
    from kerascope.resize import linear

    coarse = draw.uniform(_GREY - 0.2, _GREY + 0.2, (1, 5, 5)).astype(np.float32)
    grey = linear(coarse, (SIZE, SIZE))[0]
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float64)
