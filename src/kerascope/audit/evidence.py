"""What is no alarm: where evidence lies, which cues are idle, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerascope.audit.collected import Collected
from kerascope.audit.findings import Verdict
from kerascope.audit.hypotheses.same_pixels import smallest
from kerascope.audit.metadata import differences
from kerascope.audit.panel import Panel
from kerascope.audit.steps import Steps
from kerascope.audit.strategies import Strategies
from kerascope.audit.tested import SAME_PIXELS, Tested
from kerascope.audit.whereabouts import ClassPlaces

_SEEN = 3  # regions of evidence told of a class


def evidence(
    steps: Steps, rows: Collected, ways: Strategies | None, places: Iterable[ClassPlaces],
    tested: list[Tested], found: Iterable[Verdict],
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return by class where evidence lies, its strategies, which places act, and idle cues."""
    by_class: dict[str, dict[str, Any]] = {}

    def of(name: str) -> dict[str, Any]:
        return by_class.setdefault(name, {})

    for one in places:
        of(one.name)["places"] = [p.words for p in one.places[:_SEEN]]
    for way in ways.classes if ways is not None else ():
        of(way.name)["strategies"] = way.words
    named = {id(t) for v in found for t in (v.tested, *v.also)}
    for test in tested:
        name = steps.name(test.label)
        if test.family in ("region", "object"):
            of(name).setdefault("acts", {})[test.name] = round(test.effect.effect, 3)
        if test.family in SAME_PIXELS and id(test) not in named:
            of(name).setdefault("idle", []).append(_idle(test, name))
    for name, words in differences(rows).items():
        of(name)["metadata"] = words
    return by_class


def _idle(test: Tested, name: str) -> str:
    """Say that files share pixels, and how little they do."""
    assert test.carriers is not None
    low, high = test.effect.interval
    return (
        f"{int(test.carriers.sum())} of the files looked at, proposed by those of {name}, share "
        f"pixels; pasted into others they turn {test.effect.effect:+.0%} of predictions beyond the "
        f"control ({low:+.0%} … {high:+.0%}, 95 %)"
    )


def least_shares(steps: Steps, panel: Panel | None) -> dict[str, float | None]:
    """Return by examined class the smallest share of files whose overlay could be proposed."""
    found: dict[str, float | None] = {}
    for label in steps.examined if panel is not None else ():
        assert panel is not None
        own = int((panel.labels == label).sum())
        share = smallest(own, len(panel) - own)
        found[steps.name(label)] = share if share <= 1 else None
    return found


def unseen(steps: Steps, panel: Panel | None, least: dict[str, float | None]) -> list[str]:
    """Return what could not be seen, in sentences."""
    if panel is None or not steps.examined:
        return ["no intervention was made: what the model hangs on was not tested"]
    apart = (
        "what sets a class apart in every file and nowhere else: here that is the class, and "
        "only a second data set tells them apart"
    )
    words = ["a cue that no picture here holds, or that all classes hold alike", apart]
    shares = [share for share in least.values() if share is not None]
    if shares:
        words.append(
            f"overlays in less than {min(shares):.0%} of a class's files (in classes with fewer "
            f"files, {max(shares):.0%}); traits and places need more"
        )
    words += _without_masks(steps, panel)
    if not steps.labelled:
        words.append("what is right: without labels, classes are what the model predicts")
    return words


def _without_masks(steps: Steps, panel: Panel) -> list[str]:
    from kerascope.audit.masked import FEWEST

    held = {k: int((panel.masked & (panel.labels == k)).sum()) for k in steps.examined}
    bare = [steps.name(k) for k, count in held.items() if count < FEWEST]
    if not bare:
        return []
    some = "" if len(bare) == len(held) else f" of {', '.join(bare[:5])}"
    words = (
        f"backgrounds apart from objects, companions of the object and its size{some}: about 20 "
        "rough masks a class show them (masks=)"
    )
    return [words]
