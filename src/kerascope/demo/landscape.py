"""Skies, hills, ground and what stands on it: everything in a scene but the vehicle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerascope.demo.drawing import Canvas, Colour, Noise, capsule, disc, mix, polygon
from kerascope.types import Array

Random = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Land:
    """What a kind of country looks like.

    near and far: ground colours in front and at the horizon; ridge: colour of the hills;
    patches: contrast of the ground; trees: how many at most, and whether they are conifers.
    """

    near: Colour
    far: Colour
    ridge: Colour
    patches: float
    trees: int
    conifers: float
    road: float
    furrows: float = 0.0


LANDS = (
    Land(near=(0.30, 0.42, 0.16), far=(0.47, 0.55, 0.27), ridge=(0.24, 0.36, 0.22), patches=0.35,
         trees=9, conifers=0.2, road=0.4),  # meadow
    Land(near=(0.66, 0.55, 0.25), far=(0.74, 0.66, 0.38), ridge=(0.34, 0.40, 0.22), patches=0.20,
         trees=5, conifers=0.1, road=0.3, furrows=0.8),  # corn field
    Land(near=(0.42, 0.31, 0.21), far=(0.50, 0.42, 0.30), ridge=(0.31, 0.36, 0.24), patches=0.25,
         trees=5, conifers=0.4, road=0.3, furrows=1.0),  # ploughed field
    Land(near=(0.76, 0.60, 0.39), far=(0.85, 0.73, 0.53), ridge=(0.66, 0.47, 0.33), patches=0.22,
         trees=2, conifers=0.0, road=0.4),  # desert
    Land(near=(0.86, 0.89, 0.93), far=(0.80, 0.84, 0.90), ridge=(0.52, 0.58, 0.66), patches=0.14,
         trees=9, conifers=1.0, road=0.3),  # snow
    Land(near=(0.47, 0.42, 0.26), far=(0.56, 0.50, 0.34), ridge=(0.40, 0.36, 0.33), patches=0.40,
         trees=4, conifers=0.5, road=0.5),  # steppe
    Land(near=(0.24, 0.31, 0.17), far=(0.33, 0.40, 0.25), ridge=(0.15, 0.24, 0.18), patches=0.35,
         trees=18, conifers=0.9, road=0.4),  # forest clearing
)  # fmt: skip


def draw_sky(canvas: Canvas, random: Random, *, sunny: bool, horizon: float) -> Array:
    """Paint the whole canvas as sky; return the sky's colour at the horizon (3,)."""
    height = np.clip(canvas.y / horizon, 0.0, 1.0)
    if not sunny:
        return _overcast(canvas, random, height)
    zenith = mix((0.10, 0.30, 0.68), (0.30, 0.56, 0.92), random.random())
    low = mix((0.60, 0.79, 0.95), (0.80, 0.88, 0.93), random.random())
    canvas.rgb[:] = mix(zenith, low, np.broadcast_to(height**1.3, canvas.cover.shape))
    sun = (random.uniform(0.06, 0.94), random.uniform(0.08, 0.55) * horizon)
    for radius, strength in ((0.30, 0.16), (0.17, 0.30), (0.09, 0.45)):
        canvas.paint(disc(sun, radius / 2), (1.0, 0.96, 0.80), soft=radius, strength=strength)
    canvas.paint(disc(sun, random.uniform(0.030, 0.045)), (1.0, 0.98, 0.86), soft=0.012)
    for _ in range(int(random.integers(0, 4))):
        _cloud(canvas, random, horizon)
    return low


def _overcast(canvas: Canvas, random: Random, height: Array) -> Array:
    tint = mix((0.97, 1.0, 1.04), (1.03, 1.0, 0.96), random.random())
    level = random.uniform(0.52, 0.74)
    low = np.clip(tint * (level + 0.10), 0.0, 0.95)
    canvas.rgb[:] = mix(tint * (level - 0.10), low, np.broadcast_to(height, canvas.cover.shape))
    noise, shift = Noise(random), random.uniform(0.0, 30.0)
    # clouds are seen under a flatter angle, so lie closer together, towards the horizon
    depth = 1.0 / (1.25 - height)
    layers = noise.at((canvas.x - 0.5) * 3.0 * depth**0.5 + shift, 4.0 * depth + shift, octaves=4)
    strength = random.uniform(0.18, 0.34) * (1.0 - 0.6 * height)
    canvas.rgb += (strength * (layers - 0.5))[..., None]
    return low


