"""Extremal perturbations (Fong, Patrick and Vedaldi 2019, sections 3 and 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from kerascope.baselines import blur, check_kind
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap, check
from kerascope.methods.input_family import baselines, feature_axes
from kerascope.methods.smooth_masks import Grades, SmoothMask, area_loss
from kerascope.perturb import spatial_axes
from kerascope.run import Run
from kerascope.threads import each
from kerascope.types import Array

# The authors' settings, for pictures of 224 × 224 and 800 steps.
_SIDE, _PARAMETERS, _STEPS = 224, 32 * 32, 800
_LEVELS, _BLUR = 8, 20 / _SIDE
_RATE, _MOMENTUM = 0.01, 0.9
_AREA, _GROWTH = 300.0, 1.0035
# To this the score's change by covering all is brought; logits of photographs change by 9 on
# MobileNetV2 and by 18 on MobileNetV1 (medians of ten), which the weight of the area is made for.
_SPAN = 10.0
_FAINT = 0.5  # masks that stay below show nothing as it is: a note says so
# Whether the score is of what a mask shows, or of what it leaves.
_GAMES = {"preserve": (True,), "delete": (False,), "dual": (True, False)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtremalPerturbation(AttributionMethod):
    """The smooth mask of a given area that keeps the score highest: 1 shown, 0 covered.

    It is found by gradient ascent, for every sample, target and area; several inputs have a mask of
    this area each. As the score's change by covering all is brought to that of the authors' nets,
    one weight of the area fits any model.

    area: share of the input that the mask shows, or several, whose masks are averaged.
    variant: "preserve" makes the score high with the mask shown, "delete" low with it covered (the
        map is what must go), "dual" both at once.
    steps: gradient steps; fewer cover the same course in longer strides.
    smoothing: radius σ of a mask's bumps as a share of the input's mean side; the authors' 21 of
        224. Masks of tokens and columns are not smooth.
    baseline: what covers; "blur" goes through eight grades up to σ = 20 of 224, as in the paper,
        all others fade. Tokens and columns, which cannot be blurred, fade to zero.
    mirror: mirror pictures at every second step, as the authors do. It fits photographs only, and
        targets that are no place.

    `extras["masks"]` holds each area's mask (sample, area, *size), `extras["kept"]` the score with
    it (sample, area); in a deletion, that of what is left.
    """

    name = "extremal_perturbation"
    title = "Extremal perturbation"
    reference = "fong2019extremal"
    formula = "arg max over smooth masks m with area a of y(m ⊙ x + (1 − m) ⊙ blurred x)"
    use = "What part of a given size is enough for the class, as one compact region."
    avoid = (
        "For how much each position counts: the mask is shown or covered. Where time counts: "
        "800 gradient passes for every target and area, unless `steps` says fewer."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )
    signed: ClassVar[bool] = False
    partial: ClassVar[bool] = True

    area: float | tuple[float, ...] = 0.1
    variant: Literal["preserve", "delete", "dual"] = "preserve"
    steps: int = _STEPS
    smoothing: float = 21 / _SIDE
    baseline: float | str | Data = "blur"
    mirror: bool = False

    def __post_init__(self) -> None:
        check(
            len(self.areas) > 0 and all(0 < area < 1 for area in self.areas),
            f"extremal_perturbation: area={self.area} must be between 0 and 1, both excluded",
        )
        check(
            self.variant in _GAMES,
            f"extremal_perturbation: variant='{self.variant}' is not one of {', '.join(_GAMES)}",
        )
        check(self.steps >= 1, f"extremal_perturbation: steps={self.steps} must be at least 1")
        check(
            0 <= self.smoothing < 1,
            f"extremal_perturbation: smoothing={self.smoothing} must be from 0 to below 1",
        )
        check_kind(self.baseline)

    @property
    def areas(self) -> tuple[float, ...]:
        """All areas."""
        return self.area if isinstance(self.area, tuple) else (self.area,)

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One gradient pass per step, target and area, two for "dual"; a few at the ends."""
        masks = targets * len(self.areas)
        return Passes(2 + masks, self.steps * masks * len(_GAMES[self.variant]))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the masks, averaged over the areas."""
        search = _Search(self, model, x, targets, run)
        rows = len(search.samples)
        for _, steps in run.pairs(rows, self.steps, "steps", partial=True, size=rows):
            search.step(int(steps[0]))
        return search.raw()


class _Search:
    """The masks of all samples, targets and areas, on their way."""

    def __init__(
        self, method: ExtremalPerturbation, model: Any, x: Mapping[str, Array], targets: Any,
        run: Run,
    ) -> None:  # fmt: skip
        self.method, self.model, self.x, self.targets, self.run = method, model, x, targets, run
        count = len(next(iter(x.values())))
        self.samples = np.repeat(np.arange(count), len(method.areas))
        areas = np.tile(method.areas, count)
        self.grades: dict[str, Grades] = {}
        self.masks: dict[str, SmoothMask] = {}
        self.mirrored: dict[str, int] = {}
        self.parameters: dict[str, Array] = {}
        for name, array in model.features(x).items():
            self._prepare(name, array)
        self.places = {  # the tiny part is against rounding up where 0.1 · 10 is above 1
            name: np.ceil(areas * mask.places - 1e-9).astype(np.int64)
            for name, mask in self.masks.items()
        }
        self.speed = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        self.unit = self._unit()

    def _prepare(self, name: str, array: Array) -> None:
        """Set up the grades and the mask of one input, all of which is shown at first."""
        method, axes = self.method, feature_axes(self.model, name, array.shape[1:])
        channel = next((i for i, a in enumerate(axes, 1) if a in ("channel", "embedding")), None)
        size = [n for i, n in enumerate(array.shape[1:], 1) if i != channel]
        side = float(np.prod(size)) ** (1 / len(size))
        alone = channel is None or "embedding" in axes
        if method.baseline == "blur" and not alone:
            strengths = np.linspace(_BLUR * side, 0, _LEVELS)
            grades = [np.stack(each(lambda one, s=s: blur(one, s, axes), array)) for s in strengths]
        else:
            baseline = "zero" if method.baseline == "blur" else method.baseline
            found = baselines(self.model, {name: array}, baseline, self.run, self.x)
            grades = [found[name], array]
        self.grades[name] = Grades(grades, channel)
        mask = SmoothMask(self.grades[name].size, 0.0 if alone else method.smoothing * side)
        self.masks[name] = mask
        shape = (len(self.targets), len(self.samples), *mask.grid)
        self.parameters[name] = np.ones(shape, np.float32)
        if method.mirror and axes in (("y", "x", "channel"), ("channel", "y", "x")):
            self.mirrored[name] = axes.index("x") + 1

    def _unit(self) -> Array:
        """Return (sample, target): what brings the scores' change by covering to that of `_SPAN`.

        A score that covering leaves as it is has a tenth of its own size for its change.
        """
        count = len(self.run.scores)
        covered = {
            name: grades.shown(np.zeros((count, *grades.size), np.float32), np.arange(count))[0]
            for name, grades in self.grades.items()
        }
        scores = self.run.scores
        change = np.abs(scores - self.model.scores(self.x, self.targets, at=covered).values)
        return _SPAN / np.maximum(np.maximum(change, np.abs(scores) / 10), 1e-6)

    def step(self, number: int) -> None:
        """Move all masks one step up."""
        stride = _STEPS / self.method.steps
        weight = _AREA * _GROWTH ** (number * stride)
        momentum = _MOMENTUM if number else 0.0
        for k in range(len(self.targets)):
            masks = {n: mask.masks(self.parameters[n][k]) for n, mask in self.masks.items()}
            cut = {name: mask.cut(masks[name]) for name, mask in self.masks.items()}
            slopes = {name: np.zeros_like(mask) for name, mask in cut.items()}
            # What a mask leaves changes against it, and its score is to fall: the slopes add.
            for shows in _GAMES[self.method.variant]:
                self._add_slopes(slopes, cut, k, shows=shows, mirror=number % 2 == 0)
            for name, mask in self.masks.items():
                area = weight * area_loss(masks[name], self.places[name])[1]
                place, speed = self.parameters[name][k], self.speed[name][k]
                pulled = mask.pull(place, mask.spread(slopes[name]) - area)
                speed[:] = momentum * speed + (1 - momentum) * pulled
                rate = _RATE * stride * place[0].size / _PARAMETERS
                place[:] = np.clip(place + rate * speed, 0, 1)

    def _parts(self) -> Iterator[tuple[Array, Array, dict[str, Array], Any]]:
        """Yield rows, as many as a pass takes, with their samples and inputs and what to pad to."""
        size, start = self.run.batch.size, 0
        pad = size if len(self.samples) > size else None
        while start < len(self.samples):
            rows = np.arange(start, min(start + size, len(self.samples)))
            samples = self.samples[rows]
            yield rows, samples, {name: array[samples] for name, array in self.x.items()}, pad
            start += size

    def _shown(
        self, masks: Mapping[str, Array], samples: Array, *, shows: bool
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return what masks show, or leave, by input name, and how fast it changes."""
        both = {
            name: self.grades[name].shown(mask if shows else 1 - mask, samples)
            for name, mask in masks.items()
        }
        return {n: pair[0] for n, pair in both.items()}, {n: pair[1] for n, pair in both.items()}

    def _add_slopes(
        self, slopes: dict[str, Array], masks: Mapping[str, Array], k: int, *, shows: bool,
        mirror: bool,
    ) -> None:  # fmt: skip
        """Add the slopes of the scores of target `k` by the masks (row, *size)."""
        target = dataclasses.replace(self.targets, items=(self.targets.items[k],))
        flips = self.mirrored if mirror else {}
        for rows, samples, given, pad in self._parts():
            part = {name: mask[rows] for name, mask in masks.items()}
            shown, change = self._shown(part, samples, shows=shows)
            shown |= {name: np.flip(shown[name], axis) for name, axis in flips.items()}
            found = self.model.gradients(given, target.take(samples), at=shown, pad=pad)
            for name, gradients in found.inputs.items():
                one = gradients[:, 0]
                one = np.flip(one, flips[name]) if name in flips else one
                unit = self.unit[samples, k].reshape(-1, *(1,) * len(self.grades[name].size))
                slopes[name][rows] += unit * self.grades[name].slopes(one, change[name])

    def raw(self) -> RawMap:
        """Return the masks, and the scores with them."""
        count, areas = len(self.run.scores), len(self.method.areas)
        kept = np.zeros((len(self.samples), len(self.targets)), np.float32)
        all_masks = [
            {
                name: mask.cut(mask.masks(self.parameters[name][k]))
                for name, mask in self.masks.items()
            }
            for k in range(len(self.targets))
        ]
        for k, target in enumerate(self.targets):
            one = dataclasses.replace(self.targets, items=(target,))
            for rows, samples, given, pad in self._parts():
                part = {name: mask[rows] for name, mask in all_masks[k].items()}
                shown, _ = self._shown(part, samples, shows=_GAMES[self.method.variant][0])
                found = self.model.scores(given, one.take(samples), at=shown, pad=pad)
                kept[rows, k] = found.values[:, 0]
        raw = RawMap({}, {})
        raw.target_extras["kept"] = kept.reshape(count, areas, -1).swapaxes(1, 2)
        for name, array in self.x.items():
            masks = np.stack([masks[name] for masks in all_masks])
            masks_of = masks.reshape(-1, count, areas, *masks.shape[2:]).swapaxes(0, 1)
            key = "masks" if len(self.x) == 1 else f"masks:{name}"
            raw.target_extras[key] = masks_of
            raw.values[name] = masks_of.mean(axis=2)
            raw.axes[name] = ("sample", "target", *spatial_axes(self.model, name, array))
            faint = masks_of.reshape(*masks_of.shape[:3], -1).max(axis=-1) < _FAINT
            if faint.any():
                sample, _, area = np.argwhere(faint)[0]
                raw.notes.append(
                    f"extremal_perturbation: the mask of sample {sample} for an area of "
                    f"{self.method.areas[area]:.3g} stays below {_FAINT}: it is smaller than a "
                    "bump; lower smoothing, or take more steps"
                )
        return raw
