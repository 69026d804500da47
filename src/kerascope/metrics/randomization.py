"""Does the map hang on what the model has learned?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import Refused, choices
from kerascope.method import check
from kerascope.metrics.again import class_target, explained
from kerascope.metrics.base import INFINITY, Family, Metric, Require
from kerascope.metrics.cascade import ORDERS, Steps
from kerascope.metrics.similarity import SIMILARITIES
from kerascope.metrics.subject import Subject, undefined_where
from kerascope.perturb import is_tokens, left_out, spans
from kerascope.targets import Class, Targets

if TYPE_CHECKING:
    from kerascope.types import Array

_NOISE = 2**28  # draws of the noise
_CLASS = 2**29 - 1  # the draw of the other class


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Randomization(Metric):
    """Base of the metrics that explain something else and compare the maps.

    similarity: "spearman", "pearson" or "ssim".
    """

    family = Family.RANDOMIZATION
    higher = False
    bounds = (-1.0, 1.0)
    requires = frozenset({Require.EXPLAIN, Require.MODEL})
    similarity: str = "spearman"

    def __post_init__(self) -> None:
        check(
            self.similarity in SIMILARITIES,
            f"{self.name}: similarity='{self.similarity}' is not known"
            f"{choices(self.similarity, SIMILARITIES)}",
        )


@dataclasses.dataclass(frozen=True)
class Cascade:
    """Similarity to the map of the trained model, (sample, stage), as layers are randomised.

    stages: the layers whose weights are drawn at each stage.
    """

    stages: tuple[tuple[str, ...], ...]
    similarity: Array


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelParameterRandomization(_Randomization):
    """Mean similarity of the map to those of the model with more and more layers randomised.

    Each layer is drawn from its own initialiser. A stage where the map is constant, or the scores
    are not finite, is left out; undefined where all are.

    order: "top_down" from the output, "bottom_up" from the input, or "independent": each stage by
    itself. stages: in how many steps, of equally many layers; None: layer by layer.
    """

    name = "model_parameter_randomization"
    title = "Model parameter randomisation (MPRT)"
    reference = "adebayo2018sanity"
    order: str = "top_down"
    stages: int | None = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self.order in ORDERS,
            f"{self.name}: order='{self.order}' is not known{choices(self.order, ORDERS)}",
        )
        check(
            self.stages is None or self.stages >= 1,
            f"{self.name}: stages={self.stages} must be at least 1, or None",
        )

    def explanations(self) -> int:
        """Return one for every stage; it is not known here how many layers there are."""
        return self.stages or 0

    def measure(self, subject: Subject) -> Array:
        """Return the mean over the stages; see the class."""
        return _mean(self.cascade(subject).similarity)

    def cascade(self, subject: Subject) -> Cascade:
        """Return the similarity after each stage."""
        plain = self._maps(subject)
        alike = SIMILARITIES[self.similarity]
        stages, found = Steps(self.name, self.order, self.stages).over(
            subject, lambda: alike(subject, plain, self._explained(subject))
        )
        return Cascade(tuple(stages), np.stack(found, axis=1))

    def _maps(self, subject: Subject) -> Array:
        """Return the maps of the trained model."""
        return subject.flat

    def _explained(self, subject: Subject) -> Array:
        """Return the maps of the model as it is."""
        return explained(subject)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SmoothMprt(ModelParameterRandomization):
    """MPRT with maps that are means over noisy inputs, so that no noise of theirs is compared.

    samples: how many noisy inputs. noise: standard deviation, a share of the sample's range. Inputs
    of ids stay as they are.
    """

    name = "smooth_mprt"
    title = "Smooth MPRT"
    reference = "hedstrom2023sanity"
    samples: int = 20
    noise: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.samples >= 1, f"smooth_mprt: samples={self.samples} must be at least 1")
        check(self.noise > 0, f"smooth_mprt: noise={self.noise} must be positive")

    def explanations(self) -> int:
        """Return one for every noisy input, at every stage and before."""
        return self.samples * (1 + super().explanations())

    def _maps(self, subject: Subject) -> Array:
        return self._explained(subject)

    def _explained(self, subject: Subject) -> Array:
        total = np.zeros((len(subject), subject.positions))
        for draw in range(self.samples):
            total += explained(subject, self._noisy(subject, draw))
        return total / self.samples

    def _noisy(self, subject: Subject, draw: int) -> dict[str, Array]:
        x = dict(subject.x)
        names = [name for name, array in x.items() if not is_tokens(array)]
        for place, name in enumerate(names):
            generators = subject.generators(_NOISE + draw * len(names) + place)
            out = left_out(subject.view, name, x[name])
            noise = np.stack(
                [
                    self.noise * span * generator.normal(size=row.shape)
                    for row, span, generator in zip(
                        x[name], spans(x[name], out), generators, strict=True
                    )
                ]
            )
            if out.any():
                noise[out] = 0
            x[name] = (x[name] + noise).astype(x[name].dtype)
        return x


@dataclasses.dataclass(frozen=True, kw_only=True)
class EfficientMprt(Metric):
    """Relative rise of the map's complexity when the whole model is randomised.

    Complexity is the entropy of the histogram of its values. Undefined where it is zero, such as
    for a constant map.

    bins: of the histogram.
    """

    name = "efficient_mprt"
    title = "Efficient MPRT"
    reference = "hedstrom2023sanity"
    family = Family.RANDOMIZATION
    higher = True
    bounds = (-1.0, INFINITY)
    requires = frozenset({Require.EXPLAIN, Require.MODEL})
    bins: int = 100

    def __post_init__(self) -> None:
        check(self.bins >= 2, f"efficient_mprt: bins={self.bins} must be at least 2")

    def explanations(self) -> int:
        """Return one."""
        return 1

    def measure(self, subject: Subject) -> Array:
        """Return (ξ(ê) − ξ(e)) / ξ(e) (Hedström et al. 2023)."""
        _, (after,) = Steps(self.name, "top_down", 1).over(
            subject, lambda: self._complexity(explained(subject))
        )
        before = self._complexity(subject.flat)
        return undefined_where((after - before) / np.where(before > 0, before, 1), before <= 0)

    def _complexity(self, maps: Array) -> Array:
        from scipy import stats

        return np.array([stats.entropy(np.histogram(row, self.bins)[0]) for row in maps])


@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomLogit(_Randomization):
    """Similarity of the map to that of another class, drawn by lot; undefined without classes."""

    name = "random_logit"
    title = "Random logit"
    reference = "sixt2020when"
    requires = frozenset({Require.EXPLAIN})
    similarity: str = "ssim"

    def explanations(self) -> int:
        """Return one."""
        return 1

    def measure(self, subject: Subject) -> Array:
        """Return the similarity (Sixt et al. 2020)."""
        target = class_target(subject)
        count = 0 if target is None else 2 if target.output.single else target.output.classes
        if target is None or count < 2:
            raise Refused("the target is no class beside which there are others")
        steps = [int(g.integers(1, count)) for g in subject.generators(_CLASS)]
        others = ((target.index + np.array(steps)) % count).tolist()
        other = Targets((Class(others, target.output.name),))
        maps = explained(subject, targets=other)
        return SIMILARITIES[self.similarity](subject, subject.flat, maps)


def _mean(values: Array) -> Array:
    """Return the mean over columns that are defined; NaN where none is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    sums = np.where(known, values, 0).sum(axis=1)
    return undefined_where(sums / np.maximum(count, 1), count == 0)
