"""The result of TCAV: scores, tests, vectors."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from kerascope.concepts.tcav.significance import bonferroni
from kerascope.errors import BadInput, choices
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.provenance import Provenance

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.types import Array

COLUMNS = ("concept", "layer", "TCAV", "± sd", "random", "p (corrected)", "significant", "accuracy")
_ARRAYS = (
    "scores", "random_scores", "p_values", "significant", "accuracies", "random_accuracies",
    "slopes",
)  # fmt: skip
_PLAIN = ("concepts", "layers", "alpha", "explained", "notes")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class TCAV:
    """How much a score depends on concepts, by layer, and whether that means anything.

    Attributes:
        concepts, layers: names, in the order they were given.
        scores: (concept, layer, run) share of the inputs whose score rises along the vector, 0 … 1.
        random_scores: (layer, run) the same for vectors of random examples.
        p_values: (concept, layer) of a two-sided Welch test of scores against random scores.
        significant: (concept, layer) p · tests < alpha (Bonferroni), and accuracies are above
            random_accuracies.
        accuracies: (concept, layer, run) share of held-out examples that the vector tells right.
        random_accuracies: (layer, run) the same between random examples.
        vectors: by layer, (concept, run, …) unit vectors in the layer's activations.
        slopes: (concept, layer, run, input) derivative of the score along the vector.
        alpha: level of the test. explained: whose score it is, in words.
        notes: what you should know before you rely on the numbers.
    """

    concepts: tuple[str, ...]
    layers: tuple[str, ...]
    scores: Array
    random_scores: Array
    p_values: Array
    significant: Array
    accuracies: Array
    random_accuracies: Array
    vectors: dict[str, Array]
    slopes: Array
    alpha: float
    explained: str
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def values(self) -> Array:
        """The scores."""
        return self.scores

    @property
    def corrected(self) -> Array:
        """P-values times the number of tests, at most 1."""
        return bonferroni(self.p_values)

    def __repr__(self) -> str:
        found = int(self.significant.sum())
        return f"<TCAV of {self.words}: {found} of {self.significant.size} significant>"

    @property
    def words(self) -> str:
        """Say in one line what was tested."""
        return f"{self.explained}, {len(self.concepts)} concepts × {len(self.layers)} layers"

    def table(self) -> tuple[tuple[Any, ...], ...]:
        """Return a row per concept and layer; `COLUMNS` says what is in it."""
        rows = []
        for i, concept in enumerate(self.concepts):
            for k, layer in enumerate(self.layers):
                scores = self.scores[i, k]
                rows.append((
                    concept, layer, round(float(scores.mean()), 4),
                    round(float(scores.std(ddof=1)), 4),
                    round(float(self.random_scores[k].mean()), 4),
                    float(f"{self.corrected[i, k]:.3g}"),
                    "yes" if self.significant[i, k] else "no",
                    round(float(self.accuracies[i, k].mean()), 4),
                ))  # fmt: skip
        return tuple(rows)

    def of(self, concept: str, layer: str | None = None) -> Array:
        """Return a concept's scores (run,) at a layer, the first by default; raise `BadInput`."""
        layer = layer or self.layers[0]
        for name, known in ((concept, self.concepts), (layer, self.layers)):
            if name not in known:
                raise BadInput(f"'{name}' was not tested{choices(name, known)}")
        return self.scores[self.concepts.index(concept), self.layers.index(layer)]

    def plot(self) -> Any:
        """Return a matplotlib figure: mean scores with deviations, random ones beside them."""
        from kerascope.plot.concepts import tcav_figure

        return tcav_figure(
            self.scores, self.random_scores, self.significant, concepts=self.concepts,
            layers=self.layers, words=f"TCAV: {self.explained}", alpha=self.alpha,
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {f"vectors/{name}": array for name, array in self.vectors.items()}
        header = {name: getattr(self, name) for name in _PLAIN}
        header["provenance"] = dataclasses.asdict(self.provenance)
        return write_tensors(path, "TCAV", arrays, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TCAV:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "TCAV")
        made = Provenance(**header.pop("provenance"))
        plain: dict[str, Any] = {name: as_tuples(value) for name, value in header.items()}
        vectors = {name: arrays.pop(f"vectors/{name}") for name in plain["layers"]}
        parts: dict[str, Any] = {**arrays, **plain}
        return cls(**parts, vectors=vectors, provenance=made)

    def _repr_html_(self) -> str:
        from kerascope.plot.attention import figure_html

        said = "; ".join(f"{row[0]} at {row[1]}: {row[2]}" for row in self.table())
        return figure_html(self.plot(), f"TCAV of the {self.explained}: {said}")
