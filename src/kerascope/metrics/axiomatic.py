"""Does the map keep what its theory promises?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.baselines import check_cover
from kerascope.errors import Refused
from kerascope.maskers import Masker
from kerascope.method import Data, check
from kerascope.metrics.again import Logits, explained, is_keras
from kerascope.metrics.base import INFINITY, Family, Metric, Require
from kerascope.metrics.randomise import kept
from kerascope.metrics.subject import Subject, undefined_where
from kerascope.perturb import is_tokens

if TYPE_CHECKING:
    from kerascope.hooks.names import Site
    from kerascope.types import Array

_SAME = 1e-3  # how exactly, of the largest value, the shift must be taken back


@dataclasses.dataclass(frozen=True, kw_only=True)
class Completeness(Metric):
    """What values are short of summing to the difference of scores, as a share of the score.

    Undefined for methods that claim no completeness, and for a score of zero.
    """

    name = "completeness"
    title = "Completeness gap"
    reference = "sundararajan2017axiomatic"
    family = Family.AXIOMATIC
    higher = False
    bounds = (0.0, INFINITY)
    requires = frozenset({Require.GAP})

    def passes(self, positions: int) -> int:
        """Return the plain pass."""
        return 1

    def measure(self, subject: Subject) -> Array:
        """Return |f(x) − f(x′) − Σφ| / |f(x)| (axiom: Sundararajan et al. 2017)."""
        if subject.gaps is None:
            raise Refused("the method claims none")
        scores = np.abs(Logits(subject).scores())
        gaps = np.abs(np.asarray(subject.gaps, np.float64))
        return undefined_where(gaps / np.where(scores > 0, scores, 1), scores == 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NonSensitivity(Metric):
    """Share of the segments where a value of zero and no effect on the score do not go together.

    A segment has no value where its largest one, and no effect where the change of the score as it
    is covered, is at most `tolerance` of the largest of all segments. Undefined for a zero map.

    segments: as in `kernel_shap`, but superpixels; "single" is the paper's: every position alone.
    baseline: what covers, as in `occlusion`; over a background, the largest change counts.
    """

    name = "non_sensitivity"
    title = "Non-sensitivity"
    reference = "nguyen2020quantitative"
    family = Family.AXIOMATIC
    higher = False
    bounds = (0.0, 1.0)
    requires = frozenset({Require.SCORES})
    segments: str = "grid-64"
    tolerance: float = 1e-5
    baseline: float | str | Data = "mean"

    def __post_init__(self) -> None:
        kind = Masker.parse(self.segments).kind
        check(
            kind in ("grid", "single"),
            f"non_sensitivity: segments='{self.segments}' must be 'single' or like 'grid-64'",
        )
        check(
            0 <= self.tolerance < 1,
            f"non_sensitivity: tolerance={self.tolerance} must lie in 0 … 1",
        )
        check_cover(self.baseline)

    def passes(self, positions: int) -> int:
        """Return one pass for every segment, and the plain one."""
        return min(Masker.parse(self.segments).count or positions, positions) + 1

    def measure(self, subject: Subject) -> Array:
        """Return |A₀ Δ X₀| / segments (Nguyen and Martínez 2020)."""
        labels = subject.segments(self.segments)
        count = int(labels.max()) + 1
        canvas = subject.canvas(self.baseline)

        def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
            segment = numbers // canvas.backgrounds
            shown = labels != segment[:, None]  # segment `count`: nothing is covered
            return subject.shown(canvas, shown, rows, numbers % canvas.backgrounds)

        scores = subject.swept((count + 1) * canvas.backgrounds, rows_of, self.name)
        scores = scores.reshape(len(subject), count + 1, -1)
        effects = np.abs(scores[:, :-1] - scores[:, -1:]).max(axis=2)
        sizes = np.abs(subject.flat)
        values = np.stack([sizes[:, labels == k].max(axis=1) for k in range(count)], axis=1)
        differ = self._nothing(values) != self._nothing(effects)
        return undefined_where(differ.mean(axis=1), sizes.max(axis=1) == 0)

    def _nothing(self, found: Array) -> Array:
        return found <= self.tolerance * found.max(axis=1, keepdims=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class InputInvariance(Metric):
    """Change of the map, as a share of its norm, when all values are shifted and nothing else.

    The bias of the first layer takes the shift back, so that the model gives the same scores. It is
    refused where it cannot: the first layer has no bias, is not linear, or sees its own padding.
    Undefined for a zero map.

    shift: a share of the range of all samples.
    """

    name = "input_invariance"
    title = "Input invariance"
    reference = "kindermans2019unreliability"
    family = Family.AXIOMATIC
    higher = False
    bounds = (0.0, INFINITY)
    requires = frozenset({Require.EXPLAIN, Require.MODEL})
    shift: float = -1.0

    def __post_init__(self) -> None:
        check(self.shift != 0, "input_invariance: shift=0 moves nothing")

    def explanations(self) -> int:
        """Return one."""
        return 1

    def passes(self, positions: int) -> int:
        """Return the passes that check that scores stay."""
        return 4

    def measure(self, subject: Subject) -> Array:
        """Return ‖φ₂(x + m) − φ₁(x)‖ / ‖φ₁(x)‖ (Kindermans et al. 2019)."""
        view, plain = subject.view, subject.flat
        if not is_keras(view):
            raise Refused("a plain function has no first layer")
        if len(subject.x) > 1 or is_tokens(next(iter(subject.x.values()))):
            raise Refused("it is measured on one input of numbers")
        name, array = next(iter(subject.x.items()))
        moved = {name: (array + self.shift * float(np.ptp(array))).astype(array.dtype)}
        site, layer = _first(view)
        change = _pushed(view, site, subject.x, moved, layer)
        logits = Logits(subject)
        before, _ = logits.outputs(subject.x)
        with kept(view, [layer.bias]) as (bias,):
            layer.bias.assign((bias - change).astype(bias.dtype))
            after, _ = logits.outputs(moved)
            if np.abs(after - before).max() > _SAME * max(np.abs(before).max(), 1e-30):
                raise Refused(f"the bias of '{site}' does not take a shift back")
            maps = explained(subject, moved)
        norm = np.linalg.norm(plain, axis=1)
        distance = np.linalg.norm(maps - plain, axis=1)
        return undefined_where(distance / np.where(norm > 0, norm, 1), norm == 0)


def _first(view: Any) -> tuple[Site, Any]:
    """Return the first layer with weights, which must have a bias, and where it is linear."""
    from kerascope.hooks.names import Site
    from kerascope.hooks.weights import weights_by_layer

    learned = (
        path
        for path, own in weights_by_layer(view).items()
        if path and any(weight.learned for weight in own)
    )
    path = next(learned, "")
    layer = view.table.get(path)
    bias = getattr(layer, "bias", None)
    if bias is None or len(bias.shape) != 1:
        raise Refused(f"the first layer with weights, '{path}', has no bias")
    return Site(path, 0, "linear"), layer


def _pushed(
    view: Any, site: Site, x: dict[str, Array], moved: dict[str, Array], layer: Any
) -> Array:
    """Return by how much the shift moves every unit: the same everywhere, or it is refused."""
    outputs = [
        np.asarray(next(iter(view.activations(values, [site]).values())), np.float64)
        for values in (x, moved)
    ]
    change = outputs[1] - outputs[0]
    first = getattr(layer, "data_format", None) == "channels_first"
    change = np.moveaxis(change, 1 if first else -1, -1)
    change = change.reshape(-1, change.shape[-1])
    middle = change.mean(axis=0)
    if np.abs(change - middle).max() > _SAME * max(np.abs(middle).max(), 1e-30):
        raise Refused(
            f"a shift does not move '{site.path}' the same everywhere: it is not "
            "linear, or pads its input"
        )
    return middle
