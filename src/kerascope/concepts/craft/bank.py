"""The concept bank: a layer's activations as non-negative sums of few directions."""

from __future__ import annotations

import warnings

import numpy as np

from kerascope.errors import BadInput
from kerascope.types import Array

_ITERATIONS = 2000
_TOLERANCE = 1e-4


def concept_bank(rows: Array, count: int, seed: int) -> tuple[Array, list[str]]:
    """Return unit directions (concept, channel) ≥ 0 whose sums come near to the rows, and notes.

    Non-negative matrix factorisation, min ‖rows − coefficients · bank‖² (Fel et al. 2023, equation
    1). rows: (crop, channel) ≥ 0.

    Raises:
        BadInput: more concepts than crops or channels, or rows that are all zero.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    if count > min(rows.shape):
        raise BadInput(
            f"concepts={count} is too many for {rows.shape[0]} crops and {rows.shape[1]} channels; "
            f"at most {min(rows.shape)}"
        )
    if not rows.any():
        raise BadInput("the layer is zero on all crops: there are no concepts in it")
    scaled = rows.astype(np.float64) / rows.max()
    model = NMF(count, init="nndsvda", max_iter=_ITERATIONS, tol=_TOLERANCE, random_state=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(scaled)
    notes = []
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        notes.append(f"the factorisation did not settle in {_ITERATIONS} steps")
    norms = np.linalg.norm(model.components_, axis=1, keepdims=True)
    return model.components_ / np.where(norms > 0, norms, 1), notes


def coefficients(rows: Array, bank: Array) -> Array:
    """Return the non-negative coefficients (row, concept) nearest to rows (row, channel).

    Exact non-negative least squares, row by row, so that nothing depends on chunks.
    """
    from scipy import optimize

    # The part of a row outside the bank's span changes no coefficient.
    basis, square = np.linalg.qr(bank.T)
    return np.stack([optimize.nnls(square, row)[0] for row in rows @ basis])


def relative_error(rows: Array, found: Array, bank: Array) -> float:
    """Return ‖rows − found · bank‖ / ‖rows‖: 0 for a bank that says all."""
    whole = float(np.linalg.norm(rows))
    return float(np.linalg.norm(rows - found @ bank)) / whole if whole else 0.0
