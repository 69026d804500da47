"""A share of samples with its interval."""

from __future__ import annotations

import math
from typing import NamedTuple

_Z = 1.959963984540054  # of 95 %


class Share(NamedTuple):
    """`hits` of `total`, with the 95 % interval of Wilson (1927)."""

    hits: float
    total: int

    @property
    def value(self) -> float:
        """The share itself; NaN of nothing."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends; 0 and 1 of nothing."""
        if not self.total:
            return 0.0, 1.0
        n, p, z2 = self.total, self.value, _Z**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_json(self) -> dict[str, float | int | None]:
        """Return plain values."""
        low, high = self.interval
        value = self.value if self.total else None
        return {"value": value, "low": low, "high": high, "hits": self.hits, "total": self.total}

    @property
    def words(self) -> str:
        """As a person reads it: "88.0 % (95 % interval 76–94 %)"."""
        if not self.total:
            return "of no sample"
        low, high = self.interval
        return f"{100 * self.value:.1f} % (95 % interval {100 * low:.0f}–{100 * high:.0f} %)"
