"""XRAI, extremal perturbation and D-RISE, literally as their papers write them: NumPy in float64.

Loops over segments, positions and boxes; nothing of Kerascope.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
from scipy import ndimage

import oracles
from numpy_net import Net

Array = np.ndarray


# --- XRAI -----------------------------------------------------------------------------------


def tiles(size: tuple[int, int] = (9, 12)) -> Array:
    """Return overlapping segments that do not cover everything: (segment, *size) truth values."""
    corners = itertools.product(range(0, size[0] - 3, 3), range(0, size[1] - 3, 2))
    masks = []
    for number, (top, left) in enumerate(corners):
        mask = np.zeros(size, bool)
        mask[top : top + 3 + number % 2, left : left + 3 + number % 3] = True
        masks.append(mask)
    return np.array(masks)


def xrai(
    net: Net, x: Array, k: int, *, segments: Array, smallest: float, algorithm: str = "full"
) -> Array:
    """Rank segments by the integrated gradients from black and from white."""
    paths = [
        np.stack(
            [
                oracles.integrated_gradients(net, one[None], k, baseline=float(end(one)))[0]
                for one in x
            ]
        )
        for end in (np.min, np.max)
    ]
    attribution = (paths[0] + paths[1]).max(axis=-1) / 2
    least = max(1, round(smallest * attribution[0].size))
    rank = regions if algorithm == "full" else regions_at_once
    return np.stack([rank(one, list(segments), least) for one in attribution])


def regions(attribution: Array, segments: list[Array], least: int) -> Array:
    """Algorithm 2: take the segment whose gain in density is largest, again and again."""
    taken, found = np.zeros(attribution.shape, bool), np.zeros(attribution.shape)
    while True:
        new = [segment & ~taken for segment in segments]
        new = [region for region in new if region.sum() >= least]
        if not new:
            break
        best = max(new, key=lambda region: attribution[region].mean())
        found[best] = attribution[best].mean()
        taken |= best
    if not taken.all():
        found[~taken] = attribution[~taken].mean()
    return found


def regions_at_once(attribution: Array, segments: list[Array], least: int) -> Array:
    """The authors' fast variant: segments in the order of their own density."""
    taken, found = np.zeros(attribution.shape, bool), np.zeros(attribution.shape)
    for segment in sorted(segments, key=lambda one: -attribution[one].mean()):
        new = segment & ~taken
        if new.sum() >= least:
            found[new] = attribution[new].mean()
            taken |= new
    if not taken.all():
        found[~taken] = attribution[~taken].mean()
    return found


# --- extremal perturbation ------------------------------------------------------------------

SPAN = 10.0  # to which the change of the score is brought


