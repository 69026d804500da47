"""Forecasts that a result holds: what was known, what is predicted, and what came after."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from kerascope.plot.maps import input_of
from kerascope.timeline import predicted
from kerascope.wording import number

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Forecast:
    """One sample's forecast, by the channels that are forecast.

    names: of the channels, or "". known: (step, channel) of the series, to its last step. values:
    (step ahead, channel) as the model gives them. truth: the same as it came, as far as that is
    known: no rows where it is not.
    """

    names: tuple[str, ...]
    known: Array
    values: Array
    truth: Array

    def channel_of(self, explained: str) -> int:
        """Return the channel that words of a target speak of; the first where they name none."""
        found = [i for i, name in enumerate(self.names) if name and f"'{name}'" in explained]
        return found[0] if found else 0

    def asked(self, step: int, channel: int) -> str:
        """Return the target that a step from 0 is, in words: "horizon-3", "horizon-3 of wind"."""
        which = f" of {self.names[channel] or channel}" if len(self.names) > 1 else ""
        return f"horizon-{step + 1}{which}"

    def words(self, channel: int = 0, *, truth: bool = True) -> str:
        """Return "forecast 0.4 … 1.2 over 4 steps, mean error 0.1"."""
        ahead, name = self.values[:, channel], self.names[channel]
        which = f" of {name}" if name else ""
        if len(ahead) == 1:
            said = f"forecast{which} {number(float(ahead[0]))}"
        else:
            low, high = (number(float(v)) for v in (ahead[0], ahead[-1]))
            said = f"forecast{which} {low} … {high} over {len(ahead)} steps"
        if not (truth and len(self.truth)):
            return said
        off = np.abs(ahead[: len(self.truth)] - self.truth[:, channel]).mean()
        return f"{said}, mean error {number(float(off))}"


def forecast_of(result: Attribution, sample: int) -> Forecast | None:
    """Return the forecast of a sample; None where the result is of none."""
    features = getattr(result, "features", None)
    if not features:
        return None
    name = result.input_names[0]
    line = result.timeline(sample, name)
    if not line.forecast:
        return None
    tree = result.predictions
    output = np.asarray(next(iter(tree.values())) if isinstance(tree, Mapping) else tree)[sample]
    if output.ndim > 2:
        return None
    ahead = predicted(output, len(line.forecast))
    axes = result.input_axes[name][1:]
    data = np.asarray(input_of(result, name), np.float64)[sample]
    data = np.moveaxis(data, axes.index("channel"), -1) if "channel" in axes else data[:, None]
    places = list(line.forecast)
    if ahead.shape[1] != len(places) or max(places) >= data.shape[1]:
        return None
    truth = np.array(line.truth, np.float64).reshape(-1, len(places))[: len(ahead)]
    names = tuple(line.channels[i] if i < len(line.channels) else "" for i in places)
    return Forecast(names=names, known=data[:, places], values=ahead, truth=truth)
