"""Say in words what a map shows, what the model predicted and how to read the colours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import BadInput
from kerascope.plot.found import explained_box, explained_inside
from kerascope.plot.maps import (
    Kind,
    Map,
    Meaning,
    as_drawn,
    beside_words,
    maps_of,
    portion,
    target_count,
    word_values,
    worth,
)
from kerascope.plot.whereabouts import cells, concentration, where
from kerascope.wording import number, one_line, percentage, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array
    from kerascope.verdict import Grade

_EVIDENCE = {
    Meaning.SIGNED: "positive evidence for",
    Meaning.POSITIVE: "positive evidence for",
    Meaning.MAGNITUDE: "influence on",
}
ENDS = {
    Meaning.SIGNED: ("against", "for"),
    Meaning.POSITIVE: ("none", "for"),
    Meaning.MAGNITUDE: ("little", "much influence"),
}
_NUMBER = re.compile(r"\s*\([^()]*\)$")
_SCORE = re.compile(
    r"^(?:(?:mean )?(?:logit|probability|score|sureness) of|similarity to"
    r"|overlap × probability of) "
)
_CONTRAST = re.compile(r"^((?:mean )?(?:logit|probability|score|value)) of (.+) minus \1 of (.+)$")


def sample_name(result: Attribution, sample: int) -> str:
    """Return the name of a sample without any folder."""
    if sample < len(result.names) and result.tokens(sample) is not None:
        return result.names[sample]  # a text, in which a slash parts no folders
    if sample < len(result.names):
        return str(result.names[sample]).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return f"sample {sample}"


def subject(explained: str) -> str:
    """Return who a score belongs to: "'tabby'" for "logit of 'tabby' (12.3)"."""
    words = _NUMBER.sub("", one_line(explained))
    words = _CONTRAST.sub(r"\2 rather than \3", words)
    return _SCORE.sub("", words)


def layer_words(result: Attribution, name: str = "") -> str:
    """Return the layer explained at, or "" for the input itself."""
    layer = result.layer
    if isinstance(layer, dict):
        layer = layer.get(name) or ", ".join(sorted(set(layer.values())))
    return layer or ""


def empty_words(result: Attribution, item: Map) -> str:
    """Return why a map shows nothing: "no positive evidence for 'tabby' at layer conv5"."""
    what = {
        Meaning.SIGNED: "no evidence for or against",
        Meaning.POSITIVE: "no positive evidence for",
        Meaning.MAGNITUDE: "no influence on",
    }[item.meaning]
    layer = layer_words(result, item.input)
    return f"{what} {subject(item.explained)}" + (f" at layer {layer}" if layer else "")


def broken_words(item: Map) -> str:
    """Return that values were not finite and are drawn as zero; "" when all were."""
    return f"{item.broken:,} values are not finite and drawn as zero" if item.broken else ""


def alt_text(
    result: Attribution,
    sample: int = 0,
    target: int = 0,
    *,
    name: str | None = None,
    reduce: str | None = None,
) -> str:
    """Return what a map shows, for those who cannot see it.

    "51 % of the positive evidence for 'tabby' lies in 12 % of the image, upper left": the smallest
    area that holds at least half, and the place of its centre of gravity; then what speaks against
    it, and the grade where it has one.
    """
    found = maps_of(result, samples=[sample], reduce=reduce)
    name = name or found[0].input
    items = [item for item in found if item.target == target and item.input == name]
    if not items:
        known = dict.fromkeys(item.input for item in found)
        raise BadInput(
            f"there is no map of target {target} for input '{name}'; the result has targets 0 … "
            f"{target_count(result) - 1} for {', '.join(known)}"
        )
    return describe(result, items[0])


def describe(result: Attribution, item: Map) -> str:
    """Return the words of `alt_text` for a map taken apart already."""
    what = f"{result.method.title} map of {sample_name(result, item.sample)}"
    return f"{what}: {sentence(result, item)}."


def sentence(result: Attribution, item: Map, *, graded: bool = True, whole: bool = True) -> str:
    """Return where the evidence lies, how concentrated, what speaks against, and the grade.

    whole: of several inputs, say also how much lies in this one.
    """
    if item.empty:
        parts = [empty_words(result, item)]
    else:
        parts = [_held(result, item), _inside(result, item), _against(result, item)]
        parts.append(_no_word(result, item))
    last = grade_words(result, item) if graded else ""
    parts.append(portion_words(result, item) if whole else "")
    return "; ".join(filter(None, [*parts, broken_words(item), last]))


def portion_words(result: Attribution, item: Map) -> str:
    """Return "62 % of all evidence lies in input 'image' (Shapley value +1.3)", or ""."""
    share, value = portion(result, item), worth(result, item)
    if share is None:
        return ""
    more = "" if value is None else f" (Shapley value {'+' if value >= 0 else ''}{number(value)})"
    return f"{percentage(share)} of all evidence lies in input '{item.input}'{more}"


def grade_words(result: Attribution, item: Map) -> str:
    """Return "grade B", or "" where there is none."""
    grade = grade_of(result, item)
    return "" if grade is None else f"grade {grade.letter}"


def grade_of(result: Attribution, item: Map) -> Grade | None:
    """Return the grade of a map's sample and target, where there is one."""
    grades = result.grades(item.sample)
    return grades[item.target] if grades else None


