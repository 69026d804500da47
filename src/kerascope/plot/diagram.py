"""A model as a list of layers with rails beside it: SVG without any other program.

Beside each level of nesting run rails: the straight one joins neighbours, every other rail is a
path that passes layers by, such as a residual connection.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from html import escape

ROW = 26  # pixels
LANE = 14
DOT = 12  # from the left edge of a level to its dots
COLOURS = {
    "input": "#8a90a0", "convolution": "#2a6fb5", "dense": "#7a4bb0", "attention": "#c2327a",
    "recurrent": "#b0582a", "normalisation": "#7d8696", "activation": "#d18f00",
    "pooling": "#2e8b6f", "merge": "#c0392b", "block": "#1f2430", "other": "#9aa0ad",
}  # fmt: skip
_MARKS = {"CAM": "#b9bec9"}
_INK, _QUIET, _LINE, _BAR = "#1f2430", "#667085", "#d9dce3", "#a9bdd8"
_FONT = "font-family=\"system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif\""
_WIDE = 7.3  # pixels that a character takes at 12 pixels, at most
_LONG = 110  # pixels of the longest bar
HEADINGS = ("output", "parameters", "receptive field", "multiply-adds")


@dataclasses.dataclass(frozen=True, eq=False)
class Item:
    """One line: a layer, or a block with the lines inside it.

    cells: output shape, parameters, receptive field and multiply-adds in words. share: of all
    multiply-adds, 0 … 1. marks: what it is a candidate for. rows: the numbers of the calls in it.
    """

    label: str
    kind: str
    family: str
    cells: tuple[str, str, str, str]
    share: float
    marks: tuple[str, ...]
    rows: frozenset[int]
    children: tuple[Item, ...] = ()


@dataclasses.dataclass(frozen=True)
class Rail:
    """What is drawn beside one line. Numbers are lanes; 0 is the straight rail.

    above, below: whether the straight rail joins the line to its neighbours. starts, ends: lanes
    that leave or reach the line. passing: lanes that go by. after: lanes between it and the next.
    """

    above: bool
    below: bool
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    passing: tuple[int, ...]
    after: tuple[int, ...]

    def paths(self, height: float = ROW) -> list[str]:
        """Return SVG paths within a box that is `height` high."""
        middle = height / 2
        paths = [f"M{DOT} 0V{middle}"] if self.above else []
        paths += [f"M{DOT} {middle}V{height}"] if self.below else []
        paths += [f"M{lane_x(lane)} 0V{height}" for lane in self.passing]
        for lane in self.starts:
            paths.append(f"M{DOT} {middle}Q{lane_x(lane)} {middle} {lane_x(lane)} {height}")
        for lane in self.ends:
            paths.append(f"M{lane_x(lane)} 0Q{lane_x(lane)} {middle} {DOT} {middle}")
        return paths


def lane_x(lane: int) -> int:
    """Return where a lane runs, in pixels from the left edge of its level."""
    return DOT + LANE * lane


def rails(items: Sequence[Item], edges: Sequence[tuple[int, int]]) -> list[Rail]:
    """Return the rail of every line of one level. edges: (from, to) numbers of calls."""
    last = len(items)
    place = {row: k for k, item in enumerate(items) for row in item.rows}
    pairs = {(place.get(a, -1), place.get(b, last)) for a, b in edges if {a, b} & place.keys()}
    pairs = {(a, b) for a, b in pairs if a < b}
    far: dict[int, set[int]] = {}
    for a, b in pairs:
        if b > a + 1:
            far.setdefault(a, set()).add(b)
    lanes: dict[int, int] = {}
    for a in sorted(far):
        taken = {lanes[c] for c in lanes if max(far[c]) > a}
        lanes[a] = next(n for n in range(1, len(far) + 2) if n not in taken)
    found = []
    for k in range(last):
        live = [a for a in lanes if a < k < max(far[a])]
        found.append(Rail(
            above=(k - 1, k) in pairs,
            below=(k, k + 1) in pairs,
            starts=(lanes[k],) if k in lanes else (),
            ends=tuple(lanes[a] for a in lanes if a < k and k in far[a]),
            passing=tuple(sorted(lanes[a] for a in live)),
            after=tuple(sorted(
                ([0] if (k, k + 1) in pairs else [])
                + [lanes[a] for a in lanes if a <= k and max(far[a]) > k]
            )),
        ))  # fmt: skip
    return found


def width_of(level: Sequence[Rail]) -> int:
    """Return the width of a level's rails in pixels."""
    most = max(
        (lane for r in level for lane in (*r.starts, *r.ends, *r.passing, *r.after)), default=0
    )
    return lane_x(most) + DOT


@dataclasses.dataclass(frozen=True, eq=False)
class _Line:
    """A line with its place: top and left in pixels, its rail and the height of what is inside."""

    item: Item
    rail: Rail
    left: float
    top: float
    text: float
    below: float


def _lines(
    items: Sequence[Item], edges: Sequence[tuple[int, int]], left: float, top: float, depth: int
) -> Iterator[_Line]:
    level = rails(items, edges)
    text = left + width_of(level)
    for item, rail in zip(items, level, strict=True):
        inner = list(_lines(item.children, edges, text - 4, top + ROW, depth - 1)) if depth else []
        height = sum(ROW for _ in inner)
        yield _Line(item, rail, left, top, text, height)
        yield from inner
        top += ROW + height


