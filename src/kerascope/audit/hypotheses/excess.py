"""How much more often something is in one group of pictures than in another."""

from __future__ import annotations

from typing import Any

import numpy as np


def excess_z(one: Any, n: int, two: Any, m: int) -> Any:
    """Return z of `one` of n against `two` of m; one is added to each, so it is never infinite."""
    pooled = (one + two + 1) / (n + m + 2)
    return (one / n - two / m) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
