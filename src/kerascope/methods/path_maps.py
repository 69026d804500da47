"""What an integral along a path has gathered by each of some equal parts of the way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kerascope.methods.input_family import Mean
from kerascope.types import Array

MOST = 64  # maps along a path: each is as large as the map itself


class Parts:
    """Gradients summed by the part of the path that they stand for, in `keep` equal parts.

    A gradient stands for a cell of the path; a cell on the border of two parts counts for both, by
    its share in each. The last part is not held: it is what the whole map has beyond the others.
    """

    def __init__(self, features: Mapping[str, Array], targets: int, keep: int) -> None:
        self.edges = np.linspace(0, 1, keep + 1)
        self._sums = [Mean(features, targets) for _ in range(keep - 1)]

    def add(
        self, rows: Array, values: Mapping[str, Array], weights: Array, cells: tuple[Array, Array]
    ) -> None:
        """Add (row, target, …) gradients with (row, target) weights; cells: (row) edges, 0 … 1."""
        low, high = cells
        for part, sums in enumerate(self._sums):
            inside = np.minimum(high, self.edges[part + 1]) - np.maximum(low, self.edges[part])
            some = np.flatnonzero(inside > 0)
            if len(some):
                share = (inside / np.maximum(high - low, 1e-12))[some, None]
                picked = {name: array[some] for name, array in values.items()}
                sums.add(rows[some], picked, weights[some] * share)

    def sums(self) -> list[dict[str, Array]]:
        """Return what was gathered up to the end of every part but the last, by input name."""
        found: list[dict[str, Array]] = []
        for part in self._sums:
            before = found[-1] if found else {}
            found.append({n: array + before.get(n, 0) for n, array in part.result().items()})
        return found
