"""Blur integrated gradients (Xu et al. 2020, equation 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.errors import Refused
from kerascope.method import Axiom, Passes, RawMap, check
from kerascope.methods.input_family import InputMap, Mean, feature_axes, input_map, total
from kerascope.methods.integrated_gradients import gap_notes
from kerascope.perturb import left_out
from kerascope.run import Run
from kerascope.threads import cores
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlurIG(InputMap):
    """Integrate gradients along the path from a blurred input to the sharp one: no baseline colour.

    Blurring is diffusion with reflecting edges, so that it darkens no border (the authors' code
    fills with zeros), and infinite blur is the mean colour.

    steps: gradients on the path.
    max_sigma: standard deviation of the strongest blur, in pixels; None is 50 for 224 pixels, in
        proportion.
    """

    name = "blur_ig"
    title = "Blur-IG"
    reference = "xu2020attribution"
    formula = "∫ ∂y/∂x(σ) · ∂x(σ)/∂σ dσ, x(σ) the input blurred by σ, from strongest to none"
    use = "Integrated gradients of pictures where no baseline colour is neutral."
    avoid = (
        "On tables, tokens and other inputs without neighbours; where blur itself is evidence, as "
        "in pictures out of focus."
    )
    linear = True
    axioms: ClassVar[frozenset[Axiom]] = (InputMap.axioms | {Axiom.COMPLETENESS}) - {
        Axiom.DUMMY,
        Axiom.LOCATION,
    }

    steps: int = 32
    max_sigma: float | None = None

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"blur_ig: steps={self.steps} must be at least 1")
        check(
            self.max_sigma is None or self.max_sigma > 0,
            f"blur_ig: max_sigma={self.max_sigma} must be above 0",
        )

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """`steps` gradient passes, and one forward pass at the blurred end."""
        return Passes(2, self.steps, self.steps * (targets - 1))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return Σ (x at σᵢ₊₁ − x at σᵢ)·∂y/∂x between them, with the completeness gap."""
        features = model.features(x)
        scales = {
            name: _Blur(a, feature_axes(model, name, a.shape[1:]), left_out(model, name, x[name]))
            for name, a in features.items()
        }
        if not any(scale.spatial for scale in scales.values()):
            raise Refused("blur_ig needs an input with spatial, time or token axes to blur along")
        rows = len(next(iter(features.values())))
        edges = {name: self._sigmas(scale) for name, scale in scales.items()}
        mean = Mean(features, len(targets))
        for samples, draws in run.pairs(rows, self.steps, "steps of the blur"):
            at, way = {}, {}
            for name, scale in scales.items():
                before, after = edges[name][samples, draws], edges[name][samples, draws + 1]
                at[name] = scale.rows(samples, (before + after) / 2)
                way[name] = scale.rows(samples, after, less=before)
            given = {name: array[samples] for name, array in x.items()}
            found = model.gradients(given, targets.take(samples), at=at, pad=run.chunk)
            mean.add(samples, {name: g * way[name][:, None] for name, g in found.inputs.items()})
        values = mean.result()
        blurred = {n: s.rows(np.arange(rows), edges[n][:, 0]) for n, s in scales.items()}
        start = model.scores(x, targets, at=blurred).values
        difference = run.scores - start
        raw = input_map(model, values)
        raw.gap = (difference - total(values)).astype(np.float32)
        raw.notes += gap_notes(raw.gap, difference)
        kept = [name for name, scale in scales.items() if not scale.spatial]
        if kept:
            raw.notes.append(
                "inputs without spatial axes cannot be blurred and stay as they are: "
                f"{', '.join(kept)}"
            )
        return raw

    def _sigmas(self, scale: _Blur) -> Array:
        """Return steps + 1 deviations by sample, the strongest first, none last, denser there."""
        sides = np.full(scale.count, max(scale.sizes, default=0))
        for sample, part in scale.parts.items():
            sides[sample] = max(part.sizes)
        strongest = 50 / 224 * sides if self.max_sigma is None else 0 * sides + self.max_sigma
        return strongest[:, None] * np.linspace(1, 0, self.steps + 1) ** 2


class _Blur:
    """Gaussian blur of samples at any σ, from one cosine transform each.

    out: steps (sample, time) that the model leaves out; they stay, and blur into no other step.
    """

    def __init__(self, array: Array, axes: tuple[str, ...], out: Array) -> None:
        self._array, self._out, self.count = array, out, len(array)
        self.parts: dict[int, _Blur] = {}  # the steps that are read, of samples with others
        for sample in np.flatnonzero(out.any(axis=1) & ~out.all(axis=1)).tolist():
            part = array[sample][~out[sample]][None]
            self.parts[sample] = _Blur(part, axes, np.zeros(part.shape[:2], bool))
        self.spatial = tuple(
            i + 1 for i, name in enumerate(axes) if name not in ("channel", "embedding", "feature")
        )
        self.sizes = [array.shape[i] for i in self.spatial]
        if self.spatial:
            from scipy import fft

            waves = fft.dctn(array.astype(np.float64), axes=self.spatial, norm="ortho")
            self._waves = waves.astype(np.float32)

    def rows(self, samples: Array, sigmas: Any, *, less: Any = None) -> Array:
        """Return chosen samples, each blurred by its own σ; less those blurred by another one."""
        if not self.spatial:
            return self._array[samples] if less is None else np.zeros_like(self._array[samples])
        from scipy import fft

        damping = self._damping(sigmas)
        if less is not None:
            damping = damping - self._damping(less)
        # Rows of one sample share its waves: broadcasting costs less than copies of them.
        one = len(samples) and (samples == samples[0]).all()
        waves = self._waves[samples[:1] if one else samples] * damping.astype(np.float32)
        found = fft.idctn(waves, axes=self.spatial, norm="ortho", overwrite_x=True, workers=cores())
        for row, sample in enumerate(samples.tolist()):
            if (stays := self._out[sample]).any():
                found[row] = self._array[sample] if less is None else 0
            if part := self.parts.get(sample):
                own = {} if less is None else {"less": less[row : row + 1]}
                found[row][~stays] = part.rows(np.zeros(1, int), sigmas[row : row + 1], **own)[0]
        return found

    def _damping(self, sigmas: Any) -> Array:
        """Return by how much a blur of each σ damps each frequency, (row, frequency, …, 1)."""
        damping = np.ones((len(sigmas), *(1,) * (self._array.ndim - 1)))
        for axis, size in zip(self.spatial, self.sizes, strict=True):
            frequency = np.pi * np.arange(size) / size
            shape = [len(sigmas), *(1,) * (self._array.ndim - 1)]
            shape[axis] = size
            damping = damping * np.exp(-0.5 * np.outer(np.square(sigmas), frequency**2)).reshape(
                shape
            )
        return damping
