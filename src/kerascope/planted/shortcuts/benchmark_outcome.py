"""What an audit said of a net whose shortcut is known, and what of that is right."""

from __future__ import annotations

import dataclasses
from typing import Any

from kerascope.planted.shortcuts.cues import CLEAN, KINDS

USED = 0.4  # planted flips from which a net uses its cue
# Without masks nothing tells a background from the whole picture around an object: there a cue of
# the background is rightly named as a place, or as the trait of the picture that it changes.
_PLACES = ("background", "region", "region of some")
RIGHT: dict[str, tuple[str, ...]] = {
    "corner_mark": ("overlay", "sticker"),
    "sticker": ("overlay", "sticker"),
    "border": ("overlay", "sticker"),
    "line": ("overlay", "sticker"),
    "texture": _PLACES,
    "ground_colour": (*_PLACES, "colour", "brightness"),
    "sky": (*_PLACES, "colour", "brightness"),
    "companion": ("companion", "background"),
    "brightness": ("brightness",),
    "tint": ("colour",),
    "ground_blur": ("detail", "background"),
    "jpeg": ("detail",),
    "noise": ("detail",),
    "size": ("size",),
}  # families of verdicts, by kind of cue
MASKED = ("companion", "size")  # seen with masks only
BACKGROUNDS = ("texture", "ground_colour", "sky", "ground_blur")
WHOLES = ("brightness", "tint", "jpeg", "noise")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """A net and how it is audited.

    kind: of KINDS or CLEAN. prevalence: of the cue. count: scenes of a class. masks: whether the
    audit has some.
    """

    kind: str
    prevalence: float
    seed: int
    count: int = 500
    masks: bool = False

    @property
    def net(self) -> str:
        """Name the net: a name for a file."""
        return f"{self.kind}-{self.prevalence:g}-{self.seed}-{self.count}"

    @property
    def name(self) -> str:
        """Name the net and the audit: a name for a file."""
        return f"{self.net}-masks" if self.masks else self.net


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """A verdict of the audit; `overlap`: intersection over union of its area and the cue's."""

    level: str
    label: int
    family: str
    name: str
    effect: float
    control: float
    overlap: float | None = None

    @property
    def words(self) -> str:
        """Say it in short: "added 2 overlay +83 %"."""
        return f"{self.level} {self.label} {self.family} {100 * self.effect:+.0f} %"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is true of a net, and what the audit said.

    Attributes:
        cue_class: whose shortcut it is; None in a clean world.
        flips: planted flips of the cue, named by `follows`; in a world without one, the most of any
            kind: a net may turn at what it has never seen.
        accuracy: on fresh scenes without a cue. said: verdicts, the first one first.
        tested: hypotheses. passes: of pictures, for the audit. seconds: of training and auditing.
    """

    cell: Cell
    cue_class: int | None
    flips: float
    follows: str
    accuracy: float
    said: tuple[Said, ...]
    tested: int
    passes: int
    seconds: tuple[float, float]

    @property
    def clean(self) -> bool:
        """Say whether no class has a shortcut."""
        return self.cell.kind in CLEAN

    @property
    def used(self) -> bool:
        """Say whether the net verifiably uses the shortcut."""
        return self.cell.kind in KINDS and self.flips >= USED

    @property
    def right(self) -> tuple[Said, ...]:
        """Return the verdicts of the right class and a right family."""
        families = RIGHT.get(self.cell.kind, ())
        return tuple(s for s in self.said if s.label == self.cue_class and s.family in families)

    @property
    def first(self) -> bool:
        """Say whether the first verdict is right."""
        return bool(self.right) and self.said[0] in self.right

    @property
    def overlap(self) -> float | None:
        """Return the first overlap that a right verdict has."""
        return next((s.overlap for s in self.right if s.overlap is not None), None)

    @property
    def named_background(self) -> bool:
        """Say whether a verdict of the right class says "background"."""
        return any(s.label == self.cue_class and s.family == "background" for s in self.said)

    @property
    def alarms(self) -> int:
        """Count the verdicts "added" of classes that have no shortcut."""
        return self._wrong("added")

    @property
    def questions(self) -> int:
        """Count the questions about classes that have no shortcut."""
        return self._wrong("question")

    @property
    def words(self) -> str:
        """Say what came of it in one line."""
        if self.clean:
            judged = f"{self.alarms} alarms, {self.questions} questions"
        else:
            judged = "right first" if self.first else "right" if self.right else "missed"
            judged += "" if self.used else " (not used)"
            judged += "" if self.overlap is None else f", overlap {self.overlap:.2f}"
        said = "; ".join(s.words for s in self.said) or "nothing"
        whose = "" if self.clean else f" to class {self.cue_class}"
        return (
            f"{self.cell.name}: {self.follows} flips {self.flips:.2f}{whose}, "
            f"accuracy {self.accuracy:.2f}: {judged} | {said}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, from which `from_json` makes it again."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Outcome:
        """Return what `to_json` gave."""
        cell, said = Cell(**plain["cell"]), tuple(Said(**one) for one in plain["said"])
        return cls(**{**plain, "cell": cell, "said": said, "seconds": tuple(plain["seconds"])})

    def _wrong(self, level: str) -> int:
        return sum(s.level == level and s.label != self.cue_class for s in self.said)
