"""Whether scores of a concept differ from those of random concepts."""

from __future__ import annotations

import numpy as np

from kerascope.types import Array


def welch(scores: Array, others: Array, *, alternative: str = "two-sided") -> float:
    """Return the p-value of Welch's t-test; 1 where neither side varies, and nothing is tested."""
    from scipy import stats

    if not np.ptp(scores) and not np.ptp(others):
        return 1.0
    # From their moments: scores that are all alike are no loss of precision here.
    moments = [(np.mean(x), np.std(x, ddof=1), len(x)) for x in (scores, others)]
    found = stats.ttest_ind_from_stats(
        *moments[0], *moments[1], equal_var=False, alternative=alternative
    )
    return float(found.pvalue)


def p_values(scores: Array, random: Array) -> Array:
    """Return two-sided p-values (concept, layer) of scores (concept, layer, run).

    random: (layer, run) scores of random concepts.
    """
    return np.array([[welch(row, random[k]) for k, row in enumerate(rows)] for rows in scores])


def bonferroni(p: Array) -> Array:
    """Return p-values corrected for as many tests as there are: p · tests, at most 1."""
    return np.minimum(p * p.size, 1.0)