def _held(result: Attribution, item: Map) -> str:
    values = _said(result, item)
    values = values if item.meaning is not Meaning.MAGNITUDE else np.abs(values)
    evidence = _EVIDENCE[item.meaning]
    if values.max() <= 0:
        return f"no positive evidence for {subject(item.explained)}"
    held, area, region = concentration(values)
    what = f"{percentage(held)} of the {evidence} {subject(item.explained)}"
    return f"{what} lies {where(result, item, values, area, region)}"


def _said(result: Attribution, item: Map) -> Array:
    """Return the values that words count: of a text its words', of a series each channel's."""
    return as_drawn(result, item).values if item.kind is Kind.SERIES else word_values(result, item)


def _inside(result: Attribution, item: Map) -> str:
    """Return how much of the evidence lies in the part of the picture that was explained."""
    if item.kind is not Kind.PICTURE or item.input != result.input_names[0]:
        return ""
    values = np.abs(item.values) if item.meaning is Meaning.MAGNITUDE else item.values
    weight = np.maximum(values.astype(np.float64), 0)
    inside = explained_inside(result, item.sample, item.target, weight.shape)
    if inside is None or not weight.any():
        return ""
    part = "region" if explained_box(result, item.sample, item.target) is None else "box"
    share = percentage(float((weight * inside).sum() / weight.sum()))
    return f"{share} of it inside the {part}, {percentage(float(inside.mean()))} of the image"


def _no_word(result: Attribution, item: Map) -> str:
    share = beside_words(result, item)
    return f"{percentage(share)} of all evidence lies on special tokens" if share > 0.01 else ""


def _against(result: Attribution, item: Map) -> str:
    if item.meaning is not Meaning.SIGNED:
        return ""
    values = _said(result, item)
    negative, total = float(-values[values < 0].sum()), float(np.abs(values).sum())
    if not negative:
        return "nothing speaks against it"
    return f"{percentage(negative / total)} of all evidence speaks against it{_most(result, item)}"


def _most(result: Attribution, item: Map) -> str:
    """Return ", most on 'great'": the word or column that speaks most against; "" elsewhere."""
    place = int(word_values(result, item).argmin())
    text = result.tokens(item.sample, item.input)
    if text is not None and item.kind is Kind.TOKENS:
        return f", most on '{short(text.word_names[place], 24)}'"
    if item.kind is not Kind.TABLE:
        return ""
    return f", most in {cells(result, item.sample)[place]}"
