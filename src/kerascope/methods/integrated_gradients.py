"""Integrated gradients (Sundararajan et al. 2017, equations 1 and 3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from kerascope.baselines import check_kind
from kerascope.method import Axiom, Data, Passes, RawMap, Run, check
from kerascope.methods.input_family import InputMap, Mean, baselines, input_map, total
from kerascope.types import Array

_PROBES = 8  # cells in which the score's change along the path is measured


@dataclasses.dataclass(frozen=True, kw_only=True)
class IntegratedGradients(InputMap):
    """The gradient's mean on the straight path from a baseline, times the way gone.

    steps: gradients on the path, at first.
    baseline: a number, "zero", "min", "max", "mean", "blur", "noise", or an array.
    spacing: where on the path: "adaptive" puts more steps where the score changes (found by 9 forward
        passes), "uniform" are midpoints of equal cells, "gauss" are Gauss–Legendre nodes.
    tolerance: largest completeness gap as a share of the score difference; where it is larger, steps
        are added until `max_steps` (None: never).
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    reference = "sundararajan2017axiomatic"
    axioms: ClassVar[frozenset[Axiom]] = InputMap.axioms | {Axiom.COMPLETENESS, Axiom.LINEARITY}

    steps: int = 32
    baseline: float | str | Data = "zero"
    spacing: Literal["adaptive", "uniform", "gauss"] = "adaptive"
    tolerance: float | None = 0.05
    max_steps: int = 128

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"{self.name}: steps={self.steps} must be at least 1")
        check(
            self.spacing in ("adaptive", "uniform", "gauss"),
            f"{self.name}: spacing='{self.spacing}' is not one of adaptive, uniform, gauss",
        )
        check(self.tolerance is None or self.tolerance > 0, f"{self.name}: tolerance must be above 0")
        check_kind(self.baseline)

    def passes(self, shape: Mapping[str, tuple[int, ...]], targets: int = 1) -> Passes:  # noqa: ARG002
        """`steps` gradient passes, up to `max_steps` where the gap asks for it, and the probes."""
        most = self.steps if self.tolerance is None else max(self.steps, self.max_steps)
        probes = (_PROBES + 1) if self.spacing == "adaptive" else 2
        return Passes(1 + probes, most, most * (targets - 1), upper=self.tolerance is not None)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return (x − x′)·∫ ∂y/∂x dα, with the completeness gap."""
        features = model.features(x)
        base = baselines(model, features, self.baseline, run)
        curve = self._probe(model, x, targets, run, features, base)
        difference = curve[:, -1] - curve[:, 0]
        samples = np.arange(len(curve))
        means, used = Mean(features, len(targets)), np.zeros(len(curve), int)
        while True:
            wanted = np.where(used == 0, self.steps, np.minimum(2 * used, self.max_steps - used))
            open_ = samples[wanted[samples] > 0]
            if not len(open_):
                break
            self._integrate(model, x, targets, run, features, base, curve, open_, wanted, means)
            used[open_] += wanted[open_]
            values = self._values(features, base, means, used)
            gap = difference - total(values)
            if self.tolerance is None:
                break
            samples = np.flatnonzero((np.abs(gap) > self.tolerance * np.abs(difference)).any(axis=1))
        raw = input_map(model, values)
        raw.gap = gap.astype(np.float32)
        raw.extras["steps"] = used
        raw.notes += gap_notes(gap, difference, used)
        return raw

    def _probe(
        self, model: Any, x: Any, targets: Any, run: Run, features: Mapping[str, Array], base: Mapping[str, Array]
    ) -> Array:
        """Return (sample, probe, target): the scores along the path."""
        rows = len(next(iter(features.values())))
        points = np.linspace(0, 1, _PROBES + 1 if self.spacing == "adaptive" else 2)
        curve = np.zeros((rows, len(points), len(targets)))
        for samples, draws in run.pairs(rows, len(points), "probes of the path"):
            at = on_path(features, base, samples, points[draws])
            given = {name: array[samples] for name, array in x.items()}
            pad = run.pad(rows, len(points))
            curve[samples, draws] = model.scores(given, targets.take(samples), at=at, pad=pad).values
        return curve

    def _integrate(
        self, model: Any, x: Any, targets: Any, run: Run, features: Mapping[str, Array],
        base: Mapping[str, Array], curve: Array, samples: Array, wanted: Array, means: Mean,
    ) -> None:  # fmt: skip
        """Add `wanted` weighted gradients on the path of each of `samples`; weights sum to their number."""
        count = int(wanted[samples].max())
        nodes, weights = np.zeros((len(samples), count)), np.zeros((len(samples), count))
        for i, sample in enumerate(samples):
            own = int(wanted[sample])
            nodes[i, :own], weights[i, :own] = self._nodes(curve[sample], own)
        pad = run.pad(len(samples), count)
        for which, draws in run.pairs(len(samples), count, "steps on the path"):
            rows = samples[which]
            at = on_path(features, base, rows, nodes[which, draws])
            given = {name: array[rows] for name, array in x.items()}
            found = model.gradients(given, targets.take(rows), at=at, pad=pad)
            means.add(rows, found.inputs, weights[which, draws])

    def _nodes(self, curve: Array, count: int) -> tuple[Array, Array]:
        """Return `count` places on the path and their weights, which sum to `count`."""
        if self.spacing == "gauss":
            nodes, weights = np.polynomial.legendre.leggauss(count)
            return (nodes + 1) / 2, weights / 2 * count
        edges = np.linspace(0, 1, count + 1)
        if self.spacing == "adaptive":
            change = np.abs(np.diff(curve, axis=0))
            share = change / np.maximum(change.sum(axis=0), 1e-12)
            density = 0.5 * share.mean(axis=-1) + 0.5 / _PROBES
            rising = np.concatenate([[0.0], np.cumsum(density / density.sum())])
            edges = np.interp(edges, rising, np.linspace(0, 1, _PROBES + 1))
        return (edges[1:] + edges[:-1]) / 2, np.diff(edges) * count

    def _values(
        self, features: Mapping[str, Array], base: Mapping[str, Array], means: Mean, used: Array
    ) -> dict[str, Array]:
        return {
            name: mean
            / used.reshape(-1, *(1,) * (mean.ndim - 1))
            * (features[name] - base[name])[:, None].astype(np.float64)
            for name, mean in means.result().items()
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
    how = f" after {int(steps[sample])} steps" if steps is not None else ""
    return [
        f"completeness gap: the values of {len({int(s) for s, _ in bad})} sample(s) do not sum to the score "
        f"difference; worst {gap[sample, target]:.3g} of {difference[sample, target]:.3g}, sample {sample}{how}"
    ]
