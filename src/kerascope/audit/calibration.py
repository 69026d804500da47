"""How far a model's confidence can be taken at its word."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from kerascope.audit.shares import Share
from kerascope.types import Array

BINS = 15  # Guo et al. 2017
_DRAWS = 200
_LEAST = 1e-7  # probability that a log loss is taken of, at least: Keras's own


class Bin(NamedTuple):
    """Samples of like confidence: its ends, its mean, and how many of them were right."""

    low: float
    high: float
    confidence: float
    right: Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """Confidence of the predicted class against how often it is right.

    Attributes:
        bins: of equal width from 0 to 1, the empty ones left out.
        equal: bins of equal numbers of samples.
        ece: expected calibration error, ∑ share × |accuracy − confidence| over `bins` (Guo et al.
            2017). adaptive_ece: over `equal` (Nguyen and O'Connor 2015).
        chance: the ECE that a model with these confidences, all of them true, stays under in 95 of
            100 draws of as many samples (Bröcker and Smith 2007): below it, none is shown.
        confidence: mean of the samples. right: how many predictions were.
        brier: mean squared distance of the probabilities from the truth, summed over the classes,
            0 … 2; None where they are no distribution. log_loss: −log of the true class's.
    """

    bins: tuple[Bin, ...]
    equal: tuple[Bin, ...]
    ece: float
    adaptive_ece: float
    chance: float
    confidence: float
    right: Share
    brier: float | None = None
    log_loss: float | None = None

    @property
    def sure(self) -> float:
        """Mean confidence less accuracy: above 0, the model is surer than it should be."""
        return self.confidence - self.right.value

    @property
    def words(self) -> str:
        """What it comes to, in a sentence."""
        said = f"mean confidence {self.confidence:.3f}, right in {self.right.words}"
        error = f"expected calibration error {self.ece:.3f}"
        if self.ece <= self.chance:
            return f"{said}; {error}, no more than chance shows of true confidences"
        way = "surer than it should be" if self.sure > 0 else "less sure than it could be"
        return f"{said}: {way}; {error} (true confidences stay under {self.chance:.3f})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        facts = {
            name: getattr(self, name)
            for name in ("ece", "adaptive_ece", "chance", "confidence", "brier", "log_loss")
        }
        bins = {name: [_plain(b) for b in getattr(self, name)] for name in ("bins", "equal")}
        return {**facts, "right": self.right.to_json(), **bins}


def calibration(
    confidence: Array, right: Array, *, bins: int = BINS, seed: int = 0,
    brier: float | None = None, log_loss: float | None = None,
) -> Calibration:  # fmt: skip
    """Return how confidences (sample,), 0 … 1, compare with which predictions were right."""
    wide = equal_width(confidence, bins)
    even = equal_mass(confidence, bins)
    return Calibration(
        bins=_bins(confidence, right, wide, np.linspace(0, 1, bins + 1)),
        equal=_bins(confidence, right, even, None),
        ece=_gap(confidence, right, wide),
        adaptive_ece=_gap(confidence, right, even),
        chance=_chance(confidence, wide, seed),
        confidence=float(confidence.mean(dtype=np.float64)),
        right=Share(int(right.sum()), len(right)),
        brier=brier,
        log_loss=log_loss,
    )


def equal_width(confidence: Array, bins: int) -> Array:
    """Return the bin of each sample: ](i − 1) / bins, i / bins], as Guo et al. cut them."""
    return np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(int) - 1, 0, bins - 1)


def equal_mass(confidence: Array, bins: int) -> Array:
    """Return the bin of each sample; equal confidences share one, so that order is of no effect."""
    ordered = np.sort(confidence)
    places = np.arange(1, bins) * len(ordered) // bins
    edges = np.unique(ordered[places]) if len(ordered) else ordered
    return np.searchsorted(edges, confidence, side="right")


def loss(probability: Array) -> Array:
    """Return −log of probabilities of the true class, cut off at 1e-7."""
    return -np.log(np.clip(probability, _LEAST, 1))


def _gap(confidence: Array, right: Array, place: Array) -> float:
    far = np.bincount(place, right.astype(np.float64) - confidence)
    return float(np.abs(far).sum() / len(confidence))


def _chance(confidence: Array, place: Array, seed: int) -> float:
    rng = np.random.Generator(np.random.Philox(key=seed & (2**64 - 1)))
    drawn = [_gap(confidence, rng.random(len(confidence)) < confidence, place)
             for _ in range(_DRAWS)]  # fmt: skip
    return float(np.quantile(drawn, 0.95))


def _bins(confidence: Array, right: Array, place: Array, edges: Array | None) -> tuple[Bin, ...]:
    found = []
    for i in np.unique(place):
        rows = place == i
        inside = confidence[rows]
        ends = (inside.min(), inside.max()) if edges is None else (edges[i], edges[i + 1])
        share = Share(int(right[rows].sum()), len(inside))
        mean = float(inside.mean(dtype=np.float64))
        found.append(Bin(float(ends[0]), float(ends[1]), mean, share))
    return tuple(found)


def _plain(one: Bin) -> dict[str, Any]:
    ends = {"low": one.low, "high": one.high, "confidence": one.confidence}
    return {**ends, "right": one.right.to_json()}
