"""Activations of any layers for given inputs, all out of one pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput, BadLayer, BadModel
from kerascope.facts import facts_of
from kerascope.hooks import HookedModel, Site
from kerascope.inside.activations.maps import Layout, layout_of
from kerascope.inside.net import net_of
from kerascope.inside.stored import as_tuples, read_tensors, write_tensors
from kerascope.targets import resolve_targets

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from kerascope.types import Array, Tree

SORTS = ("strength", "contribution")


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Activations:
    """What layers gave for every sample.

    Attributes:
        values: (sample, …) float32, as the layer gives them: an array for one layer, a dict by
            name where several were asked for.
        layouts: by layer, names of axes and how the values are read as maps.
        strength: by layer, (sample, channel): mean size of the values over all positions.
        contribution: by layer, (sample, channel): gradient × activation summed over all positions,
            to the score explained; empty unless that was asked for.
        sort: what channels are sorted by in pictures: "strength", "contribution" or None.
        explained: by sample, the score that contributions are to, in words.
        names: a name for every sample. display: the pictures, uint8 RGB.
        model, model_sha256: which model it is.
        notes: what you should know before you rely on the numbers.
    """

    values: Tree
    layouts: dict[str, Layout]
    strength: dict[str, Array]
    contribution: dict[str, Array]
    sort: str | None
    explained: tuple[str, ...]
    names: tuple[str, ...]
    display: tuple[Array, ...] | None
    model: str
    model_sha256: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {self.of(name).shape[1:]}" for name in self.layers)
        return f"<Activations of {len(self)} samples: {shapes}>"

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order they were asked for."""
        return tuple(self.layouts)

    def of(self, layer: str) -> Array:
        """Return the values of a layer; raise `BadLayer` for one that was not asked for."""
        if layer not in self.layouts:
            raise BadLayer(f"layer '{layer}' was not asked for; there are {', '.join(self.layers)}")
        return self.values[layer] if isinstance(self.values, Mapping) else self.values

    def maps(self, layer: str | None = None) -> Array:
        """Return a layer's values as (sample, channel, *positions); the first layer by default."""
        layer = layer or self.layers[0]
        values = self.of(layer)
        return self.layouts[layer].maps(values)

    def order(self, layer: str | None = None, *, sample: int = 0) -> Array:
        """Return the channels of a layer in the order of `sort`, the first one the strongest."""
        layer = layer or self.layers[0]
        count = self.of(layer).shape[self.layouts[layer].channel]
        if self.sort is None:
            return np.arange(count)
        ranks = self.strength if self.sort == "strength" else self.contribution
        return np.argsort(-ranks[layer][sample], kind="stable")

    def plot(
        self,
        sample: int = 0,
        layer: str | None = None,
        *,
        most: int = 48,
        columns: int | None = None,
        shared_scale: bool = True,
    ) -> Any:
        """Return a matplotlib figure: the channels of a layer as a grid of maps, in their order.

        sample: index of the sample. most: channels drawn at most. columns: maps in a row; None: 8.
        shared_scale: one colour scale for all maps; False gives each its own, so that weak ones can
            be seen.
        Raises `BadInput` for a sample that is not there, and numbers below 1.
        """
        from kerascope.plot.feature_maps import COLUMNS, feature_figure

        layer = layer or self.layers[0]
        if not 0 <= sample < len(self):
            raise BadInput(f"sample {sample} is out of range; there are {len(self)}")
        if most < 1:
            raise BadInput(f"most={most} must be at least 1")
        columns = COLUMNS if columns is None else columns
        if columns < 1:
            raise BadInput(f"columns={columns} must be at least 1")
        maps, order = self.maps(layer)[sample], self.order(layer, sample=sample)[:most]
        ranks = {"strength": self.strength, "contribution": self.contribution}.get(self.sort or "")
        numbers = None if ranks is None else ranks[layer][sample][order]
        return feature_figure(
            maps[order],
            channels=order,
            numbers=numbers,
            words=self._words(sample, layer, len(order), len(maps)),
            picture=None if self.display is None else self.display[sample],
            shared_scale=shared_scale,
            columns=columns,
        )

    def _words(self, sample: int, layer: str, shown: int, count: int) -> str:
        by = "in their order" if self.sort is None else "strongest first"
        if self.sort == "contribution":
            by = f"by contribution to the {self.explained[sample]}"
        some = f"{shown} of {count} channels" if shown < count else f"{count} channels"
        return f"{self.names[sample]}: {layer}, {some}, {by}"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file with a JSON header; raise `BadFile`."""
        arrays = {f"values/{name}": self.of(name) for name in self.layers}
        arrays |= {f"strength/{name}": array for name, array in self.strength.items()}
        arrays |= {f"contribution/{name}": array for name, array in self.contribution.items()}
        arrays |= {f"display/{k}": picture for k, picture in enumerate(self.display or ())}
        plain = ("sort", "explained", "names", "model", "model_sha256", "notes")
        header = {
            "several": isinstance(self.values, Mapping),
            "layouts": {name: dataclasses.asdict(item) for name, item in self.layouts.items()},
            "display": None if self.display is None else len(self.display),
            **{key: getattr(self, key) for key in plain},
        }
        return write_tensors(path, "activations", arrays, header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Activations:
        """Read a file that `save` wrote; raise `BadFile` when it is none."""
        arrays, header = read_tensors(path, "activations")
        several, count = header.pop("several"), header.pop("display")
        layouts = {
            name: Layout(**{key: as_tuples(value) for key, value in item.items()})
            for name, item in header.pop("layouts").items()
        }
        group = lambda start: {  # noqa: E731
            key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)
        }
        values = group("values/")
        return cls(
            values={name: values[name] for name in layouts}
            if several
            else values[next(iter(layouts))],
            layouts=layouts,
            strength=group("strength/"),
            contribution=group("contribution/"),
            display=None if count is None else tuple(arrays[f"display/{k}"] for k in range(count)),
            **{key: as_tuples(value) for key, value in header.items()},
        )


def activations(
    model: Any,
    x: Any,
    layers: Any,
    *,
    target: Any = None,
    sort: str | None = None,
    score: str = "logit",
    batch_size: int | None = None,
) -> Activations:
    """Return what layers give for every sample: one forward pass for all layers asked for.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        x: what the model takes, with a sample axis: arrays, or what `load_images` returns.
        layers: a path, a unique end of one, an index or a `Site`: `.values` is an array. A list of
            such: `.values` is a dict by name.
        target: what contributions are to, as in `explain`; None: the predicted class.
        sort: "strength" (mean size over positions), "contribution" (gradient × activation, summed
            over positions) or None; a target given means "contribution".
        score: "logit" or "probability".
        batch_size: rows per pass.

    Raises:
        BadLayer: no such layer, or one whose rows are not samples.
        BadInput: inputs, target or `sort` do not fit.
    """
    net = net_of(model)
    sort = "contribution" if sort is None and target is not None else sort
    if sort not in (None, *SORTS):
        raise BadInput(f"sort='{sort}' is not known; it is 'strength', 'contribution' or None")
    several = isinstance(layers, Sequence) and not isinstance(layers, (str, Site))
    view = HookedModel(net, score=score, batch_size=batch_size)
    inputs = view.read(x)
    sites = {str(site): site for site in map(view.site, layers if several else [layers])}
    if not sites:
        raise BadLayer("no layer was asked for: layers is empty")
    layouts = {name: layout_of(view, inputs, site) for name, site in sites.items()}
    found, gradients, words = _passed(view, inputs, list(sites.values()), sort, target)
    values = {name: _finite(name, found[site]) for name, site in sites.items()}
    facts, count = facts_of(net), len(next(iter(inputs.values())))
    return Activations(
        values=values if several else next(iter(values.values())),
        layouts=layouts,
        strength={n: _mean_size(layouts[n], array) for n, array in values.items()},
        contribution={
            name: layouts[name].over_positions(gradients[site][:, 0] * values[name])
            for name, site in sites.items()
            if site in gradients
        },
        sort=sort,
        explained=words,
        names=tuple(getattr(x, "names", None) or (f"sample {k}" for k in range(count))),
        display=getattr(x, "display", None),
        model=facts.source or net.name,
        model_sha256=view.identity.sha256,
        notes=tuple(view.notes),
    )


def _finite(name: str, values: Array) -> Array:
    if not np.isfinite(values).all():
        raise BadModel(f"layer '{name}' gives NaN or infinite values on these inputs")
    return np.ascontiguousarray(values)


def _mean_size(layout: Layout, values: Array) -> Array:
    """Return (sample, channel) means of the sizes over all positions."""
    positions = values[0].size // values.shape[layout.channel]
    return layout.over_positions(np.abs(values)) / np.float32(positions)


def _passed(
    view: HookedModel, x: dict[str, Array], sites: list[Site], sort: str | None, target: Any
) -> tuple[dict[Site, Array], dict[Site, Array], tuple[str, ...]]:
    """Return activations, gradients where contributions are asked for, and the scores in words."""
    if sort != "contribution":
        return view.activations(x, sites), {}, ()
    samples = len(next(iter(x.values())))
    targets = resolve_targets(target, view.spec(), samples)
    if len(targets) != 1:
        raise BadInput(f"contributions are to one target; {len(targets)} were given")
    result = view.gradients(x, targets, sites, inputs=False)
    pinned = targets.pin(result.logits)
    words = tuple(
        f"{next(iter(pinned)).words(k)} ({result.scores[k, 0]:.3g})" for k in range(samples)
    )
    return result.activations, result.layers, words
