"""The section that shows what a model is made of: layers as lines, blocks folded."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from kerascope.errors import BadInput
from kerascope.plot.diagram import (
    COLOURS,
    DOT,
    HEADINGS,
    ROW,
    Item,
    lane_x,
    rails,
    share_words,
    width_of,
)
from kerascope.report.sections import Section
from kerascope.report.views import view


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Structure(Section):
    """Layers as lines with rails beside them; a block unfolds into the lines inside it.

    edges: (from, to) numbers of calls, as `Item.rows` counts them.
    """

    template: ClassVar[str] = "structure.html.j2"
    items: tuple[Item, ...]
    edges: tuple[tuple[int, int], ...]
    paragraphs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.items:
            raise BadInput("a structure needs at least one layer")


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """One line as the template shows it; numbers are pixels."""

    item: Item
    paths: str
    colour: str
    width: int
    through: tuple[int, ...]  # where rails pass what is inside
    share: str
    bar: float  # 0 … 100
    children: tuple[Line, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class StructureView:
    """What the template of a structure needs."""

    headings: tuple[str, ...]
    lines: tuple[Line, ...]
    row: int = ROW
    dot: int = DOT


@view.register
def _structure(section: Structure, number_: int) -> StructureView:  # noqa: ARG001
    most = max(map(_largest, section.items)) or 1
    return StructureView(HEADINGS, _lines(section.items, section.edges, most))


def _largest(item: Item) -> float:
    """Return the largest share of a line; blocks that hold most of the model do not count."""
    if item.children and item.share > 0.5:
        return max(map(_largest, item.children))
    return item.share


def _lines(
    items: tuple[Item, ...], edges: tuple[tuple[int, int], ...], most: float
) -> tuple[Line, ...]:
    level = rails(items, edges)
    return tuple(
        Line(
            item=item,
            paths="".join(rail.paths()),
            colour=COLOURS[item.family],
            width=width_of(level),
            through=tuple(map(lane_x, rail.after)),
            share=share_words(item.share),
            bar=min(100.0, round(100 * item.share / most, 2)),
            children=_lines(item.children, edges, most),
        )
        for item, rail in zip(items, level, strict=True)
    )
