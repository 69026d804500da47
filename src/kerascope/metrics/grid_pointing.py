"""The grid pointing game: mosaics of samples of distinct classes, where each cell is known."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import Refused
from kerascope.method import check
from kerascope.metrics.again import Logits, class_target
from kerascope.metrics.base import Family, Metric, Require
from kerascope.metrics.subject import Subject
from kerascope.perturb import is_tokens, spatial_axes
from kerascope.resize import overlaps

if TYPE_CHECKING:
    from kerascope.types import Array

_ORDER = 2**27  # the draw of what goes into which cell


@dataclasses.dataclass(frozen=True, kw_only=True)
class GridPointingGame(Metric):
    """Share of the positive values for a cell's class that lies in its cell of a mosaic.

    Mosaics are made of samples of distinct classes that the model says surely, and rightly if the
    targets are the true classes, the surest first; each cell's class is explained, on the whole
    mosaic. A sample is in one mosaic; undefined in none, and where nothing speaks for its class.
    Chance is 1 / cells.

    Cells are shrunk so that a mosaic has the size of a sample: a model that knows objects at one
    size only does badly, whatever the method.

    grid: cells along each spatial axis. confidence: the least probability of the sample's class.
    """

    name = "grid_pointing_game"
    title = "Grid pointing game"
    reference = "boehle2021convolutional"
    family = Family.LOCALIZATION
    higher = True
    bounds = (0.0, 1.0)
    requires = frozenset({Require.EXPLAIN})
    grid: int = 2
    confidence: float = 0.5

    def __post_init__(self) -> None:
        check(self.grid >= 2, f"grid_pointing_game: grid={self.grid} must be at least 2")
        check(
            0 <= self.confidence <= 1,
            f"grid_pointing_game: confidence={self.confidence} must lie in 0 … 1",
        )

    def explanations(self) -> int:
        """Return one."""
        return 1

    def passes(self, positions: int) -> int:
        """Return the plain pass that finds the surest samples."""
        return 1

    def measure(self, subject: Subject) -> Array:
        """Return the share of each sample's cell (Böhle et al. 2021)."""
        if subject.explain is None:
            raise Refused("it explains mosaics, for which maps without a method do not do")
        name, axes = _pictures(subject)
        sizes = [subject.x[name].shape[axis] for axis in axes]
        if min(sizes) < self.grid:
            raise Refused(f"{min(sizes)} positions hold no {self.grid} cells")
        cells = self.grid ** len(axes)
        groups = self._groups(subject, cells)
        values = np.full(len(subject), np.nan)
        boxes = _boxes(sizes, self.grid)
        for number, samples in enumerate(groups):
            mosaic = _mosaic(subject.x[name][samples], axes, boxes)
            rows = {name: np.repeat(mosaic[None], cells, axis=0)}
            maps = subject.explain(rows, samples, seed=subject.run.seed)[name]
            positive = np.maximum(maps.astype(np.float64), 0)
            total = positive.reshape(cells, -1).sum(axis=1)
            inside = np.array([part[box].sum() for part, box in zip(positive, boxes, strict=True)])
            values[samples] = np.where(total > 0, inside / np.where(total > 0, total, 1), np.nan)
            subject.run.report(self.name, number + 1, len(groups))
        return values

    def _groups(self, subject: Subject, cells: int) -> list[Array]:
        """Return the samples of each mosaic, in the order of its cells."""
        classes, sure = _sureness(subject)
        by_class: dict[int, list[int]] = {}
        for sample in np.argsort(-sure, kind="stable"):
            if sure[sample] >= self.confidence:
                by_class.setdefault(int(classes[sample]), []).append(int(sample))
        if len(by_class) < cells:
            raise Refused(
                f"a mosaic needs {cells} classes; samples of {len(by_class)} are rightly "
                f"predicted with at least {self.confidence:g}"
            )
        groups: list[Array] = []
        while len(by_class) >= cells:
            # The fullest classes first: so the most mosaics come out.
            fullest = sorted(by_class, key=lambda c: (-len(by_class[c]), c))[:cells]
            chosen = np.array([by_class[c].pop(0) for c in fullest])
            by_class = {c: left for c, left in by_class.items() if left}
            generator = subject.run.generator(len(groups), _ORDER)
            groups.append(generator.permutation(chosen))
        return groups


def _pictures(subject: Subject) -> tuple[str, list[int]]:
    """Return the one input, and its axes along which cells lie."""
    name, array = next(iter(subject.x.items()))
    names = spatial_axes(subject.view, name, array)
    if len(subject.x) > 1 or is_tokens(array) or not set(names) <= {"x", "y", "z", "time"}:
        raise Refused("mosaics are made of one input of pictures or series")
    axes = subject.view.axes(name, array.shape[1:])
    return name, [i + 1 for i, axis in enumerate(axes) if axis != "channel"]


def _sureness(subject: Subject) -> tuple[Array, Array]:
    """Return every sample's class and its probability; -1 where another class is said."""
    target = class_target(subject)
    if target is None:
        raise Refused("the targets are no classes")
    values, _ = Logits(subject).outputs(subject.x)
    chances = values
    if target.output.kind != "unknown":  # a plain function may give probabilities already
        if target.output.single:
            values = np.concatenate([np.zeros_like(values), values], axis=1)
        elif values.shape[1] != target.output.classes:
            raise Refused("a sample has no single class")
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        chances = powers / powers.sum(axis=1, keepdims=True)
    own = chances[np.arange(len(chances)), target.index]
    return target.index, np.where(chances.argmax(axis=1) == target.index, own, -1.0)


def _boxes(size: list[int], grid: int) -> list[tuple[slice, ...]]:
    """Return the cells of a mosaic, over the spatial axes."""
    cuts = [np.rint(np.linspace(0, n, grid + 1)).astype(int) for n in size]
    return [
        tuple(slice(c[i], c[i + 1]) for c, i in zip(cuts, index, strict=True))
        for index in np.ndindex(*(grid,) * len(size))
    ]


def _mosaic(samples: Array, axes: list[int], boxes: list[tuple[slice, ...]]) -> Array:
    """Return one array of a sample's shape, with a sample shrunk into each cell."""
    mosaic = np.empty_like(samples[0])
    for sample, box in zip(samples, boxes, strict=True):
        at: list[slice] = [slice(None)] * mosaic.ndim
        shrunk = sample
        for axis, part in zip(axes, box, strict=True):
            at[axis - 1] = part
            old, new = sample.shape[axis - 1], part.stop - part.start
            weights = overlaps(old, new) * new / old  # means of what a position covers
            shrunk = np.moveaxis(np.moveaxis(shrunk, axis - 1, -1) @ weights.T, -1, axis - 1)
        mosaic[tuple(at)] = shrunk
    return mosaic
