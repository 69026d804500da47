"""One finding as a person reads it, and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerascope.audit.findings import Verdict
from kerascope.audit.interventions.effect import margins
from kerascope.audit.panel import Panel
from kerascope.audit.shares import Share
from kerascope.audit.tested import FAINT, SAME_PIXELS, TRAITS, Tested
from kerascope.types import Array

EXAMPLES = 9
_CARRIERS = 60  # from which the cue is taken out again
_TRAIT_WORDS = {
    "brightness": "brightness", "contrast": "contrast", "colour": "colour cast",
    "spectrum": "fineness of detail", "blur": "blur", "compression": "JPEG compression",
    "noise": "noise",
}  # fmt: skip
_PLACES = {
    "top": "the top third", "bottom": "the bottom third", "left": "the left third",
    "right": "the right third", "surroundings": "the surroundings", "centre": "the middle",
    "wide surroundings": "the surroundings",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """What acts on a model, or may.

    Attributes:
        level: "added": acts on the model and looks added, as the same pixels are in many files;
            "question": acts on the model, and may be part of the class.
        label: name of the class. kind: what the cue is; cue: the same in words. statistic: of a
            trait of whole pictures.
        region: (x0, y0, x1, y1) as fractions, where it has a place.
        prevalence: share of the class's files that carry it, None where that is no yes or no;
            elsewhere: the same of the other classes' files.
        effect: share of pictures of other classes that follow the cue, less the control's.
        interval: of that, 95 %. treated, control: both shares. p: adjusted (see `rate`).
        accuracy: of the class's files with and without the cue. kept: predictions of carriers that
            stay when the cue is taken out, and when as much is changed elsewhere.
        also: what else moved and is explained by this, in words.
        ids: of the files that carry it. shown, examples: nine of them, or of the class's files, by
            number and by name. area: bool (y, x).
        turned: pictures of other classes that became this one: what they were, before and after.
    """

    level: str
    label: str
    kind: str
    cue: str
    statistic: str | None
    region: tuple[float, float, float, float] | None
    prevalence: Share | None
    elsewhere: Share | None
    treated: float
    control: float
    interval: tuple[float, float]
    p: float
    accuracy: tuple[Share, Share] | None
    kept: tuple[Share, Share] | None
    also: tuple[str, ...]
    ids: tuple[int, ...]
    shown: tuple[int, ...]
    examples: tuple[str, ...]
    sentence: str
    area: Array | None = None
    turned: tuple[tuple[str, Array, Array], ...] = ()

    @property
    def effect(self) -> float:
        """Return the share of predictions that follow the cue, less the control's."""
        return self.treated - self.control

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        where: dict[str, Any] = {"statistic": self.statistic} if self.statistic else {}
        where |= {"region": list(self.region)} if self.region else {}
        with_cue, without = self.accuracy or (None, None)
        kept, control = self.kept or (None, None)
        return {
            "level": self.level, "class": self.label, "kind": self.kind, **where,
            "prevalence": _value(self.prevalence), "prevalence_elsewhere": _value(self.elsewhere),
            "effect": self.effect, "effect_ci": list(self.interval), "treated": self.treated,
            "control": self.control, "p_adjusted": self.p,
            "accuracy_with": _value(with_cue), "accuracy_without": _value(without),
            "kept_without_cue": _value(kept), "kept_control": _value(control),
            "also": list(self.also), "files": len(self.ids), "sentence": self.sentence,
            "examples": list(self.examples),
        }  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Whole:
    """All files of a class, not those alone that interventions worked on.

    ids: of the samples. right: (sample,) whether the model is; None without labels. carriers: ids
    of those that carry the cue; None where none can be told.
    """

    ids: Array
    right: Array | None
    carriers: set[int] | None

    @property
    def carried(self) -> Array | None:
        """Return bool (sample,): which carry the cue."""
        if self.carriers is None:
            return None
        return np.array([int(i) in self.carriers for i in self.ids], bool)


def finding_of(
    verdict: Verdict, panel: Panel, names: tuple[str, ...], paths: dict[int, str], whole: Whole
) -> Finding:
    """Return a verdict with what is known of the files that carry the cue.

    names: of the classes. paths: by sample what to call it.
    """
    tested, effect = verdict.tested, verdict.tested.effect
    shown = _strongest(verdict, panel)
    found = Finding(
        level=verdict.level, label=names[tested.label], kind=_kind(verdict), cue=_cue(verdict),
        statistic=_TRAIT_WORDS[tested.name] if tested.family in TRAITS else None,
        region=tested.region, treated=effect.treated, control=effect.control,
        interval=effect.interval, p=verdict.p, also=tuple(_told_once(verdict.also)), sentence="",
        shown=tuple(int(i) for i in panel.ids[shown]), area=tested.area,
        examples=tuple(paths[int(i)] for i in panel.ids[shown]),
        turned=tuple(
            (names[int(panel.predicted[t.row])], panel.pixels[t.row], t.pixels)
            for t in tested.turned
        ),
        **_of_carriers(verdict, panel, whole),
    )  # fmt: skip
    return dataclasses.replace(found, sentence=_sentence(verdict, found))


def _strongest(verdict: Verdict, panel: Panel) -> Array:
    """Return rows of nine carriers, or files of the class, that are most surely taken for it."""
    tested = verdict.tested
    own = panel.labels == tested.label
    rows = np.flatnonzero(own if tested.carriers is None else own & tested.carriers)
    order = np.argsort(-margins(panel.scores[rows], tested.label), kind="stable")
    return rows[order][:EXAMPLES]


