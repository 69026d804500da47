"""Occlusion (Zeiler and Fergus 2014, section 4.2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import check_cover
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap, check
from kerascope.methods.positions import Positions, coarse_to_fine, interpolate
from kerascope.perturb import Canvas, spatial_axes, spatial_size
from kerascope.run import Run
from kerascope.types import Array

_BATCHES = 4  # of windows between two reports of progress
_FEW = 64  # positions under which looking for a faster way costs more than it saves


@dataclasses.dataclass(frozen=True, kw_only=True)
class Occlusion(AttributionMethod):
    """How much the score drops when a patch of the input is covered, at every position of it.

    The first patch starts at the first pixel, each next one `stride` further, until the far edge is
    reached; the last one is clipped to the input. All channels are covered together. Features of a
    table and tokens of a text are covered one by one.

    patch: size in pixels, one number or one per spatial axis; None: an eighth of the input.
    stride: step in pixels, likewise; None: half a patch.
    baseline: what covers: a number (as the model takes it; a token id for text), "zero", "min",
        "max", "mean", "blur", "noise", "last" (of a series), "inpaint", or an array.
    incremental: recompute only what the patch can change, layer by layer, which gives the same
        scores: "auto" does so where it pays, True also where it does not, False never.
    approximate: with `incremental`, let what a patch can change grow by at most so many pixels to
        each side: less work, and an error that a note states.
    tolerance: None measures every position. Otherwise positions are measured coarse to fine, and
        those between are interpolated once that is off by no more than this share of the map's
        largest value; a note states positions and error.

    `extras["predicted"]` holds the class predicted at each position; −1 where the output is no
    class, or the position was not measured.
    """

    name = "occlusion"
    title = "Occlusion"
    reference = "zeiler2014visualizing"
    formula = (
        "φ_p = y(x) − y(x with patch p covered), averaged over the patches that cover a position"
    )
    use = (
        "A map whose meaning needs no theory, on any model; also which class is predicted with "
        "each place covered."
    )
    avoid = (
        "For evidence that is spread or redundant, or smaller than a patch; the cover's colour is "
        "itself an input."
    )
    linear = True
    needs: ClassVar[frozenset[Need]] = frozenset({Need.SCORES})
    partial: ClassVar[bool] = True
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {
            Axiom.LINEARITY,
            Axiom.DUMMY,
            Axiom.CLASS_SENSITIVITY,
            Axiom.IMPLEMENTATION_INVARIANCE,
            Axiom.LOCATION,
        }
    )

    patch: int | tuple[int, ...] | None = None
    stride: int | tuple[int, ...] | None = None
    baseline: float | str | Data = "mean"
    incremental: bool | str = "auto"
    approximate: int | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        for field in ("patch", "stride"):
            sizes = getattr(self, field)
            numbers = sizes if isinstance(sizes, tuple) else (sizes,)
            valid = sizes is None or all(isinstance(n, int) and n >= 1 for n in numbers)
            check(
                valid,
                f"occlusion: {field}={sizes} must be a whole number of at least 1, or one per axis",
            )
        if not isinstance(self.baseline, Data):
            check_cover(self.baseline)
        check(
            self.incremental in ("auto", True, False),
            f"occlusion: incremental={self.incremental!r} must be 'auto', True or False",
        )
        check(
            self.approximate is None or (self.approximate >= 0 and self.incremental is not False),
            f"occlusion: approximate={self.approximate} must be a number of pixels, and needs "
            "incremental='auto' or True",
        )
        check(
            self.tolerance is None or 0 < self.tolerance < 1,
            f"occlusion: tolerance={self.tolerance} must lie between 0 and 1, or be None",
        )

    def is_linear(self) -> bool:
        """Only where every position is measured: else the target says which are."""
        return self.tolerance is None

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One forward pass, and one for every position; all targets share them."""
        count = 0
        for size in shape.values():  # channels are the last axis; features and tokens have none
            axes = ("feature",) if len(size) == 1 else ()
            count += Positions.of(size[:-1] or size, axes, self.patch, self.stride).count
        return Passes(forward=1 + count, upper=self.tolerance is not None)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return score − score with the patch covered, at every position of the patch."""
        canvas = Canvas(model, x, self.baseline, run)
        check(
            canvas.backgrounds == 1, "occlusion: the baseline is a background set; give one array"
        )
        raw = RawMap(values={}, axes={})
        hastened = False
        for name, array in x.items():
            axes = spatial_axes(model, name, array)
            positions = Positions.of(
                spatial_size(model, name, array), axes, self.patch, self.stride
            )
            sweep = _Sweep.of(model, canvas, targets, run, name, positions)
            why_not = self._hasten(sweep, model)
            hastened |= sweep.plan is not None
            notes = sweep.everywhere() if self.tolerance is None else sweep.adapt(self.tolerance)
            raw.notes += filter(None, (why_not, *sweep.how(), *notes))
            raw.values[name] = sweep.maps()
            raw.axes[name] = ("sample", "target", *axes)
            key = "predicted" if len(x) == 1 else f"predicted:{name}"
            raw.extras[key] = sweep.predicted.reshape(len(array), *positions.grid)
        if self.incremental == "auto":
            raw.settled["incremental"] = hastened
        return raw

    def _hasten(self, sweep: _Sweep, model: Any) -> str:
        """Let the sweep recompute only what a patch changes; say why not, where it was wanted."""
        from kerascope import incremental

        always = self.incremental is True or self.approximate is not None
        if self.incremental is False or (not always and sweep.positions.count < _FEW):
            return ""
        if self.baseline == "inpaint":
            plan: Any = "what is painted in depends on the patch"
        else:
            plan = incremental.plan(
                model,
                sweep.canvas.x,
                sweep.name,
                sweep.positions.patch,
                sweep.targets,
                approximate=self.approximate,
                corners=sweep.positions.corners(np.arange(sweep.positions.count)),
                memory=sweep.run.memory,
                always=always,
            )
        if isinstance(plan, str):
            return f"occlusion of '{sweep.name}' by whole passes: {plan}" if always else ""
        sweep.plan = plan
        return ""

    def project(self, values: Array, axes: tuple[str, ...], size: tuple[int, ...]) -> Array:
        """Give every pixel the mean drop of the patches that cover it."""
        spatial = tuple(a for a in axes if a not in ("sample", "target"))
        return Positions.of(size, spatial, self.patch, self.stride).over_cover(values)


@dataclasses.dataclass
class _Sweep:
    """One input's positions, and what was found at those that were measured.

    drops: (sample, place, target). predicted: (sample, place), −1 where nothing was measured.
    plan: how to recompute only what a patch can change, one sample at a time.
    """

    model: Any
    canvas: Canvas
    targets: Any
    run: Run
    name: str
    positions: Positions
    drops: Array
    predicted: Array
    plan: Any = None

    @classmethod
    def of(
        cls, model: Any, canvas: Canvas, targets: Any, run: Run, name: str, positions: Positions
    ) -> _Sweep:
        """Return a sweep that has measured nothing."""
        shape = (len(canvas.x[name]), positions.count)
        drops = np.zeros((*shape, len(targets)), np.float32)
        predicted = np.full(shape, -1, np.int32)
        return cls(model, canvas, targets, run, name, positions, drops, predicted)

    def everywhere(self) -> list[str]:
        """Measure every position, coarse before fine, so that a stop leaves an even map."""
        samples, order = np.arange(len(self.drops)), self.positions.order()
        missed = 0
        # One sample after the other where what it alone gives is kept; else all in one stream.
        for group in [samples] if self.plan is None else np.split(samples, len(samples)):
            done = order[: self._measure(group, order)]
            missed += len(group) * (not len(done))
            for sample in group if 0 < len(done) < len(order) else ():
                self.drops[sample] = interpolate(self.positions, done, self.drops[sample, done])
        return [f"stopped before {missed} sample(s) were begun: their maps are zero"] * (missed > 0)

    def adapt(self, tolerance: float) -> list[str]:
        """Measure positions where interpolating between others is off by more than `tolerance`."""
        shares, errors = [], []
        for sample in range(len(self.drops)):

            def measure(places: Array, sample: int = sample) -> Array:
                return self.drops[sample, places[: self._measure(np.array([sample]), places)]]

            found = coarse_to_fine(
                self.positions, measure, tolerance, self.run.generator(sample, 2**30)
            )
            self.drops[sample] = found.values
            shares.append(len(found.measured))
            errors.append(found.error)
        words = (
            f"{np.mean(shares):.0f} of {self.positions.count} positions measured, the others "
            f"interpolated: off by {max(errors):.1%} of the largest value where tested"
        )
        return [words]

    def how(self) -> list[str]:
        """Say how far a patch was followed, and what an approximation was off by."""
        if self.plan is None:
            return []
        notes = [f"occlusion by {self.plan.note}"]
        if self.plan.error is not None:
            off, drop = self.plan.error
            notes.append(f"approximate: scores off by up to {off:.3g}, drops are up to {drop:.3g}")
        return notes

    def _measure(self, samples: Array, places: Array) -> int:
        """Measure places of samples; return how many of them were, which a stop makes fewer."""
        rows_done = 0
        size = None if self.plan is None else _BATCHES * self.plan.rows
        for rows, draws in self.run.pairs(
            len(samples), len(places), "positions", partial=True, size=size
        ):
            chosen, at = samples[rows], places[draws]
            found = self._scores(chosen, at)
            self.drops[chosen, at] = self.run.scores[chosen] - found.values
            self.predicted[chosen, at] = _predicted(found.raw)
            rows_done += len(rows)
        return rows_done // len(samples)

    def _scores(self, samples: Array, places: Array) -> Any:
        """Return the scores with one place of each sample covered."""
        if self.plan is not None:
            cover = self.canvas.cover(self.name, samples[:1])[0]
            corners = self.positions.corners(places)
            return self.plan.scores(self.canvas.x, int(samples[0]), cover, corners, self.targets)
        covered = self.canvas.without(self.name, samples, self.positions.boxes(places))
        given = {n: a[samples] for n, a in self.canvas.x.items()} | {self.name: covered}
        return self.model.scores(given, self.targets.take(samples), pad=self.run.chunk)

    def maps(self) -> Array:
        """Return the drops as maps: (sample, target, *grid)."""
        shape = (len(self.drops), -1, *self.positions.grid)
        return np.ascontiguousarray(np.swapaxes(self.drops, 1, 2)).reshape(shape)


def _predicted(raw: Mapping[str, Array]) -> Array:
    """Return the class that the first output predicts, −1 where it is not one of classes."""
    first = next(iter(raw.values()))
    if first.ndim != 2:
        return np.full(len(first), -1, np.int32)
    if first.shape[1] == 1:
        return np.where((first >= 0).all() and (first <= 1).all(), first[:, 0] > 0.5, -1).astype(
            np.int32
        )
    return first.argmax(axis=1).astype(np.int32)