def _cloud(canvas: Canvas, random: Random, horizon: float) -> None:
    x, y = random.uniform(0.0, 1.0), random.uniform(0.15, 0.75) * horizon
    wide = random.uniform(0.05, 0.12)
    puffs = [(x + wide * random.uniform(-1.3, 1.3), random.uniform(0.25, 0.5)) for _ in range(6)]
    puffs.append((x, 0.6))
    for dx, radius in puffs:
        canvas.paint(
            disc((dx, y + 0.12 * wide), radius * wide, stretch=1.5), (0.80, 0.85, 0.91), soft=0.03,
            strength=0.7,
        )  # fmt: skip
    for dx, radius in puffs:
        canvas.paint(
            disc((dx, y - 0.1 * wide), radius * wide * 0.9, stretch=1.4), (0.98, 0.98, 0.99),
            soft=0.03, strength=0.85,
        )  # fmt: skip


def draw_land(
    canvas: Canvas, random: Random, *, horizon: float, light: Colour, haze: Colour
) -> None:
    """Paint hills, ground, road, trees and houses; `light` falls on them, `haze` lies far away."""
    land = LANDS[int(random.integers(len(LANDS)))]
    for nearness in sorted(random.uniform(0.15, 0.8, int(random.integers(1, 4)))):
        _ridge(canvas, random, mix(haze, np.multiply(land.ridge, light), nearness), horizon)
    _ground(canvas, random, land, horizon=horizon, light=light)
    if random.random() < land.road:
        _road(canvas, random, horizon=horizon, light=light)
    things = np.sort(random.random(int(random.integers(0, land.trees + 1))) ** 2)
    for depth in things:
        foot = horizon + 0.01 + 0.20 * depth
        tone = mix(haze, light, 0.6 + 0.4 * depth)
        x, high = random.uniform(0.0, 1.0), (0.08 + 0.20 * depth) * random.uniform(0.7, 1.3)
        if random.random() < 0.08:
            _house(canvas, random, x, foot, high=high, light=tone)
        elif random.random() < land.conifers:
            _conifer(canvas, random, x, foot, high=high, light=tone)
        else:
            _tree(canvas, random, x, foot, high=high, light=tone)
    for _ in range(int(random.integers(0, 7))):
        _stone_or_bush(canvas, random, land, horizon=horizon, light=light)


def _ridge(canvas: Canvas, random: Random, colour: Colour, horizon: float) -> None:
    noise, octaves = Noise(random), int(random.integers(1, 5))
    stretch, high = random.uniform(1.2, 3.5), random.uniform(0.04, 0.20)
    line = noise.at(canvas.x * stretch, np.zeros((1, 1)), octaves=octaves)
    crest = horizon - high * line
    canvas.fill(np.clip((canvas.y - crest) * canvas.size + 0.5, 0.0, 1.0), colour)


def _ground(canvas: Canvas, random: Random, land: Land, *, horizon: float, light: Colour) -> None:
    below = np.clip((canvas.y - horizon) / (1.0 - horizon), 0.0, 1.0)
    far, near = (np.multiply(c, light) * random.uniform(0.85, 1.1) for c in (land.far, land.near))
    colour = mix(far, near, np.broadcast_to(below**0.7, canvas.cover.shape))
    depth = 1.0 / (below + 0.12)  # as a plain in perspective
    noise, turn = Noise(random), random.uniform(-0.8, 0.8)
    patches = noise.at((canvas.x - 0.5) * depth * 2.0 + 9.0, depth * 3.0, octaves=4)
    texture = land.patches * (patches - 0.5)
    if land.furrows and random.random() < land.furrows:
        rows = np.sin((canvas.x - 0.5 + turn * (1.0 - below)) * depth * random.uniform(14.0, 30.0))
        texture = texture + 0.12 * rows * below
    colour = colour * (1.0 + texture[..., None])
    canvas.fill(np.clip((canvas.y - horizon) * canvas.size + 0.5, 0.0, 1.0), colour)


