"""Figures of an audit's first page and of its strategies, with words for those who cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kerascope.audit.calibration import Calibration
from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.pictures import Pictures
from kerascope.audit.quality import Quality
from kerascope.audit.scatter import Scatter
from kerascope.audit.strategies import ClassStrategies

_CLASSES = 20  # in a table
_NEAREST = 5  # pictures beside the mean map of a strategy


class Shown(NamedTuple):
    """A figure: its name, the bytes of a PNG, and what it shows in words."""

    name: str
    png: bytes
    alt: str


def quality_figures(quality: Quality) -> Iterator[Shown]:
    """Yield the table of confusions and the reliability diagram, where there is something to show.

    Of many classes, the 20 in the most frequent confusions.
    """
    from kerascope.plot.audit_quality import confusion_alt, confusion_figure
    from kerascope.plot.export import png_of

    if quality.accuracy is not None:
        chosen = quality.hardest(_CLASSES)
        counts, names = quality.matrix(np.array(chosen)), [quality.name(k) for k in chosen]
        few = len(chosen) < len(quality.per_class)
        rest = f"; the {len(chosen)} classes most often confused" if few else ""
        words = f"right in {quality.accuracy.words}{rest}"
        figure = confusion_figure(counts, names, words=words)
        yield Shown("confusion", png_of(figure), f"{confusion_alt(counts, names)} {words}.")
    if quality.calibration is not None:
        yield _reliability(quality.calibration)


def _reliability(found: Calibration) -> Shown:
    from kerascope.plot.audit_quality import reliability_alt, reliability_figure
    from kerascope.plot.export import png_of

    confidence = np.array([one.confidence for one in found.bins])
    accuracy = np.array([one.right.value for one in found.bins])
    counts = np.array([one.right.total for one in found.bins])
    heading = f"expected calibration error {found.ece:.3f}; of true confidences under "
    figure = reliability_figure(
        confidence, accuracy, np.array([one.right.interval for one in found.bins]), counts,
        np.array([[one.low, one.high] for one in found.bins]), words=f"{heading}{found.chance:.3f}",
    )  # fmt: skip
    alt = reliability_alt(confidence, accuracy, counts, words=found.words)
    return Shown("reliability", png_of(figure), alt)


def strategies_figure(one: ClassStrategies, pictures: Pictures | None = None) -> Shown | None:
    """Return the mean maps of a class's strategies, beside the pictures nearest to each.

    None where the maps have no height and width.
    """
    from kerascope.plot import audit_strategies
    from kerascope.plot.export import png_of

    if not one.strategies or any(s.mean.ndim != 2 for s in one.strategies):
        return None
    nearest = [
        [] if pictures is None else [pictures.rgb(i) for i in strategy.nearest[:_NEAREST]]
        for strategy in one.strategies
    ]
    means, shares = [s.mean for s in one.strategies], [s.share for s in one.strategies]
    shown = [[picture for picture in row if picture is not None] for row in nearest]
    figure = audit_strategies.strategies_figure(means, shares, shown, words=one.words)
    alt = audit_strategies.strategies_alt(means, shares, words=one.words)
    return Shown(f"strategies-{one.label}", png_of(figure), alt)


def scatter_figure(found: Scatter, names: tuple[str, ...] | None = None) -> Shown:
    """Return samples in a plane, coloured by label, or by prediction where there are no labels."""
    from kerascope.plot import audit_strategies
    from kerascope.plot.export import png_of

    labelled = bool((found.labels != UNLABELLED).any())
    groups = found.labels if labelled else found.predicted
    every = [class_name(k, names) for k in range(int(groups.max(initial=-1)) + 1)]
    wrong = (found.labels != UNLABELLED) & (found.labels != found.predicted)
    words = f"{found.words}; colour: {'label' if labelled else 'predicted class'}"
    figure = audit_strategies.scatter_figure(
        found.xy, groups.tolist(), every, words=words, marked=wrong.tolist(), mark="predicted wrong"
    )
    alt = audit_strategies.scatter_alt(groups.tolist(), every, words=words, marked=int(wrong.sum()))
    return Shown("scatter", png_of(figure), alt)
