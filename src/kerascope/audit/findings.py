"""Findings: what of all that was tested acts on the model, merged, ranked and put into words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from kerascope.audit.hypotheses.regions import OPPOSITE
from kerascope.audit.interventions.effect import adjusted
from kerascope.audit.tested import REGIONS, SAME_PIXELS, TRAITS, Tested

LEAST_SIDE = 0.4  # effect of a side of all files of a class, where objects may stand
_EXPLAINED = 0.8  # share of an effect from which what does it explains the other
_NAMED = 1.5  # how much more a place must do to be named before a trait
_ALL_OF_IT = 0.8  # share of a trait's effect that the background alone must have, to be named


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Verdict:
    """What one class hangs on, decided.

    Attributes:
        level: "added" (same pixels), "question" (acts; may be part of the class).
        tested: what decided it. p: adjusted for all that was tested. also: what else it explains.
        background: whether masks say that it lies in the background.
    """

    level: str
    tested: Tested
    p: float
    also: tuple[Tested, ...] = ()
    background: bool = False

    @property
    def family(self) -> str:
        """Return what kind of cue it is."""
        return "background" if self.background else self.tested.family


def verdicts(tested: Sequence[Tested]) -> list[Verdict]:
    """Return what acts on the model, strongest first, "added" before questions."""
    # What surely acts, as the object does, would let the rest pass more easily.
    tried = [t for t in tested if not t.evidence]
    p = adjusted(np.array([t.effect.p for t in tried]))
    known = {id(t): float(value) for t, value in zip(tried, p, strict=True)}
    found: list[Verdict] = []
    for label in dict.fromkeys(t.label for t in tested):
        own = [t for t in tested if t.label == label]
        acting = [t for t in own if not t.evidence and t.acts(known[id(t)])]
        found += _same_pixels(acting, known) + _questions(own, acting, known)
    return sorted(found, key=lambda v: (v.level != "added", -v.tested.effect.effect))


def _same_pixels(acting: list[Tested], p: dict[int, float]) -> list[Verdict]:
    """Return overlays and stickers; parts of one overlay, in the same files, become one."""
    kept: list[tuple[Tested, list[Tested]]] = []
    for tested in (t for t in acting if t.family in SAME_PIXELS):
        whole = next((k for k in kept if _one(k[0], tested)), None)
        if whole is None:
            kept.append((tested, []))
        else:
            whole[1].append(tested)
    return [
        Verdict(level="added", tested=_merged(first, parts), p=p[id(first)], also=tuple(parts))
        for first, parts in kept
    ]


def _one(one: Tested, two: Tested) -> bool:
    assert one.carriers is not None
    assert two.carriers is not None
    both = (one.carriers & two.carriers).sum()
    return bool(both >= 0.5 * min(one.carriers.sum(), two.carriers.sum()))


def _merged(first: Tested, parts: list[Tested]) -> Tested:
    areas = [t.area for t in (first, *parts) if t.area is not None]
    if first.area is None or not parts:
        return first
    return dataclasses.replace(first, area=np.logical_or.reduce(areas))


def _questions(own: list[Tested], acting: list[Tested], p: dict[int, float]) -> list[Verdict]:
    """Return one for what explains the other traits, places and backgrounds, and one for size."""
    trait = _best([t for t in acting if t.family in TRAITS])
    place = _best([t for f in REGIONS if (t := _place(f, own, acting)) is not None])
    swapped = _best([t for t in acting if t.name == "swap"])
    first = _first(trait, place, swapped, _companion(acting, swapped))
    found: list[Verdict] = []
    if first is not None:
        also = tuple(
            t for t in acting
            if t is not first and t.family in (*TRAITS, *REGIONS)
        )  # fmt: skip
        behind = swapped is not None if first.family in REGIONS else _in_background(first, own)
        found.append(
            Verdict(level="question", tested=first, p=p[id(first)], also=also, background=behind)
        )
    size = _best([t for t in acting if t.family == "size"])
    if size is not None:
        found.append(Verdict(level="question", tested=size, p=p[id(size)]))
    return found


def _first(
    trait: Tested | None, place: Tested | None, swapped: Tested | None, companion: Tested | None
) -> Tested | None:
    """Return what explains the others: a companion, a trait, a place, or the background."""
    if trait is None:
        return companion or place or swapped
    if place is None or trait.effect.effect * _NAMED >= place.effect.effect:
        return trait
    return place


def _best(tested: list[Tested]) -> Tested | None:
    return max(tested, key=lambda t: t.effect.effect, default=None)


def _place(family: str, own: list[Tested], acting: list[Tested]) -> Tested | None:
    """Return the side that acts much more than its opposite, or all sides as surroundings.

    Of a strategy, where its evidence lies.
    """
    if family == "strategy":
        return _best([t for t in acting if t.family == family])
    effects = {t.name: t for t in own if t.family == family}
    acts = {t.name: t for t in acting if t.family == family}
    sides = [
        t for name, t in acts.items()
        if name in OPPOSITE and _outdoes(t, effects[OPPOSITE[name]], family)
    ]  # fmt: skip
    rims = ("surroundings",) if family == "region" else ("surroundings", "wide surroundings")
    rim = _best([acts[name] for name in rims if name in acts])
    best = _best(sides)
    if best is not None and (rim is None or best.effect.effect >= _EXPLAINED * rim.effect.effect):
        return best
    return rim


def _outdoes(side: Tested, opposite: Tested, family: str) -> bool:
    """Say whether a side acts and its opposite does not, as where objects stand anywhere."""
    effect, other = side.effect.effect, opposite.effect.effect
    enough = family != "region" or effect >= LEAST_SIDE or other <= 0.2 * effect
    return enough and effect >= 2 * other + 0.1


def _in_background(tested: Tested, own: list[Tested]) -> bool:
    """Say whether a trait acts as much where only the background has it."""
    parts = {
        t.part: t.effect.effect for t in own
        if t.part and (t.family, t.name) == (tested.family, tested.name)
    }  # fmt: skip
    return {"whole", "background"} <= {*parts} and (
        parts["background"] >= _ALL_OF_IT * parts["whole"]
    )


def _companion(acting: list[Tested], swapped: Tested | None) -> Tested | None:
    """Return a window beside the object that does nearly all that the whole background does."""
    window = _best([t for t in acting if t.family == "companion"])
    if window is None or swapped is None:
        return window
    return window if window.effect.effect >= _EXPLAINED * swapped.effect.effect else None
