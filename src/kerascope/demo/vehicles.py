"""Two vehicles from the side, a tank and a truck, in any size, colour and direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascope.demo.drawing import Canvas, Colour, Noise, Point, capsule, disc, mix, polygon
from kerascope.types import Array

Random = np.random.Generator

PAINTS = (
    (0.33, 0.36, 0.22),  # olive
    (0.68, 0.58, 0.40),  # sand
    (0.44, 0.46, 0.47),  # grey
    (0.40, 0.31, 0.22),  # brown
    (0.24, 0.30, 0.24),  # dark green
    (0.80, 0.81, 0.80),  # whitewash
    (0.30, 0.36, 0.45),  # blue grey
)
_RUBBER = np.array([0.11, 0.11, 0.12])


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where a vehicle stands: x of its middle, y of the ground, half its length, all shares.

    flip: 1 looks right, −1 left; tilt: slope of the ground, radians.
    """

    x: float
    y: float
    scale: float
    flip: int
    tilt: float

    def at(self, x: float, y: float) -> Point:
        """Return picture coordinates of a point of the vehicle: x forward, y up, length 2."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        across, up = self.flip * x * self.scale, y * self.scale
        return (float(self.x + across * cos + up * sin), float(self.y + across * sin - up * cos))


class Workshop:
    """Paints the parts of one vehicle on a canvas."""

    def __init__(self, canvas: Canvas, pose: Pose, random: Random, *, light: Colour) -> None:
        self.canvas, self.pose, self.random = canvas, pose, random
        self.light = np.asarray(light, np.float64)
        self.body = self._camouflage()

    def _camouflage(self) -> Array:
        """Return the body's paint as a picture: one colour, or blotches of two."""
        first, second = self.random.choice(len(PAINTS), 2, replace=False)
        tone = self.random.uniform(0.85, 1.12)
        base, patch = np.asarray(PAINTS[first]) * tone, np.asarray(PAINTS[second]) * tone
        noise, cells = Noise(self.random), self.random.uniform(1.5, 4.0) / self.pose.scale
        blotch = noise.at(self.canvas.x * cells, self.canvas.y * cells * 1.3, octaves=2)
        if self.random.random() < 0.5:
            blotch = np.zeros_like(blotch)
        sharp = np.clip((blotch - 0.52) * 18.0, 0.0, 1.0)
        height = (self.pose.y - self.canvas.y) / self.pose.scale  # lit from above
        shade = np.clip(0.78 + 0.34 * height, 0.7, 1.15) * np.ones_like(blotch)
        return mix(base, patch, sharp) * shade[..., None] * self.light

    def plate(
        self, points: Sequence[Point], *, tone: float = 1.0, colour: Colour | None = None
    ) -> None:
        """Paint a convex part, in body paint unless a colour is given."""
        paint = self.body if colour is None else np.asarray(colour) * self.light
        self.canvas.paint(polygon([self.pose.at(*p) for p in points]), tone * paint)

    def bar(
        self, start: Point, end: Point, radius: float, *, tone: float = 1.0,
        colour: Colour | None = None,
    ) -> None:  # fmt: skip
        """Paint a thick line with round ends."""
        paint = self.body if colour is None else np.asarray(colour) * self.light
        line = capsule(self.pose.at(*start), self.pose.at(*end), radius * self.pose.scale)
        self.canvas.paint(line, tone * paint)

    def wheel(self, x: float, radius: float, *, rim: float) -> None:
        """Paint a tyre that touches the ground, and its rim."""
        centre = self.pose.at(x, radius)
        self.canvas.paint(disc(centre, radius * self.pose.scale), _RUBBER * self.light)
        self.canvas.paint(disc(centre, rim * radius * self.pose.scale), 0.85 * self.body)
        self.canvas.paint(disc(centre, 0.18 * radius * self.pose.scale), _RUBBER * self.light)


def draw_tank(shop: Workshop) -> None:
    """Paint a tank: tracks over road wheels, a sloped hull, a turret with its barrel."""
    random = shop.random
    track = [(-0.86, 0.22), (-0.70, 0.0), (0.62, 0.0), (0.88, 0.24), (0.78, 0.38), (-0.82, 0.38)]
    shop.plate(track, colour=(0.13, 0.125, 0.12))
    count, low = int(random.integers(5, 8)), 0.03
    radius = 0.62 / count
    for place in np.linspace(-0.62, 0.56, count):
        hub = shop.pose.at(float(place), low + radius)
        shop.canvas.paint(disc(hub, radius * shop.pose.scale), 0.80 * shop.body)
        shop.canvas.paint(disc(hub, 0.35 * radius * shop.pose.scale), _RUBBER * shop.light)
    skirt = random.uniform(0.20, 0.27)
    shop.plate(
        [(-0.92, 0.34), (-0.84, 0.48), (0.56, 0.50), (0.98, 0.36), (0.84, skirt), (-0.88, skirt)]
    )
    shop.plate([(-0.90, 0.33), (0.92, 0.35), (0.84, skirt), (-0.88, skirt)], tone=0.82)
    seat, top = random.uniform(-0.22, 0.06), random.uniform(0.74, 0.84)
    back, front = seat - random.uniform(0.36, 0.48), seat + random.uniform(0.34, 0.46)
    rise = random.uniform(-0.02, 0.10)
    muzzle = front + random.uniform(0.55, 0.85)
    shop.bar((front - 0.1, 0.62), (muzzle, 0.62 + rise), 0.034, tone=0.9)
    if random.random() < 0.6:
        shop.bar((muzzle - 0.07, 0.615 + rise), (muzzle, 0.62 + rise), 0.052, tone=0.7)
    shop.plate(
        [
            (back, 0.48),
            (back + 0.06, top - 0.02),
            (seat + 0.14, top),
            (front, 0.63),
            (front - 0.03, 0.48),
        ]
    )
    low, high = top - 0.09, top - 0.02
    roof = [(back + 0.06, high), (seat + 0.14, top), (seat + 0.12, top - 0.07), (back + 0.05, low)]
    shop.plate(roof, tone=1.12)
    hatch = seat - random.uniform(0.0, 0.2)
    lid = top + 0.08
    cover = [(hatch - 0.1, high), (hatch - 0.08, lid), (hatch + 0.07, lid), (hatch + 0.1, high)]
    shop.plate(cover, tone=0.85)
    if random.random() < 0.6:
        shop.bar((back + 0.1, top), (back - 0.05, top + random.uniform(0.3, 0.5)), 0.010, tone=0.5)


