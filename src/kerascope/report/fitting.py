"""Bring a document to a size: finer steps, then smaller maps and pictures, and say so."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from kerascope.provenance import digest
from kerascope.report.blobs import TooLong
from kerascope.report.document import LONGEST, document_of, merged
from kerascope.report.encode import json_for_script
from kerascope.report.map_entries import Detail

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.report.sections import Explanations

BUDGET = 14_000_000  # bytes of a document: with style and script the page stays under 15 MB
_SIDES = (160, 112, 80, 56, 40, 28)  # pixels of a map's longest side, where all else is too long
_LEVELS = (
    (Detail(), LONGEST),
    (Detail(exact=False), 448),
    *((Detail(side=side, exact=False), max(160, 2 * side)) for side in _SIDES),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fitted:
    """A document and the same as text for a script element."""

    document: dict[str, Any]
    text: Markup

    @classmethod
    def of(cls, document: dict[str, Any]) -> Fitted:
        """Return a document with its text."""
        return cls(document=document, text=json_for_script(document))


def fitted(sections: Sequence[Explanations], *, title: str, budget: int = BUDGET) -> Fitted:
    """Return the document of sections, as fine as `budget` bytes allow, with a line that says how.

    Pictures and maps get coarser step by step; what is beyond the last step is kept as it is then.
    """
    places = _places(sections)
    for detail, longest in _LEVELS[:-1]:
        try:
            held = Fitted.of(_document(sections, places, title, detail, longest, room=budget))
        except TooLong:
            continue
        if len(held.text) <= budget:
            return held
    return Fitted.of(_document(sections, places, title, *_LEVELS[-1], room=None))


def _document(
    sections: Sequence[Explanations],
    places: Sequence[Sequence[str]],
    title: str,
    detail: Detail,
    longest: int,
    *,
    room: int | None,
) -> dict[str, Any]:
    made = [
        document_of(
            section.results, title=title, samples=ids, truths=section.truths,
            facets=section.facets, shared_scale=section.shared_scale, detail=detail,
            longest=longest, room=room,
        )
        for section, ids in zip(sections, places, strict=True)
    ]  # fmt: skip
    whole = merged(made)
    said = [section.intro for section in sections if section.intro]
    whole["notes"] += [*said, *_reduced(whole, detail, longest)]
    return whole


def _reduced(document: dict[str, Any], detail: Detail, longest: int) -> list[str]:
    """Return what was made coarser, in one line; nothing where nothing was."""
    parts = []
    sizes = {
        (max(one["values"]["shape"]), max(one["size"]))
        for one in document["maps"]
        if one["values"] is not None
    }
    cut = [size for size in sizes if detail.side is not None and size[0] == detail.side < size[1]]
    if cut:
        side, full = max(cut)
        parts.append(f"maps are shown at {side} of {full} pixels")
    elif not detail.exact and sizes:
        parts.append("maps are shown in 255 steps of their colour scale")
    if longest < LONGEST and any(
        max(given["width"] or 0, given["height"] or 0) > longest
        for one in document["samples"]
        for given in one["inputs"]
    ):
        parts.append(f"pictures at up to {longest} pixels")
    if not parts:
        return []
    words = " and ".join(parts)
    rest = "to keep the page small; the full numbers are in the .safetensors"
    return [f"{words[0].upper()}{words[1:]}, {rest}."]


def _places(sections: Sequence[Explanations]) -> list[list[str]]:
    """Return names for the samples of every section: one name for what is the same sample."""
    known: dict[Any, str] = {}
    found = []
    for section in sections:
        keys = _keys(section.results[0])
        found.append([known.setdefault(key, f"s{len(known)}") for key in keys])
    return found


def _keys(result: Attribution) -> list[tuple[str, str, int]]:
    """Return (input, name, which of those alike) of every sample."""
    shown = result.display
    marks = [
        digest(result.inputs, i) if shown is None else digest(shown[i][None], 0)
        for i in range(len(result))
    ]
    alike = list(zip(marks, result.names or [""] * len(marks), strict=True))
    return [(*pair, alike[:index].count(pair)) for index, pair in enumerate(alike)]
