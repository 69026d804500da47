"""What a grade is made from, measured on the samples themselves.

removal: does the score hang on what the map ranks highest? cells: does the evidence lie where
covering costs most? stability: does the map stay under small noise and another seed? weights: does
it hang on what the model has learned? gap: what is missing to completeness.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.metrics.again import explained
from kerascope.metrics.controls import control_maps
from kerascope.metrics.robustness import noisy
from kerascope.metrics.similarity import correlation
from kerascope.metrics.subject import ranking, undefined_where
from kerascope.perturb import is_tokens

if TYPE_CHECKING:
    from kerascope.method import Passes
    from kerascope.metrics.subject import Subject
    from kerascope.types import Array

MOST_PASSES = 200  # forward passes over one sample and target
# Of the positions that are kept, the highest or the lowest of a map. Symmetric about a half, so
# that removing a share is among them, and a map and its reverse have opposite values.
SHARES = (0.05, 0.2, 0.5, 0.8, 0.95)
CELLS = 25
NOISE = 0.02  # of the range of a sample, as in the metrics of robustness
_BASELINE = "mean"
# A score that moves by less, as a share of its size, moves by rounding: in float32, or in half
# precision.
_ROUNDING = {"float16": 3e-2, "bfloat16": 0.2}
_FLOAT32 = 4e-6
_NOISE_DRAW = 2**27
_RANDOM_SEED = 2**20


@dataclasses.dataclass(frozen=True, eq=False)
class Removal:
    """What covering does to the score: shares of its range, all (sample,).

    own: mean over shares of the score with that share kept that ranks highest minus the score with
    as much kept that ranks lowest: area under insertion minus area under deletion, −1 … 1, 0 for a
    map that knows nothing, on average. random: the same of a random map; edge: of the edge map.
    cells: what covering costs where the evidence lies, 1 where it lies as the cost itself does. NaN
    where the map is constant, nothing speaks for the score, or nothing changes it.
    """

    own: Array
    random: Array
    edge: Array
    cells: Array
    passes: int


def removal(subject: Subject) -> Removal:
    """Keep what the map, and maps that know nothing of the model, rank highest; cover cells."""
    maps = [subject, _control(subject, "random map"), _control(subject, "edge map")]
    count = subject.positions
    places = [np.argsort(ranking(each.flat), axis=1) for each in maps]
    kept = np.clip(np.rint(np.array(SHARES) * count), 1, max(1, count - 1))
    labels = _cells(subject)
    curves = 2 * len(SHARES) * len(maps)
    draws = 2 + curves + int(labels.max()) + 1
    canvas = subject.canvas(_BASELINE)

    def shown(row: int, draw: int) -> Array:
        """Return the mask of one draw: all, nothing, each map's highest, all but a cell."""
        if draw < 2:
            return np.full(count, draw == 0)
        if draw >= 2 + curves:
            return labels != draw - 2 - curves
        which, rest = divmod(draw - 2, 2 * len(SHARES))
        place, share = places[which][row], kept[rest % len(SHARES)]
        return place < share if rest < len(SHARES) else place >= count - share

    def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
        masks = np.stack([shown(r, d) for r, d in zip(rows, numbers, strict=True)])
        return subject.shown(canvas, masks, rows, numbers)

    scores = subject.swept(draws, rows_of, "grade")
    span = np.ptp(scores, axis=1)
    parts = scores[:, 2 : 2 + curves].reshape(len(scores), len(maps), 2, len(SHARES))
    each = (parts[:, :, 0] - parts[:, :, 1]).mean(axis=2) / np.where(span > 0, span, 1)[:, None]
    flat = subject.flat
    constant = np.ptp(flat, axis=1) <= _FLOAT32 * np.abs(flat).max(axis=1)
    constant |= span <= _rounding(subject) * np.abs(scores).max(axis=1)
    costs = np.maximum(scores[:, :1] - scores[:, 2 + curves :], 0)
    return Removal(
        own=undefined_where(each[:, 0], constant),
        random=each[:, 1],
        edge=each[:, 2],
        cells=_where_it_costs(flat, labels, costs),
        passes=draws,
    )


