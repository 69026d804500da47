"""Generated scenes: a tank or a truck in a landscape, under a sunny or an overcast sky.

Everything about scene number i follows from (seed, i) and nothing else: neither the size nor how
many scenes are made changes it. Sky, land, vehicle and grain draw from separate streams, so that
the same scene can be drawn under the other sky or without a vehicle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerascope.demo.drawing import Canvas, disc, mix
from kerascope.demo.landscape import draw_land, draw_sky
from kerascope.demo.vehicles import DRAW, Pose, Workshop
from kerascope.errors import BadInput
from kerascope.types import Array

CLASS_NAMES = ("tank", "truck")
SIZE = 128

_PICTURES, _PICTURE_SEED = 10, 5
_CHANCE, _PLACE, _SKY, _LAND, _VEHICLE, _GRAIN = range(6)


@dataclass(frozen=True, eq=False, kw_only=True)
class Scenes:
    """Pictures and the truth about them.

    Attributes:
        images: uint8 (scene, y, x, RGB).
        masks: bool (scene, y, x), the pixels that are at least half vehicle.
        sky: bool (scene, y, x), the pixels that are at least half sky.
        labels: int64 (scene,), indices into `CLASS_NAMES`.
        sunny: bool (scene,).
    """

    images: Array
    masks: Array
    sky: Array
    labels: Array
    sunny: Array

    def __len__(self) -> int:
        return len(self.labels)


def make_scenes(
    count: int, *, seed: int, bias: float, size: int = SIZE, flip_sky: bool = False,
    vehicle: bool = True,
) -> Scenes:  # fmt: skip
    """Draw `count` scenes, half of them tanks.

    bias: how weather and class hang together, −1…1: 1, every truck stands in the sun and every tank
        under clouds; 0, the weather says nothing; −1, the other way round.
    size: pixels along an edge.
    flip_sky: draw every scene under the other sky, and in its light; `sunny` says so, what stands
        where stays.
    vehicle: False leaves the vehicle and its shadow out; masks are empty then.

    Raises `BadInput` for numbers out of range.
    """
    _check(count, seed=seed, bias=bias, size=size)
    scenes = [
        _scene(seed, index, bias=bias, size=size, flip_sky=flip_sky, vehicle=vehicle)
        for index in range(count)
    ]
    images, masks, sky, labels, sunny = zip(*scenes, strict=True)
    return Scenes(
        images=np.stack(images),
        masks=np.stack(masks),
        sky=np.stack(sky),
        labels=np.array(labels, np.int64),
        sunny=np.array(sunny, bool),
    )


def bundled_scenes(*, size: int = SIZE) -> Scenes:
    """Draw the scenes that the bundled pictures show, at any size."""
    return make_scenes(_PICTURES, seed=_PICTURE_SEED, bias=0.0, size=size)


def picture_name(scenes: Scenes, index: int) -> str:
    """Return a file name that says what a scene shows: scene_03_truck_sunny.png."""
    weather = "sunny" if scenes.sunny[index] else "overcast"
    return f"scene_{index:02d}_{CLASS_NAMES[scenes.labels[index]]}_{weather}.png"


def _check(count: int, *, seed: int, bias: float, size: int) -> None:
    if count < 1:
        raise BadInput(f"count={count} must be at least 1")
    if not 0 <= seed < 2**63:
        raise BadInput(f"seed={seed} must lie in 0…2⁶³ − 1")
    if not -1.0 <= bias <= 1.0:
        raise BadInput(f"bias={bias} must lie in −1…1")
    if not 16 <= size <= 2048:
        raise BadInput(f"size={size} must lie in 16…2048")


def _stream(seed: int, index: int, stream: int) -> np.random.Generator:
    key = np.array([seed, index], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, stream]))


def _scene(
    seed: int, index: int, *, bias: float, size: int, flip_sky: bool, vehicle: bool
) -> tuple[Array, Array, Array, int, bool]:
    label = index % len(CLASS_NAMES)
    tells = bool(_stream(seed, index, _CHANCE).random() < (1.0 + bias) / 2.0)
    sunny = ((label == 1) == tells) != flip_sky
    place = _stream(seed, index, _PLACE)
    horizon = place.uniform(0.36, 0.56)
    pose = _pose(place, horizon)
    canvas = Canvas(size)
    haze = draw_sky(canvas, _stream(seed, index, _SKY), sunny=sunny, horizon=horizon)
    canvas.cover[:] = 0.0
    light = _light(place, sunny=sunny)
    draw_land(canvas, _stream(seed, index, _LAND), horizon=horizon, light=light, haze=haze)
    sky = canvas.cover < 0.5
    mask = np.zeros_like(sky)
    if vehicle:
        _shadow(canvas, pose, sunny=sunny)
        canvas.cover[:] = 0.0
        shop = Workshop(canvas, pose, _stream(seed, index, _VEHICLE), light=light)
        DRAW[CLASS_NAMES[label]](shop)
        mask = canvas.cover >= 0.5
    grain = _stream(seed, index, _GRAIN).normal(0.0, 0.012, canvas.rgb.shape)
    image = np.clip((canvas.rgb + grain) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return image, mask, sky & ~mask, label, sunny


def _pose(random: np.random.Generator, horizon: float) -> Pose:
    """Return where the vehicle stands: on the ground, whole in the picture, nearer means larger."""
    depth = random.random()
    scale = (0.25 + 0.07 * depth) * random.uniform(0.95, 1.1)
    low, high = horizon + 0.13, 0.95
    return Pose(
        x=random.uniform(1.35 * scale, 1.0 - 1.35 * scale),
        y=low + (high - low) * (0.15 + 0.85 * depth) * random.uniform(0.9, 1.0),
        scale=scale,
        flip=1 if random.random() < 0.5 else -1,
        tilt=random.uniform(-0.06, 0.06),
    )


def _light(random: np.random.Generator, *, sunny: bool) -> Array:
    """Return the colour of the light; how bright it is overlaps between the two skies."""
    exposure = random.uniform(0.80, 1.08)
    tint = mix((0.97, 0.99, 1.03), (1.05, 1.0, 0.94), random.random())
    return exposure * tint * (1.03 if sunny else 0.95)


def _shadow(canvas: Canvas, pose: Pose, *, sunny: bool) -> None:
    strength, soft = (0.55, 0.03) if sunny else (0.45, 0.06)
    spot = disc((pose.x, pose.y), 0.055 * pose.scale / 0.25, stretch=0.95 * 0.25 / 0.055)
    canvas.paint(spot, (0.06, 0.06, 0.08), soft=soft, strength=strength)
