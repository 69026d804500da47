"""The segments that peers are given: squares, as many as the grid of Kerascope's method has."""

from __future__ import annotations

import numpy as np

from kerascope.bench import Job


def squares(job: Job, method: str) -> np.ndarray:
    """Return labels (y, x) from 0, of as many squares as `segments="grid-N"` says."""
    count = int(str(job.setting(method)["segments"]).rpartition("-")[2])
    side = max(1, round(count**0.5))
    y, x = (np.arange(n) * side // n for n in job.size)
    return (y[:, None] * side + x[None]).astype(np.int32)
