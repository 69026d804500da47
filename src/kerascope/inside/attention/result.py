"""The result of a look at attention: weights, or what they amount to, with words and pictures."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadFile, BadInput, BadLayer, choices
from kerascope.files import write_whole
from kerascope.inside.attention.mixing import distances
from kerascope.inside.attention.tokens import Tokens, check_query
from kerascope.method import AttributionMethod
from kerascope.provenance import Provenance

if TYPE_CHECKING:
    from kerascope.types import Array, Tree

SCHEMA = 1
RAW_TITLE = "Attention (not an attribution)"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Attention:
    """What a model attends to, for every sample.

    Attributes:
        values: float32. kind "raw": (sample, layer, [window,] head, query, key), or a dict by layer
            where layers differ in heads or tokens; else what the method calls its raw numbers.
        axes: names of the axes of `values`; a dict by layer where that is one.
        kind: "raw", "rollout", "flow", "chefer", "attention_x_gradient", "legrad" or "token_cam".
        layers: the attention layers, in the order of the pass.
        relevance: (sample, [target,] *grid): how much every patch or token counts; None for "raw".
        tokens: how tokens map to the input; None where they fit no grid.
        read: the queries of the last layer that the model's head reads, e.g. the class token.
        scores, explained: the score that was explained, in numbers and in words.
        words: the words of every sample's tokens, for sequences.
        inputs: what the model was given, of the input that the tokens stand for.
        display: the pictures to draw on, where inputs were pictures.
    """

    values: Tree
    axes: Any
    kind: str
    method: AttributionMethod | None
    layers: tuple[str, ...]
    relevance: Array | None
    tokens: Tokens | None
    read: tuple[int, ...]
    scores: Array
    explained: tuple[Any, ...]
    words: tuple[tuple[str, ...], ...] | None
    inputs: Array
    display: tuple[Array, ...] | None
    names: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(self.notes))

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return f"<Attention {self.kind} of {len(self)} samples in {len(self.layers)} layers>"

    @property
    def title(self) -> str:
        """What this is, for a heading; raw attention says that it is no attribution."""
        if self.method is None:
            return RAW_TITLE
        return (
            "Class activation map at the tokens" if self.kind == "token_cam" else self.method.title
        )

    def weights(self, layer: str | int = -1) -> Array:
        """Return raw weights of one layer: (sample, [window,] head, query, key).

        layer: a path, or an index; the last one by default.
        Raises `BadInput` for another kind than "raw", `BadLayer` for an unknown layer.
        """
        if self.kind != "raw":
            raise BadInput(f"kind='{self.kind}' holds no weights; kind='raw' does")
        index = self._layer(layer)
        if isinstance(self.values, Mapping):
            return self.values[self.layers[index]]
        return self.values[:, index]

    def _layer(self, layer: str | int) -> int:
        if isinstance(layer, str):
            fits = [i for i, name in enumerate(self.layers) if layer in (name, name.split("/")[-1])]
            if len(fits) != 1:
                raise BadLayer(f"no attention in layer '{layer}'{choices(layer, self.layers)}")
            return fits[0]
        if not -len(self.layers) <= layer < len(self.layers):
            raise BadLayer(f"layer={layer} is out of range; there are {len(self.layers)}")
        return layer % len(self.layers)

    def maps(self, query: int | None = None) -> dict[str, Array]:
        """Return where queries attend, by layer: (sample, head, *grid).

        query: a token's index; None for the mean of those that the model's head reads.
        Raises `BadInput` where tokens fit no grid.
        """
        if self.tokens is None:
            raise BadInput("the tokens fit no grid of the input: there is no map; see the notes")
        found = {}
        for name in self.layers:
            weights = self.weights(name)
            count = weights.shape[-2]
            rows = [r for r in self.read if r < count] or list(range(count))
            if query is not None:
                rows = [check_query(query, count)]
            found[name] = self.tokens.maps(weights[..., rows, :].mean(axis=-2))
        return found

    def distances(self) -> dict[str, Array]:
        """Return the mean attention distance by layer, (sample, head), in pixels (or tokens).

        Among patches only, extra tokens left out. Raises `BadInput` where there is no grid.
        """
        if self.tokens is None:
            raise BadInput("the tokens fit no grid of the input: there is no distance")
        place = self.tokens
        inner = slice(place.before, place.count - place.after)
        return {
            name: distances(self.weights(name)[..., inner, inner], place.centres())
            for name in self.layers
            if self.weights(name).shape[-2] == place.count
        }

    def words_for(self, sample: int) -> str:
        """Say what a sample's picture shows, and where most of it is."""
        from kerascope.inside.attention.pictures import words_for

        return words_for(self, sample)

    def plot(self, sample: int = 0, **options: Any) -> Any:
        """Return a matplotlib figure of one sample: heads, one map, or tokens against tokens.

        options: `query` and `fused` ("mean" shows one map per layer) for raw attention.
        """
        from kerascope.inside.attention.pictures import plot

        return plot(self, sample, **options)

    def plot_distances(self) -> Any:
        """Return a figure of the mean attention distance of every head, layer by layer."""
        from kerascope.plot.attention import distance_figure

        unit = "pixels" if self.tokens is not None and len(self.tokens.grid) > 1 else "tokens"
        means = {name: values.mean(axis=0) for name, values in self.distances().items()}
        return distance_figure(means, unit=unit)

    def _repr_html_(self) -> str:
        from kerascope.plot.attention import figure_html

        return figure_html(self.plot(), f"{self.title}: {self!r}")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        from safetensors.numpy import save

        several = isinstance(self.values, Mapping)
        values = dict(self.values) if isinstance(self.values, Mapping) else {"": self.values}
        tensors = {f"values/{name}": array for name, array in values.items()}
        tensors |= {
            name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None
        }
        tensors |= {f"display/{i}": picture for i, picture in enumerate(self.display or ())}
        header = {
            "schema": SCHEMA,
            "several": several,
            "method": None if self.method is None else self.method.to_json(),
            "tokens": None if self.tokens is None else dataclasses.asdict(self.tokens),
            "provenance": dataclasses.asdict(self.provenance),
            "display": None if self.display is None else len(self.display),
            **{name: getattr(self, name) for name in _PLAIN},
        }
        whole = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        return write_whole(path, save(whole, metadata={"kerascope attention": json.dumps(header)}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Attention:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(os.fspath(path), framework="numpy") as file:
                header = json.loads((file.metadata() or {}).get("kerascope attention", "null"))
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, json.JSONDecodeError) as error:
            raise BadFile(f"cannot read '{Path(path).name}' as attention: {error}") from error
        if not isinstance(header, dict) or header.get("schema") != SCHEMA:
            raise BadFile(f"'{Path(path).name}' holds no attention of Kerascope (schema {SCHEMA})")
        return _unpacked(cls, tensors, header)


_ARRAYS = ("relevance", "scores", "inputs")
_PLAIN = ("axes", "kind", "layers", "read", "explained", "words", "names", "notes")


def _unpacked(cls: type[Attention], tensors: dict[str, Array], header: dict[str, Any]) -> Attention:
    from kerascope.method import method_class

    values = {k.removeprefix("values/"): v for k, v in tensors.items() if k.startswith("values/")}
    arrays: dict[str, Any] = {name: tensors.get(name) for name in _ARRAYS}
    plain: dict[str, Any] = {name: _tuples(header[name]) for name in _PLAIN}
    if header["several"]:
        plain["axes"] = {name: tuple(axes) for name, axes in header["axes"].items()}
    stored, place, count = header["method"], header["tokens"], header["display"]
    return cls(
        **plain,
        **arrays,
        values=values if header["several"] else values[""],
        method=None if stored is None else method_class(stored["name"]).from_json(stored),
        tokens=None if place is None else Tokens(**{k: _tuples(v) for k, v in place.items()}),
        provenance=Provenance(**header["provenance"]),
        display=None if count is None else tuple(tensors[f"display/{i}"] for i in range(count)),
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
