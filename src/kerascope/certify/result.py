"""What came of explaining the same on several backends."""

from __future__ import annotations

import dataclasses
import math
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far one method's results are apart on two backends.

    maps: largest difference of a sample's maps over that sample's largest value; infinite where
        they cannot be compared. sample: the one where this is. own: the same for one backend alone,
        between the inputs and inputs moved by a millionth of themselves. scores: largest difference
        of the explained scores over the largest of them.
    """

    method: str
    backends: tuple[str, str]
    maps: float
    own: float | None
    scores: float
    sample: str

    def excused(self, limit: float) -> bool:
        """Say whether maps above the limit are no further apart than rounding moves them.

        Gradients of a net of ReLUs jump: where a unit is about zero, its last bit decides.
        """
        return self.own is not None and limit < self.maps <= limit + self.own


@dataclasses.dataclass(frozen=True, kw_only=True)
class Certificate:
    """Whether several backends explain a model alike.

    Attributes:
        model, model_sha256: which model; the hash is of settings and weights.
        inputs: in words, what was explained; `inputs_sha256` by sample.
        methods: with their fields, as plain JSON values.
        limit: above it, a difference is a finding, unless it is the map's own; see `Agreement`.
        versions: by backend that was checked, its own version, Keras's, and the device.
        agreements: of every method and pair of backends.
        findings: in words, what stands against the model's explanations being the same.
        missing: backends that were not checked, as they are not installed.
        notes: what should be known to read it.
    """

    model: str
    model_sha256: str
    inputs: str
    inputs_sha256: tuple[str, ...]
    methods: tuple[dict[str, Any], ...]
    target: Any
    score: str
    seed: int
    limit: float
    versions: dict[str, dict[str, str]]
    agreements: tuple[Agreement, ...]
    findings: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True where nothing was found."""
        return not self.findings

    @property
    def worst(self) -> float:
        """The largest difference of any maps or scores."""
        return max(max(a.maps, a.scores) for a in self.agreements)

    def __repr__(self) -> str:
        word = "passed" if self.passed else f"{len(self.findings)} findings"
        return f"<Certificate {', '.join(self.versions)}: {word}, differences to {self.worst:.2g}>"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; what is no number becomes null."""
        plain = dataclasses.asdict(self)
        for row in plain["agreements"]:
            row |= {key: _finite(row[key]) for key in ("maps", "own", "scores")}
        return {"passed": self.passed, "worst": _finite(self.worst), **plain}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
