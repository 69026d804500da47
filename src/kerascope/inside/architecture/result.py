"""The table of a model's calls, and what is made of it: words, JSON, a diagram."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadFile, BadInput
from kerascope.files import write_whole
from kerascope.plot.diagram import HEADINGS, Item, diagram_svg, share_words

if TYPE_CHECKING:
    import os

SCHEMA = 1
# What blocks are called in models that are flat: "conv4_block2_add", "block_7_expand".
_BLOCK = re.compile(r"(?i)^(.*?(?:block|stage|cell|unit)_?\d+[a-z]?)_")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One call of a layer, an input, or arithmetic between layers.

    Attributes:
        path: where, as in `model.layers()`; "@1" for the second call of a layer.
        kind: class of the layer; "Input"; "add", "concatenate" or "join" for arithmetic.
        family: "convolution", "dense", "attention", …; "block" for a call that makes others.
        inside: the blocks around it, outermost first.
        reads: rows whose outputs it takes.
        shape: of its output, without the sample axis.
        parameters: numbers that it holds itself, without those inside it; counted at the first
            call of a shared layer.
        receptive_field: by input, the most positions along each axis of the input that one position
            of the output depends on; None for all of them.
        multiply_adds: of one sample; None where the layer's class is unknown.
        share: of the multiply-adds of the model, 0 … 1.
        marks: "CAM" where a class activation map can be taken, "CAM default" where it is taken by
            itself, "attention" for attention layers.
    """

    path: str
    kind: str
    family: str
    inside: tuple[str, ...]
    reads: tuple[int, ...]
    shape: tuple[int, ...]
    parameters: int
    receptive_field: dict[str, tuple[int | None, ...]]
    multiply_adds: int | None
    share: float
    marks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Architecture:
    """Every call of a forward pass in order, blocks before what is inside them.

    Attributes:
        values: the table.
        outputs: rows that each output of the model reads.
        model, model_sha256: which model it is.
        parameters: of the model, with those of layers that were never called.
        trainable: how many of these are trained.
        multiply_adds: of one sample, as far as they are known.
        notes: what you should know before you rely on the table.
    """

    values: tuple[Row, ...]
    outputs: dict[str, tuple[int, ...]]
    model: str
    model_sha256: str
    parameters: int
    trainable: int
    multiply_adds: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<Architecture {self.title}>"

    def __str__(self) -> str:
        lines = [("layer", "kind", *HEADINGS, "share")]
        for row in self.values:
            name = "  " * len(row.inside) + row.name
            cells = (*_cells(row, self.values), share_words(row.share))
            lines.append((name, " ".join((row.kind, *row.marks)), *cells))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, "", *table, *(f"note: {note}" for note in self.notes)])

    @property
    def title(self) -> str:
        """The model in one line."""
        return (
            f"{self.model}: {self.parameters:,} parameters, "
            f"{count_words(self.multiply_adds)} multiply-adds"
        )

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(from, to) rows."""
        return tuple((read, k) for k, row in enumerate(self.values) for read in row.reads)

    def items(self) -> tuple[Item, ...]:
        """Return the lines of the diagram: blocks hold what is inside them."""
        return _tree(self.values, list(range(len(self.values))), 0)

    def svg(self, *, depth: int | None = None) -> str:
        """Return the diagram as SVG text; `depth` levels of blocks unfolded, all by default."""
        if depth is not None and depth < 0:
            raise BadInput(f"depth={depth} must be at least 0")
        return diagram_svg(self.items(), self.edges, title=self.title, depth=depth)

    def plot(self, path: str | os.PathLike[str], *, depth: int | None = None) -> Path:
        """Write the diagram to an SVG file; return its path."""
        return write_whole(path, self.svg(depth=depth).encode())

    def _repr_html_(self) -> str:
        return self.svg(depth=1)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a JSON file; raise `BadFile` when the place cannot be written."""
        return write_whole(path, (json.dumps(self.to_json(), indent=1) + "\n").encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Architecture:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadFile(f"cannot read '{Path(path).name}' as an architecture: {error}") from error
        if not isinstance(data, dict) or data.pop("schema", None) != SCHEMA or "values" not in data:
            raise BadFile(f"'{Path(path).name}' is not an architecture of Kerascope")
        rows = []
        for row in data.pop("values"):
            fields = {k: tuple(v) for k, v in row.pop("receptive_field").items()}
            tuples: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in row.items()
            }
            rows.append(Row(**tuples, receptive_field=fields))
        outputs = {name: tuple(reads) for name, reads in data.pop("outputs").items()}
        return cls(**{**data, "notes": tuple(data["notes"])}, values=tuple(rows), outputs=outputs)


