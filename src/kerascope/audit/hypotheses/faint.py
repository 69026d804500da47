"""Faint overlays: a mark that shines through, the same in many files of one class.

Half-transparent logos and lettering have no colour of their own; they have in common their
drawing: the sign of fine contrast, place by place. Its mean over a class stands out where that over
the others does not (compare Dekel et al. 2017, "On the effectiveness of visible watermarks"). A
file carries the mark where its own fine contrast follows the drawing; objects, which never repeat
themselves so closely, do not.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from kerascope.audit.hypotheses.excess import excess_z
from kerascope.audit.hypotheses.same_pixels import FEWEST, LEAST_Z
from kerascope.audit.measures import luminance
from kerascope.types import Array

ALIKE = 0.5  # correlation of a carrier's fine contrast with the drawing, at the median
_UNLIKE = 0.25  # the same of 95 % of the other files, at most
_GAP, _FEW_BETWEEN = 0.1, 0.25  # share of files this near the threshold, of the carriers, at most
_SOFT = 6.0  # levels from which contrast counts fully
_FINE = 0.03  # of a side: wider things are no fine contrast
_WINDOW = 0.06  # of a side, over which evidence is gathered
_LEAST = 3.0  # mean square of z there; 1 by chance
_AROUND = 0.25  # of the largest mean square, down to which the mark reaches
_LEAST_AREA = 0.002  # of the picture
_ROUNDS = 4


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Faint:
    """A mark that shines through: area, bool (y, x), and its drawing there, with its threshold."""

    area: Array
    drawing: Array
    least: float

    def follows(self, pictures: Array) -> Array:
        """Return (picture,) the correlation of each one's fine contrast with the drawing."""
        return _correlations(_fine(pictures)[:, self.area], self.drawing)

    def carried(self, pictures: Array) -> Array:
        """Return bool (picture,): which carry the mark."""
        parts = [self.follows(pictures[i : i + 256]) for i in range(0, len(pictures), 256)]
        return np.concatenate(parts) >= self.least


def faint_mark(own: Array, others: Array) -> Faint | None:
    """Return the mark that files of a class share and others do not; None without one.

    own, others: uint8 (picture, y, x, channel).
    """
    if len(own) < 2 * FEWEST or len(others) < 2 * FEWEST:
        return None
    mine, theirs = _fine(own), _fine(others)
    usual, spread = theirs.mean(axis=0), theirs.var(axis=0) + 1e-4
    members = np.arange(len(own))
    area, drawing = np.zeros(0, bool), np.zeros(0)
    for _ in range(_ROUNDS):
        area = _standing_out(mine[members].mean(axis=0) - usual, spread, len(members), len(others))
        if area.sum() < max(12, _LEAST_AREA * area.size):
            return None
        drawing = (mine[members].mean(axis=0) - usual)[area]
        follows = _correlations(mine[:, area], drawing)
        members = np.flatnonzero(follows >= _between(follows))
        if len(members) < FEWEST:
            return None
    return _checked(area, drawing, follows, _correlations(theirs[:, area], drawing))


def _checked(area: Array, drawing: Array, own: Array, others: Array) -> Faint | None:
    """Return the mark if files of the class fall into carriers and others, and no other carries."""
    least = _between(own)
    carriers, rest = own[own >= least], np.concatenate([own[own < least], others])
    between = int((np.abs(own - least) < _GAP).sum())
    if np.median(carriers) < ALIKE or np.quantile(rest, 0.95) > _UNLIKE:
        return None
    if between > _FEW_BETWEEN * len(carriers):  # as with a symbol that is drawn anew each time
        return None
    z = excess_z(len(carriers), len(own), int((others >= least).sum()), len(others))
    return Faint(area=area, drawing=drawing, least=least) if z >= LEAST_Z else None


def _fine(pictures: Array) -> Array:
    """Return (picture, y, x) fine contrast, −1 … 1: its sign, softened where it is weak."""
    grey = luminance(pictures)
    sigma = max(1.0, _FINE * min(grey.shape[1:]))
    fine = grey - ndimage.gaussian_filter(grey, (0, sigma, sigma))
    return fine / np.sqrt(fine**2 + _SOFT**2)


def _standing_out(difference: Array, spread: Array, n: int, m: int) -> Array:
    """Return bool (y, x), the place where a mean difference stands out most from chance."""
    z = difference / np.sqrt(spread * (1 / n + 1 / m))
    side = max(3, round(_WINDOW * min(z.shape)))
    gathered = ndimage.uniform_filter(z**2, side)
    most = float(gathered.max())
    if most < _LEAST:
        return np.zeros(z.shape, bool)
    labels, _ = ndimage.label(gathered >= max(_LEAST, _AROUND * most))
    return np.asarray(labels == labels[np.unravel_index(gathered.argmax(), z.shape)])


def _correlations(values: Array, drawing: Array) -> Array:
    centred = values - values.mean(axis=1, keepdims=True)
    line = drawing - drawing.mean()
    scale = np.linalg.norm(centred, axis=1) * np.linalg.norm(line)
    return np.asarray(centred @ line / np.maximum(scale, 1e-6))


def _between(values: Array) -> float:
    """Return the threshold that splits values best into two groups (Otsu 1979)."""
    ordered = np.sort(values)
    count = np.arange(1, len(ordered))
    sums = ordered.cumsum()
    low, high = sums[:-1] / count, (sums[-1] - sums[:-1]) / (len(ordered) - count)
    best = int((count * (len(ordered) - count) * (high - low) ** 2).argmax())
    return float((ordered[best] + ordered[best + 1]) / 2)
