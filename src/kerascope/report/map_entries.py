"""What a document says of maps: their numbers, where they lie, how far they can be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.methods.attention_family import HEADS
from kerascope.plot.colour import fit
from kerascope.plot.export import drawn
from kerascope.plot.maps import (
    Kind,
    Map,
    Meaning,
    as_drawn,
    limit_of,
    portion,
    through_time,
    word_values,
    worth,
)
from kerascope.plot.parts import beside_of, beside_picture
from kerascope.plot.predictions import ranking
from kerascope.plot.tables import base_of
from kerascope.plot.text import text_limit
from kerascope.plot.whereabouts import concentration, lane_words, place, slice_words
from kerascope.plot.words import broken_words, describe, empty_words, grade_of, sentence, subject
from kerascope.report.blobs import Blobs
from kerascope.report.cells import gap_words
from kerascope.report.entries import Entry, method_id, model_id, name_of
from kerascope.report.found_entries import ask_of, explained_entry
from kerascope.report.map_numbers import DEEP, arrays, averaged, drawn_by_page
from kerascope.report.surprise import surprises
from kerascope.targets.spoken import class_of
from kerascope.wording import percentage, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array
    from kerascope.verdict import Grade

_SHORT = {  # reasons as `grading.reasons` words them, for a line that has no room for them
    "the score hangs on what it points to no more": "misses what counts",
    "a map that knows nothing": "no better than a map that knows nothing",
    "looks much the same": "shows the input more than the model",
    "changes under small noise": "unstable",
    "stays under small noise": "stable",
}
_MOST_SAID = 3
_NAMED, _LONGEST = 3, 24  # words or columns that a verdict names, and characters of each
_COLOURS = 255  # steps from zero to the limit: a colour map has no more


@dataclasses.dataclass(frozen=True, kw_only=True)
class Detail:
    """How exactly maps are kept.

    side: pixels of a map's longest side at most; None keeps its own. exact: 16 bits of the largest
    size; else as many steps as there are colours.
    """

    side: int | None = None
    exact: bool = True


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """What all maps of one document share.

    ids: of the samples. epoch: of the training run. shared_scale: one limit for all maps of a
    method and input; else one for every sample.
    """

    blobs: Blobs
    ids: Sequence[str]
    epoch: float | None
    shared_scale: bool
    detail: Detail


def map_entries(result: Attribution, items: Sequence[Map], setting: Setting) -> list[Entry]:
    """Return what a document says of the maps of a result."""
    limits = _limits(result, items, shared=setting.shared_scale)
    odd = _odd(result, items)
    keys = _keys(items)
    return [
        {**_map(result, item, keys[index], limits[index], setting), "surprise": odd[index]}
        for index, item in enumerate(items)
    ]


def _keys(items: Sequence[Map]) -> list[str]:
    """Return a name for the target of every map; two classes of one name are numbered."""
    said = [(item.sample, item.input, subject(item.explained)) for item in items]
    counts = [said[:index].count(one) for index, one in enumerate(said)]
    return [f"{s[2]} #{n + 1}" if n else s[2] for s, n in zip(said, counts, strict=True)]


def _limits(result: Attribution, items: Sequence[Map], *, shared: bool) -> list[float]:
    groups: dict[Any, list[Map]] = {}
    keys = [item.input if shared else (item.input, item.sample) for item in items]
    for key, item in zip(keys, items, strict=True):
        groups.setdefault(key, []).append(item)
    limits = {key: _limit(result, group) for key, group in groups.items()}
    return [limits[key] for key in keys]


def _limit(result: Attribution, items: Sequence[Map]) -> float:
    """Return the size of the value that gets the full colour: of words the strongest one's."""
    if items[0].kind in (Kind.TOKENS, Kind.TABLE):
        return text_limit(result, items)
    return limit_of([as_drawn(result, item) for item in items])


