"""A hypothesis about one class and what became of it; the families of cues, and when they act."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from kerascope.audit.hypotheses.regions import box_of
from kerascope.audit.interventions.effect import Effect
from kerascope.audit.interventions.trial import Turned
from kerascope.types import Array

RATE = 0.05  # false discovery rate of the interventions
SAME_PIXELS = ("overlay", "sticker")
TRAITS = ("brightness", "contrast", "colour", "detail")
REGIONS = ("region", "region of some", "strategy")
FAINT = "faint"
# Least effect, by family.
LEAST = {"overlay": 0.15, "sticker": 0.15, "region": 0.25, "region of some": 0.25, "strategy": 0.25}
LEAST_FAINT = 0.3  # of a drawing, which the edge of a larger cue may be
LEAST_OTHER = 0.2


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Tested:
    """A hypothesis and what became of it.

    Attributes:
        label: of the class. family: one of SAME_PIXELS, TRAITS, REGIONS, "background", "object",
            "size" or "companion". name: which edit or region.
        part: "whole" or "background", where an edit was made again on pictures with masks, all of
            them or the background alone.
        effect: of the intervention. carriers: bool (picture,): which files have the cue; None
            where that is no yes or no.
        area: bool (y, x), where the cue lies; None where it has no fixed place.
        finds: uint8 pictures → bool (picture,): which carry the cue; None where none can be told.
        turned: some pictures of other classes that became the class.
        undo: rows of carriers → pictures without the cue, and a control; None where nothing can be
            taken out.
    """

    label: int
    family: str
    name: str
    effect: Effect
    part: str | None = None
    carriers: Array | None = None
    area: Array | None = None
    finds: Callable[[Array], Array] | None = None
    undo: Callable[[Array], tuple[Array, Array] | None] | None = None
    turned: tuple[Turned, ...] = ()

    @property
    def region(self) -> tuple[float, float, float, float] | None:
        """Return (x0, y0, x1, y1) as fractions; None without a fixed place."""
        return None if self.area is None else box_of(self.area)

    @property
    def evidence(self) -> bool:
        """Say whether this shows where evidence lies, and can be no finding."""
        return self.part is not None or self.family == "object" or self.name == "centre"

    @property
    def least(self) -> float:
        """Return the effect from which it acts."""
        return LEAST_FAINT if self.name == FAINT else LEAST.get(self.family, LEAST_OTHER)

    def acts(self, p: float) -> bool:
        """Say whether it acts on the model, with p adjusted."""
        effect = self.effect
        return effect.effect >= self.least and effect.interval[0] > 0 and p <= RATE
