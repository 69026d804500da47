"""Checks of what every front door is given: scores, whole numbers, weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerascope.errors import BadInput, BadModel

SCORES = ("logit", "probability")


def check_score(score: str) -> None:
    """Raise `BadInput` for a score that is not known."""
    if score not in SCORES:
        raise BadInput(f"score='{score}' is not known; it is 'logit' or 'probability'")


def check_whole(least: int, **numbers: Any) -> None:
    """Raise `BadInput` for a number that is not whole or too small; None is let through."""
    for name, value in numbers.items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise BadInput(f"{name}={value!r} must be a whole number of at least {least}")


def check_weights(broken: str | None) -> None:
    """Raise `BadModel` where an identity names a weight that is NaN or infinite.

    A ReLU behind it may hide it from the outputs.
    """
    if broken is not None:
        raise BadModel(f"weights of the model are NaN or infinite, first in '{broken}'")
