"""What a metric measures: maps of samples, and the model, masks and method behind them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerascope.errors import BadModel
from kerascope.maskers import Masker
from kerascope.method import check
from kerascope.perturb import Canvas, spatial_size

if TYPE_CHECKING:
    from kerascope.run import Run
    from kerascope.targets import Targets
    from kerascope.types import Array


class Explain(Protocol):
    """The method that made the maps, run again."""

    def __call__(
        self,
        x: Mapping[str, Array],
        rows: Array,
        *,
        model: Any = None,
        targets: Targets | None = None,
        seed: int = 0,
    ) -> dict[str, Array]:
        """Return signed maps (row, *spatial) by input name.

        x: inputs by name. rows: the sample that each row belongs to, whose target is explained.
        model: in place of the one measured, such as with other weights. targets: in place of those
        of the samples, one per row.
        """


@dataclasses.dataclass(eq=False)
class Subject:
    """Maps to be measured.

    view: the model whose scores faithfulness is about (`HookedModel` or `BlackBox`).
    x: its inputs by name, (sample, …). targets: one, pinned: what was explained of each sample.
    maps: signed maps at input resolution by input name, (sample, *spatial).
    masks: (sample, *spatial) bool, True on the object, of the input `where`; None: of the first
    that `maps` has.
    gaps: (sample,) what is missing to completeness. explain: the method, to run it again.
    """

    view: Any
    x: dict[str, Array]
    targets: Targets
    maps: dict[str, Array]
    run: Run
    masks: Array | None = None
    gaps: Array | None = None
    explain: Explain | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    where: str | None = None

    def __len__(self) -> int:
        return len(next(iter(self.x.values())))

    @property
    def flat(self) -> Array:
        """The maps of all inputs side by side: (sample, position) float64."""
        parts = [self.maps[name].reshape(len(self), -1) for name in self.maps]
        return np.concatenate(parts, axis=1).astype(np.float64)

    @property
    def positions(self) -> int:
        """How many positions a sample's maps have, over all inputs."""
        return sum(int(np.prod(maps.shape[1:])) for maps in self.maps.values())

    def segments(self, words: str) -> Array:
        """Return the segment of every position, of the first sample, over all inputs: (position,).

        words: as in `kernel_shap`: "grid-64".
        """
        masker, parts, start = Masker.parse(words), [], 0
        check(masker.kind != "channel", f"segments='{words}' has no places; take 'grid-64'")
        for name in self.maps:
            array = self.x[name]
            labels = masker.segment(array[0], self.view.axes(name, array.shape[1:])).reshape(-1)
            parts.append(labels + start)
            start += int(labels.max()) + 1
        return np.concatenate(parts)

    def canvas(self, baseline: Any) -> Canvas:
        """Return the inputs, of which parts are covered by `baseline`."""
        return Canvas(self.view, self.x, baseline, self.run)

    def unflat(self, flat: Array) -> dict[str, Array]:
        """Return (row, position) values as arrays (row, *spatial) by input name."""
        found, start = {}, 0
        for name in self.maps:
            size = spatial_size(self.view, name, self.x[name])
            count = int(np.prod(size))
            found[name] = flat[:, start : start + count].reshape(len(flat), *size)
            start += count
        return found

    def shown(self, canvas: Canvas, flat: Array, rows: Array, draws: Any = 0) -> dict[str, Array]:
        """Return inputs of rows of which (row, position) True is shown; others are whole."""
        masks = self.unflat(flat)
        return {
            name: canvas.show(name, masks[name], rows, draws) if name in masks else array[rows]
            for name, array in self.x.items()
        }

    def scores(self, x: Mapping[str, Array], rows: Array) -> Array:
        """Return the scores (row,) of inputs that belong to the samples `rows`.

        Raises `BadModel` for a score that is NaN or infinite.
        """
        found = self.view.scores(x, self.targets.take(rows), pad=self.run.chunk).values[:, 0]
        if not np.isfinite(found).all():
            bad = int(rows[~np.isfinite(found)][0])
            raise BadModel(f"sample {bad}, perturbed, has a score that is NaN or infinite")
        return np.asarray(found, np.float64)

    @property
    def plain(self) -> Array:
        """The scores of the samples as they are: (sample,)."""
        whole = lambda rows, draws: {n: a[rows] for n, a in self.x.items()}  # noqa: ARG005, E731
        return self.swept(1, whole, "scores")[:, 0]

    def swept(
        self, draws: int, make: Callable[[Array, Array], Mapping[str, Array]], what: str
    ) -> Array:
        """Return the scores (sample, draw) of inputs that `make(rows, draws)` gives, in chunks."""
        found = np.zeros((len(self), draws))
        for rows, numbers in self.run.pairs(len(self), draws, what):
            found[rows, numbers] = self.scores(make(rows, numbers), rows)
        return found

    def generators(self, draw: int = 0) -> Iterator[np.random.Generator]:
        """Yield the generator of a draw for every sample."""
        return (self.run.generator(i, draw) for i in range(len(self)))


def ranking(maps: Array) -> Array:
    """Return (sample, position) indices, the highest value first; equal ones keep their order."""
    return np.argsort(-maps, axis=1, kind="stable")


def undefined_where(values: Array, bad: Array) -> Array:
    """Return values with NaN, which means undefined, where `bad` is True."""
    return np.where(bad, np.nan, values)