def _tree(rows: Sequence[Row], chosen: list[int], depth: int) -> tuple[Item, ...]:
    """Return the lines of one level: blocks by nesting, and in flat models by name."""
    items: list[Item] = []
    k = 0
    while k < len(chosen):
        head = rows[chosen[k]]
        stop = k + 1
        if head.family == "block":
            around = (*head.inside, head.path)
            while stop < len(chosen) and rows[chosen[stop]].inside[: len(around)] == around:
                stop += 1
            children = _tree(rows, chosen[k + 1 : stop], depth + 1)
            items.append(_block(head.name, head.kind, rows, chosen[k:stop], children, head))
        elif found := _BLOCK.match(head.name):
            while stop < len(chosen) and _named(rows[chosen[stop]], found[1], head.inside):
                stop += 1
            if stop - k > 1:
                children = tuple(_leaf(rows, n) for n in chosen[k:stop])
                last = rows[chosen[stop - 1]]
                items.append(_block(found[1], "", rows, chosen[k:stop], children, last))
            else:
                items.append(_leaf(rows, chosen[k]))
        else:
            items.append(_leaf(rows, chosen[k]))
        k = stop
    return tuple(items)


def _named(row: Row, block: str, inside: tuple[str, ...]) -> bool:
    """Tell whether a row of a flat model belongs to the block of this name."""
    found = _BLOCK.match(row.name)
    same = found is not None and found[1] == block
    return same and row.family != "block" and row.inside == inside


def _leaf(rows: Sequence[Row], n: int) -> Item:
    row = rows[n]
    return Item(
        row.name, row.kind, row.family, _cells(row, rows), row.share, row.marks, frozenset([n])
    )


def _block(
    label: str,
    kind: str,
    rows: Sequence[Row],
    chosen: list[int],
    children: tuple[Item, ...],
    last: Row,
) -> Item:
    """Return the line of a block: the sums of what is in it."""
    parameters = sum(rows[n].parameters for n in chosen)
    adds = sum(rows[n].multiply_adds or 0 for n in chosen)
    share = sum(rows[n].share for n in chosen)
    summed = dataclasses.replace(last, parameters=parameters, multiply_adds=adds, share=share)
    marks = tuple(dict.fromkeys(m for n in chosen for m in rows[n].marks if m != "CAM"))
    cells = _cells(summed, rows)
    return Item(label, kind, "block", cells, share, marks, frozenset(chosen), children)


def _cells(row: Row, rows: Sequence[Row]) -> tuple[str, str, str, str]:
    """Return output shape, parameters, receptive field and multiply-adds in words."""
    several = sum(r.kind == "Input" for r in rows) > 1
    words = []
    for name, sizes in row.receptive_field.items():
        text = "whole" if None in sizes and len(set(sizes)) == 1 else "×".join(
            "all" if size is None else str(size) for size in sizes
        )  # fmt: skip
        words.append(f"{name}: {text}" if several else text)
    if row.multiply_adds is None:
        adds = "unknown"
    else:
        adds = count_words(row.multiply_adds) if row.multiply_adds else ""
    parameters = f"{row.parameters:,}" if row.parameters else ""
    return "×".join(map(str, row.shape)) or "1", parameters, ", ".join(words), adds


def count_words(number: int) -> str:
    """Return a count with three digits: "4.11 G", "930 k"."""
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)
