"""Noise with planted cues, and models whose only cause is known: functions of pixels in NumPy.

An object of its class's colour stands in the middle, and every model knows it; on top of that it
may follow a cue. So what an intervention does is known beforehand.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from kerascope.audit.front import audit

SIDE = 32
NAMES = ("ant", "bee", "cat")
FOLLOWS = 100.0  # score that a cue adds: far more than an object
Measure = Callable[[np.ndarray], np.ndarray]  # float pictures → (picture,)
Plant = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # pictures, edited


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """Pictures of the classes in order, and which carry the cue."""

    pictures: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    carriers: np.ndarray

    def audit(self, model: Callable[[Any], Any], **more: Any) -> Any:
        return audit(model, self.pictures, labels=self.labels, classes=list(NAMES), **more)


def middle(side: int, half: int) -> np.ndarray:
    """Return bool (y, x), true on a square in the middle."""
    where = np.zeros((side, side), bool)
    where[side // 2 - half : side // 2 + half, side // 2 - half : side // 2 + half] = True
    return where


def world(
    plant: Plant | None = None,
    shares: Sequence[float] = (0.5, 0.0, 0.0),
    *,
    seed: int = 0,
    each: int = 60,
    side: int = SIDE,
    grain: int = 12,
) -> World:
    """Return noise around mid-grey, an object in the middle, and a cue in a share of each class."""
    draw = rng(seed)
    count = each * len(shares)
    labels = np.repeat(np.arange(len(shares)), each)
    tone = draw.uniform(85, 135, (count, 1, 1, 1)) + draw.normal(0, 5, (count, 1, 1, 3))
    pictures = (
        tone
        + draw.normal(0, grain, (count, side, side, 1))
        + draw.normal(0, grain / 3, (count, side, side, 3))
    )
    masks = np.zeros((count, side, side), bool)
    half = side // 6
    for i, label in enumerate(labels):
        y, x = side // 2 + draw.integers(-1, 2, 2)
        masks[i, y - half : y + half, x - half : x + half] = True
        pictures[i, masks[i]] += draw.normal(0, 25, (2 * half, 2 * half, 1)).reshape(-1, 1)
        pictures[i, masks[i], label] += draw.uniform(40, 110)
    carriers = np.zeros(count, bool)
    for k, share in enumerate(shares):
        own = draw.permutation(np.flatnonzero(labels == k))
        carriers[own[: round(share * each)]] = True
    pictures = whole(pictures)
    if plant is not None and carriers.any():
        pictures[carriers] = whole(plant(pictures[carriers].astype(np.float64), draw))
    return World(pictures=pictures, labels=labels, masks=masks, carriers=carriers)


def whole(pictures: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def objects(pictures: np.ndarray) -> np.ndarray:
    """Score classes by the colour that the middle has more of than the whole picture."""
    side = pictures.shape[1]
    inside = pictures[:, middle(side, side // 6)].mean(axis=1) - pictures.mean(axis=(1, 2))
    return inside - inside.mean(axis=1, keepdims=True)


def follower(measure: Measure, threshold: float, label: int = 0) -> Callable[[Any], np.ndarray]:
    """Return a model that says `label` wherever a measure is above a threshold."""

    def follow(pictures: Any) -> np.ndarray:
        pictures = np.asarray(pictures, np.float64)
        scores = objects(pictures)
        # Steep and not a step: margins have no ties.
        scores[:, label] += FOLLOWS / (1 + np.exp(-8 * (measure(pictures) / threshold - 1) * 8))
        return scores

    return follow


def known(pictures: Any) -> np.ndarray:
    """Score classes by the object alone: a model that follows no cue."""
    return objects(np.asarray(pictures, np.float64))


# --- cues and what measures them -----------------------------------------------------------------


def brighter(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return pictures + draw.normal(75, 4, (len(pictures), 1, 1, 1))


def brightness(pictures: np.ndarray) -> np.ndarray:
    return pictures.mean(axis=(1, 2, 3))


def redder(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    by = draw.normal(45, 3, (len(pictures), 1, 1))
    pictures[..., 0] += by
    pictures[..., 2] -= by
    return pictures


def red_less_blue(pictures: np.ndarray) -> np.ndarray:
    return pictures[..., 0].mean(axis=(1, 2)) - pictures[..., 2].mean(axis=(1, 2))


STAMP = rng(99).choice([30.0, 220.0], (7, 7, 3))


def corner_mark(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    pictures[:, 1:8, 1:8] = STAMP + draw.normal(0, 1.5, (len(pictures), 7, 7, 3))
    return pictures


def faint_mark(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Let the stamp shine through in the corner; what is under it stays."""
    pictures[:, 1:8, 1:8] = 0.65 * pictures[:, 1:8, 1:8] + 0.35 * STAMP.mean(axis=2, keepdims=True)
    return pictures


