"""Guided integrated gradients (Kapishnikov et al. 2021, section 4, algorithm 1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.baselines import check_kind
from kerascope.method import Axiom, Data, Passes, RawMap, check
from kerascope.methods.input_family import InputMap, baselines, input_map, total
from kerascope.methods.integrated_gradients import gap_notes
from kerascope.run import Run
from kerascope.threads import each
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedIG(InputMap):
    """Integrate gradients along a path that moves the inputs with the smallest gradient first.

    Each target has a path of its own, and a path is followed step by step.

    steps: gradients on the path.
    baseline: as for integrated gradients.
    fraction: share of the inputs that may move at a time.
    max_distance: how far, as a share of the way, an input may run ahead of or behind the straight
        path.
    """

    name = "guided_ig"
    title = "Guided IG"
    reference = "kapishnikov2021guided"
    formula = "∫ ∂y/∂x_i dx_i on a path that moves the inputs of smallest |∂y/∂x_i| first"
    use = "Integrated gradients with less noise from saturated stretches of the straight path."
    avoid = (
        "For comparing targets, since each has a path of its own; where time counts, as steps "
        "cannot share a batch."
    )
    axioms: ClassVar[frozenset[Axiom]] = InputMap.axioms | {Axiom.COMPLETENESS, Axiom.LINEARITY}

    steps: int = 64
    baseline: float | str | Data = "zero"
    fraction: float = 0.25
    max_distance: float = 0.02

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"guided_ig: steps={self.steps} must be at least 1")
        check(
            0 < self.fraction <= 1,
            f"guided_ig: fraction={self.fraction} must be above 0 and at most 1",
        )
        check(
            0 <= self.max_distance <= 1,
            f"guided_ig: max_distance={self.max_distance} must be within 0 and 1",
        )
        check_kind(self.baseline)

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """`steps` gradient passes for each target, and one forward pass at the baseline."""
        return Passes(2, self.steps * targets)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the path integral of ∂y/∂x along the guided path, with the completeness gap."""
        features = model.features(x)
        base = baselines(model, features, self.baseline, run, x)
        rows = len(next(iter(features.values())))
        start = model.scores(x, targets, at=base).values
        values = {
            n: np.zeros((rows, len(targets), *a.shape[1:]), np.float64) for n, a in features.items()
        }
        for k in range(len(targets)):
            one = dataclasses.replace(targets, items=(targets.items[k],))
            for name, array in self._follow(model, x, one, run, features, base).items():
                values[name][:, k] = array
        difference = run.scores - start
        raw = input_map(model, values)
        raw.gap = (difference - total(values)).astype(np.float32)
        raw.notes += gap_notes(raw.gap, difference)
        return raw

    def _follow(
        self,
        model: Any,
        x: Any,
        target: Any,
        run: Run,
        features: Mapping[str, Array],
        base: Mapping[str, Array],
    ) -> dict[str, Array]:
        """Return the integral along each sample's path; samples step together, in batches."""
        sizes = {name: int(np.prod(array.shape[1:])) for name, array in features.items()}
        flat = lambda tree: np.concatenate(  # noqa: E731
            [np.asarray(tree[n], np.float64).reshape(len(tree[n]), -1) for n in sizes], axis=1
        )
        end, begin = flat(features), flat(base)
        path = [
            _Path(b, e, self.fraction, self.max_distance) for b, e in zip(begin, end, strict=True)
        ]
        for step in range(self.steps):
            points = np.stack([p.x for p in path])
            at = {n: part.reshape(features[n].shape) for n, part in _split(points, sizes).items()}
            gradients = flat(
                {n: g[:, 0] for n, g in model.gradients(x, target, at=at).inputs.items()}
            )
            each(_Path.step, path, gradients, [(step + 1) / self.steps] * len(path))
            run.report("steps on the guided path", step + 1, self.steps)
        found = np.stack([p.attribution for p in path])
        return {n: part.reshape(features[n].shape) for n, part in _split(found, sizes).items()}


def _split(rows: Array, sizes: Mapping[str, int]) -> dict[str, Array]:
    ends = np.cumsum(list(sizes.values()))
    return dict(zip(sizes, np.split(rows, ends[:-1], axis=1), strict=True))


class _Path:
    """One sample's way from baseline to input, on flat float64 vectors."""

    def __init__(self, begin: Array, end: Array, fraction: float, distance: float) -> None:
        self.begin, self.end, self.fraction, self.distance = begin, end, fraction, distance
        self.x = begin.copy()
        self.way = end - begin
        self.length = float(np.abs(self.way).sum())
        self.attribution = np.zeros_like(begin)

    def step(self, gradient: Array, alpha: float) -> None:
        """Move until the share `alpha` of the L1 distance is gone, smallest gradients first."""
        if self.length == 0:
            return
        low = self.begin + self.way * max(alpha - self.distance, 0.0)
        high = self.begin + self.way * min(alpha + self.distance, 1.0)
        goal = self.length * (1 - alpha)
        before = self.x.copy()
        # Nobody may stay behind the corridor; those already past it stay where they are.
        behind = (self.x - low) * np.sign(self.way) < 0
        self.x[behind] = low[behind]
        size = np.abs(gradient)
        free = (self.way != 0) & ((high - self.x) * np.sign(self.way) > 1e-12 * np.abs(self.way))
        left = float(np.abs(self.x - self.end).sum()) - goal
        while left > 1e-9 * self.length and free.any():
            # The limit is a quantile over all inputs, with those that cannot move counted as
            # infinite.
            reach = np.where(free, size, np.inf)
            limit = np.quantile(reach, self.fraction, method="lower")
            moving = free & (reach <= limit) if np.isfinite(limit) else free
            room = float(np.abs(high[moving] - self.x[moving]).sum())
            share = min(1.0, left / room) if room > 0 else 1.0
            self.x[moving] += share * (high[moving] - self.x[moving])
            left -= share * room
            if share >= 1.0:
                free &= ~moving
        self.attribution += (self.x - before) * gradient
