"""What is known of one series: names of its channels and times, and the truth that came after."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class Timeline:
    """One series as people speak of it.

    channels: a name for every channel; none where unknown.
    times: what every step is called, such as "2024-03-01 07:00"; none where unknown.
    forecast: the input channels, by place, that the model's output continues; none of a model that
        forecasts nothing.
    truth: what came after, (step, forecast channel); none where unknown.
    """

    channels: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    forecast: tuple[int, ...] = ()
    truth: tuple[tuple[float, ...], ...] = ()

    def channel(self, place: int) -> str:
        """Return the name of a channel: "channel 2" where it has none."""
        return self.channels[place] if place < len(self.channels) else f"channel {place}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Timeline:
        """Return what `to_json` described."""
        plain = {key: tuple(data[key]) for key in ("channels", "times", "forecast")}
        return cls(**plain, truth=tuple(tuple(row) for row in data["truth"]))


def predicted(output: Array, forecast: int) -> Array:
    """Return one sample's output as a forecast (step, channel) float32.

    forecast: how many channels are forecast, which tells one step of all of them from many of one.
    """
    flat = np.asarray(output, np.float32)
    if flat.ndim == 2:
        return flat
    flat = flat.reshape(-1)
    return flat[None] if forecast > 1 and len(flat) == forecast else flat[:, None]
