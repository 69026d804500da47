"""A recorded call of a layer, and the rule by which it runs on windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras

from kerascope.incremental.spans import Step
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Rule:
    """How a layer runs on windows.

    steps: one per spatial axis. apply: from the regions read, one per map given, to the window.
    fill: what cells outside of the map hold; None: what the nearest cell of the map holds.
    work: multiply-adds per cell of the output; slow: they are no matrix product.
    weights: a factor per cell of the whole output, or None.
    """

    steps: tuple[Step, ...]
    apply: Callable[[Sequence[Any]], Any]
    fill: float | None = 0.0
    work: float = 0.0
    slow: bool = False
    weights: Array | None = None


@dataclasses.dataclass(frozen=True)
class Call:
    """One recorded call of a layer.

    args, kwargs: as it was called. places: where in their flattened tree the maps are. given,
    output: shapes with the sample axis. layout: where channels are.
    """

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    places: tuple[int, ...]
    given: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    layout: str

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.output) - 2

    @property
    def channel(self) -> int:
        """The channel axis, counted with the sample axis."""
        return 1 if self.layout == "channels_first" else len(self.output) - 1

    def spatial(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the spatial part of a shape with the sample axis."""
        return tuple(n for axis, n in enumerate(shape) if axis not in (0, self.channel))

    def replay(self, maps: Sequence[Any]) -> Any:
        """Call the layer again as it was called, on other maps."""
        flat = list(keras.tree.flatten((self.args, self.kwargs)))
        for place, value in zip(self.places, maps, strict=True):
            flat[place] = value
        args, kwargs = keras.tree.pack_sequence_as((self.args, self.kwargs), flat)
        return self.layer.call(*args, **kwargs)