def _odd(result: Attribution, items: Sequence[Map]) -> list[float | None]:
    """Return the surprise of every map: pictures' first targets only."""
    ranked = [next(iter(ranking(result, i).values()), []) for i in range(len(result))]
    tops = [row[0].label if row else "" for row in ranked]
    first = [i for i, item in enumerate(items) if item.kind is Kind.PICTURE and item.target == 0]
    named = [(f"{items[i].input}\n{tops[items[i].sample]}", items[i].values) for i in first]
    known = dict(zip(first, surprises(named), strict=True))
    return [known.get(index) for index in range(len(items))]


def _map(result: Attribution, item: Map, key: str, limit: float, setting: Setting) -> Entry:
    grade = grade_of(result, item)
    words = [empty_words(result, item) if item.empty else "", broken_words(item)]
    lanes = item.kind is Kind.SERIES
    keep = lambda values: _kept(values, limit, setting, lanes=lanes)  # noqa: E731
    shown = as_drawn(result, item)
    drawn_here = drawn_by_page(result, item)
    made = arrays(result, item, keep) if drawn_here else dict.fromkeys(("values", "signed", "path"))
    where, share = _lies(result, item)
    sample = setting.ids[item.sample]
    return {
        "id": name_of("a", sample, method_id(result), key, item.input, setting.epoch),
        "sample": sample,
        "model": model_id(result),
        "method": method_id(result),
        "epoch": setting.epoch,
        "input": item.input,
        "target": _target(result, item, key),
        "kind": item.kind.value,
        "meaning": shown.meaning.value,
        **made,
        "figure": None
        if drawn_here and item.kind not in DEEP
        else setting.blobs.picture(drawn(result, item, limit=limit)),
        "size": list(shown.values.shape),
        "limit": limit,
        "gap": gap_words(result, item.sample, item.target),
        "message": "; ".join(filter(None, words)),
        "grade": None if grade is None else grade.to_json(),
        "alt": describe(result, item),
        "caption": sentence(result, item),
        "place": "" if item.kind in DEEP else where,
        "verdict": _verdict(result, item, where, grade),
        "share": share,
        "against": _against(shown),
        "portion": portion(result, item),
        "worth": worth(result, item),
        **_beside(result, item, setting),
        **_attention(result, item, setting),
        **({"base": _base(result, item)} if item.kind is Kind.TABLE else {}),
        **explained_entry(result, item),
    }


def _base(result: Attribution, item: Map) -> float | None:
    """Return the score that a table's values start from; None where other inputs add to it too."""
    alone = portion(result, item) is None
    return base_of(result, item.sample, item.target) if alone else None


def _beside(result: Attribution, item: Map, setting: Setting) -> Entry:
    """Return what a target wants to be seen beside its map, as pictures with words."""
    parts = [
        {
            "words": part.words,
            "figure": setting.blobs.picture(fit(beside_picture(result, item, part))),
        }
        for part in beside_of(result, item)
    ]
    return {"beside": parts} if parts else {}


def _attention(result: Attribution, item: Map, setting: Setting) -> Entry:
    """Return where every head of every layer attends, where the method kept that."""
    layers = [
        {
            "name": name.removeprefix(HEADS),
            "heads": [setting.blobs.array(head) for head in heads[item.sample]],
        }
        for name, heads in result.extras.items()
        if name.startswith(HEADS) and heads.ndim == 4
    ]
    return {"attention": {"layers": layers}} if layers and item.kind is Kind.PICTURE else {}


def _target(result: Attribution, item: Map, key: str) -> Entry:
    score = np.reshape(np.asarray(result.scores[item.sample]), -1)[item.target]
    index, output = class_of(item.explained, result.labels)
    return {
        "key": key,
        "place": item.target,
        "index": index,
        "output": output,
        "words": item.explained,
        "subject": subject(item.explained),
        "score": float(score) if np.isfinite(score) else None,
        **ask_of(result, item),
    }


