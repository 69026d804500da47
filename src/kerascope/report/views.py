"""The contents of each section as its template reads them."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from kerascope.errors import BadInput
from kerascope.plot.maps import Map, limit_of, maps_of, pick
from kerascope.plot.stamp import without_folders
from kerascope.plot.words import layer_words, number, percentage, prediction_words, sample_name
from kerascope.report import cells
from kerascope.report.sections import (
    Comparison,
    Explanations,
    Gallery,
    Interval,
    Section,
    Story,
    Table,
)

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lane:
    """The maps of one method and input for one sample, with their scale."""

    title: str
    where: str
    legend: cells.Legend
    cells: tuple[cells.Cell, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample: prediction first, then picture, then maps."""

    anchor: str
    name: str
    verdict: str
    predictions: tuple[cells.Prediction, ...]
    pictures: tuple[cells.Picture, ...]
    lanes: tuple[Lane, ...]
    single: bool  # one target: the lanes stand side by side


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodCard:
    """How a method was set, and what it has to say."""

    title: str
    layer: str
    reference: str
    fields: tuple[tuple[str, str], ...]
    seconds: str
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExplanationsView:
    """Samples and methods of an `Explanations` section."""

    intro: str
    scale: str
    samples: tuple[Sample, ...]
    methods: tuple[MethodCard, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """One model's prediction and map in a row of a comparison."""

    heading: str
    verdict: str
    cell: cells.Cell
    caption: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """Rows of a `Comparison` section."""

    intro: str
    headings: tuple[str, ...]
    legends: tuple[cells.Legend, ...]
    rows: tuple[tuple[str, cells.Picture | None, tuple[Column, ...]], ...]
    outlined: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableCell:
    """A cell of a table: words, and the interval to draw, in percent of its axis."""

    words: str
    numeric: bool
    interval: tuple[float, float, float] | None = None  # low, mean, width


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableView:
    """Numbers with headings; no rows where there is no table."""

    columns: tuple[tuple[str, bool], ...]  # heading, whether numbers stand below it
    rows: tuple[tuple[TableCell, ...], ...]
    caption: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoryView:
    """Words and numbers of a `Story` section."""

    headline: str
    paragraphs: tuple[str, ...]
    table: TableView


@dataclasses.dataclass(frozen=True, kw_only=True)
class GalleryView:
    """Pictures with captions, and numbers, of a `Gallery` section."""

    pictures: tuple[tuple[cells.Picture, str], ...]
    table: TableView


@functools.singledispatch
def view(section: Section, number_: int) -> object:  # noqa: ARG001
    """Return what the template of a section reads; `number_` makes its anchors unique."""
    raise BadInput(f"a report holds results and sections, not {type(section).__name__}")


@view.register
def _explanations(section: Explanations, number_: int) -> ExplanationsView:
    maps = [maps_of(result) for result in section.results]
    count = len(section.results[0])
    scope = "over all pictures of this page" if section.shared_scale else "for each picture alone"
    if count == 1:
        scope = "over all its targets"
    return ExplanationsView(
        intro=section.intro,
        scale=f"Each method has one colour scale {scope}; units differ between methods, so colours "
        "compare along a method, not across methods.",
        samples=tuple(_sample(section, maps, index, number_) for index in range(count)),
        methods=tuple(_method(result) for result in section.results),
    )


def _sample(section: Explanations, maps: list[list[Map]], index: int, number_: int) -> Sample:
    first = section.results[0]
    bases: dict[str, Array | None] = {}
    pictures: list[cells.Picture] = []
    lanes: list[Lane] = []
    for result, all_maps in zip(section.results, maps, strict=True):
        mine = [item for item in all_maps if item.sample == index]
        for name in dict.fromkeys(item.input for item in mine):
            row = [item for item in mine if item.input == name]
            if name not in bases:
                bases[name] = cells.base_of(result, row[0])
                shown = cells.picture_cell(result, row[0], bases[name])
                pictures += [shown] if shown is not None else []
            scope = [m for m in (all_maps if section.shared_scale else mine) if m.input == name]
            lanes.append(_lane(result, row, scope, bases[name]))
    return Sample(
        anchor=f"s{number_}-{index}",
        name=sample_name(first, index),
        verdict=prediction_words(first, index),
        predictions=cells.prediction_of(first, index),
        pictures=tuple(pictures),
        lanes=tuple(lanes),
        single=all(len(lane.cells) == 1 for lane in lanes),
    )


def _lane(result: Attribution, row: list[Map], scope: list[Map], base: Array | None) -> Lane:
    limit = limit_of(scope)
    several = len(result.input_names) > 1
    layer = layer_words(result, row[0].input)
    layer = f"at layer {layer}" if layer else ""
    return Lane(
        title=result.method.title,
        where=", ".join(filter(None, [f"input {row[0].input}" if several else "", layer])),
        legend=cells.legend_of(scope, limit),
        cells=tuple(cells.map_cell(result, item, base=base, limit=limit) for item in row),
    )


def _method(result: Attribution) -> MethodCard:
    return MethodCard(
        title=result.method.title,
        layer=layer_words(result),
        reference=result.method.reference,
        fields=cells.fields_of(result),
        seconds=f"{number(result.provenance.seconds)} s",
        notes=tuple(without_folders(list(result.notes))),
    )


@view.register
def _comparison(section: Comparison, number_: int) -> ComparisonView:  # noqa: ARG001
    chosen = pick(section.results[0], section.samples)
    maps = [maps_of(result, samples=chosen) for result in section.results]
    firsts = [[m for m in ms if m.input == ms[0].input and m.target == 0] for ms in maps]
    limits = [limit_of(items) for items in firsts]
    rows = []
    for place, sample in enumerate(chosen):
        items = [column[place] for column in firsts]
        base = cells.base_of(section.results[0], items[0])
        columns = tuple(
            Column(
                heading=section.headings[i],
                verdict=prediction_words(result, sample),
                cell=cells.map_cell(
                    result,
                    items[i],
                    base=base,
                    limit=limits[i],
                    outline=section.outlines[sample] if section.outlines else None,
                ),
                caption=section.captions[place][i] if section.captions else "",
            )
            for i, result in enumerate(section.results)
        )
        picture = cells.picture_cell(section.results[0], items[0], base)
        rows.append((sample_name(section.results[0], sample), picture, columns))
    legends = tuple(map(cells.legend_of, firsts, limits))
    return ComparisonView(
        intro=section.intro,
        headings=section.headings,
        legends=legends,
        rows=tuple(rows),
        outlined=bool(section.outlines),
    )


@view.register
def _story(section: Story, number_: int) -> StoryView:  # noqa: ARG001
    return StoryView(
        headline=section.headline, paragraphs=section.paragraphs, table=_table(section.table)
    )


@view.register
def _gallery(section: Gallery, number_: int) -> GalleryView:  # noqa: ARG001
    pictures = tuple((cells.file_picture(f), f.caption) for f in section.figures)
    return GalleryView(pictures=pictures, table=_table(section.table))


def _table(table: Table | None) -> TableView:
    table = table or Table(columns=(), rows=())
    rows = tuple(tuple(_table_cell(value) for value in row) for row in table.rows)
    numeric = [any(row[i].numeric for row in rows) for i in range(len(table.columns))]
    return TableView(
        columns=tuple(zip(table.columns, numeric, strict=True)), rows=rows, caption=table.caption
    )


def _table_cell(value: str | float | Interval | None) -> TableCell:
    if value is None:
        return TableCell(words="undefined", numeric=False)
    if isinstance(value, Interval):
        low = percentage(value.low).removesuffix(" %")
        words = f"{percentage(value.mean)} ({low} – {percentage(value.high)})"
        drawing = (100 * value.low, 100 * value.mean, 100 * (value.high - value.low))
        return TableCell(words=words, numeric=True, interval=drawing)
    if isinstance(value, (int, float)):
        words = f"{value:,}" if isinstance(value, int) else number(value)
        return TableCell(words=words, numeric=True)
    return TableCell(words=value, numeric=False)
