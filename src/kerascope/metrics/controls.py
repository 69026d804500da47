"""Maps that know nothing of the model: whatever a method finds must beat them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kerascope.resize import linear
from kerascope.run import Run
from kerascope.types import Array

_CELLS = 8  # of the random map, along its longest axis: as coarse as a class activation map
_DRAW = 2**30  # the draw of the random map, apart from those of methods


def random_map(sample: Array, axes: tuple[str, ...], generator: np.random.Generator) -> Array:
    """Return smooth noise (*spatial), uniform on a grid of up to 8 cells, interpolated."""
    size = _size(sample, axes)
    grid = tuple(min(_CELLS, n) for n in size)
    return linear(generator.uniform(0, 1, grid)[None].astype(np.float32), size)[0]


def centre_map(sample: Array, axes: tuple[str, ...], generator: np.random.Generator) -> Array:  # noqa: ARG001
    """Return a Gaussian in the middle (*spatial), of σ = a quarter of every axis."""
    size = _size(sample, axes)
    grids = np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5 for n in size], indexing="ij")
    return np.exp(-sum((g**2 for g in grids), np.zeros(size)) * 8).astype(np.float32)


def edge_map(sample: Array, axes: tuple[str, ...], generator: np.random.Generator) -> Array:  # noqa: ARG001
    """Return the size of the gradient (*spatial), summed over channels (Sobel, σ = 1)."""
    from scipy import ndimage

    channel = axes.index("channel") if "channel" in axes else None
    parts = [sample] if channel is None else list(np.moveaxis(sample, channel, 0))
    edges = [ndimage.gaussian_gradient_magnitude(np.asarray(p, np.float64), 1.0) for p in parts]
    return np.sum(edges, axis=0).astype(np.float32)


CONTROLS: dict[str, Callable[[Array, tuple[str, ...], np.random.Generator], Array]] = {
    "random map": random_map,
    "centre map": centre_map,
    "edge map": edge_map,
}


def control_maps(
    name: str,
    x: Mapping[str, Array],
    axes: Mapping[str, tuple[str, ...]],
    samples: Array,
    seed: int,
) -> dict[str, Array]:
    """Return the maps (row, *spatial) of a control by input name.

    axes: names of the axes of every input, without the sample's. samples: (row,) which sample each
    row is of: all of its rows get one random map.
    """
    make, run = CONTROLS[name], Run(seed=seed)
    return {
        input_name: np.stack(
            [
                make(row, axes[input_name], run.generator(int(sample), _DRAW))
                for row, sample in zip(array, samples, strict=True)
            ]
        )
        for input_name, array in x.items()
    }


def _size(sample: Array, axes: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(n for n, axis in zip(sample.shape, axes, strict=True) if axis != "channel")
