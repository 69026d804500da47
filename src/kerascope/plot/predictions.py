"""What a model predicted, in words and in the order of strength."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from kerascope.labels import names_for, one_list
from kerascope.plot.forecasts import Forecast, forecast_of
from kerascope.plot.found import areas_of, boxes_of, is_scene
from kerascope.plot.maps import input_of
from kerascope.plot.scene import scene_words
from kerascope.wording import number, percentage

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

_STEPS = 24  # of a forecast that are listed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ranked:
    """One output of a model's prediction.

    index: of the class among the outputs.
    share: 0 … 1 where the output is one, for a bar; None elsewhere.
    percent: whether the outputs are a distribution, so that the share is a probability.
    ask: the target that it is, in words, where that is not the class; after: behind the value.
    at: where a box lies: its corners in pixels of the model's input.
    """

    label: str
    index: int
    value: float
    share: float | None
    percent: bool
    ask: str = ""
    after: str = ""
    at: str = ""

    @property
    def words(self) -> str:
        """The value as a person reads it: "83 %", "0.412", "−3.2"."""
        value = percentage(self.value) if self.percent else number(self.value)
        return value + self.after


def ranking(result: Attribution, sample: int, *, top: int = 5) -> dict[str, list[Ranked]]:
    """Return the strongest outputs of a sample by output name ("" for a model with one output).

    Of a segmentation, its areas; of a detector, its boxes. Other outputs that are no vector are
    left out.
    """
    if is_scene(result):
        return {"": _found(result, sample)[:top]}
    forecast = forecast_of(result, sample)
    if forecast is not None:
        return {"": _ahead(forecast)}
    tree = result.predictions
    outputs = tree if isinstance(tree, Mapping) else {"": tree}
    rows = {name: np.asarray(array)[sample] for name, array in outputs.items()}
    rows = {name: row[None] if row.ndim == 0 else row for name, row in rows.items()}
    rows = {name: _next_output(result, row, sample) for name, row in rows.items()}
    return {
        name: _ranked(result, row, top, names_for(result.labels, name))
        for name, row in rows.items()
        if row.ndim == 1
    }


def _found(result: Attribution, sample: int) -> list[Ranked]:
    """Return areas by their shares of the picture, or boxes by how sure the model is."""
    areas = [
        Ranked(label=area.label, index=area.index, value=area.share, share=area.share,
               percent=True, ask=f"{area.index}@area", after=" of the picture")
        for area in areas_of(result, sample)
    ]  # fmt: skip
    return areas + [
        Ranked(label=box.label, index=box.place, value=box.sure,
               share=box.sure if 0 <= box.sure <= 1 else None, percent=0 <= box.sure <= 1,
               ask=f"box-{box.place}", at=box.at)
        for box in boxes_of(result, sample)
    ]  # fmt: skip


def _ranked(
    result: Attribution, row: Array, top: int, names: tuple[str, ...] | None
) -> list[Ranked]:
    row = row.astype(np.float64)
    if names is not None and len(names) == 2 and len(row) == 1 and 0 <= row[0] <= 1:
        row = np.array(
            [1 - row[0], row[0]]
        )  # a single sigmoid unit: the second class's probability
    labels = names if names is not None and len(names) == len(row) else None
    unit = bool(np.isfinite(row).all() and row.min() >= 0 and row.max() <= 1)
    # Half-precision models sum to one only roughly.
    percent = unit and len(row) > 1 and abs(float(row.sum()) - 1) < 0.02
    order = np.argsort(-row, kind="stable")[:top]
    single = "output" if len(row) == 1 else ""
    unit_ = "value" if of_values(result) else "class"
    return [
        Ranked(
            label=labels[index] if labels is not None else single or f"{unit_} {index}",
            index=int(index),
            value=float(row[index]),
            share=float(row[index]) if unit else None,
            percent=percent,
        )
        for index in order
    ]


def _said(ranked: list[Ranked]) -> str:
    """Return what one output said: its first class, or all labels above ½ where there are more."""
    first = ranked[0]
    if first.label == "output":
        return f"output {first.words}"
    labels = [one for one in ranked if not one.percent and (one.share or 0) > _HALF]
    if len(labels) < 2:
        return f"{first.label}, {first.words}"
    return ", ".join(f"{one.label} {one.words}" for one in labels)


_HALF = 0.5
_WHOLE = ("ReconstructionError", "Similarity")  # of which no number of the output says anything
_VALUES = ("Regression", "ExpectedRank", "ReconstructionError", "Similarity")
_WORDS = re.compile(r"(?:[^:]+:)?(value(?:$|[-: ])|expected-rank$|reconstruction(?:$|-))")


def of_values(result: Attribution, kinds: tuple[str, ...] = _VALUES) -> bool:
    """Tell whether a value was asked for, so that the numbers of a vector are no classes."""
    made = getattr(result, "provenance", None)
    asked = getattr(made, "asked", None)
    if isinstance(asked, Mapping):
        inner = asked.get("fields", {}).get("target")
        return asked.get("kind") in kinds or _named(inner, kinds)
    return _named(asked, kinds)


def _named(words: object, kinds: tuple[str, ...]) -> bool:
    match = _WORDS.match(words) if isinstance(words, str) else None
    return match is not None and (kinds is _VALUES or match[1].startswith("reconstruction"))


def prediction_words(result: Attribution, sample: int) -> str:
    """Return what the model said: "tabby, 83 %", or its value; one part for each output."""
    if is_scene(result):
        return scene_words(result, sample)
    if of_values(result, _WHOLE) and result.explained:
        said = result.explained[sample]
        return said if isinstance(said, str) else str(said[0])
    forecast = forecast_of(result, sample)
    if forecast is not None:
        return forecast.words()
    parts = []
    for name, ranked in ranking(result, sample).items():
        words = _said(ranked)
        parts.append(f"{name}: {words}" if name else words)
    return "; ".join(parts) or "no class, but " + _shapes(result, sample)


def _ahead(forecast: Forecast) -> list[Ranked]:
    """Return the steps of a forecast in their order, of every channel."""
    width = forecast.values.shape[1]
    return [
        Ranked(
            label=f"{step + 1} step{'s' * (step > 0)} ahead"
            + (f", {forecast.names[channel] or f'channel {channel}'}" if width > 1 else ""),
            index=step * width + channel, value=float(forecast.values[step, channel]), share=None,
            percent=False, ask=forecast.asked(step, channel),
        )
        for step in range(len(forecast.values))
        for channel in range(width)
    ][:_STEPS]  # fmt: skip


def _shapes(result: Attribution, sample: int) -> str:
    tree = result.predictions
    outputs = tree.values() if isinstance(tree, Mapping) else [tree]
    sizes = (" × ".join(map(str, np.asarray(array)[sample].shape)) for array in outputs)
    return "an output of " + " and ".join(sizes)


def _next_output(result: Attribution, row: Array, sample: int) -> Array:
    """Return what a language model says comes next, (token,); any other output as it is."""
    made = getattr(result, "provenance", None)
    reading = None if made is None else made.reading
    names = one_list(result.labels)
    if row.ndim != 2 or not reading or names is None or len(names) != len(row[0]):
        return row
    ids = np.asarray(input_of(result, reading["input"] or result.input_names[0]))[sample]
    real = np.flatnonzero(ids != reading["pad"]) if reading["pad"] is not None else [len(ids) - 1]
    return row[real[-1]] if len(row) == len(ids) and len(real) else row
