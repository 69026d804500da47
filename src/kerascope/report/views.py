"""The contents of each section as its template reads them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from kerascope.errors import BadInput
from kerascope.plot.maps import Kind, Map, limit_of, maps_of, pick
from kerascope.plot.predictions import prediction_words
from kerascope.plot.words import sample_name
from kerascope.report import cells
from kerascope.report.sections import (
    Card,
    Comparison,
    Figure,
    Gallery,
    Interval,
    Section,
    Story,
    Table,
)
from kerascope.wording import number, percentage


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
    legends: tuple[tuple[str, cells.Legend], ...]  # with what each is of
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
    cards: tuple[tuple[Card, tuple[tuple[cells.Picture, str], ...]], ...]
    table: TableView


@functools.singledispatch
def view(section: Section, number_: int) -> object:  # noqa: ARG001
    """Return what the template of a section reads; `number_` makes its anchors unique."""
    raise BadInput(f"a report holds results and sections, not {type(section).__name__}")


@view.register
def _comparison(section: Comparison, number_: int) -> ComparisonView:  # noqa: ARG001
    results = section.results
    chosen = pick(results[0], section.samples)
    maps = [[m for m in maps_of(r, samples=chosen) if m.target == 0] for r in results]
    names = list(dict.fromkeys(m.input for m in maps[0]))
    count = len(names)  # inputs, in the same order of every result, whatever they are called
    scaled = [[ms[place::count] for place in range(count)] for ms in maps]
    limits = [[limit_of(items) for items in each] for each in scaled]
    legends = tuple(
        (f"{heading}, {name}" if count > 1 else heading, cells.legend_of(items, limit))
        for heading, each, column in zip(section.headings, scaled, limits, strict=True)
        for name, items, limit in zip(names, each, column, strict=True)
    )
    rows = []
    for row, items in enumerate(zip(*maps, strict=True)):  # one for every sample and input
        sample, base = items[0].sample, cells.base_of(results[0], items[0])
        columns = _columns(section, items, row // count, [each[row % count] for each in limits])
        picture = cells.picture_cell(results[0], items[0], base)
        name = sample_name(results[0], sample)
        rows.append((f"{name}, {items[0].input}" if count > 1 else name, picture, columns))
    return ComparisonView(
        intro=section.intro, legends=legends, rows=tuple(rows), outlined=bool(section.outlines)
    )


def _columns(
    section: Comparison, items: Sequence[Map], place: int, limits: Sequence[float]
) -> tuple[Column, ...]:
    """Return a row's map of every result; place: that of the sample among those shown."""
    base = cells.base_of(section.results[0], items[0])
    found = []
    for i, (result, item) in enumerate(zip(section.results, items, strict=True)):
        outlined = section.outlines and item.kind is Kind.PICTURE
        cell = cells.map_cell(
            result, item, base=base, limit=limits[i],
            outline=section.outlines[item.sample] if outlined else None,
        )  # fmt: skip
        found.append(
            Column(
                heading=section.headings[i],
                verdict=prediction_words(result, item.sample),
                cell=cell,
                caption=section.captions[place][i] if section.captions else "",
            )
        )
    return tuple(found)


@view.register
def _story(section: Story, number_: int) -> StoryView:  # noqa: ARG001
    return StoryView(
        headline=section.headline, paragraphs=section.paragraphs, table=_table(section.table)
    )


@view.register
def _gallery(section: Gallery, number_: int) -> GalleryView:  # noqa: ARG001
    cards = tuple((card, _pictures(card.figures)) for card in section.cards)
    pictures = _pictures(section.figures)
    return GalleryView(pictures=pictures, cards=cards, table=_table(section.table))


def _pictures(figures: tuple[Figure, ...]) -> tuple[tuple[cells.Picture, str], ...]:
    return tuple((cells.file_picture(figure), figure.caption) for figure in figures)


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