def _of_carriers(verdict: Verdict, panel: Panel, whole: Whole) -> dict[str, Any]:
    """Return shares of files that carry the cue, and what comes of them without it."""
    carried, tested = whole.carried, verdict.tested
    found: dict[str, Any] = dict.fromkeys(("prevalence", "elsewhere", "accuracy", "kept"))
    if carried is None or tested.carriers is None:
        return {**found, "ids": ()}
    others = panel.labels != tested.label
    found["prevalence"] = Share(int(carried.sum()), len(carried))
    found["elsewhere"] = Share(int((others & tested.carriers).sum()), int(others.sum()))
    if whole.right is not None:
        found["accuracy"] = tuple(
            Share(int(whole.right[rows].sum()), int(rows.sum())) for rows in (carried, ~carried)
        )
    right = ~others & tested.carriers & (panel.predicted == tested.label)
    found["kept"] = _kept(verdict, panel, np.flatnonzero(right))
    return {**found, "ids": tuple(int(i) for i in whole.ids[carried])}


def _kept(verdict: Verdict, panel: Panel, rows: Array) -> tuple[Share, Share] | None:
    undo = verdict.tested.undo
    rows = rows[panel.half[rows]][:_CARRIERS]
    changed = undo(rows) if undo is not None and len(rows) >= 4 else None
    if changed is None:
        return None
    stays = [int((panel.ask(p).argmax(axis=1) == verdict.tested.label).sum()) for p in changed]
    return Share(stays[0], len(rows)), Share(stays[1], len(rows))


def _kind(verdict: Verdict) -> str:
    family = verdict.family
    if family in ("region", "region of some"):
        return "surroundings" if "surroundings" in verdict.tested.name else "region"
    return family


def _cue(verdict: Verdict) -> str:
    tested = verdict.tested
    known = _PLACES.get(tested.name) or _TRAIT_WORDS.get(tested.name)
    words = known or {"overlay": "the same pixels", "sticker": "a sticker"}.get(tested.family)
    words = words or {
        "companion": "what stands beside it", "size": "the object's size",
        "strategy": "one way of several",
    }.get(tested.family, tested.family)  # fmt: skip
    return f"{words} of the background" if verdict.background and known else words


def _also(tested: Tested) -> str:
    return _PLACES.get(tested.name) or _TRAIT_WORDS.get(tested.name) or str(tested.name)


def _told_once(tested: Sequence[Tested]) -> Iterator[str]:
    """Yield each name with its largest effect."""
    for name in dict.fromkeys(_also(t) for t in tested):
        most = max(t.effect.effect for t in tested if _also(t) == name)
        yield f"{name} ({100 * most:+.0f} %)"


def _value(share: Share | None) -> float | None:
    return share.value if share is not None and share.total else None


def _sentence(verdict: Verdict, found: Finding) -> str:
    """Say what was done, what came of it, and why that is suspicious or is not."""
    tested, name = verdict.tested, f"'{found.label}'"
    turned = f"turns {_percent(found.treated)} of other pictures into {name}"
    if tested.family in SAME_PIXELS:
        assert found.prevalence is not None
        assert found.elsewhere is not None
        where = f" at {_where(found)}" if tested.area is not None else ", wherever they are,"
        what = "mark that shines through" if tested.name == FAINT else "pixels"
        return (
            f"Pasting the same {what}{where} from {name} files {turned}; the same area from other "
            f"files {_percent(found.control)}. They are in {found.prevalence.hits} of "
            f"{found.prevalence.total} {name} files and {found.elsewhere.hits} of "
            f"{found.elsewhere.total} others: it looks added."
        )
    question = f" Is this part of {name}?"
    if tested.family in TRAITS:
        where = " of the background" if verdict.background else ""
        held = ""
        if found.prevalence is not None and found.elsewhere is not None:
            held = (
                f" It sets apart about {_percent(found.prevalence.value)} of {name} and "
                f"{_percent(found.elsewhere.value)} of the others."
            )
        return (
            f"Giving pictures the {found.statistic}{where} of {name} files {turned}; the nearest "
            f"that other classes have, {_percent(found.control)}.{held}{question}"
        )
    some, others = f"{name} files", "other files"
    if tested.family in ("region of some", "strategy") and found.prevalence is not None:
        some = f"{_percent(found.prevalence.value)} of the {name} files, which stand out,"
        others = f"the other {name} files"
    what = {
        "background": "Putting objects of other classes before the background of",
        "size": "Zooming until objects of other classes are as large as in",
        "companion": "Pasting what stands beside the object in",
        "strategy": "Pasting the place where the evidence lies in",
    }.get(tested.family, f"Pasting {_PLACES.get(tested.name, tested.name)} of")
    return f"{what} {some} {turned}; of {others}, {_percent(found.control)}.{question}"


def _where(found: Finding) -> str:
    assert found.region is not None
    x0, y0, x1, y1 = found.region
    if x1 - x0 > 0.9 and y1 - y0 > 0.9:
        return "the border"
    down = "upper" if y1 < 0.5 else "lower" if y0 > 0.5 else ""
    along = "left" if x1 < 0.5 else "right" if x0 > 0.5 else ""
    place = f"{down} {along}".strip() or "middle"
    return f"the {place} ({_percent((x1 - x0) * (y1 - y0))} of the picture)"


def _percent(share: float) -> str:
    value = 100 * share
    return f"{value:.1f} %" if 0 < value < 1 else f"{value:.0f} %"
