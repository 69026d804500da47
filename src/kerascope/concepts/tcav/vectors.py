"""Concept activation vectors: where a concept lies in the activations of a layer."""

from __future__ import annotations

import numpy as np

from kerascope.errors import BadLayer
from kerascope.types import Array

_HELD = 3  # one example in so many is held out
_TINY = 1e-12  # of the largest eigenvalue: a direction that is rounding


def concept_vector(
    concept: Array, others: Array, generator: np.random.Generator, *, strength: float
) -> tuple[Array, float]:
    """Return a unit vector (feature,) that points to the concept, and its held-out accuracy.

    The normal of a logistic regression with a squared penalty, on two thirds of both sides; in
    units of the examples' own spread, so that a penalty means the same at every layer.

    concept, others: (example, feature), equally many. strength: weight of the data against the
    penalty (scikit-learn's C).

    Raises:
        BadLayer: all examples have the same activations.
    """
    from scipy import linalg
    from sklearn.linear_model import LogisticRegression

    held = max(1, len(concept) // _HELD)
    sides = [rows[generator.permutation(len(rows))] for rows in (concept, others)]
    seen = np.concatenate([rows[held:] for rows in sides]).astype(np.float64)
    kept = np.concatenate([rows[:held] for rows in sides]).astype(np.float64)
    centre = seen.mean(axis=0)
    seen -= centre
    scale = np.sqrt(np.square(seen).sum(axis=1).mean())
    if scale == 0:
        raise BadLayer("all examples have the same activations: there is no direction in them")
    # The weights lie in the span of the examples: their inner products say all that the fit needs.
    sizes, basis = linalg.eigh(seen @ seen.T)
    spanned = sizes > _TINY * sizes[-1]
    basis, lengths = basis[:, spanned], np.sqrt(sizes[spanned])
    labels = np.repeat([1, 0], len(concept) - held)
    fitted = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8)
    fitted.fit(basis * lengths / scale, labels)
    vector = (basis / lengths @ fitted.coef_[0]) @ seen
    said = (kept - centre) @ vector / scale + fitted.intercept_[0] > 0
    right = said == np.repeat([True, False], held)
    return (vector / linalg.norm(vector)).astype(np.float32), float(right.mean())
