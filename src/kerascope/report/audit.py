"""The page of an audit: how good the model is, what acts on it, where its evidence lies."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascope.audit.finding import Finding
from kerascope.audit.pictures import Pictures
from kerascope.audit.quality import Quality
from kerascope.audit.result import Audit
from kerascope.plot.audit_quality import (
    confusion_alt,
    confusion_figure,
    reliability_alt,
    reliability_figure,
)
from kerascope.plot.export import png_of
from kerascope.report.audit_document import audit_document
from kerascope.report.page import write_report
from kerascope.report.sections import Card, Figure, Gallery, Section, Table
from kerascope.types import Array

_TOLD = ("places", "idle", "metadata")  # of the evidence, in sentences
_CLASSES = 20  # of the confusion matrix
_GROUPS = 6  # classes whose strategies are shown
_TILE = 140  # pixels of a picture on the page
_CARDS, _SHOWN, _SMALL = 4, 3, 176  # findings on the first page, pictures of each, their pixels
_FRAME = (214, 40, 90)


def write_audit(path: str | os.PathLike[str], found: Audit) -> Path:
    """Write the page of an audit and return its place; it needs nothing else to be shown."""
    pictures = None if found.source is None else Pictures(found.source, found.collected.settings)
    sections: list[Section] = [
        _first(found, pictures),
        *(_finding(i, f, pictures) for i, f in enumerate(found.findings, 1)),
        _unseen(found), _quality(found.quality), *_evidence(found, pictures),
    ]  # fmt: skip
    title = f"Audit of {found.model}"
    return write_report(path, sections, title=title, document=audit_document(found))


def _first(found: Audit, pictures: Pictures | None) -> Gallery:
    rows = tuple(
        (
            f"{i}. {one.label}", one.cue, _level(one),
            "" if one.prevalence is None else _percent(one.prevalence.value),
            _effect(one), _percent(one.control), f"{one.p:.1g}",
        )
        for i, one in enumerate(found.findings, 1)
    )  # fmt: skip
    columns = ("class", "cue", "level", "prevalence", "effect (95 %)", "control", "p")
    return Gallery(
        title="What does each class really hang on?",
        page="Findings",
        paragraphs=(found.summary, *found.quality.words[:2]),
        cards=tuple(
            _card(i, one, pictures) for i, one in enumerate(found.findings[:_CARDS], 1)
        ),
        table=Table(
            columns=columns, rows=rows,
            caption="Effect: share of pictures of other classes whose prediction follows the cue, "
            "less that of a control edited in the same way. p: adjusted for all that was tried "
            f"(false discovery rate {_percent(found.rate)}, Benjamini and Yekutieli 2001).",
        )
        if rows
        else None,
    )  # fmt: skip


def _percent(share: float, *, signed: bool = False) -> str:
    return f"{100 * share:+.0f} %" if signed else f"{100 * share:.0f} %"


def _effect(one: Finding) -> str:
    low, high = (_percent(end, signed=True) for end in one.interval)
    return f"{_percent(one.effect, signed=True)} ({low} … {high})"


def _card(number: int, one: Finding, pictures: Pictures | None) -> Card:
    """Return a finding for the first page: two or three pictures say most of it."""
    shown = tuple(turned(one, side=_SMALL))[:_SHOWN]
    if not shown and pictures is not None:
        shown = tuple(_examples(one, pictures))[:_SHOWN]
    return Card(
        title=f"{number}. {one.label}: {one.cue}",
        kicker=_level(one),
        words=one.sentence,
        effect=f"Effect {_effect(one)}; of a control {_percent(one.control)}",
        figures=shown,
        page=_page(number, one),
    )


def _page(number: int, one: Finding) -> str:
    return f"{number}. {one.label}: {one.kind}"


def _level(one: Finding) -> str:
    return "looks added" if one.level == "added" else "is this part of the class?"


def _finding(number: int, one: Finding, pictures: Pictures | None) -> Gallery:
    words = [one.sentence]
    if one.accuracy is not None and one.accuracy[0].total and one.accuracy[1].total:
        words.append(
            f"Right with the cue: {one.accuracy[0].words}; without it: {one.accuracy[1].words}."
        )
    if one.kept is not None:
        other = (
            "with the trait of other carriers"
            if one.statistic
            else "with as much changed elsewhere"
        )
        words.append(
            f"With the cue taken out, {_percent(one.kept[0].value)} of these predictions stay; "
            f"{other}, {_percent(one.kept[1].value)}."
        )
    if one.also:
        words.append(f"Moves with it, and is explained by it: {', '.join(one.also)}.")
    return Gallery(
        title=f"{number}. {one.label}: {one.cue} — {_level(one)}",
        page=_page(number, one),
        paragraphs=tuple(words),
        figures=(*turned(one), *(() if pictures is None else _examples(one, pictures))),
    )


def turned(one: Finding, *, side: int = 2 * _TILE) -> Iterator[Figure]:
    """Yield pictures before and after the edit that turned them."""
    for was, before, after in one.turned:
        gap = np.full((len(before), max(2, before.shape[1] // 24), before.shape[2]), 255, np.uint8)
        both = np.concatenate([before, gap, after], axis=1)
        both = both if both.shape[2] == 3 else both.repeat(3, axis=2)
        alt = f"A picture taken for '{was}', and the same after the edit, taken for '{one.label}'"
        yield _tile(both, alt, f"{was} → edited: {one.label}", side=side)


def _examples(one: Finding, pictures: Pictures) -> Iterator[Figure]:
    for sample, name in zip(one.shown, one.examples, strict=True):
        pixels = pictures.rgb(sample)
        if pixels is None:
            continue
        alt = f"{name}, a file of '{one.label}'{' that carries the cue' if one.ids else ''}"
        if one.area is not None and one.area.shape == pixels.shape[:2]:
            pixels, alt = _framed(pixels, one.area), alt + ", framed"
        yield _tile(pixels, alt, name)


def _framed(pixels: Array, area: Array) -> Array:
    """Return a picture with a line around the box of an area."""
    framed = pixels.copy()
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    top, left = max(0, rows[0] - 1), max(0, columns[0] - 1)
    bottom = min(len(area) - 1, rows[-1] + 1)
    right = min(area.shape[1] - 1, columns[-1] + 1)
    framed[top : bottom + 1, [left, right]] = _FRAME
    framed[[top, bottom], left : right + 1] = _FRAME
    return framed


def _tile(pixels: Array, alt: str, caption: str, *, side: int = _TILE) -> Figure:
    picture = Image.fromarray(pixels)
    scale = side / max(picture.size)
    way = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    width, height = (max(1, round(n * scale)) for n in picture.size)
    held = io.BytesIO()
    # Twice the size it is shown at, for fine screens.
    picture.resize((2 * width, 2 * height), way).save(held, "WEBP", quality=88)
    return Figure(content=held.getvalue(), alt=alt, width=width, height=height, caption=caption)


def _unseen(found: Audit) -> Gallery:
    rows = tuple(
        (name, "none: too few files" if share is None else f"{100 * share:.1f} %")
        for name, share in found.least.items()
    )
    return Gallery(
        title="What could not be seen",
        page="Not seen",
        paragraphs=(
            f"{found.tested} hypotheses were decided by {found.passes} pictures put to the model.",
            *(f"Not seen: {words}." for words in found.unseen),
            *found.notes,
        ),
        table=Table(
            columns=("class", "smallest share of files whose common overlay could be found"),
            rows=rows,
        )
        if rows
        else None,
    )  # fmt: skip


def _quality(good: Quality) -> Gallery:
    figures = []
    if good.labelled:
        shown = np.array(good.hardest(_CLASSES))
        names, counts = [good.name(int(k)) for k in shown], good.matrix(shown)
        words = f"{len(names)} of {len(good.per_class)} classes, true by predicted"
        drawn = confusion_figure(counts, names, words=words)
        figures.append(_drawn(drawn, confusion_alt(counts, names)))
    if good.calibration is not None and good.calibration.bins:
        bins = good.calibration.bins
        values: dict[str, Any] = {
            "confidence": np.array([b.confidence for b in bins]),
            "accuracy": np.array([b.right.value for b in bins]),
            "counts": np.array([b.right.total for b in bins]),
        }
        more = {
            "intervals": np.array([b.right.interval for b in bins]),
            "edges": np.array([(b.low, b.high) for b in bins]),
        }
        words = good.calibration.words
        drawn = reliability_figure(**values, **more, words=words)
        figures.append(_drawn(drawn, reliability_alt(**values, words=words)))
    return Gallery(
        title="How good is the model at all?",
        page="Quality",
        paragraphs=good.words,
        figures=tuple(figures),
    )


def _drawn(figure: Any, alt: str) -> Figure:
    width, height = figure.get_size_inches()
    return Figure(
        content=png_of(figure), alt=alt, width=round(90 * width), height=round(90 * height)
    )


def _evidence(found: Audit, pictures: Pictures | None) -> Iterator[Gallery]:
    """Yield where the evidence of each class lies; no alarm."""
    from kerascope.plot.audit_strategies import strategies_alt, strategies_figure

    ways = {} if found.strategies is None else {one.name: one for one in found.strategies.classes}
    for name in list(found.evidence)[:_GROUPS]:
        told = found.evidence[name]
        paragraphs = [word for key in _TOLD for word in told.get(key, ())]
        figures = []
        one = ways.get(name)
        if one is not None and pictures is not None and one.strategies:
            means = [s.mean for s in one.strategies]
            shares = [s.share for s in one.strategies]
            near = [_some(pictures, s.nearest[:6]) for s in one.strategies]
            if all(mean.ndim == 2 for mean in means):
                drawn = strategies_figure(means, shares, near, words=one.words)
                figures = [_drawn(drawn, strategies_alt(means, shares, words=one.words))]
        yield Gallery(
            title=f"Where the evidence for {name} lies",
            page="Evidence",
            paragraphs=(*paragraphs, *([told["strategies"]] if "strategies" in told else [])),
            figures=tuple(figures),
        )


def _some(pictures: Pictures, ids: Sequence[int]) -> list[Array]:
    return [pixels for i in ids if (pixels := pictures.rgb(i)) is not None]
