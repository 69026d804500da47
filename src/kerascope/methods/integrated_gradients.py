"""Integrated gradients (Sundararajan et al. 2017, equations 1 and 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from kerascope.baselines import check_kind
from kerascope.method import Axiom, Data, Passes, RawMap, check
from kerascope.methods.input_family import InputMap, Mean, baselines, input_map, total
from kerascope.methods.path_maps import MOST, Parts
from kerascope.run import Run
from kerascope.types import Array

_PROBES = 8  # cells in which the score's change along the path is measured


@dataclasses.dataclass(frozen=True, kw_only=True)
class IntegratedGradients(InputMap):
    """The gradient's mean on the straight path from a baseline, times the way gone.

    steps: gradients on the path, at first.
    baseline: a number, "zero", "min", "max", "mean", "blur", "noise", "last" (of a series), or an
        array.
    spacing: where on the path: "adaptive" puts more steps where the score changes (found by 9
        forward passes), "uniform" are midpoints of equal cells, "gauss" are Gauss–Legendre nodes.
    tolerance: largest completeness gap as a share of the score difference; where it is larger,
        steps are added until `max_steps` (None: never). Linear in the target only up to this gap:
        two targets may get different steps.
    keep: maps to keep of the way: what the integral has gathered after each of `keep` equal parts
        of the path. In `extras`: "path" (sample, [target,] part, …), "path_alphas" (sample, part),
        "path_scores" (sample, [target,] part) and "path_start", the score of the baseline. The last
        of the maps is the map itself. Costs a forward pass for each part that is no probe.
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    reference = "sundararajan2017axiomatic"
    formula = "(x − x′) · ∫₀¹ ∂y/∂x (x′ + α(x − x′)) dα"
    use = (
        "Values of pixels, words or columns that sum to the score's change from a baseline; the "
        "gap is reported."
    )
    avoid = (
        "Without a baseline x′ that means “nothing here”: inputs equal to it get zero. Maps of "
        "pictures are grainy."
    )
    linear = True
    axioms: ClassVar[frozenset[Axiom]] = InputMap.axioms | {Axiom.COMPLETENESS, Axiom.LINEARITY}

    steps: int = 32
    baseline: float | str | Data = "zero"
    spacing: Literal["adaptive", "uniform", "gauss"] = "adaptive"
    tolerance: float | None = 0.05
    max_steps: int = 128
    keep: int = 0

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"{self.name}: steps={self.steps} must be at least 1")
        check(
            self.spacing in ("adaptive", "uniform", "gauss"),
            f"{self.name}: spacing='{self.spacing}' is not one of adaptive, uniform, gauss",
        )
        check(
            self.tolerance is None or self.tolerance > 0, f"{self.name}: tolerance must be above 0"
        )
        check(0 <= self.keep <= MOST, f"{self.name}: keep={self.keep} must be from 0 to {MOST}")
        check_kind(self.baseline)

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """`steps` gradient passes, up to `max_steps` where the gap asks for it, and the probes."""
        most = self.steps if self.tolerance is None else max(self.steps, self.max_steps)
        probes = len(self._probes()[0])
        return Passes(1 + probes, most, most * (targets - 1), upper=self.tolerance is not None)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return (x − x′)·∫ ∂y/∂x dα, with the completeness gap."""
        features = model.features(x)
        base = baselines(model, features, self.baseline, run, x)
        curve, rising = self._probe(model, x, targets, run, features, base)
        difference = curve[:, -1] - curve[:, 0]
        means = Mean(features, len(targets))
        parts = Parts(features, len(targets), max(1, self.keep))
        used = np.zeros(difference.shape, int)
        wanted = np.full(difference.shape, self.steps)
        while wanted.any():
            self._integrate(model, x, targets, run, features, base, rising, wanted, means, parts)
            used += wanted
            values = self._values(features, base, means.result(), used)
            gap = difference - total(values)
            if self.tolerance is None:
                break
            # Each target goes on by its own gap, so that it does not matter which others were asked
            # for.
            far = np.abs(gap) > self.tolerance * np.abs(difference)
            wanted = np.where(far, np.maximum(np.minimum(2 * used, self.max_steps - used), 0), 0)
        raw = input_map(model, values)
        raw.gap = gap.astype(np.float32)
        raw.target_extras["steps"] = used
        if self.keep:
            sums = [*parts.sums(), means.result()]
            ways = [self._values(features, base, found, used) for found in sums]
            self._keep(raw, [input_map(model, way).values for way in ways], curve)
        raw.notes += gap_notes(gap, difference, used)
        return raw

    def _probe(
        self,
        model: Any,
        x: Any,
        targets: Any,
        run: Run,
        features: Mapping[str, Array],
        base: Mapping[str, Array],
    ) -> tuple[Array, Array]:
        """Return (sample, probe, target) scores, and the share of change behind each grid point.

        The change is that of all outputs, not of the target: the steps do not depend on it.
        """
        rows = len(next(iter(features.values())))
        points, grid = self._probes()
        curve = np.zeros((rows, len(points), len(targets)))
        outputs: list[Array] = [np.zeros(0)] * (rows * len(points))
        for samples, draws in run.pairs(rows, len(points), "probes of the path"):
            at = on_path(features, base, samples, points[draws])
            given = {name: array[samples] for name, array in x.items()}
            found = model.scores(given, targets.take(samples), at=at, pad=run.chunk)
            curve[samples, draws] = found.values
            flat = [array.reshape(len(samples), -1) for array in found.logits.values()]
            for sample, draw, row in zip(samples, draws, np.concatenate(flat, axis=1), strict=True):
                outputs[sample * len(points) + draw] = row
        heights = np.stack(outputs).reshape(rows, len(points), -1)[:, grid]
        change = np.abs(np.diff(heights, axis=1)).sum(axis=-1)
        share = change / np.maximum(change.sum(axis=1, keepdims=True), 1e-12)
        density = 0.5 * share + 0.5 / change.shape[1]
        rising = np.cumsum(density / density.sum(axis=1, keepdims=True), axis=1)
        return curve, np.concatenate([np.zeros((rows, 1)), rising], axis=1)

    def _probes(self) -> tuple[Array, Array]:
        """Return where on the path scores are asked for, and which of them place the steps."""
        grid = np.linspace(0, 1, _PROBES + 1 if self.spacing == "adaptive" else 2)
        points = np.unique(np.concatenate([grid, np.linspace(0, 1, self.keep + 1)[1:]]).round(9))
        return points, np.searchsorted(points, grid.round(9))

    def _keep(self, raw: RawMap, ways: list[dict[str, Array]], curve: Array) -> None:
        """Put the maps along the path, and the scores there, beside the map."""
        alphas = np.linspace(0, 1, self.keep + 1)[1:]
        at = np.searchsorted(self._probes()[0], alphas.round(9))
        raw.extras["path_alphas"] = np.tile(alphas.astype(np.float32), (len(curve), 1))
        raw.target_extras["path_scores"] = curve[:, at].swapaxes(1, 2).astype(np.float32)
        raw.target_extras["path_start"] = curve[:, 0].astype(np.float32)
        for name in raw.values:
            key = "path" if len(raw.values) == 1 else f"path:{name}"
            raw.target_extras[key] = np.stack([way[name] for way in ways], axis=2)

    def _integrate(
        self, model: Any, x: Any, targets: Any, run: Run, features: Mapping[str, Array],
        base: Mapping[str, Array], rising: Array, wanted: Array, means: Mean, parts: Parts,
    ) -> None:  # fmt: skip
        """Add `wanted` (sample, target) gradients on each path; weights sum to their number."""
        for count in np.unique(wanted[wanted > 0]):
            takes = wanted == count
            samples = np.flatnonzero(takes.any(axis=1))
            nodes = [self._nodes(rising[sample], int(count)) for sample in samples]
            for which, draws in run.pairs(len(samples), int(count), "steps on the path"):
                rows = samples[which]
                alpha, weight, low = np.array(
                    [[n[d] for n in nodes[w]] for w, d in zip(which, draws, strict=True)]
                ).T
                at = on_path(features, base, rows, alpha)
                given = {name: array[rows] for name, array in x.items()}
                found = model.gradients(given, targets.take(rows), at=at, pad=run.chunk)
                weights = weight[:, None] * takes[rows]
                means.add(rows, found.inputs, weights)
                parts.add(rows, found.inputs, weights, (low, low + weight / count))

    def _nodes(self, rising: Array, count: int) -> tuple[Array, Array, Array]:
        """Return `count` places on the path, their weights, which sum to `count`, and low edges."""
        if self.spacing == "gauss":
            nodes, weights = np.polynomial.legendre.leggauss(count)
            return (nodes + 1) / 2, weights / 2 * count, (np.cumsum(weights) - weights) / 2
        edges = np.linspace(0, 1, count + 1)
        if self.spacing == "adaptive":
            edges = np.interp(edges, rising, np.linspace(0, 1, _PROBES + 1))
        return (edges[1:] + edges[:-1]) / 2, np.diff(edges) * count, edges[:-1]

    def _values(
        self, features: Mapping[str, Array], base: Mapping[str, Array], sums: Mapping[str, Array],
        used: Array,
    ) -> dict[str, Array]:  # fmt: skip
        return {
            name: mean
            / used.reshape(*used.shape, *(1,) * (mean.ndim - 2))
            * (features[name] - base[name])[:, None].astype(np.float64)
            for name, mean in sums.items()
        }


def on_path(
    features: Mapping[str, Array], base: Mapping[str, Array], rows: Array, alpha: Array
) -> dict[str, Array]:
    """Return points on the straight path: baseline + alpha·(x − baseline), one per row."""
    points = {}
    for name, array in features.items():
        share = np.asarray(alpha, np.float32).reshape(-1, *(1,) * (array.ndim - 1))
        points[name] = base[name][rows] + share * (array[rows] - base[name][rows])
    return points


def gap_notes(gap: Array, difference: Array, steps: Array | None = None) -> list[str]:
    """Say how far from complete the values are, where it is more than a tenth of the difference."""
    share = np.abs(gap) / np.maximum(np.abs(difference), 1e-12)
    bad = np.argwhere(share > 0.1)
    if not len(bad):
        return []
    sample, target = bad[np.argmax(share[tuple(bad.T)])]
    how = f" after {int(steps[sample, target])} steps" if steps is not None else ""
    worst = f"{gap[sample, target]:.3g} of {difference[sample, target]:.3g}, sample {sample}{how}"
    count = len({int(s) for s, _ in bad})
    return [
        (
            f"completeness gap: the values of {count} sample(s) do not sum to the score "
            f"difference; worst {worst}"
        )
    ]
