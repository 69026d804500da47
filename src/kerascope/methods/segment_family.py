"""What all methods share whose features are segments: shown or covered as a whole."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import check_cover
from kerascope.game import Game
from kerascope.maskers import Masker
from kerascope.method import AttributionMethod, Axiom, Data, Need, RawMap
from kerascope.run import Run
from kerascope.types import Array


@dataclasses.dataclass
class Solution:
    """What a method says of the players of a game.

    values: (sample, target, player). gap: (sample, target), for methods that claim completeness:
    worth of all players minus worth of none minus the sum of the values. error: the values'
    standard error, (sample, target, player). extras and target_extras as in `RawMap`.
    """

    values: Array
    gap: Array | None = None
    error: Array | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    target_extras: dict[str, Array] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegmentMap(AttributionMethod):
    """Base of the methods that attribute to segments; every position gets its segment's value.

    segments: "auto" (superpixels of a picture, windows of a series, blocks of a volume, tokens,
        columns), "slic", "quickshift", "felzenszwalb", "grid" or "single" (every position alone),
        also with about how many: "slic-100"; "channel", every channel by itself, or "channel-16",
        cut into 16 each; a number; or labels, as an array of the input's size.
    baseline: what covers a segment: a number (a token id for text), "zero", "min", "max", "mean",
        "blur", "noise", "last" (of a series), "inpaint", an array, or a background (set, …) that
        is averaged over.

    `extras["segments"]` holds the labels, (sample, *spatial); `extras["segment_values"]` the values
    (sample, player), `extras["standard_error"]` their standard errors, where the method has them.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.SCORES})
    partial: ClassVar[bool] = True
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {
            Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE, Axiom.DUMMY, Axiom.LOCATION,
            Axiom.LINEARITY,
        }
    )  # fmt: skip

    segments: int | str | Data = "auto"
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        if not isinstance(self.segments, Data):
            Masker.parse(self.segments)
        if not isinstance(self.baseline, Data):
            check_cover(self.baseline)

    def players(self, shape: Mapping[str, tuple[int, ...]]) -> int:
        """Return how many segments the inputs of one sample have together, at most."""
        if isinstance(self.segments, Data):
            labels = self.segments.array
            names = labels.dtype.names or ()
            alone = sum(s[0] for name, s in shape.items() if names and name not in names)
            parts = [labels[name] for name in names] or [labels]
            return alone + sum(len(np.unique(part)) for part in parts)
        masker = Masker.parse(self.segments)
        # Columns and tokens stand alone; the last axis of all others are channels.
        return sum(s[0] if len(s) == 1 else masker.most(s[:-1], s[-1]) for s in shape.values())

    @property
    def backgrounds(self) -> int:
        """How many backgrounds every worth is averaged over, at most."""
        return len(self.baseline.array) if isinstance(self.baseline, Data) else 1

    @abstractmethod
    def solve(self, game: Game, run: Run) -> Solution:
        """Return the values of the players, from the worths of coalitions."""

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return every position's segment's value."""
        game = Game(model, x, targets, run, segments=self.segments, baseline=self.baseline)
        found = self.solve(game, run)
        raw = RawMap(game.spread(found.values), game.axes(), gap=found.gap, notes=found.notes)
        raw.extras |= found.extras
        raw.target_extras |= found.target_extras | {
            "segment_values": np.asarray(found.values, np.float32)
        }
        for name, labels in game.labels.items():
            key = "segments" if len(game.labels) == 1 else f"segments:{name}"
            raw.extras[key] = labels.astype(np.int32)
        if found.error is not None:
            raw.target_extras["standard_error"] = np.asarray(found.error, np.float32)
        return raw