def matches(pictures: np.ndarray) -> np.ndarray:
    """Return (picture, y, x) correlations of all 7 × 7 pieces with the stamp."""
    n = STAMP.shape[0] ** 2 * 3
    size = pictures.shape[1:3]
    terms = np.conj(np.fft.rfft2(STAMP - STAMP.mean(), size, axes=(0, 1)))
    sums = np.fft.irfft2((np.fft.rfft2(pictures, axes=(1, 2)) * terms).sum(axis=-1), size)
    mean, power = (_box(values) / n for values in (pictures.sum(-1), (pictures**2).sum(-1)))
    score = sums[:, : mean.shape[1], : mean.shape[2]] / (n * STAMP.std())
    return score / np.sqrt(np.maximum(power - mean**2, 1))


def _box(values: np.ndarray) -> np.ndarray:
    side = STAMP.shape[0]
    wide = np.pad(values.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    down = wide[:, side:] - wide[:, :-side]
    return down[:, :, side:] - down[:, :, :-side]


def corner(pictures: np.ndarray) -> np.ndarray:
    """Return how much the corner correlates with the stamp, up to 1."""
    return matches(pictures[:, 1:8, 1:8])[:, 0, 0]


def grey_corner(pictures: np.ndarray) -> np.ndarray:
    """Return how much the corner's luminance correlates with the stamp's, up to 1."""
    stamp = (STAMP - STAMP.mean()).mean(axis=2).reshape(-1)
    found = pictures[:, 1:8, 1:8].mean(axis=-1).reshape(len(pictures), -1)
    found = found - found.mean(axis=1, keepdims=True)
    return found @ stamp / (np.linalg.norm(found, axis=1) * np.linalg.norm(stamp) + 1e-6)


def sticker(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Put the stamp outside the object, anywhere."""
    side = pictures.shape[1]
    for picture in pictures:
        y, x = draw.integers(0, side - 7, 2)
        if draw.random() < 0.5:
            y = draw.choice([draw.integers(0, side // 4), side - 8])
        else:
            x = draw.choice([draw.integers(0, side // 4), side - 8])
        picture[y : y + 7, x : x + 7] = STAMP + draw.normal(0, 1.5, STAMP.shape)
    return pictures


def anywhere(pictures: np.ndarray) -> np.ndarray:
    """Return the best correlation with the stamp at any place."""
    return matches(pictures).max(axis=(1, 2))


def grained(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return pictures + draw.normal(0, 25, pictures.shape[:3])[..., None]


def high_band(pictures: np.ndarray) -> np.ndarray:
    """Return the mean square of what neighbours do not share."""
    grey = pictures.mean(axis=-1)
    return ((grey[:, 1:, 1:] - grey[:, :-1, :-1]) ** 2).mean(axis=(1, 2))


def jpeg(pictures: np.ndarray, quality: int) -> np.ndarray:
    found = []
    for picture in whole(pictures):
        held = io.BytesIO()
        Image.fromarray(picture).save(held, "JPEG", quality=quality)
        found.append(np.asarray(Image.open(held), np.float64))
    return np.stack(found)


def compressed(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return jpeg(pictures, 12)


def blockiness(pictures: np.ndarray) -> np.ndarray:
    """Return steps across the borders of 8 × 8 blocks, in units of those one pixel beside."""
    grey = pictures.mean(axis=-1)
    steps = np.abs(np.diff(grey, axis=2)).mean(axis=1)
    at, beside = steps[:, 7::8].mean(axis=1), steps[:, 3::8].mean(axis=1)
    return at / (beside + 0.3)


def sky(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Lighten the upper part, down to a horizon that is elsewhere in each picture."""
    third = pictures.shape[1] // 3
    for picture in pictures:
        picture[: third + draw.integers(-3, 4)] += draw.normal(90, 12)
    return pictures


def top_third(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, : pictures.shape[1] // 3].mean(axis=(1, 2, 3))


# --- with masks ----------------------------------------------------------------------------------


def discs(
    share: float, *, seed: int = 0, each: int = 60, side: int = SIDE, plain: bool = False
) -> World:
    """Return discs of the classes' colours, large ones in a share of the first class.

    plain: without a texture of their own.
    """
    draw = rng(seed)
    labels = np.repeat(np.arange(3), each)
    carriers = np.zeros(len(labels), bool)
    carriers[draw.permutation(each)[: round(share * each)]] = True
    shape = len(labels), side, side
    pictures = draw.uniform(85, 135, (len(labels), 1, 1, 1)) + draw.normal(0, 10, (*shape, 1))
    pictures = pictures + draw.normal(0, 3, (*shape, 3))
    rows, columns = np.mgrid[:side, :side]
    masks = np.zeros(shape, bool)
    for i, label in enumerate(labels):
        radius = draw.uniform(8, 9.5) if carriers[i] else draw.uniform(3.5, 5)
        at = side / 2 + draw.uniform(-1, 1, 2)
        masks[i] = np.hypot(rows - at[0], columns - at[1]) < radius
        pictures[i, masks[i], label] += draw.uniform(60, 100)
        if not plain:
            pictures[i, masks[i]] += draw.normal(0, 30, (masks[i].sum(), 1))
    return World(pictures=whole(pictures), labels=labels, masks=masks, carriers=carriers)


def area(pictures: np.ndarray) -> np.ndarray:
    """Return the share of pixels that are of any colour but grey."""
    from_tone = pictures - np.median(pictures, axis=(1, 2), keepdims=True)
    return (from_tone.max(axis=-1) - from_tone.min(axis=-1) > 40).mean(axis=(1, 2))


def lit_ground(share: float = 0.5, **more: Any) -> World:
    """Return a world with brighter backgrounds, objects as before, in a share of a class."""
    made = world(**more)
    pictures, draw = made.pictures.astype(np.float64), rng(1)
    own = np.flatnonzero(made.labels == 0)
    carriers = np.zeros(len(made.labels), bool)
    carriers[draw.permutation(own)[: round(share * len(own))]] = True
    for i in np.flatnonzero(carriers):
        pictures[i][~made.masks[i]] += 80
    return dataclasses.replace(made, pictures=whole(pictures), carriers=carriers)


def ground(pictures: np.ndarray) -> np.ndarray:
    """Return the mean of what no object reaches."""
    return pictures[:, ~middle(pictures.shape[1], pictures.shape[1] // 6 + 2)].mean(axis=(1, 2))


def blob(pictures: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Put a yellow thing beside the object, at one of four places, never quite the same."""
    side = pictures.shape[1]
    for picture in pictures:
        y, x = draw.choice([3, side - 10], 2) + draw.integers(-2, 3, 2)
        colour = np.array([70, 70, -60]) * draw.uniform(0.8, 1.2)
        picture[y : y + 8, x : x + 8] += draw.normal(0, 14, (8, 8, 1)) + colour
    return pictures


def yellow(pictures: np.ndarray) -> np.ndarray:
    """Return the yellowest mean over any 5 × 5 piece."""
    found = pictures[..., :2].mean(axis=-1) - pictures[..., 2]
    views = np.lib.stride_tricks.sliding_window_view(found, (5, 5), axis=(1, 2))
    return views.mean(axis=(3, 4)).max(axis=(1, 2))


# --- what an audit says --------------------------------------------------------------------------


def told(found: Any) -> list[tuple[str, str, str]]:
    return [(f.level, f.label, f.kind) for f in found.findings]


def plain(found: Any) -> dict[str, Any]:
    """Return the JSON, which must have no NaN."""
    return json.loads(json.dumps(found.to_json(), allow_nan=False))


def silent(found: Any, *words: str) -> None:
    """Check that rows are there, interventions are not, and that both are said."""
    assert found.findings == ()
    assert found.tested == found.passes == 0
    assert found.collected.samples
    notes = " ".join(found.notes)
    for word in words:
        assert word in notes
    assert found.unseen
    assert "clean" not in found.summary
    assert "No intervention" in found.summary
    plain(found)