def _road(canvas: Canvas, random: Random, *, horizon: float, light: Colour) -> None:
    colour = mix((0.42, 0.41, 0.40), (0.60, 0.52, 0.40), random.random()) * np.asarray(light)
    if random.random() < 0.5:  # across the picture, under the vehicle's wheels or not
        top = random.uniform(horizon + 0.12, 0.85)
        tilt = random.uniform(-0.04, 0.04)
        wide = 0.05 + 0.14 * (top - horizon)
        corners = [(0.0, top), (1.0, top + tilt), (1.0, top + tilt + wide), (0.0, top + wide)]
    else:  # towards the horizon
        goal, start, wide = random.uniform(0.2, 0.8), random.uniform(-0.2, 1.2), 0.16
        corners = [(goal - 0.006, horizon), (goal + 0.006, horizon), (start + wide, 1.02),
                   (start - wide, 1.02)]  # fmt: skip
    canvas.paint(polygon(corners), colour, strength=0.9)


def _conifer(
    canvas: Canvas, random: Random, x: float, foot: float, *, high: float, light: Colour
) -> None:
    green = mix((0.10, 0.22, 0.13), (0.20, 0.33, 0.18), random.random()) * np.asarray(light)
    canvas.paint(capsule((x, foot), (x, foot - 0.3 * high), 0.03 * high), 0.6 * green)
    for step in range(3):
        base, half = foot - (0.12 + 0.26 * step) * high, (0.24 - 0.05 * step) * high
        tip = base - 0.42 * high
        canvas.paint(polygon([(x - half, base), (x + half, base), (x, tip)]), green)
        canvas.paint(polygon([(x, base), (x + half, base), (x, tip)]), 0.75 * green)


def _tree(
    canvas: Canvas, random: Random, x: float, foot: float, *, high: float, light: Colour
) -> None:
    green = mix((0.20, 0.34, 0.12), (0.42, 0.45, 0.16), random.random()) * np.asarray(light)
    brown = np.multiply((0.30, 0.23, 0.17), light)
    canvas.paint(capsule((x, foot), (x, foot - 0.5 * high), 0.04 * high), brown)
    for _ in range(6):
        dx, dy = random.uniform(-0.2, 0.2) * high, random.uniform(0.45, 0.85) * high
        shade = random.uniform(0.8, 1.15)
        canvas.paint(disc((x + dx, foot - dy), 0.2 * high), shade * green, soft=0.015)


def _house(
    canvas: Canvas, random: Random, x: float, foot: float, *, high: float, light: Colour
) -> None:
    wall = mix((0.80, 0.76, 0.68), (0.62, 0.50, 0.42), random.random()) * np.asarray(light)
    roof = mix((0.55, 0.26, 0.20), (0.34, 0.32, 0.33), random.random()) * np.asarray(light)
    half, eaves = 0.5 * high, foot - 0.45 * high
    canvas.paint(
        polygon([(x - half, foot), (x + half, foot), (x + half, eaves), (x - half, eaves)]), wall
    )
    canvas.paint(
        polygon([(x - 1.15 * half, eaves), (x + 1.15 * half, eaves), (x, foot - 0.85 * high)]), roof
    )


def _stone_or_bush(
    canvas: Canvas, random: Random, land: Land, *, horizon: float, light: Colour
) -> None:
    x, y = random.uniform(0.0, 1.0), random.uniform(horizon + 0.05, 0.98)
    radius = random.uniform(0.010, 0.022) + 0.03 * (y - horizon)
    grey = mix(land.ridge, (0.45, 0.44, 0.42), random.random()) * np.asarray(light)
    canvas.paint(disc((x, y), 0.7 * radius, stretch=1.5), 0.7 * grey, soft=0.01)
    canvas.paint(disc((x, y - 0.25 * radius), 0.6 * radius, stretch=1.4), grey, soft=0.01)
