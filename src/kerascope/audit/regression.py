"""How far one predicted number lies from the true one, which is a column of the data's own."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from kerascope.audit.collected import Collected
from kerascope.audit.once import numbers, once
from kerascope.errors import BadInput


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regression:
    """Errors, predicted less true, in the unit of the data; NaN where there are too few.

    Attributes:
        truth: the column. samples: that have both numbers.
        bias: mean error. mae: mean absolute error. rmse: root mean squared error.
        r2: share of the truth's variance that is predicted, 1 at best, 0 for always its mean.
        correlation: Pearson's.
    """

    truth: str
    samples: int
    bias: float
    mae: float
    rmse: float
    r2: float
    correlation: float

    @property
    def words(self) -> str:
        """What there is to say, in a sentence."""
        return (
            f"predictions of '{self.truth}' are off by {self.mae:.3g} on average (root mean square "
            f"{self.rmse:.3g}, bias {self.bias:.3g}); R² {self.r2:.3f} over {self.samples} samples"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        facts = dataclasses.asdict(self)
        return {k: None if v != v else v for k, v in facts.items()}  # noqa: PLR0124


def regression(collected: Collected, truth: str) -> Regression:
    """Return how well a model's one number foretells a column; raise `BadInput` for no numbers."""
    total = np.zeros(8)  # of 1, error, |error|, error², true, true², predicted, predicted²
    both = 0.0
    for batch in once(collected, ["score", truth]):
        kind = batch.schema.field(truth).type
        if str(kind) not in ("int64", "int32", "double", "float"):
            raise BadInput(f"truth='{truth}' is a column of {kind}; it must hold numbers")
        true, predicted = numbers(batch.column(truth)), numbers(batch.column("score"))
        good = np.isfinite(true) & np.isfinite(predicted)
        y, p = true[good], predicted[good]
        parts = (np.ones_like(y), p - y, np.abs(p - y), (p - y) ** 2, y, y**2, p, p**2)
        total += [part.sum() for part in parts]
        both += float((y * p).sum())
    n = float(total[0])
    if not n:
        raise BadInput(f"truth='{truth}' holds no number for any sample that could be read")
    _, bias, mae, squared, y1, y2, p1, p2 = (float(v) / n for v in total)
    spread, other = max(y2 - y1**2, 0.0), max(p2 - p1**2, 0.0)
    together = math.sqrt(spread * other)
    return Regression(
        truth=truth, samples=round(n), bias=bias, mae=mae, rmse=math.sqrt(squared),
        r2=1 - squared / spread if spread else math.nan,
        correlation=(both / n - y1 * p1) / together if together else math.nan,
    )  # fmt: skip
