"""Random numbers of scenes, keyed by (seed, scene, stream): no scene depends on its neighbours."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable

import numpy as np

from kerascope.types import Array

SIZE = 64  # pixels of a side
Y, X = (axis.astype(np.float32) for axis in np.mgrid[0:SIZE, 0:SIZE] + 0.5)


def number_of(name: str) -> int:
    """Return a number that stands for a name, the same in every process."""
    return zlib.crc32(name.encode())


def between(low: float, high: float, share: Array) -> Array:
    """Return the value a share of the way from low to high."""
    return low + (high - low) * share


def spread(values: Array) -> Array:
    """Return (n,) values as float32 (n, 1, 1): one per picture, over its pixels."""
    return values.astype(np.float32)[:, None, None]


def hsv(hue: Array, saturation: Array, value: Array) -> Array:
    """Return RGB colours (n, 3) of hues (any real, period 1), saturations and values in 0 … 1."""
    sector = (np.array((5.0, 3.0, 1.0), np.float32) + 6 * np.asarray(hue)[..., None]) % 6
    dip = np.clip(np.minimum(sector, 4 - sector), 0, 1)
    return (np.asarray(value)[..., None] * (1 - np.asarray(saturation)[..., None] * dip)).astype(
        np.float32
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers of some scenes of a seed.

    Attributes:
        seed: of the world. rows: int (n,), numbers of the scenes.
    """

    seed: int
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    def uniform(self, stream: str, count: int) -> Array:
        """Return float32 (count, n) in 0 … 1: the columns of a table with a row per scene."""
        return self._of(stream, lambda draw: draw.random(count, np.float32)).T

    def normal(self, stream: str, shape: tuple[int, ...]) -> Array:
        """Return float32 (n, *shape) of mean 0 and deviation 1."""
        return self._of(stream, lambda draw: draw.standard_normal(shape, np.float32))

    def _of(self, stream: str, take: Callable[[np.random.Generator], Array]) -> Array:
        key = number_of(stream)
        return np.stack([take(np.random.default_rng((self.seed, int(i), key))) for i in self.rows])
