"""What a grade says: a letter, a score between 0 and 1, and the reasons for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

LETTERS = ("A", "B", "C", "D")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grade:
    """How far one explanation of one sample can be trusted.

    Attributes:
        letter: "A" (trust it) to "D" (do not).
        score: 0 … 1, what the letter is made from.
        reasons: in words, one for every check, the heaviest objection first; those that could not
            be made are last.
        checks: what was measured, by name; a check that could not be made is missing.
        passes: forward passes that it took for this sample and target.
    """

    letter: str
    score: float
    reasons: tuple[str, ...]
    checks: dict[str, float] = dataclasses.field(default_factory=dict, hash=False)
    passes: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Grade:
        """Return the grade that `to_json` described."""
        return cls(**{**data, "reasons": tuple(data["reasons"])})


Graded = Grade | tuple[Grade, ...]  # of a sample: for several targets, one each


def plain(grade: Graded) -> Any:
    """Return the grade of a sample, or those of its targets, as JSON values."""
    return [g.to_json() for g in grade] if isinstance(grade, tuple) else grade.to_json()


def rich(data: Any) -> Graded:
    """Return what `plain` described."""
    if isinstance(data, list):
        return tuple(Grade.from_json(item) for item in data)
    return Grade.from_json(data)