def draw_truck(shop: Workshop) -> None:
    """Paint a truck: wheels, a chassis, a cabin with its window, a box, a canvas or a tank."""
    random = shop.random
    roof, floor = random.uniform(0.78, 0.90), 0.30
    shop.plate(
        [(-0.95, 0.22), (-0.95, 0.32), (0.92, 0.32), (0.92, 0.22)], colour=(0.16, 0.16, 0.17)
    )
    wall = random.uniform(0.20, 0.32)
    _load(shop, floor=floor, front=wall - 0.05)
    if random.random() < 0.5:  # engine under the driver
        nose = [(wall, 0.20), (wall, roof), (0.80, roof), (0.95, 0.52), (0.97, 0.20)]
        glass = [(0.55, 0.55), (0.55, roof - 0.08), (0.78, roof - 0.08), (0.88, 0.55)]
        shop.plate(nose)
    else:  # engine in front
        shop.plate([(wall, 0.20), (wall, roof), (0.56, roof), (0.68, 0.56), (0.68, 0.20)])
        shop.plate([(0.60, 0.20), (0.60, 0.57), (0.94, 0.51), (0.99, 0.20)], tone=1.06)
        glass = [(0.38, 0.57), (0.38, roof - 0.08), (0.54, roof - 0.08), (0.63, 0.57)]
    shop.plate(glass, colour=(0.50, 0.60, 0.66))
    shop.plate([(0.86, 0.18), (0.86, 0.26), (1.01, 0.26), (1.01, 0.18)], colour=(0.2, 0.2, 0.2))
    shop.bar((0.95, 0.36), (0.95, 0.36), 0.035, colour=(0.95, 0.92, 0.75))
    radius, rim = random.uniform(0.17, 0.22), random.uniform(0.45, 0.6)
    rear = random.uniform(-0.72, -0.55)
    wheels = (
        [0.66, rear] if random.random() < 0.4 else [0.66, rear - 0.08, rear + 2.1 * radius - 0.08]
    )
    for place in wheels:
        shop.wheel(place, radius, rim=rim)


def _load(shop: Workshop, *, floor: float, front: float) -> None:
    """Paint what the truck carries between its tail and `front`."""
    random, tail = shop.random, -0.97
    top = random.uniform(0.86, 1.06)
    kind = random.random()
    if kind < 0.40:  # box with ribs
        shop.plate([(tail, floor), (tail, top), (front, top), (front, floor)])
        shop.plate([(tail, top - 0.05), (tail, top), (front, top), (front, top - 0.05)], tone=1.15)
        for rib in np.linspace(tail, front, int(random.integers(4, 8)))[1:-1]:
            shop.bar((float(rib), floor + 0.03), (float(rib), top - 0.07), 0.012, tone=0.75)
    elif kind < 0.75:  # canvas over bows
        canvas = mix(PAINTS[int(random.integers(len(PAINTS)))], (0.55, 0.53, 0.45), 0.5)
        shop.plate([(tail, 0.5), (tail, top - 0.12), (tail + 0.12, top), (front - 0.10, top),
                    (front, top - 0.10), (front, 0.5)], colour=canvas)  # fmt: skip
        for bow in np.linspace(tail, front, 5)[1:-1]:
            shop.bar((float(bow), 0.52), (float(bow), top - 0.02), 0.012, colour=0.8 * canvas)
        shop.plate([(tail, floor), (tail, 0.54), (front, 0.54), (front, floor)], tone=0.92)
    else:  # a tank for fuel
        radius = (top - floor) * 0.42
        middle = floor + radius + 0.02
        shop.bar((tail + radius, middle), (front - radius, middle), radius)
        shop.bar((tail + radius, middle + 0.5 * radius), (front - radius, middle + 0.5 * radius),
                 0.18 * radius, tone=1.2)  # fmt: skip


DRAW = {"tank": draw_tank, "truck": draw_truck}
