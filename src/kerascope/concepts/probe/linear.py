"""Linear probes and their cross-validation."""

from __future__ import annotations

import numpy as np

from kerascope.concepts.probe.labels import Labels
from kerascope.types import Array

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)  # of the data against the penalty, rows of length 1
_Z = 1.959964  # of a normal distribution's 97.5 %
_DRAWS = 1000
_INNER = 3  # one training example in so many chooses the strength


def predicted(rows: Array, labels: Labels, train: Array, test: Array, strength: float) -> Array:
    """Return what a probe fitted to some examples says of others.

    Softmax regression for classes, ridge regression for numbers, both with a squared penalty; on
    standardised features over √features, so that a row is about as long as 1.

    rows: (example, feature). train, test: indices of rows.
    """
    from scipy import linalg
    from sklearn.linear_model import LogisticRegression, Ridge

    seen = rows[train].astype(np.float64)
    centre, spread = seen.mean(axis=0), seen.std(axis=0)
    # A feature that does not vary, but for rounding, tells nothing.
    dead = spread <= 1e-7 * np.abs(seen).max(axis=0, initial=0)
    scale = np.where(dead, np.inf, spread) * np.sqrt(rows.shape[1])
    seen, kept = (seen - centre) / scale, (rows[test] - centre) / scale
    if seen.shape[1] > seen.shape[0]:
        # The weights lie in the span of the examples.
        basis, coordinates = linalg.qr(seen.T, mode="economic")
        seen, kept = coordinates.T, kept @ basis
    model = Ridge(alpha=1 / strength)
    if labels.classes is not None:
        model = LogisticRegression(C=strength, solver="newton-cg", max_iter=2000)
    return model.fit(seen, labels.codes[train]).predict(kept)


def cross_validated(
    rows: Array, labels: Labels, folds: Array, strengths: tuple[float, ...]
) -> Array:
    """Return predictions for all examples, each by a probe that has not seen it.

    folds: (example,). strengths: one for every fold.
    """
    said = np.zeros(len(labels), labels.codes.dtype)
    for fold, strength in enumerate(strengths):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        said[test] = predicted(rows, labels, train, test, strength)
    return said


def chosen_strength(rows: Array, labels: Labels, train: Array) -> float:
    """Return the strength best on a third of the training examples; of equals, the middle one."""
    order = train
    if labels.classes is not None:
        order = train[np.argsort(labels.codes[train], kind="stable")]
    held = np.arange(len(order)) % _INNER == 0
    inner, outer = order[~held], order[held]
    if labels.classes is not None and len(np.unique(labels.codes[inner])) < 2:
        return 1.0
    marks = [
        score(Labels(labels.codes[outer], labels.classes),
              predicted(rows, labels, inner, outer, strength))
        for strength in STRENGTHS
    ]  # fmt: skip
    best = np.flatnonzero(np.array(marks) == max(marks))
    return STRENGTHS[best[len(best) // 2]]


def score(labels: Labels, said: Array) -> float:
    """Return accuracy, or R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)²."""
    if labels.classes is not None:
        return float((said == labels.codes).mean())
    whole = np.square(labels.codes - labels.codes.mean()).sum()
    return 1 - float(np.square(labels.codes - said).sum() / whole) if whole else -np.inf


def interval(labels: Labels, said: Array, generator: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of a score.

    Wilson's (1927) for accuracy; percentiles of 1000 draws of the examples for R².
    """
    count = len(labels)
    if labels.classes is not None:
        share = score(labels, said)
        middle = share + _Z**2 / (2 * count)
        half = _Z * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
        whole = 1 + _Z**2 / count
        return max(0.0, float((middle - half) / whole)), min(1.0, float((middle + half) / whole))
    draws = generator.integers(count, size=(_DRAWS, count))
    drawn = [score(Labels(labels.codes[rows], None), said[rows]) for rows in draws]
    low, high = np.percentile([value for value in drawn if np.isfinite(value)], (2.5, 97.5))
    return float(low), float(high)
