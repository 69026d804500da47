"""Examples that a user gives, read a few at a time, and their activations as vectors."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import kerascope
from kerascope.checks import check_weights
from kerascope.errors import BadFile, BadInput, BadLayer, BadModel
from kerascope.hooks import HookedModel, Site
from kerascope.inside.activations.maps import Layout, layout_of
from kerascope.memory import words
from kerascope.run import Run
from kerascope.types import Array

POOLS = ("mean", None)
_FILES = 64  # pictures in memory at once


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Examples of one kind: files that are read when they are needed, or inputs in memory.

    what: how errors call them, such as "concept 'stripes'". files: None for inputs in memory.
    """

    net: Any
    given: Any
    what: str
    preprocess: Any
    files: tuple[Any, ...] | None

    def parts(self) -> Iterator[Any]:
        """Yield what the model takes, a few files at a time."""
        if self.files is None:
            yield self.given
            return
        for start in range(0, len(self.files), _FILES):
            # By its public name: loading lies above this room.
            some = list(self.files[start : start + _FILES])
            yield kerascope.load_images(some, self.net, preprocess=self.preprocess)

    def first(self) -> Any:
        """Return some of the examples, the first ones: they tell the shapes of all."""
        if self.files is None:
            return self.given
        return kerascope.load_images([self.files[0]], self.net, preprocess=self.preprocess)


def examples_of(net: Any, given: Any, what: str, preprocess: Any = "auto") -> Examples:
    """Return the examples in a folder, pattern, array file, list of pictures, or array.

    Raises:
        BadFile: the folder is empty. BadInput: there is nothing.
    """
    from PIL import Image

    files: tuple[Any, ...] | None = None
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        if path.suffix.lower() in (".npy", ".npz"):
            given = kerascope.load_inputs(given, net)
        else:
            files = _pictures(path, what) if path.is_dir() else (given,)
    elif isinstance(given, (list, tuple)):
        if not len(given):
            raise BadInput(f"{what}: the list is empty")
        if all(isinstance(item, (str, os.PathLike, Image.Image)) for item in given):
            files = tuple(given)
    return Examples(net, given, what, preprocess, files)


def _pictures(folder: Path, what: str) -> tuple[Path, ...]:
    """Return the pictures of a folder and its sub-folders, sorted."""
    from PIL import Image

    endings = {end for end, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    found = (p for p in folder.rglob("*") if p.suffix.lower() in endings and p.name[0] != ".")
    files = tuple(sorted(found))
    if not files:
        raise BadFile(f"{what}: folder '{folder.name}' holds no pictures")
    return files


@dataclasses.dataclass(eq=False)
class Reader:
    """Reads layers' activations as vectors: all layers out of one pass per example.

    pool: "mean" over positions, (channel,); None: all values of the layer in one row.
    memory: bytes that the vectors may take together.
    """

    view: HookedModel
    layers: Sequence[Any]
    pool: str | None
    memory: int
    layouts: dict[Site, Layout] = dataclasses.field(default_factory=dict)
    shapes: dict[Site, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pool not in POOLS:
            raise BadInput(f"pool={self.pool!r} is not known; it is 'mean' or None")
        self._held = 0

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where activations are read."""
        return tuple(self.layouts)

    def read(self, part: Any, what: str) -> dict[str, Array]:
        """Return inputs by name, checked; the first ones settle the layers and their shapes."""
        x = self.view.read(part)
        if not self.layouts:
            check_weights(self.view.identity.broken)
            self.view.fit_into(self.memory, gradients=True)
            sites = dict.fromkeys(map(self.view.site, self.layers))
            self.layouts = {site: layout_of(self.view, x, site) for site in sites}
            self.shapes = {site: self.view.survey.shape(site) for site in sites}
        for site, shape in self.shapes.items():
            if self.view.survey.shape(site) != shape and self.pool is None:
                raise BadInput(
                    f"{what}: layer '{site}' gives {self.view.survey.shape(site)} here and "
                    f"{shape} before; give examples of one size, or pool='mean'"
                )
        return x

    def chunks(self, x: dict[str, Array], what: str) -> Iterator[tuple[Array, Any, int | None]]:
        """Yield row numbers, those rows of the inputs, and what to pad them to."""
        run = Run(batch=self.view.batch)
        for rows, _ in run.pairs(len(next(iter(x.values()))), 1, what):
            yield rows, {name: array[rows] for name, array in x.items()}, run.chunk

    def vectors(self, examples: Examples) -> dict[Site, Array]:
        """Return (example, feature) float32 by site."""
        parts: dict[Site, list[Array]] = {}
        for part in examples.parts():
            x = self.read(part, examples.what)
            self._hold(len(next(iter(x.values()))))
            for _, rows, pad in self.chunks(x, examples.what):
                found = self.view.activations(rows, self.sites, pad=pad)
                for site, layout in self.layouts.items():
                    parts.setdefault(site, []).append(self.rows(layout, found[site]))
        joined = {site: np.concatenate(some) for site, some in parts.items()}
        for site, rows in joined.items():
            if not np.isfinite(rows).all():
                raise BadModel(f"layer '{site}' gives NaN or infinite values on {examples.what}")
        return joined

    def rows(self, layout: Layout, values: Array) -> Array:
        """Return a layer's values as (example, feature)."""
        if self.pool is None:
            return values.reshape(len(values), -1).copy()
        positions = values[0].size // values.shape[layout.channel]
        return layout.over_positions(values) / np.float32(positions)

    def slopes(self, layout: Layout, gradients: Array) -> Array:
        """Return gradients (example, feature) to the features of `rows`.

        Of a mean over positions: the slope as all positions move alike.
        """
        if self.pool is None:
            return gradients.reshape(len(gradients), -1)
        return layout.over_positions(gradients)

    def feature_shape(self, site: Site) -> tuple[int, ...]:
        """Return the shape of an example's features: the layer's own, or (channel,)."""
        shape = self.shapes[site]
        return shape if self.pool is None else (shape[self.layouts[site].channel - 1],)

    def _hold(self, rows: int) -> None:
        """Count the vectors of some more examples; raise `BadInput` when they are too many."""
        features = sum(int(np.prod(self.feature_shape(site))) for site in self.sites)
        self._held += 4 * rows * features
        if self._held > self.memory:
            advice = "give fewer examples or layers, or more memory"
            if self.pool is None:
                advice = f"pool='mean' takes one value per channel; or {advice}"
            raise BadInput(
                f"the activations of all examples take more than {words(self.memory)} "
                f"({features:,} values each); {advice}"
            )


def listed(layers: Any) -> list[Any]:
    """Return the layers asked for, one or several, as a list; raise `BadLayer` for none."""
    single = isinstance(layers, (str, int, Site))
    found = [layers] if single else list(layers)
    if not found:
        raise BadLayer("no layer was asked for: layers is empty")
    return found
