"""Say in words what a map shows, what the model predicted and how to read the colours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
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
    cells_of,
    input_of,
    maps_of,
    portion,
    target_count,
    word_values,
    worth,
)

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array
    from kerascope.verdict import Grade

SHARE = 0.5  # the share of the evidence whose smallest area is reported
_LISTED = 5  # words, tokens or features that a sentence names
_SPREAD = 0.3  # root mean square distance from the centre of gravity, in picture sizes
_PLACES = (
    ("upper left", "upper centre", "upper right"),
    ("left", "centre", "right"),
    ("lower left", "lower centre", "lower right"),
)
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
_CONTRAST = re.compile(r"^(logit|probability|score) of (.+) minus \1 of (.+)$")


def one_line(text: str) -> str:
    """Return the text on one line, without characters that cannot be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def short(text: str, most: int) -> str:
    """Return the text on one line of at most `most` characters."""
    line = one_line(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def number(value: float) -> str:
    """Return three significant digits, with a real minus sign."""
    return f"{value:.3g}".replace("-", "−")


def percentage(share: float) -> str:
    """Return 0 … 1 as a percentage; never a false 0 % or 100 %."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    if share < 0.1 or share > 0.99:
        text = f"{share * 100:.1f}".removesuffix(".0")
        return f"{text} %"
    return f"{share * 100:.0f} %"


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
    return f"{what} lies {_where(result, item, values, area, region)}"


def _said(result: Attribution, item: Map) -> Array:
    """Return the values that words count: of a text its words', of a series each channel's."""
    return as_drawn(result, item).values if item.kind is Kind.SERIES else word_values(result, item)


def concentration(values: Array, *, share: float = SHARE) -> tuple[float, float, Array]:
    """Return (held, area, region): the smallest region with at least `share` of what is above 0.

    held and area are 0 … 1; region is a boolean array. Equal values enter together, so that the
    region does not depend on any order.
    """
    positive = np.maximum(np.asarray(values, np.float64), 0)
    ordered = np.sort(positive, axis=None)[::-1]
    total = ordered.sum()
    # The share is reached up to rounding: exact halves must not fall on either side by chance.
    last = int(np.searchsorted(np.cumsum(ordered), share * total * (1 - 1e-9)))
    region = (positive >= ordered[min(last, ordered.size - 1)]) & (positive > 0)
    return float(positive[region].sum() / total), float(region.mean()), region


def _where(result: Attribution, item: Map, values: Array, area: float, region: Array) -> str:
    weight = np.where(region, np.maximum(values, 0), 0).astype(np.float64)
    if item.kind is Kind.TABLE:
        return _in_columns(result, item, weight, region)
    if item.kind in (Kind.TOKENS, Kind.VECTOR):
        strongest = np.argsort(-weight, kind="stable")[: min(5, int(region.sum()))]
        text = result.tokens(item.sample, item.input)
        if text is not None:
            return _in_words(text.word_names, weight, region)
        unit = "token" if item.kind is Kind.TOKENS else "feature"
        listed = ", ".join(map(str, strongest))
        more = int(region.sum()) - len(strongest)
        rest = f" and {more} more" if more else ""
        return f"in {int(region.sum())} of {values.size} {unit}s: {listed}{rest}"
    share = percentage(area)
    if item.kind is Kind.SERIES:
        return f"in {share} of the series, {lane_words(result, item, values, weight)}"
    if item.kind in (Kind.VOLUME, Kind.VIDEO):
        what = "film" if item.kind is Kind.VIDEO else "volume"
        return f"in {share} of the {what}, {slice_words(item, values)}, {place(weight.sum(axis=0))}"
    # Maps over tokens or feature maps of their own have no picture under them.
    known = "y" in result.input_axes[item.input] or input_of(result, item.input).ndim > 2
    return f"in {share} of the {'image' if known else 'map'}, {place(weight)}"


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


def _in_columns(result: Attribution, item: Map, weight: Array, region: Array) -> str:
    """Return "in 2 of 9 columns: age = 61, income = 12", the strongest first."""
    order = [index for index in np.argsort(-weight, kind="stable") if region[index]]
    cells = _cells(result, item.sample)
    listed = [cells[index] for index in order[:_LISTED]]
    more = len(order) - _LISTED
    rest = f" and {more} more" if more > 0 else ""
    return f"in {len(order)} of {len(weight)} columns: {', '.join(listed)}{rest}"


def _in_words(names: Sequence[str], weight: Array, region: Array) -> str:
    """Return "in 3 of 9 words: 'boring' (2 times), 'dull'", the strongest words first."""
    order = [index for index in np.argsort(-weight, kind="stable") if region[index]]
    counts = Counter(names[index].lower() for index in order)
    shown = {names[index].lower(): names[index] for index in reversed(order)}
    listed = [
        f"'{short(shown[key], 24)}'" + (f" ({count} times)" if count > 1 else "")
        for key, count in counts.items()
    ]
    more = len(listed) - _LISTED
    rest = f" and {more} more" if more > 0 else ""
    return f"in {len(order)} of {len(names)} words: {', '.join(listed[:_LISTED])}{rest}"


def slice_words(item: Map, values: Array) -> str:
    """Return "most in slice 3 of 6 (71 %)": where most of what is above zero lies, (z, y, x)."""
    slices = np.maximum(values, 0).sum(axis=(1, 2))
    best = int(slices.argmax())
    unit = "frame" if item.kind is Kind.VIDEO else "slice"
    share = percentage(float(slices[best] / slices.sum()))
    return f"most in {unit} {best + 1} of {len(slices)} ({share})"


def lane_words(result: Attribution, item: Map, values: Array, weight: Array) -> str:
    """Return "most in 'wind' (91 %), steps 13–15 of 32": where values (channel, time) lie.

    weight: the same, but zero outside of the region that holds half of what is above zero.
    """
    known = result.timeline(item.sample, item.input)
    sums = np.maximum(values, 0).sum(axis=1)
    best = int(sums.argmax())
    row = weight[best] if weight[best].any() else np.maximum(values[best], 0)
    start, stop = _run(row)
    many = row[start:stop].sum() < _SPREAD * row.sum()
    if known.times and not many:
        first, last = known.times[start], known.times[stop - 1]
        steps = f"at {first}" if stop - start == 1 else f"from {first} to {last}"
    else:
        few = f"step {start + 1}" if stop - start == 1 else f"steps {start + 1}–{stop}"
        steps = "spread out" if many else f"{few} of {len(row)}"
    if len(weight) == 1:
        return steps if many else f"most {'' if known.times else 'at '}{steps}"
    name = known.channel(best) if known.channels else f"channel {best}"
    return f"most in '{short(name, 24)}' ({percentage(float(sums[best] / sums.sum()))}), {steps}"


def _run(row: Array) -> tuple[int, int]:
    """Return (start, stop) of the stretch that holds most; a step may be missing in it."""
    filled = np.flatnonzero(row > 0)
    ends = np.flatnonzero(np.diff(filled) > 2)
    starts = [int(filled[0]), *(int(filled[i + 1]) for i in ends)]
    stops = [*(int(filled[i]) + 1 for i in ends), int(filled[-1]) + 1]
    sums = [row[a:b].sum() for a, b in zip(starts, stops, strict=True)]
    best = int(np.argmax(sums))
    return starts[best], stops[best]


def place(weight: Array) -> str:
    """Return the place of the weights (y, x) on a 3×3 grid; says so when they are spread out.

    Where they lie in several spots, the centre of gravity may hold none of them: then the ninth
    that holds most is named.
    """
    total = weight.sum()
    y, x = (((np.arange(size) + 0.5) / size) for size in weight.shape)
    rows, columns = weight.sum(axis=1) / total, weight.sum(axis=0) / total
    centre_y, centre_x = float(rows @ y), float(columns @ x)
    spread = float(np.sqrt(rows @ (y - centre_y) ** 2 + columns @ (x - centre_x) ** 2))
    if spread <= _SPREAD:
        return _PLACES[min(2, int(centre_y * 3))][min(2, int(centre_x * 3))]
    third_y, third_x = (y * 3).astype(int), (x * 3).astype(int)
    ninths = np.zeros((3, 3))
    np.add.at(ninths, (third_y[:, None], third_x[None, :]), weight)
    row, column = np.unravel_index(int(ninths.argmax()), (3, 3))
    return f"spread out, most in the {_PLACES[row][column]} part"


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
    return f", most in {_cells(result, item.sample)[place]}"


def _cells(result: Attribution, sample: int) -> list[str]:
    """Return "age = 61" for every column."""
    pairs = zip(result.columns, cells_of(result, sample), strict=True)
    return [f"{short(column.name, 24)} = {short(words, 16)}" for column, words in pairs]
