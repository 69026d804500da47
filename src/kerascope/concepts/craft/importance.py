"""How much of a score's variance goes through each concept (Fel et al. 2023, section 3.3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.methods.sobol import Sobol, total_indices
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks import HookedModel, Site
    from kerascope.inside.activations.maps import Layout


@dataclasses.dataclass(frozen=True, eq=False)
class Rebuilt:
    """A layer's output made of concepts, and the scores of the network above it.

    x: inputs by name. coefficients: (sample, position, concept). bank: (concept, channel).
    shape: of the layer's output, without the sample axis.
    """

    view: HookedModel
    x: Mapping[str, Array]
    targets: Any
    site: Site
    layout: Layout
    shape: tuple[int, ...]
    coefficients: Array
    bank: Array

    def output(self, samples: Array, masks: Array) -> Array:
        """Return the layer's output with every concept kept to a degree, masks (row, concept)."""
        rows = (self.coefficients[samples] * masks[:, None]) @ self.bank
        positions = np.delete(self.shape, self.layout.channel - 1)
        values = rows.reshape(len(rows), *positions, self.bank.shape[1])
        return np.moveaxis(values, -1, self.layout.channel).astype(np.float32)

    def maps(self, order: Array) -> Array:
        """Return the concepts' coefficients as maps, (sample, concept, *grid), in an order."""
        axis = self.layout.channel
        positions = np.delete(self.shape, axis - 1)
        values = self.coefficients[..., order].reshape(len(self.coefficients), *positions, -1)
        return self.layout.maps(np.moveaxis(values, -1, axis)).astype(np.float32)

    def scores(self, samples: Array, masks: Array, *, pad: int | None = None) -> Array:
        """Return scores (row,): only what lies above the layer depends on its output."""
        given = {name: array[samples] for name, array in self.x.items()}
        at = {self.site: np.ascontiguousarray(self.output(samples, masks))}
        return self.view.scores(given, self.targets.take(samples), at=at, pad=pad).values[:, 0]


def total_importances(rebuilt: Rebuilt, designs: int, run: Run) -> tuple[Array, Array]:
    """Return Sobol total indices by Jansen's estimator, and standard errors: (sample, concept).

    designs: places of the masks, uniform in [0, 1] for every concept, with one concept at a time
    exchanged.
    """
    samples, _, concepts = rebuilt.coefficients.shape
    plan, each = Sobol(designs=designs), concepts + 1
    places = np.stack([plan.draw(concepts, run.generator(i)) for i in range(samples)])
    worths = np.zeros((samples, designs * each))
    for rows, draws in run.pairs(samples, designs * each, "masks"):
        design, changed = np.divmod(draws, each)
        masks = places[rows, 0, design]
        moved = np.flatnonzero(changed)
        concept = changed[moved] - 1
        masks[moved, concept] = places[rows[moved], 1, design[moved], concept]
        worths[rows, draws] = rebuilt.scores(rows, masks, pad=run.chunk)
    by_design = worths.reshape(samples, designs, each).swapaxes(1, 2)
    values, errors, _ = total_indices(by_design)
    return values, errors
