"""What came of making an explanation again."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascope.attribution import Attribution


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replayed:
    """One sample of a result, then and now.

    Attributes:
        name, method: of the sample, and of the method.
        same: the map has the same bits.
        differs: in words, what came out otherwise; empty where nothing did.
        distance: largest difference of the maps over the largest value of the recorded one; 0 for
            the same bits, None where the file holds no numbers to compare with.
        explained: what was explained, in words, then and now.
    """

    name: str
    method: str
    same: bool
    differs: tuple[str, ...]
    distance: float | None
    explained: tuple[Any, Any]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Replay:
    """An explanation made again.

    Attributes:
        samples: every sample of every result of the file.
        changed: in words, what is not as it was recorded: model, versions, backend, device.
        notes: what should be known to read the differences.
        results: the explanations made now, one for each call.
    """

    samples: tuple[Replayed, ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]
    results: tuple[Attribution, ...]

    @property
    def same(self) -> bool:
        """True where every map has the same bits."""
        return all(sample.same for sample in self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        same = sum(sample.same for sample in self.samples)
        return f"<Replay of {len(self)} samples: {same} bit for bit the same>"

    def to_json(self) -> dict[str, Any]:
        """Return all but the explanations as plain JSON values."""
        return {
            "same": self.same,
            "changed": list(self.changed),
            "notes": list(self.notes),
            "samples": [dataclasses.asdict(sample) for sample in self.samples],
        }
