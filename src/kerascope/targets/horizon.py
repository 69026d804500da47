"""Why this forecast: a step ahead, the sum of all, or the change against what is known already."""

from __future__ import annotations

import dataclasses

import numpy as np

from kerascope.errors import BadTarget, choices
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target, Unresolved, static
from kerascope.types import Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Horizon(Unresolved):
    """A forecast: the output (step,) or (step, channel) of a model of series.

    step: how many steps ahead, 1 being the next; None: the sum over all.
    channel: of the forecast, by place or by its name in the series.
    against: None, for the forecast itself; "last", for its change against the last known value
        (persistence); or a whole number of steps, for that against the value one such season
        earlier. What is known is read from the input, so it has its own share in the values. The
        output must be in the units of the input's channel.
    output: names one of several.
    """

    step: int | None = None
    channel: int | str = 0
    against: str | int | None = None
    output: str | None = None

    def __str__(self) -> str:
        word = "horizon" if self.against is None else "change"
        rest = [] if self.step is None else [str(self.step)]
        which = "" if self.channel == 0 else f" of {self.channel}"
        return "-".join([word, *rest]) + which

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check step, channel and what the forecast is compared with."""
        chosen = spec.output(self.output)
        steps, width = _grid(chosen, len(spec.forecast))
        place = self._place(spec, width)
        whole = isinstance(self.step, (int, np.integer)) and not isinstance(self.step, bool)
        if self.step is not None and not (whole and 1 <= self.step <= steps):
            raise BadTarget(
                f"step {self.step} is out of range: output '{chosen.name}' forecasts {steps} "
                f"step{'s' * (steps > 1)} ahead, 1 to {steps}"
            )
        known, lags = self._known(spec, place, steps)
        ahead = np.arange(steps) if self.step is None else np.array([int(self.step) - 1])
        return Forecast(
            output=chosen,
            columns=tuple(int(step) * width + place for step in ahead),
            known=known,
            lags=tuple(lags[int(step)] for step in ahead) if lags else (),
            said=self._words(spec, steps, place, width),
        )

    def _place(self, spec: Spec, width: int) -> int:
        names = [spec.channels[i] for i in spec.forecast if i < len(spec.channels)]
        if isinstance(self.channel, str):
            if self.channel not in names:
                raise BadTarget(
                    f"channel '{self.channel}' is not forecast{choices(self.channel, names)}"
                )
            return names.index(self.channel)
        if not 0 <= self.channel < width:
            raise BadTarget(
                f"channel {self.channel} is out of range: the model forecasts {width}, 0 to "
                f"{width - 1}"
            )
        return int(self.channel)

    def _known(
        self, spec: Spec, place: int, steps: int
    ) -> tuple[tuple[str, int, int] | None, list[int]]:
        """Return (input, its time axis, channel) of what is known, and how far back for each step.

        A step of 1 back is the last known value.
        """
        if self.against is None:
            return None, []
        name = next((n for n, axes in spec.axes.items() if "time" in axes), None)
        if name is None:
            raise BadTarget("against= needs an input with a time axis; the model has none")
        axes, shape = spec.axes[name], spec.inputs[name]
        width = shape[axes.index("channel")] if "channel" in axes else 1
        own = spec.forecast[place] if place < len(spec.forecast) else place
        if own >= width:
            raise BadTarget(f"the input has {width} channels: none is continued by channel {place}")
        length = shape[axes.index("time")]
        if self.against == "last":
            return (name, axes.index("time") + 1, own), [1] * steps
        season = self.against
        if isinstance(season, (str, bool)) or not 1 <= season <= length:
            raise BadTarget(
                f"against={season!r} is not 'last' or a season of 1 to {length} steps, which the "
                "series has"
            )
        return (name, axes.index("time") + 1, own), [
            season - step % season for step in range(steps)
        ]

    def _words(self, spec: Spec, steps: int, place: int, width: int) -> str:
        own = spec.forecast[place] if place < len(spec.forecast) else place
        which = ""
        if own < len(spec.channels) and (width > 1 or len(spec.channels) > 1):
            which = f" of '{spec.channels[own]}'"
        elif width > 1:
            which = f" of channel {place}"
        less = ""
        if self.against is not None:
            value = (
                "last known value"
                if self.against == "last"
                else f"value {self.against} steps earlier"
            )
            less = f" minus the {value}"
        if self.step is None and steps > 1:
            return f"sum over {steps} steps of the forecast{which}{less}"
        ahead = 1 if self.step is None else int(self.step)
        return f"forecast{which} {ahead} step{'s' * (ahead > 1)} ahead{less}"


def _grid(output: OutputSpec, forecast: int) -> tuple[int, int]:
    """Return (steps, channels) of an output; raise `BadTarget` for one that is no forecast."""
    shape = output.shape or (1,)
    if len(shape) > 2:
        raise BadTarget(
            f"output '{output.name}' has shape {shape}: a forecast is (step,) or (step, channel)"
        )
    if output.kind in ("softmax", "log_softmax"):
        raise BadTarget(
            f"output '{output.name}' ends in a {output.kind}: its {shape[-1]} values are classes, "
            "not steps ahead; take a class by its index or name"
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    return (1, shape[0]) if forecast > 1 and shape[0] == forecast else (shape[0], 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Forecast(Target):
    """A resolved horizon: the sum of some values of an output, minus known values of an input.

    columns: of the output's values in row-major order. known: (input, time axis, channel) or None;
    lags: how many steps before the end the known value lies, for each column.
    """

    output: OutputSpec
    columns: tuple[int, ...]
    known: tuple[str, int, int] | None
    lags: tuple[int, ...]
    said: str = static(default="")

    @property
    def reads_inputs(self) -> bool:  # type: ignore[override]
        """Only where known values are subtracted."""
        return self.known is not None

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.raw[self.output.name]
        size = max(int(np.prod(self.output.shape)), 1)
        flat = ops.reshape(values, (-1, size))
        found = ops.sum(ops.take(flat, np.array(self.columns), axis=1), axis=1)
        if self.known is None:
            return found
        name, time, channel = self.known
        given = ops.cast(outputs.inputs[name], found.dtype)
        series = given if len(given.shape) == 2 else ops.take(given, channel, axis=3 - time)
        places = [int(series.shape[1]) - lag for lag in self.lags]
        return found - ops.sum(ops.take(series, np.array(places), axis=1), axis=1)

    def words(self, row: int) -> str:
        """Say which part of the forecast this is."""
        return self.said
