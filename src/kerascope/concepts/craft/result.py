"""The result of CRAFT: concepts, their importance, their crops and where they are."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.concepts.craft.windows import Crops, Windows
from kerascope.errors import BadInput
from kerascope.hooks.inputs import Structure
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.provenance import Provenance

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from kerascope.types import Array

COLUMNS = ("concept", "importance", "± error", "largest in")
_ARRAYS = (
    "importances", "errors", "importances_of", "bank", "coefficients", "maps", "scores",
    "rebuilt_scores",
)  # fmt: skip
_PLAIN = ("error", "map_error", "channels_first", "names", "layer", "explained", "notes")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Craft:
    """The concepts of a layer, the most important first.

    Attributes:
        importances: (concept,) Sobol total indices, means over the pictures; their sum is above 1
            where concepts act together.
        errors: (concept,) standard errors of those means; of a single picture, of its estimate.
        importances_of: (picture, concept) those of every picture.
        bank: (concept, channel) unit directions ≥ 0 of the layer.
        coefficients: (crop, concept) ≥ 0; crop = picture · windows + window.
        maps: (picture, concept, *grid) ≥ 0: how much of a concept is at each position.
        error: ‖activations − coefficients · bank‖ / ‖activations‖ over the crops.
        map_error: the same over all positions of the pictures.
        scores: (picture,) of the pictures. rebuilt_scores: of their activations made of concepts.
        inputs: by name, what the model was given. display: the pictures, uint8 RGB.
        windows: where crops lie. names: of the pictures.
        explained: whose score it is, in words.
        notes: what you should know before you rely on the result.
    """

    importances: Array
    errors: Array
    importances_of: Array
    bank: Array
    coefficients: Array
    maps: Array
    error: float
    map_error: float
    scores: Array
    rebuilt_scores: Array
    inputs: dict[str, Array]
    structure: Structure
    windows: Windows
    channels_first: bool
    display: tuple[Array, ...] | None
    names: tuple[str, ...]
    layer: str
    explained: str
    notes: tuple[str, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.importances)

    def __repr__(self) -> str:
        return f"<Craft of {self.words}>"

    @property
    def values(self) -> Array:
        """The importances."""
        return self.importances

    @property
    def words(self) -> str:
        """Say in one line what was found."""
        return (
            f"{self.explained} at layer {self.layer}: {len(self)} concepts of {len(self.names)} "
            f"pictures, which leave out {self.error:.0%} of the crops' activations"
        )

    def table(self) -> tuple[tuple[Any, ...], ...]:
        """Return a row per concept; `COLUMNS` says what is in it."""
        strongest = self.maps.reshape(*self.maps.shape[:2], -1).max(axis=-1).argmax(axis=0)
        return tuple(
            (k, float(f"{self.importances[k]:.4g}"), float(f"{self.errors[k]:.2g}"),
             self.names[strongest[k]])
            for k in range(len(self))
        )  # fmt: skip

    def top(self, concept: int, count: int = 8) -> Crops:
        """Return the crops with most of a concept, the first one the most.

        As inputs they can be given to `craft` again, with an earlier layer and `crop=None`.
        """
        self._check(concept, count)
        order = np.argsort(-self.coefficients[:, concept], kind="stable")[:count]
        rows, which = np.divmod(order, len(self.windows))
        pairs = list(zip(rows, which, strict=True))
        cut = self.windows.cut(self.inputs, rows, which)
        shown: tuple[Array, ...] | None
        if self.display is not None:
            shown = tuple(self.windows.picture(self.display[i], w) for i, w in pairs)
        else:
            shown = self._shown(cut[self.windows.input])
        several = len(self.windows) > 1
        names = tuple(f"{self.names[i]} #{w}" if several else self.names[i] for i, w in pairs)
        return Crops(self.structure.build(cut), shown, names)

    def _shown(self, values: Array) -> tuple[Array, ...] | None:
        """Return pictures of model inputs, on the scale of all of them; None for no pictures."""
        from kerascope.plot.concepts import rgb_of

        if len(self.windows.axes) != 2:
            return None
        every = np.concatenate([values, self.inputs[self.windows.input]])
        last = np.moveaxis(every, 1, -1) if self.channels_first else every
        return tuple(rgb_of(last)[: len(values)])

    def _check(self, concept: int, count: int) -> None:
        if not 0 <= concept < len(self):
            raise BadInput(f"concept {concept} is out of range; there are {len(self)}")
        if count < 1:
            raise BadInput(f"count={count} must be at least 1")

    def plot(self, *, crops: int = 8, most: int = 10) -> Any:
        """Return a matplotlib figure: a row per concept, its importance and its best crops.

        crops: of every concept. most: concepts at most.
        """
        from kerascope.plot.concepts import crops_figure

        shown = range(min(most, len(self)))
        rows = []
        for k in shown:
            found = self.top(k, crops)
            values = self._curves(found) if found.display is None else found.display
            rows.append(values)
        words = f"CRAFT, {self.words}"
        return crops_figure(rows, self.importances[shown], self.errors[shown], words=words)

    def _curves(self, crops: Crops) -> tuple[Array, ...]:
        """Return crops that are no pictures as (position, channel) or (feature,)."""
        given = crops.inputs
        if self.structure.kind != "single":
            index = self.structure.names.index(self.windows.input)
            given = given[self.windows.input if self.structure.kind == "dict" else index]
        last = np.moveaxis(given, 1, -1) if self.channels_first and given.ndim > 2 else given
        while last.ndim > 3:
            last = last.mean(axis=2)
        return tuple(last)

    def plot_maps(
        self, *, concepts: Sequence[int] | None = None, samples: Sequence[int] | None = None
    ) -> Any:
        """Return a matplotlib figure: where concepts are in the pictures.

        concepts: by default the five most important. samples: by default the first six.
        """
        from kerascope.plot.concepts import concept_maps_figure

        if self.maps.ndim < 3:
            raise BadInput(f"layer '{self.layer}' has no positions: there are no maps to draw")
        chosen = list(range(min(5, len(self)))) if concepts is None else list(concepts)
        rows = list(range(min(6, len(self.names)))) if samples is None else list(samples)
        for k in chosen:
            self._check(k, 1)
        if not rows or not all(0 <= i < len(self.names) for i in rows):
            raise BadInput(f"samples={rows} are out of range; there are {len(self.names)}")
        pictures = self.display or self._shown(self.inputs[self.windows.input])
        return concept_maps_figure(
            [None if pictures is None else pictures[i] for i in rows],
            self.maps[rows][:, chosen], concepts=chosen, names=[self.names[i] for i in rows],
            words=f"Where the concepts of {self.explained} are, at layer {self.layer}",
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {f"inputs/{name}": array for name, array in self.inputs.items()}
        arrays |= {f"display/{k}": picture for k, picture in enumerate(self.display or ())}
        header = {name: getattr(self, name) for name in _PLAIN}
        header |= {
            "structure": dataclasses.asdict(self.structure),
            "windows": dataclasses.asdict(self.windows),
            "display": None if self.display is None else len(self.display),
            "provenance": dataclasses.asdict(self.provenance),
        }
        return write_tensors(path, "CRAFT", arrays, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Craft:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "CRAFT")
        made, count = Provenance(**header.pop("provenance")), header.pop("display")
        plain: dict[str, Any] = {
            name: {key: as_tuples(item) for key, item in value.items()}
            if isinstance(value, dict)
            else as_tuples(value)
            for name, value in header.items()
        }
        structure = Structure(**plain.pop("structure"))
        parts: dict[str, Any] = {**{name: arrays[name] for name in _ARRAYS}, **plain}
        parts |= {
            "windows": Windows(**parts.pop("windows")),
            "inputs": {name: arrays[f"inputs/{name}"] for name in structure.names},
            "display": None
            if count is None
            else tuple(arrays[f"display/{k}"] for k in range(count)),
        }
        return cls(**parts, structure=structure, provenance=made)

    def _repr_html_(self) -> str:
        from kerascope.plot.attention import figure_html

        return figure_html(self.plot(), self.words)
