"""A layer's output as maps of its channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from kerascope.errors import BadLayer
from kerascope.hooks import HookedModel, Site
from kerascope.hooks.places import as_place
from kerascope.types import Array


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the values of a layer are read as maps of channels.

    axes: names of the axes of one sample. grid: size of a map; () for a value per channel. prefix:
    tokens before those on the grid; −1 where the layer has spatial axes of its own.
    """

    axes: tuple[str, ...]
    grid: tuple[int, ...]
    prefix: int = -1

    @property
    def channel(self) -> int:
        """The axis of channels, counted with the sample axis."""
        return 1 if self.axes[0] == "channel" else len(self.axes)

    def maps(self, values: Array) -> Array:
        """Return (…, sample axis first) values as (sample, channel, *grid)."""
        moved = np.moveaxis(values, self.channel, 1)
        if self.prefix < 0:
            return moved
        return moved[:, :, self.prefix :].reshape(*moved.shape[:2], *self.grid)

    def over_positions(self, values: Array) -> Array:
        """Return (sample, channel) sums over all positions, tokens off the grid included."""
        axes = tuple(a for a in range(1, values.ndim) if a != self.channel)
        return values.sum(axis=axes) if axes else values


def layout_of(view: HookedModel, x: Mapping[str, Array], site: Site) -> Layout:
    """Return the layout of a layer's output; raise `BadLayer` where samples cannot be told apart.

    Tokens lie on a grid where their number fits the first input with height and width.
    """
    call = view.survey.call(site)
    if call.merge != 1:
        raise BadLayer(
            f"layer '{site}' folds {call.merge} rows of each sample into the sample axis; take a "
            "layer after they are unfolded"
        )
    axes = view.layer_axes(call.shape)
    if axes[0] == "axis0":
        axes = (*axes[:-1], "channel")
    for name, array in x.items():
        names = view.axes(name, array.shape[1:])
        size = tuple(n for n, a in zip(array.shape[1:], names, strict=True) if a in ("y", "x"))
        if len(call.shape) == 2 and len(size) == 2:
            place = as_place(view, site, name, size)
            if place is not None and place.prefix >= 0:
                return Layout(axes, place.grid, place.prefix)
    first = axes[0] == "channel"
    grid = call.shape[1:] if first else call.shape[:-1]
    return Layout(axes, tuple(grid))