def _strength(result: Attribution, item: Map) -> Array:
    """Return what is counted as evidence: above zero, or all sizes where there is no sign."""
    series = item.kind is Kind.SERIES
    values = as_drawn(result, item).values if series else word_values(result, item)
    return np.abs(values) if item.meaning is Meaning.MAGNITUDE else np.maximum(values, 0)


def _lies(result: Attribution, item: Map) -> tuple[str, str]:
    """Return where half of the evidence lies and on how much: ("upper left", "12 %").

    Of texts and tables, the strongest words or columns; of series, volumes and films the steps or
    slice. Both are empty where there is none.
    """
    strength = _strength(result, item)
    if not strength.any():
        return "", ""
    _, area, region = concentration(strength)
    if through_time(result, item):
        where = slice_words(item, strength)
    elif item.kind is Kind.PICTURE:
        where = place(np.where(region, strength, 0).astype(np.float64))
    elif item.kind is Kind.SERIES:
        where = lane_words(result, item, strength, np.where(region, strength, 0))
    elif item.kind in DEEP:
        where = slice_words(item, strength)
    else:
        names = _names(result, item)
        order = [i for i in np.argsort(-strength.ravel(), kind="stable") if region.ravel()[i]]
        where = _listed([names[i] for i in order]) if names else ""
    return where, percentage(area)


def _names(result: Attribution, item: Map) -> list[str]:
    """Return the words or columns of a map; none where they have no names."""
    if item.kind is Kind.TABLE:
        return [column.name for column in result.columns]
    text = result.tokens(item.sample, item.input)
    return [] if text is None else [f"'{word}'" for word in text.word_names]


def _listed(names: Sequence[str]) -> str:
    """Return "'boring', 'dull' and 2 more", each once."""
    once = list(dict.fromkeys(short(name, _LONGEST) for name in names))
    more = len(once) - _NAMED
    return ", ".join(once[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _against(item: Map) -> float:
    """Return the share of all evidence that speaks against the target, 0 … 1."""
    whole = float(np.abs(item.values).sum())
    return float(np.maximum(-item.values, 0).sum()) / whole if whole else 0.0


def _verdict(result: Attribution, item: Map, where: str, grade: Grade | None) -> str:
    """Return "evidence in the upper left; grade B: gap 3 %, stable"."""
    what = "influence" if item.meaning is Meaning.MAGNITUDE else "evidence"
    if not _strength(result, item).any():
        kind = "" if item.empty else "positive "
        lies = f"no {kind}{what} for {subject(item.explained)}"
    elif where.startswith("spread"):
        lies = f"{what} {where}"
    else:
        before = {Kind.TOKENS: "on ", Kind.TABLE: "in "} | dict.fromkeys(DEEP, "")
        on = "" if through_time(result, item) else before.get(item.kind, "in the ")
        lies = f"{what} {on}{where}" if where else ""
    gap = gap_words(result, item.sample, item.target).removeprefix("completeness ")
    if grade is None:
        return "; ".join(filter(None, [lies, gap]))
    why = ", ".join(list(filter(None, [gap, *_why(grade)]))[:_MOST_SAID])
    return "; ".join(filter(None, [lies, f"grade {grade.letter}" + (f": {why}" if why else "")]))


def _why(grade: Grade) -> list[str]:
    """Return in a word or two what speaks for and against a map, from the reasons of its grade."""
    return [
        words
        for start, words in _SHORT.items()
        if any(reason.startswith(start) for reason in grade.reasons)
    ]


def _kept(values: Array, limit: float, setting: Setting, *, lanes: bool = False) -> Entry:
    """Keep a map as exactly as the document asks for; the lanes of a series stay."""
    side = setting.detail.side
    longest = max(values.shape)
    if side is not None and longest > side:
        shrunk = tuple(max(1, round(size * side / longest)) for size in values.shape)
        values = averaged(values, (len(values), *shrunk[1:]) if lanes else shrunk)
    return setting.blobs.array(values, step=0.0 if setting.detail.exact else limit / _COLOURS)
