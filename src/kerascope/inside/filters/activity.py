"""What units do over data: which never fire, which always saturate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.hooks import HookedModel, Site
from kerascope.hooks.inputs import axes_of
from kerascope.run import Run
from kerascope.types import Array

# Bounds that a unit can be stuck at. What is smooth never reaches them: within 1 % of their range.
_BOUNDS: dict[str, tuple[float, float]] = {
    "relu": (0, np.inf), "relu6": (0, 6), "sigmoid": (0, 1), "hard_sigmoid": (0, 1),
    "tanh": (-1, 1), "hard_tanh": (-1, 1), "softsign": (-1, 1),
}  # fmt: skip
_CLOSE = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class Activity:
    """What the units of one activation did over all data and positions.

    Attributes:
        layer, activation: where, and the function's name.
        samples: how many were seen.
        units: how many channels or features.
        never: units that never left the function's lower bound: they never fire.
        always: units that never left its upper bound: they are always saturated.
        firing: by unit, the share of samples and positions above the lower bound.
        low, high: by unit, the smallest and largest value.
    """

    layer: str
    activation: str
    samples: int
    units: int
    never: tuple[int, ...]
    always: tuple[int, ...]
    firing: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def bounded(layer: Any) -> tuple[str, float, float] | None:
    """Return name and bounds of the activation that a layer ends with; None where it has none."""
    if isinstance(layer, keras.layers.ReLU):
        if layer.negative_slope or layer.threshold:
            return None
        top = np.inf if layer.max_value is None else float(layer.max_value)
        return "relu" if top == np.inf else f"relu{top:g}", 0.0, top
    if isinstance(layer, keras.layers.RNN):
        return None
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return (name, *_BOUNDS[name]) if name in _BOUNDS else None


def activity(
    view: HookedModel, x: Mapping[str, Array], wanted: tuple[str, ...] | None = None
) -> tuple[Activity, ...]:
    """Return what every bounded activation does over the data, one forward pass each sample.

    x: as `view.read` gave it. wanted: paths of layers, all by default.
    """
    places: dict[Site, tuple[str, float, float]] = {}
    for call in view.survey.calls:
        found = bounded(view.table[call.site.path])
        if found and (wanted is None or call.site.path in wanted) and np.prod(call.shape) > 0:
            places[call.site] = found
    tallies = {site: _Tally(found[1], found[2], view.layout) for site, found in places.items()}
    rows = len(next(iter(x.values())))
    run = Run(batch=view.batch)
    for samples, _ in run.pairs(rows, 1, "samples") if places else ():
        part = {name: array[samples] for name, array in x.items()}
        for site, values in view.activations(part, list(places), pad=run.chunk).items():
            tallies[site].add(values)
    return tuple(
        tallies[site].result(str(site), name, rows) for site, (name, _, _) in places.items()
    )


class _Tally:
    """Sums over chunks of samples, by unit."""

    def __init__(self, bottom: float, top: float, layout: str) -> None:
        self.bottom, self.top, self.layout = bottom, top, layout
        span = top - bottom
        self.close = 0.0 if not np.isfinite(span) or top == 6 else _CLOSE * span
        self.low: Array | None = None
        self.high: Array | None = None
        self.above: Array | None = None
        self.count = 0

    def add(self, values: Array) -> None:
        """Add the values (row, …) of a chunk."""
        axes = axes_of(values.shape[1:], self.layout)
        flat = np.moveaxis(values, 1, -1) if axes[0] == "channel" else values
        flat = flat.reshape(-1, flat.shape[-1])
        low, high = flat.min(axis=0), flat.max(axis=0)
        above = (flat > self.bottom + self.close).sum(axis=0)
        self.low = low if self.low is None else np.minimum(self.low, low)
        self.high = high if self.high is None else np.maximum(self.high, high)
        self.above = above if self.above is None else self.above + above
        self.count += len(flat)

    def result(self, layer: str, name: str, samples: int) -> Activity:
        """Return what was found."""
        assert self.low is not None
        assert self.high is not None
        assert self.above is not None
        never = np.flatnonzero(self.high <= self.bottom + self.close)
        always = np.flatnonzero(self.low >= self.top - self.close)
        return Activity(
            layer=layer,
            activation=name,
            samples=samples,
            units=len(self.low),
            never=tuple(map(int, never)),
            always=tuple(map(int, always)),
            firing=tuple(map(float, self.above / self.count)),
            low=tuple(map(float, self.low)),
            high=tuple(map(float, self.high)),
        )