def _rounding(subject: Subject) -> float:
    kind = getattr(subject.view.model, "compute_dtype", None)
    return _ROUNDING.get(str(kind), _FLOAT32)


def _control(subject: Subject, name: str) -> Subject:
    x = {key: subject.x[key] for key in subject.maps}
    axes = {key: subject.view.axes(key, array.shape[1:]) for key, array in x.items()}
    rows = np.arange(len(subject))
    maps = control_maps(name, x, axes, rows, _RANDOM_SEED + subject.run.seed)
    return dataclasses.replace(subject, maps=maps)


def _cells(subject: Subject) -> Array:
    """Return the cell of every position, at most `CELLS` of them: (position,)."""
    labels = subject.segments(f"grid-{max(2, CELLS // len(subject.maps))}")
    count = int(labels.max()) + 1
    return labels if count <= CELLS else labels * CELLS // count


def _where_it_costs(flat: Array, labels: Array, costs: Array) -> Array:
    """Return Σ pₖ cₖ / Σ qₖ cₖ up to 1: p is the evidence per cell, c the cost, q = c / Σ c."""
    positive = np.maximum(flat, 0)
    evidence = np.stack([positive[:, labels == k].sum(axis=1) for k in range(costs.shape[1])], 1)
    totals = evidence.sum(axis=1), costs.sum(axis=1)
    nothing = (totals[0] <= 0) | (totals[1] <= 0)
    shares = evidence / np.where(nothing, 1, totals[0])[:, None]
    best = (costs**2).sum(axis=1) / np.where(nothing, 1, totals[1])
    found = (shares * costs).sum(axis=1) / np.where(best > 0, best, 1)
    return undefined_where(np.minimum(found, 1), nothing)


def stability(subject: Subject) -> Array:
    """Return the correlation with the map under small noise and another seed: (sample,).

    Noise stays within the sample's own range. 0 where the map becomes constant. NaN where it was,
    and where nothing was changed: ids cannot be noised, and not every method draws.
    """
    x = dict(subject.x)
    for place, name in enumerate(name for name, array in x.items() if not is_tokens(array)):
        axes = tuple(range(1, x[name].ndim))
        low, high = (f(x[name], axis=axes, keepdims=True) for f in (np.min, np.max))
        x[name] = np.clip(noisy(subject, name, NOISE, _NOISE_DRAW + place), low, high)
    maps = explained(subject, x, seed=subject.run.seed + 1)
    still = (maps == subject.flat).all(axis=1)
    for name, array in x.items():
        still &= (array == subject.x[name]).reshape(len(array), -1).all(axis=1)
    return undefined_where(_alike(subject.flat, maps), still)


def weights(subject: Subject) -> float:
    """Return how alike the maps are when all weights are drawn anew, 0 … 1; NaN: undefined.

    The mean size of the correlation over samples (Adebayo et al. 2018: a method that passes
    changes), 0 for a map that becomes constant. Each layer is drawn from its own initialiser; the
    model's own weights are put back.
    """
    from kerascope.metrics.randomise import randomising

    with randomising(subject.view, subject.run) as drawn:
        for path in drawn.layers:
            drawn.draw(path)
        maps = explained(subject)
    found = np.abs(_alike(subject.flat, maps))
    return float(found[np.isfinite(found)].mean()) if np.isfinite(found).any() else float("nan")


def _alike(own: Array, other: Array) -> Array:
    """Return correlations (sample,): 0 where the other map is constant, NaN where the own is."""
    found = correlation(own, other)
    varies = np.isfinite(correlation(own, own))
    return np.where(varies & ~np.isfinite(found), 0.0, found)


def forwards(passes: Passes) -> int:
    """Return the forward passes over one sample of what a method declares."""
    return passes.forward + passes.gradient
