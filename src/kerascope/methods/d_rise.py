"""D-RISE, RISE for detectors (Petsiuk et al. 2021, section 3)."""

from __future__ import annotations

import dataclasses
from typing import Any

from kerascope.method import RawMap
from kerascope.methods.rise import RISE
from kerascope.perturb import is_tokens, spatial_size
from kerascope.run import Run

_CELLS = 16  # along each axis of a picture, as in the paper


@dataclasses.dataclass(frozen=True, kw_only=True)
class DRISE(RISE):
    """How much more of a detection is found with a position shown, over random masks.

    `target=Detection(…)` or "detection-2" says which detection of the whole input is explained, the
    surest by default: the score is the largest similarity of any box found under a mask to it. Any
    other target is explained as RISE does, with a note. Fields are those of RISE, with the paper's
    masks: 5000, and where `cell` is None, 16 × 16 cells of a picture; its weighted sum is
    `estimator="paper"`.
    """

    name = "d_rise"
    title = "D-RISE"
    reference = "petsiuk2021drise"
    formula = (
        "RISE of max over boxes of IoU · cosine of class scores · objectness, against the box "
        "explained"
    )
    use = "Why a detector found this box of this class: any detector, scores only."
    avoid = (
        "On classifiers, where it is RISE. Thousands of masks: on a slow detector set `precision`."
    )

    masks: int = 5000

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return RISE's map of the similarity."""
        sizes = [spatial_size(model, n, a) for n, a in x.items() if not is_tokens(a)]
        pictures = [size for size in sizes if len(size) == 2]
        finer = self
        if self.cell is None and pictures and all(len(size) < 3 for size in sizes):
            cell = tuple(-(-n // _CELLS) for n in pictures[0])
            finer = dataclasses.replace(self, cell=cell)
        raw = RISE.attribute(finer, model, x, targets, run)
        # Not above: methods are listed without what targets are made of.
        from kerascope.targets.detections import Found
        from kerascope.targets.places import BestBox

        others = [target for target in targets if not isinstance(target, (Found, BestBox))]
        if others:
            raw.notes.append(
                f"d_rise: the {others[0].words(0)} is not a detection, so this is RISE; "
                'target="detection" explains the surest box, Detection(0) the first'
            )
        return raw