def diagram_svg(
    items: Sequence[Item], edges: Sequence[tuple[int, int]], *, title: str, depth: int | None = None
) -> str:
    """Return the diagram as the text of an SVG file.

    depth: how many levels of blocks are unfolded; None for all.
    """
    lines = list(_lines(items, edges, 8, 62, 99 if depth is None else depth))
    columns, width = _columns(lines, title)
    height = 62 + ROW * len(lines) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT}',
        f'width="{width}" height="{height}" font-size="12" fill="{_INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    parts += [
        _text(x, 50, words, fill=_QUIET, size=11, end=k % 2 == 1)
        for k, (words, x) in enumerate(zip(HEADINGS, columns[1:], strict=True))
    ]
    parts += [
        f'<rect y="{line.top}" width="{width}" height="{ROW}" fill="#f6f7f9"/>'
        for line in lines[::2]
    ]
    most = max((line.item.share for line in lines if not line.below), default=0)
    for line in lines:
        parts += [*_frame(line, width), *_words(line, columns, _LONG / most if most else 0)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _columns(lines: Sequence[_Line], title: str) -> tuple[list[float], int]:
    """Return the places of columns, kind first, and the width of the picture.

    Numbers of parameters and multiply-adds end there, the others begin.
    """
    name = max((n.text + _WIDE * len(n.item.label) for n in lines), default=0) + 20
    kinds = [len(" ".join((n.item.kind, *n.item.marks))) for n in lines]
    columns = [name, name + _WIDE * max(kinds, default=0) + 16]
    for k, heading in enumerate(HEADINGS[1:], 1):
        before = max([len(HEADINGS[k - 1]), *(len(n.item.cells[k - 1]) for n in lines)])
        own = max([len(heading), *(len(n.item.cells[k]) for n in lines)])
        # A column that ends at its place needs its own width, one that begins there that before.
        columns.append(columns[-1] + (_WIDE * (before + own) if k % 2 else 0) + 20)
    return columns, int(max(columns[-1] + _LONG + 70, 32 + 9 * len(title)))


def _text(
    x: float, y: float, words: str, *, fill: str = _INK, size: int = 12, bold: bool = False,
    end: bool = False,
) -> str:  # fmt: skip
    style = f'fill="{fill}" font-size="{size}"' + (' font-weight="600"' if bold else "")
    style += ' text-anchor="end"' if end else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _frame(line: _Line, width: int) -> list[str]:
    """Return the rails beside a line, its dot, and the frame of what is inside."""
    inner = line.top + ROW
    parts = []
    if line.below:
        x = line.text - 4
        parts.append(
            f'<rect x="{x}" y="{inner}" width="{width - x - 8}" height="{line.below}" rx="6" '
            f'fill="none" stroke="{_LINE}"/>'
        )
    paths = line.rail.paths()
    paths += [f"M{lane_x(lane)} {ROW}v{line.below}" for lane in line.rail.after if line.below]
    parts.append(
        f'<path transform="translate({line.left} {line.top})" d="{"".join(paths)}" fill="none" '
        f'stroke="{_QUIET}" stroke-width="1.6"/>'
    )
    return [*parts, _dot(line)]


def _words(line: _Line, columns: Sequence[float], scale: float) -> list[str]:
    """Return the words of a line, and the bar of its multiply-adds."""
    item, base = line.item, line.top + ROW / 2 + 4
    parts = [
        _text(line.text, base, item.label, bold=bool(item.children)),
        _text(columns[0], base, item.kind, fill=COLOURS[item.family]),
    ]
    x = columns[0] + _WIDE * (len(item.kind) + 1)
    for mark in item.marks:
        fill = _MARKS.get(mark, COLOURS["attention"])
        parts.append(_text(x, base, mark, fill=fill, size=11, bold=True))
        x += _WIDE * (len(mark) + 1)
    for k, words in enumerate(item.cells):
        parts.append(_text(columns[k + 1], base, words, end=k % 2 == 1))
    if item.share > 0:
        long = 0 if line.below else scale * item.share
        x = columns[-1] + 12
        parts.append(
            f'<rect x="{x:.1f}" y="{line.top + 6}" width="{long:.1f}" height="{ROW - 12}" rx="2" '
            f'fill="{_BAR}"/>'
        )
        parts.append(_text(x + long + 5, base, share_words(item.share), fill=_QUIET, size=11))
    return parts


def share_words(share: float) -> str:
    """Return a share of all as a percentage; "" for nothing."""
    return f"{share * 100:.1f} %" if share >= 0.0005 else "< 0.1 %" if share else ""


def _dot(line: _Line) -> str:
    x, y, colour = line.left + DOT, line.top + ROW / 2, COLOURS[line.item.family]
    if line.item.children:
        return (
            f'<rect x="{x - 5}" y="{y - 5}" width="10" height="10" rx="2" fill="#ffffff" '
            f'stroke="{colour}" stroke-width="1.8"/>'
        )
    return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>'
