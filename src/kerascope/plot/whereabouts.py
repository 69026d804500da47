"""Say in words where the evidence of a map lies: a place, words, columns, steps, slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.plot.maps import Kind, Map, cells_of, input_of, through_time
from kerascope.wording import percentage, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

SHARE = 0.5  # the share of the evidence whose smallest area is reported
_LISTED = 5  # words, tokens or features that a sentence names
_SPREAD = 0.3  # root mean square distance from the centre of gravity, in picture sizes
_PLACES = (
    ("upper left", "upper centre", "upper right"),
    ("left", "centre", "right"),
    ("lower left", "lower centre", "lower right"),
)


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


def where(result: Attribution, item: Map, values: Array, area: float, region: Array) -> str:
    """Return where a region of a map lies: "in 12 % of the image, upper left".

    area: its share of the map. region: booleans, as `concentration` gives them.
    """
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
    if through_time(result, item):
        return f"in {share} of the window, {slice_words(item, values)}"
    # Maps over tokens or feature maps of their own have no picture under them.
    known = "y" in result.input_axes[item.input] or input_of(result, item.input).ndim > 2
    return f"in {share} of the {'image' if known else 'map'}, {place(weight)}"


def _in_columns(result: Attribution, item: Map, weight: Array, region: Array) -> str:
    """Return "in 2 of 9 columns: age = 61, income = 12", the strongest first."""
    order = [index for index in np.argsort(-weight, kind="stable") if region[index]]
    said = cells(result, item.sample)
    listed = [said[index] for index in order[:_LISTED]]
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
    """Return "most in slice 3 of 6 (71 %)": where most of what is above zero lies, (z, y, x).

    Of maps (time, x), the step.
    """
    slices = np.maximum(values, 0).sum(axis=tuple(range(1, values.ndim)))
    best = int(slices.argmax())
    unit = {Kind.VIDEO: "frame", Kind.VOLUME: "slice"}.get(item.kind, "step")
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


def cells(result: Attribution, sample: int) -> list[str]:
    """Return "age = 61" for every column."""
    pairs = zip(result.columns, cells_of(result, sample), strict=True)
    return [f"{short(column.name, 24)} = {short(words, 16)}" for column, words in pairs]
