"""What shap gives for rows of a table: exact values, and KernelExplainer with all coalitions.

Run by make_references.py in a process of its own: `python table_references.py FILE.npz`.
"""

from __future__ import annotations

import logging
import sys

import numpy as np

from tabular import plain

SHOWN = 4  # rows explained, against all as background


def shap() -> dict[str, np.ndarray]:
    """Shapley values (row, class, column), and the mean score of the background, (class,)."""
    import shap

    logging.getLogger("shap").setLevel(logging.ERROR)
    x = plain.rows().astype(np.float64)
    masker = shap.maskers.Independent(x, max_samples=len(x))
    exact = shap.explainers.Exact(plain.scores, masker)(x[:SHOWN])
    kernel = shap.KernelExplainer(plain.scores, x).shap_values(
        x[:SHOWN], nsamples=200, l1_reg=0, silent=True
    )
    return {
        "shap/exact": np.moveaxis(exact.values, 1, 2),
        "shap/base": exact.base_values[0],
        "shap/kernel": np.moveaxis(np.asarray(kernel), 1, 2),
    }


if __name__ == "__main__":
    np.savez(sys.argv[1], **shap())
