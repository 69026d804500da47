"""What a report can hold: each section is a frozen value that names its template."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from kerascope.errors import BadInput
from kerascope.plot.grid import check_together
from kerascope.wording import short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """A share (0 … 1) with its confidence interval; a table draws it on an axis from 0 to 1."""

    mean: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.mean <= self.high <= 1:
            raise BadInput(
                f"interval {self.low} … {self.mean} … {self.high} must rise and lie within 0 … 1"
            )


_TAB = 32  # characters of a tab that has no name of its own
Cell = str | int | float | Interval | None  # None: undefined


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Numbers with headings; the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise BadInput(
                    f"row {row[:1]} has {len(row)} cells for {len(self.columns)} columns"
                )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """Base of all sections.

    page: title of the page that it stands on; sections in a row that name the same, or none, share
        one.
    """

    template: ClassVar[str]
    title: str = ""
    page: str = ""

    @property
    def heading(self) -> str:
        """What a tab calls it."""
        return self.title or type(self).__name__

    @property
    def sources(self) -> tuple[Attribution, ...]:
        """The results whose provenance the page carries."""
        return ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Story(Section):
    """A finding in words and numbers: headline, paragraphs, table."""

    template: ClassVar[str] = "story.html.j2"
    headline: str
    paragraphs: tuple[str, ...] = ()
    table: Table | None = None

    @property
    def heading(self) -> str:
        """What a tab calls it."""
        return self.title or short(self.headline, _TAB)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture ready to show: PNG, JPEG, WebP, GIF or SVG.

    alt: what it says, for who does not see it. width, height: of the page, in CSS pixels.
    """

    content: bytes
    alt: str
    width: int
    height: int
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.alt:
            raise BadInput("a figure needs words (alt) for who does not see it")
        if self.width < 1 or self.height < 1:
            raise BadInput(f"a figure of {self.width} × {self.height} pixels shows nothing")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """A finding in short: words, a number, small pictures, and the way to the page that tells it.

    kicker: what kind of finding. effect: the number in words. page: title of a page of the report.
    """

    title: str
    words: str
    kicker: str = ""
    effect: str = ""
    figures: tuple[Figure, ...] = ()
    page: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gallery(Section):
    """Cards, pictures side by side with words, and numbers below them."""

    template: ClassVar[str] = "gallery.html.j2"
    paragraphs: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    figures: tuple[Figure, ...] = ()
    table: Table | None = None


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Section):
    """Results of several models (or settings) on the same pictures, one column each.

    headings: a name per result.
    samples: indices of the samples to show; all by default.
    captions: words below every map, by sample shown and result, such as "74 % inside the object".
    outlines: (y, x) boolean mask per sample of the results, drawn as a line round the object.
    """

    template: ClassVar[str] = "comparison.html.j2"
    results: tuple[Attribution, ...]
    headings: tuple[str, ...]
    intro: str = ""
    samples: tuple[int, ...] | None = None
    captions: tuple[tuple[str, ...], ...] = ()
    outlines: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        check_together(self.results)
        if len(self.headings) != len(self.results):
            raise BadInput(f"{len(self.headings)} headings for {len(self.results)} results")
        shown = len(self.results[0]) if self.samples is None else len(self.samples)
        if self.captions and (
            len(self.captions) != shown or any(len(c) != len(self.results) for c in self.captions)
        ):
            raise BadInput(f"captions must be {shown} samples × {len(self.results)} results")
        if self.outlines and len(self.outlines) != len(self.results[0]):
            raise BadInput(f"{len(self.outlines)} outlines for {len(self.results[0])} samples")

    @property
    def sources(self) -> tuple[Attribution, ...]:
        """The compared results."""
        return self.results


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Explanations(Section):
    """Results of several methods on the same samples: every method and target side by side.

    shared_scale: one scale per method over the whole section; False gives every sample its own.
    truths: the right class of every sample, where it is known. facets: further traits of each.
    """

    template: ClassVar[str] = "explanations.html.j2"
    results: tuple[Attribution, ...]
    title: str = "Explanations"
    intro: str = ""
    shared_scale: bool = True
    truths: tuple[str | None, ...] = ()
    facets: tuple[Mapping[str, str | float | bool | None], ...] = ()

    def __post_init__(self) -> None:
        check_samples(self.results)
        count = len(self.results[0])
        for name in ("truths", "facets"):
            given = len(getattr(self, name))
            if given not in (0, count):
                raise BadInput(f"{given} {name} for {count} samples")

    @property
    def sources(self) -> tuple[Attribution, ...]:
        """The results shown."""
        return self.results


def check_samples(results: tuple[Attribution, ...]) -> None:
    """Raise `BadInput` unless there are results, all of the same samples."""
    if not results:
        raise BadInput("there is no result to report")
    first = results[0]
    for other in results[1:]:
        if len(other) != len(first) or other.names != first.names:
            raise BadInput(
                f"a report section holds results of the same samples: {len(first)} samples "
                f"{list(first.names)[:3]} and {len(other)} samples {list(other.names)[:3]}"
            )
