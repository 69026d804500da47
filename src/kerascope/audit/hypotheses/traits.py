"""Traits of the whole picture that tell a class: which files have them, and edits that give them.

Donors are the files of a class whose trait stands out; controls are those of the other classes that
come nearest to it. With controls drawn at random, a tint on one class accuses the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from kerascope.audit.hypotheses.excess import excess_z
from kerascope.audit.interventions import edits
from kerascope.audit.interventions.statistics import Traits
from kerascope.audit.interventions.trial import Edit, Trials
from kerascope.types import Array

LEAST_Z = 4.0  # of the excess of files beyond the cut, in the half that proposes
FEWEST = 4
_CUTS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96)  # quantiles of the class
_QUALITIES = np.array([8, 10, 12, 15, 18, 22, 27, 35, 50, 70, 90, 95])
_SIGMAS = np.array([0, 0.35, 0.5, 0.65, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0])
_PROBES = 48  # pictures on which the dose of an edit is found


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Standing:
    """How files stand in a family of traits.

    score: (picture,) higher: more like the class. cut: from where files carry the trait. z: of
    their excess in the class, in the half that proposes. told: scores of other (picture, feature).
    """

    family: str
    score: Array
    cut: float
    z: float
    told: Callable[[Array], Array]

    def carried(self) -> Array:
        """Return bool (picture,): files beyond the cut, which few of the others are."""
        return self.score >= self.cut

    def widest(self, labels: Array, label: int) -> float:
        """Return the score at which the class and the rest differ most: the share of the class
        beyond it, less that of the rest, is a lower bound of the trait's prevalence.
        """
        own, rest = np.sort(self.score[labels == label]), np.sort(self.score[labels != label])
        points = np.unique(np.concatenate([own, rest]))
        beyond = [1 - np.searchsorted(v, points) / len(v) for v in (own, rest)]
        return float(points[int(np.argmax(beyond[0] - beyond[1]))])

    def beyond(self, pictures: Array, *, cut: float) -> Array:
        """Return bool (picture,): which of uint8 pictures are beyond a score."""
        return self.told(families(Traits.of(pictures))[self.family]) >= cut


def families(traits: Traits) -> dict[str, Array]:
    """Return (picture, feature) by family; an edit changes one of them."""
    return {
        "brightness": traits.brightness[:, None],
        "contrast": traits.contrast[:, None],
        "colour": traits.colour,
        "detail": traits.detail,
    }


def standing(family: str, values: Array, own: Array, others: Array) -> Standing:
    """Return how files stand: by a linear discriminant of a class, learnt from some rows.

    values: (picture, feature). own, others: rows of the half that proposes.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rows = np.concatenate([own, others])
    middle, spread = values[rows].mean(axis=0), values[rows].std(axis=0) + 1e-9
    apart = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    apart.fit((values[rows] - middle) / spread, np.arange(len(rows)) < len(own))

    def told(values: Array) -> Array:
        return np.asarray(apart.decision_function((values - middle) / spread))

    score = told(values)
    cuts = [float(np.quantile(score[own], q)) for q in _CUTS]
    z = [_excess(score, cut, own, others) for cut in cuts]
    best = int(np.argmax(z))
    return Standing(family=family, score=score, cut=cuts[best], z=z[best], told=told)


def _excess(score: Array, cut: float, own: Array, others: Array) -> float:
    one, two = int((score[own] >= cut).sum()), int((score[others] >= cut).sum())
    return float(excess_z(one, len(own), two, len(others))) if one >= FEWEST else 0.0


def nearest_controls(standing: Standing, others: Array, count: int) -> Array:
    """Return the rows of others that are most like the class, at least 10 of them."""
    ordered = others[np.argsort(-standing.score[others], kind="stable")]
    return ordered[: max(10, min(count, len(others) // 5))]


def edits_of(family: str, trials: Trials) -> Iterator[tuple[str, Edit]]:
    """Yield edits, by name, that give receivers a trait of their donors."""
    t, pixels = trials.panel.traits, trials.pixels
    if family == "brightness":
        yield (
            "brightness",
            lambda r, d: edits.shift_luma(pixels(r), t.brightness[d] - t.brightness[r]),
        )
    elif family == "contrast":
        yield (
            "contrast",
            lambda r, d: edits.stretch(pixels(r), np.exp(t.contrast[d] - t.contrast[r])),
        )
    elif family == "colour":
        yield "colour", lambda r, d: edits.shift_chroma(pixels(r), t.colour[d] - t.colour[r])
    else:
        yield from _detail(trials)


def _detail(trials: Trials) -> Iterator[tuple[str, Edit]]:
    t, pixels = trials.panel.traits, trials.pixels
    yield (
        "spectrum",
        lambda r, d: edits.scale_bands(pixels(r), np.exp((t.bands[d] - t.bands[r]) / 2)),
    )
    probes = pixels(trials.receivers(_PROBES))
    if not len(probes):
        return
    blurs = _curve(probes, _SIGMAS, edits.blur, lambda x: -x.bands[:, 2:].sum(axis=1))
    yield (
        "blur",
        lambda r, d: edits.blur(pixels(r), np.interp(-t.bands[d, 2:].sum(axis=1), blurs, _SIGMAS)),
    )
    flats = _curve(probes, _QUALITIES[::-1], edits.compress, lambda x: x.flat)
    yield (
        "compression",
        lambda r, d: edits.compress(pixels(r), np.interp(t.flat[d], flats, _QUALITIES[::-1])),
    )
    yield (
        "noise",
        lambda r, d: edits.add_noise(
            pixels(r), np.sqrt(np.maximum(t.noise[d] ** 2 - t.noise[r] ** 2, 0)), trials.generator
        ),
    )


def _curve(
    probes: Array, doses: Array, edit: Callable[[Array, Array], Array],
    measure: Callable[[Traits], Array],
) -> Array:  # fmt: skip
    """Return what a trait becomes under each dose, made to grow."""
    found = [
        float(np.median(measure(Traits.of(edit(probes, np.full(len(probes), dose))))))
        for dose in doses
    ]
    return np.maximum.accumulate(found) + np.arange(len(found)) * 1e-9
