"""Feature ablation: what is lost when one segment alone is covered."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from kerascope.game import Game
from kerascope.method import Passes
from kerascope.methods.segment_family import SegmentMap, Solution
from kerascope.run import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureAblation(SegmentMap):
    """How much the score drops when a segment is covered, all others shown."""

    name = "feature_ablation"
    title = "Feature ablation"
    reference = "zeiler2014visualizing"
    formula = "φ_i = y(x) − y(x with segment i covered)"
    use = "The plainest question: what is lost when this part goes? Any model, also a remote one."
    avoid = (
        "Where parts stand in for each other or count only together: removing one at a time then "
        "misleads."
    )
    linear = True

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, and one for every segment and background; all targets share them."""
        return Passes(forward=1 + self.players(shape) * self.backgrounds, upper=True)

    def solve(self, game: Game, run: Run) -> Solution:
        """Return v(all) − v(all but i), for every player i."""
        width = game.widest
        one_left_out = np.broadcast_to(
            ~np.eye(width, dtype=bool), (len(game.players), width, width)
        )
        worths = game.worths(one_left_out, "segments")
        drops = run.scores[:, :, None] - np.swapaxes(worths, 1, 2)
        missing = width - drops.shape[2]  # stopped early: what was not covered has no value
        return Solution(np.pad(drops, ((0, 0), (0, 0), (0, missing))))
