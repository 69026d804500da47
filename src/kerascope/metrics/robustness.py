"""Does the map stay where the input hardly changes?"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from kerascope.method import check
from kerascope.metrics.again import explained
from kerascope.metrics.base import INFINITY, Family, Metric, Require
from kerascope.metrics.subject import Subject, undefined_where
from kerascope.perturb import is_tokens, left_out, spans, spatial_axes

if TYPE_CHECKING:
    from kerascope.types import Array

_DRAW = 2**28  # of the noise, apart from the draws of methods


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Robustness(Metric):
    """Base of the metrics that explain changed inputs, with the same targets."""

    family = Family.ROBUSTNESS
    higher = False
    bounds = (0.0, INFINITY)
    requires = frozenset({Require.EXPLAIN})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Noisy(_Robustness):
    """Base of those that add noise; undefined for tokens, and where there is nothing to add.

    samples: how many noisy inputs. radius: the largest change of a value, a share of the range
    between the sample's smallest and largest one; changes are uniform.
    """

    samples: int = 10
    radius: float = 0.02

    def __post_init__(self) -> None:
        check(self.samples >= 1, f"{self.name}: samples={self.samples} must be at least 1")
        check(self.radius > 0, f"{self.name}: radius={self.radius} must be positive")

    def explanations(self) -> int:
        """Return one for every noisy input."""
        return self.samples

    def measure(self, subject: Subject) -> Array:
        """Return one number per sample; see the class."""
        noised = [name for name, array in subject.x.items() if not is_tokens(array)]
        subject.notes += [
            f"{self.name}: input '{name}' holds ids, which cannot be noised"
            for name in subject.x
            if name not in noised
        ]
        plain = subject.flat
        ranges = [
            spans(subject.x[name], left_out(subject.view, name, subject.x[name])) for name in noised
        ]
        moving = np.any([one > 0 for one in ranges], axis=0) if noised else False
        bad = ~(np.abs(plain).sum(axis=1) > 0) | ~np.broadcast_to(moving, len(plain))
        if bad.all():
            return np.full(len(plain), np.nan)
        found = np.empty((self.samples, len(plain)))
        for draw in range(self.samples):
            x = dict(subject.x)
            for place, name in enumerate(noised):
                number = _DRAW + draw * len(noised) + place
                x[name] = noisy(subject, name, self.radius, number)
            found[draw] = self._change(subject, x, plain, explained(subject, x))
            subject.run.report(self.name, draw + 1, self.samples)
        return undefined_where(self._over(found), bad)

    @abstractmethod
    def _change(self, subject: Subject, x: dict[str, Array], plain: Array, maps: Array) -> Array:
        """Return how much maps change, (sample,): `plain` of the samples, `maps` of `x`."""

    def _over(self, found: Array) -> Array:
        """Return one number per sample of (draw, sample): the largest, NaN left out."""
        return _largest(found)


def noisy(subject: Subject, name: str, radius: float, draw: int) -> Array:
    """Return an input with uniform noise of up to `radius` of the range of every sample."""
    array = subject.x[name]
    out = left_out(subject.view, name, array)
    noise = [
        generator.uniform(-radius, radius, row.shape) * span
        for generator, row, span in zip(
            subject.generators(draw), array, spans(array, out), strict=True
        )
    ]
    added = np.stack(noise)
    if out.any():
        added[out] = 0
    return (array + added).astype(array.dtype)


def _largest(found: Array) -> Array:
    """Return the largest of (draw, sample) values by sample; NaN where all are."""
    most = np.where(np.isnan(found), -np.inf, found).max(axis=0)
    return np.where(np.isfinite(most), most, np.nan)


def distance(subject: Subject, x: dict[str, Array]) -> Array:
    """Return ‖x′ − x‖₂ over all inputs: (sample,)."""
    squares = [
        ((x[name].astype(np.float64) - array) ** 2).reshape(len(array), -1).sum(axis=1)
        for name, array in subject.x.items()
        if not is_tokens(array)
    ]
    return np.sqrt(np.sum(squares, axis=0))


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaxSensitivity(Noisy):
    """Largest change of the map under noise, in units of its norm; undefined for a zero map."""

    name = "max_sensitivity"
    title = "Max sensitivity"
    reference = "yeh2019fidelity"

    def _change(self, subject: Subject, x: dict[str, Array], plain: Array, maps: Array) -> Array:
        norm = np.linalg.norm(plain, axis=1)
        return np.linalg.norm(maps - plain, axis=1) / np.where(norm > 0, norm, 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AvgSensitivity(MaxSensitivity):
    """Mean change of the map under noise, in units of its norm; undefined for a zero map."""

    name = "avg_sensitivity"
    title = "Average sensitivity"

    def _over(self, found: Array) -> Array:
        return found.mean(axis=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalLipschitz(Noisy):
    """Largest change of the map per change of the input, both as Euclidean norms.

    normalise: in units of the norm of the sample's own map, so that methods of another scale can
    be compared; False is the paper's. Undefined for a zero map.
    """

    name = "local_lipschitz"
    title = "Local Lipschitz estimate"
    reference = "alvarez2018robustness"
    normalise: bool = True

    def _change(self, subject: Subject, x: dict[str, Array], plain: Array, maps: Array) -> Array:
        """Return ‖φ(x) − φ(x′)‖ / ‖x − x′‖ (Alvarez-Melis and Jaakkola 2018)."""
        moved = distance(subject, x)
        norm = np.linalg.norm(plain, axis=1) if self.normalise else 1.0
        scale = np.where(moved > 0, moved * norm, np.nan)
        return np.linalg.norm(maps - plain, axis=1) / np.where(scale > 0, scale, np.nan)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Continuity(_Robustness):
    """Largest change of the map, summed over positions, per change of the input, as it moves.

    The input moves along each of its spatial axes. Undefined without such axes, for a zero map, and
    where no move changes the input.

    shifts: by how many positions. fill: what comes in at the border, a number or "edge" for what
    was there. normalise: as in `local_lipschitz`.
    """

    name = "continuity"
    title = "Continuity"
    reference = "montavon2018methods"
    shifts: tuple[int, ...] = (-4, -2, -1, 1, 2, 4)
    fill: float | str = "edge"
    normalise: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "shifts", tuple(self.shifts))
        check(
            bool(self.shifts) and all(shift != 0 for shift in self.shifts),
            f"continuity: shifts={self.shifts} must hold numbers other than 0",
        )
        check(
            self.fill == "edge" or not isinstance(self.fill, str),
            f"continuity: fill='{self.fill}' must be a number or 'edge'",
        )

    def explanations(self) -> int:
        """Return one for every move, along each of two axes."""
        return 2 * len(self.shifts)

    def measure(self, subject: Subject) -> Array:
        """Return max ‖R(x) − R(x′)‖₁ / ‖x − x′‖₂ (Montavon et al. 2018)."""
        plain = subject.flat
        moves = [(axis, shift) for axis in self._axes(subject) for shift in self.shifts]
        if not moves:
            subject.notes.append("continuity is undefined: no input has axes to move along")
            return np.full(len(subject), np.nan)
        norm = np.abs(plain).sum(axis=1)
        found = np.full((len(moves), len(subject)), np.nan)
        for row, (axis, shift) in enumerate(moves):
            x = self._moved(subject, axis, shift)
            scale = distance(subject, x) * (norm if self.normalise else 1.0)
            change = np.abs(explained(subject, x) - plain).sum(axis=1)
            found[row] = change / np.where(scale > 0, scale, np.nan)
            subject.run.report(self.name, row + 1, len(moves))
        return undefined_where(_largest(found), norm == 0)

    def _axes(self, subject: Subject) -> list[str]:
        names = [
            axis
            for name, array in subject.x.items()
            if not is_tokens(array)
            for axis in spatial_axes(subject.view, name, array)
            if axis not in ("feature", "token") and not axis.startswith("axis")
        ]
        return list(dict.fromkeys(names))

    def _moved(self, subject: Subject, axis: str, shift: int) -> dict[str, Array]:
        """Return the inputs moved along one axis, where they have it."""
        x = dict(subject.x)
        for name, array in subject.x.items():
            axes = subject.view.axes(name, array.shape[1:])
            if axis in axes and not is_tokens(array):
                x[name] = _shifted(array, axes.index(axis) + 1, shift, self.fill)
        return x


def _shifted(array: Array, axis: int, shift: int, fill: float | str) -> Array:
    """Return the array moved by `shift` positions along an axis."""
    size = array.shape[axis]
    source = np.arange(size) - shift
    moved = np.take(array, np.clip(source, 0, size - 1), axis=axis)
    if fill != "edge":
        outside = (source < 0) | (source >= size)
        moved[(slice(None),) * axis + (outside,)] = fill
    return moved