@functools.cache
def kernel(grid: tuple[int, ...], sigma: float) -> tuple[Array, Array]:
    """Return k(u − v) of every position u and the cells v near it, and the cells' numbers.

    A parameter has a cell of round(σ/3) positions each way; those within 5σ/3, from cell to cell,
    are near. There is a margin of ⌈σ⌉ positions, rounded up to cells, around the parameters.
    """
    step = max(1, round(sigma / 3))
    margin, reach = int(np.ceil(sigma / step)), 5 * sigma / 3 / step
    wide = margin + int(reach)
    u = _lattice([(-margin * step, (n + margin) * step) for n in grid])[:, None]
    v = _lattice([(-wide, n + wide) for n in grid])[None]
    near = np.sqrt(np.square(u // step - v).sum(axis=-1)) <= reach
    distance = np.sqrt(np.square(v * step + (step - 1) / 2 - u).sum(axis=-1))
    values = np.exp(-2 * np.maximum(distance / (sigma or 1.0) - 0.5, 0) ** 2)
    return values[near].reshape(len(near), -1), np.nonzero(near)[1].reshape(len(near), -1)


def _lattice(ranges: list[tuple[int, int]]) -> Array:
    return np.array(list(itertools.product(*[range(*ends) for ends in ranges])))


def smooth_mask(parameters: Array, sigma: float) -> Array:
    """m(u) = smax_v k(u − v)·p(v), smax f = Σ f·exp(20 f) / Σ exp(20 f), with its margin.

    k(d) = exp(−2·max(d/σ − ½, 0)²); beyond the border the parameters are zero.
    """
    values, near = kernel(parameters.shape, sigma)
    step = max(1, round(sigma / 3))
    margin = int(np.ceil(sigma / step))
    f = values * np.pad(parameters, margin + int(5 * sigma / 3 / step)).ravel()[near]
    mask = (f * np.exp(20 * f)).sum(axis=1) / np.exp(20 * f).sum(axis=1)
    return mask.reshape([(n + 2 * margin) * step for n in parameters.shape])


def area_loss(mask: Array, shown: int) -> float:
    """‖vecsort(m) − r‖² / n, equation 4: r has `shown` ones, at its end."""
    reference = np.zeros(mask.size)
    reference[mask.size - shown :] = 1.0
    return float(np.square(np.sort(mask.ravel()) - reference).mean())


def area_slope(mask: Array, shown: int) -> Array:
    """Return the slope of `area_loss`; positions within 0.001 of the last one shown share it."""
    last = np.sort(mask.ravel())[mask.size - shown]
    above, near = mask > last + 1e-3, np.abs(mask - last) <= 1e-3
    wanted = np.where(near, (shown - above.sum()) / near.sum(), above)
    return 2 * (mask - wanted) / mask.size


def slopes(function: Callable[[Array], float], parameters: Array, h: float = 1e-6) -> Array:
    """Return the slopes of a function of parameters, by central differences."""
    found = np.zeros_like(parameters)
    for place in np.ndindex(*parameters.shape):
        ends = []
        for sign in (1, -1):
            moved = parameters.copy()
            moved[place] += sign * h
            ends.append(function(moved))
        found[place] = (ends[0] - ends[1]) / (2 * h)
    return found


def extremal_perturbation(
    net: Net, x: Array, k: int, *, area: float, steps: int, smoothing: float,
    variant: str = "preserve",
) -> Array:  # fmt: skip
    """Gradient ascent with momentum on score − λ·area loss, λ growing; slopes by differences.

    All is done as the authors' code does: parameters start at 1, momentum 0.9 with as much damping,
    a rate of 0.01 for 32 × 32 parameters and 800 steps, λ = 300·1.0035^step. The score is divided
    by its change under the full blur, times 10.
    """
    return np.stack(
        [_ascent(net, one, k, area, steps, smoothing, variant == "delete") for one in x]
    )


def _ascent(
    net: Net, one: Array, k: int, area: float, steps: int, smoothing: float, delete: bool
) -> Array:
    size = one.shape[:2]
    side = float(np.sqrt(size[0] * size[1]))
    sigma = smoothing * side
    step = max(1, round(sigma / 3))
    strengths = [20 / 224 * side * (7 - level) / 7 for level in range(8)]
    grades = np.stack(
        [ndimage.gaussian_filter(one, (s, s, 0), mode="nearest") if s else one for s in strengths]
    )
    full = float(net.scores(one[None], k)[0])
    change = abs(full - float(net.scores(grades[:1], k)[0]))
    unit = SPAN / max(change, abs(full) / 10)
    start = int(np.ceil(sigma / step)) * step
    inner = tuple(slice(start, start + n) for n in size)
    shown = int(np.ceil(area * size[0] * size[1] - 1e-9))
    parameters = np.ones([-(-n // step) for n in size])
    speed = np.zeros_like(parameters)
    for number in range(steps):
        weight = 300 * 1.0035 ** (number * 800 / steps)

        mask = smooth_mask(parameters, sigma)
        pull = -weight * area_slope(mask, shown)
        seen = 1 - mask[inner] if delete else mask[inner]
        # Deleting more shows less, and is to lower the score: twice the other sign.
        pull[inner] += unit * score_slopes(net, k, grades, seen)
        slope = slopes(lambda p, pull=pull: float((pull * smooth_mask(p, sigma)).sum()), parameters)
        speed = slope if number == 0 else 0.9 * speed + 0.1 * slope
        rate = 0.01 * 800 / steps * parameters.size / 1024
        parameters = np.clip(parameters + rate * speed, 0, 1)
    return smooth_mask(parameters, sigma)[inner]


def blended(grades: Array, mask: Array) -> Array:
    """Choose each position's grade by the mask, linearly between neighbours."""
    found = np.zeros(grades.shape[1:])
    for place in np.ndindex(*mask.shape):
        found[place] = _grade(grades, place, mask[place])
    return found


def _grade(grades: Array, place: tuple[int, ...], share: float) -> Array:
    level = share * (len(grades) - 1)
    low = min(int(level), len(grades) - 2)
    upper = level - low
    return (1 - upper) * grades[(low, *place)] + upper * grades[(low + 1, *place)]


def score_slopes(net: Net, k: int, grades: Array, seen: Array, h: float = 1e-6) -> Array:
    """Return the slopes of the score by what a mask shows, by central differences."""
    whole, ends = blended(grades, seen), []
    for place in np.ndindex(*seen.shape):
        for sign in (1, -1):
            moved = whole.copy()
            moved[place] = _grade(grades, place, seen[place] + sign * h)
            ends.append(moved)
    scores = net.scores(np.array(ends), k).reshape(*seen.shape, 2)
    return (scores[..., 0] - scores[..., 1]) / (2 * h)


# --- D-RISE ---------------------------------------------------------------------------------


def similarity(one: dict[str, Array], boxes: Array, kinds: Array, sure: Array) -> float:
    """max_j IoU(L_t, L_j)·cos(P_t, P_j)·O_j over detections j (equations 3 to 6)."""
    found = 0.0
    for box, kind, confidence in zip(boxes, kinds, sure, strict=True):
        width = min(box[2], one["box"][2]) - max(box[0], one["box"][0])
        height = min(box[3], one["box"][3]) - max(box[1], one["box"][1])
        common = max(width, 0.0) * max(height, 0.0)
        areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, one["box"])]
        cosine = kind @ one["kind"] / np.sqrt((kind @ kind) * (one["kind"] @ one["kind"]))
        found = max(found, common / (sum(areas) - common) * cosine * confidence)
    return float(found)
