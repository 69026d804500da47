"""Say in words what a grade rests on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kerascope.grading.scale import CHECKS, bundled

_FINE, _POOR = 0.75, 0.4  # worth from which on a finding is praise, or below which blame


def reasons_of(
    checks: Mapping[str, float], missing: Mapping[str, str], what: str
) -> tuple[str, ...]:
    """Return a reason for every check, the heaviest objection first; those not made are last.

    checks: values by name, with those of a "random" and the "edge" map. missing: why others
    were not made. what: was explained.
    """
    if "removal" not in checks:
        still = f"the map is constant, or nothing that was covered changes the {what}"
        return (missing.get("removal", still),)
    scale = bundled()
    found = []
    for name in CHECKS:
        if name in checks:
            worth = float(scale.worth(name, np.array([checks[name]]))[0])
            lost = scale.weights[name] * (1 - worth)
            found.append((lost, _words(name, checks, worth)))
    told = [words for _, words in sorted(found, key=lambda pair: -pair[0])]
    told += [f"{name} not measured: {missing[name]}" for name in CHECKS if name not in checks]
    return tuple(told)


def _words(name: str, checks: Mapping[str, float], worth: float) -> str:
    value, fine = checks[name], worth >= _FINE
    if name == "removal":
        return _removal_words(value, checks["random"], checks["edge"])
    if name == "cells":
        part = "" if fine else "partly " if worth >= _POOR else "largely "
        where = f"{part}where covering costs {'little' if worth < _POOR else 'most'}"
        return f"its evidence lies {where} ({value:.2f} of 1)"
    if name == "stability":
        how = "stays" if fine else "changes"
        return f"{how} under small noise and another seed (correlation {value:.2f})"
    if name == "weights":
        number = f"when all weights are drawn anew (correlation {value:.2f})"
        if worth < _POOR:
            return f"looks much the same {number}: it shows the input more than the model"
        return f"changes {number}" if fine else f"changes only in part {number}"
    return f"completeness gap {value:.1%} of the score's difference"


def _removal_words(own: float, random: float, edge: float) -> str:
    numbers = f"{own:.2f}; a random map {random:.2f}, the edges {edge:.2f}".replace("-", "−")
    if own <= 0:
        return f"the score hangs on what it points to no more than on the rest ({numbers})"
    if own <= max(random, edge):
        return f"a map that knows nothing of the model points as well ({numbers})"
    return f"the score hangs on what it points to ({numbers})"
