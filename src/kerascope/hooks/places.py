"""Where a class activation map is taken: a layer chosen by shape, its output as maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from kerascope.errors import BadLayer, Refused
from kerascope.hooks.inputs import axes_of
from kerascope.hooks.model import HookedModel
from kerascope.hooks.names import Site
from kerascope.targets import Targets
from kerascope.types import Array

_PREFIX = 9  # at most this many class, distillation and register tokens before the patch tokens
_SKEW = 4.0  # by how much a map's proportions may differ from the input's
_ATTENTION = (
    keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention, keras.layers.Attention,
    keras.layers.AdditiveAttention,
)  # fmt: skip
_PROBED = 24  # candidates from the end that one probing pass looks at
_FRAMES = tuple(
    getattr(keras.layers, f"{kind}{n}D") for kind in ("ZeroPadding", "Cropping") for n in (1, 2, 3)
)


@dataclasses.dataclass(frozen=True)
class Place:
    """A layer call whose output is a stack of maps of one input.

    `grid` is the maps' spatial size, `prefix` the number of tokens before the first patch token (-1
    where the output has spatial axes of its own), `axes` the spatial axes' names. `turned`: the
    layer has columns where the input has rows; `maps` turns them back.
    """

    site: Site
    grid: tuple[int, ...]
    prefix: int
    axes: tuple[str, ...]
    channels_first: bool
    turned: bool = False

    def maps(self, values: Array, lead: int) -> Array:
        """Return the layer's values as (…, *grid, channel), after `lead` leading axes."""
        if self.prefix >= 0:
            patches = values[(slice(None),) * lead + (slice(self.prefix, None),)]
            return patches.reshape(*values.shape[:lead], *self.grid, values.shape[-1])
        maps = np.moveaxis(values, lead, -1) if self.channels_first else values
        return np.swapaxes(maps, lead, lead + 1) if self.turned else maps

    def unmaps(self, maps: Array, like: Array) -> Array:
        """Return (row, *grid, channel) maps in the layer's layout, other tokens as in `like`."""
        if self.prefix >= 0:
            patches = maps.reshape(len(maps), -1, maps.shape[-1])
            return np.concatenate([like[:, : self.prefix], patches], axis=1)
        maps = np.swapaxes(maps, 1, 2) if self.turned else maps
        return np.moveaxis(maps, -1, 1) if self.channels_first else maps


def as_place(model: HookedModel, site: Site, name: str, size: tuple[int, ...]) -> Place | None:
    """Return the place of a layer call for an input of spatial `size`; None where it has no map."""
    shape = model.survey.shape(site)
    axes = tuple(a for a in model.axes(name, (*size, 0)) if a != "channel")
    if name in model.survey.tokens:
        axes, size = ("token",), size[:1]
    if len(shape) == len(size) == 3:  # frames folded away: one map for the whole film
        axes, size = axes[1:], size[1:]
    if len(shape) == len(size) + 1:
        names = axes_of(shape, model.layout)
        first = names[0] == "channel"
        turned = len(size) == 2 and model.survey.call(site).turned
        grid = tuple(shape[1:] if first else shape[:-1])[:: -1 if turned else 1]
        return (
            Place(site, grid, -1, axes, first, turned)
            if np.prod(grid) > 1 and _similar(grid, size)
            else None
        )
    if len(shape) == 2 and len(size) == 2:
        for prefix in range(min(_before_patches(model, name), shape[0])):
            count = shape[0] - prefix
            height = round((count * size[0] / size[1]) ** 0.5)
            if height > 1 and count % height == 0 and count // height > 1:
                width = count // height
                if (
                    abs(width / height - size[1] / size[0]) < 1e-6 * size[1] / size[0]
                    or count == height * width == height**2
                ):
                    return Place(site, (height, width), prefix, axes, channels_first=False)
    return None


def _before_patches(model: HookedModel, name: str) -> int:
    """Return how many numbers of tokens before the patches are thought of: 0 where none are read.

    A net with recurrent layers, or one that reshapes a picture to its rows (y, x · channel), goes
    through it as through a sequence: its 28 rows are not 25 patches behind three other tokens.
    """
    layers = model.table.values()
    if any(isinstance(layer, _ATTENTION) for layer in layers):
        return _PREFIX
    if any(isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)) for layer in layers):
        return 0
    if any(not type(layer).__module__.startswith("keras.") for layer in layers):
        return _PREFIX  # may attend
    given = model.spec().inputs[name]
    rows = (given[0], int(np.prod(given[1:])))
    return 0 if any(call.shape == rows for call in model.survey.calls) else 1


def _similar(grid: tuple[int, ...], size: tuple[int, ...]) -> bool:
    """Tell whether a grid has the input's proportions: an attention's heads × features have not."""
    shares = [g / s for g, s in zip(grid, size, strict=True)]
    return min(shares) > 0 and max(shares) / min(shares) <= _SKEW


def _sizes(model: HookedModel, x: Mapping[str, Array]) -> dict[str, tuple[int, ...]]:
    """Return the spatial size of every input that has one."""
    sizes = {}
    for name, array in x.items():
        if name in model.held:
            continue
        axes = model.axes(name, array.shape[1:])
        spatial = tuple(
            n for n, a in zip(array.shape[1:], axes, strict=True) if a not in ("channel", "feature")
        )
        if spatial:
            sizes[name] = spatial
    return sizes


def candidates(model: HookedModel, x: Mapping[str, Array], name: str) -> list[Place]:
    """Return every place that has a map of an input, in the order of the forward pass."""
    size = _sizes(model, x)[name]
    heads = {spec.shape for spec in model.survey.outputs.values()}
    attention = tuple(
        path + "/"
        for path, layer in model.table.items()
        if isinstance(layer, keras.layers.MultiHeadAttention)
    )
    found = []
    for call in model.survey.calls:
        inside = call.site.path.startswith(attention) if attention else False
        if call.alias or call.merge != 1 or call.shape in heads or inside:
            continue
        place = as_place(model, call.site, name, size)
        if place is not None:
            found.append(place)
    return found


def cam_places(
    model: HookedModel, x: Mapping[str, Array], targets: Targets, layer: str | int | Site | None
) -> dict[str, Place]:
    """Return the place for every input that has a map.

    With `layer` None, the last place that the score's gradient reaches everywhere; for an output
    with positions of its own (segmentation), the last at the lowest resolution.
    Raises `BadLayer` for a layer without spatial positions, `Refused` when the model has none.
    """
    sizes = _sizes(model, x)
    if layer is not None:
        return _given(model, x, sizes, layer)
    places: dict[str, Place] = {}
    for name in sizes:
        found = candidates(model, x, name)
        if len(sizes) > 1:
            found = _only_from(model, x, name, found)
        if found:
            places[name] = _choose(model, x, targets, found)
    if not places:
        shapes = ", ".join(f"'{c.site}' {c.shape}" for c in model.survey.calls[-3:])
        raise Refused(
            "the model has no layer with spatial positions, which a class activation map needs; "
            f"its last layers are {shapes}"
        )
    return places


def _given(
    model: HookedModel, x: Mapping[str, Array], sizes: dict[str, tuple[int, ...]], layer: Any
) -> dict[str, Place]:
    site = model.site(layer)
    explicit = not isinstance(layer, str) or "@" in layer
    calls = [c.site for c in model.survey.calls if c.site.path == site.path]
    sites = [site] if explicit or len(calls) == 1 else calls
    places = {}
    for name, size in sizes.items():
        fits = [p for p in (as_place(model, s, name, size) for s in sites) if p is not None]
        if fits and len(sizes) > 1:
            fits = _only_from(model, x, name, fits, strict=False)
        if fits:
            places[name] = fits[-1]
    if not places:
        have = [str(p.site) for name in sizes for p in candidates(model, x, name)]
        raise BadLayer(
            f"layer '{site}' gives shape {model.survey.shape(site)}, which is no map of the input; "
            f"layers with a map: {', '.join(have[-5:]) or 'none'}"
        )
    return places


def _choose(
    model: HookedModel, x: Mapping[str, Array], targets: Targets, found: list[Place]
) -> Place:
    if any(
        len(spec.shape) > 1 and np.prod(spec.shape[:-1]) > 1
        for spec in model.survey.outputs.values()
    ):
        # Over the whole output: behind a part of it every unit may be dead, in one picture.
        shares = _reached(model, x, targets.everywhere(), found)
        found = [p for p, share in zip(found, shares, strict=True) if share > 0] or found
        lowest = min(int(np.prod(p.grid)) for p in found)
        return [p for p in found if np.prod(p.grid) == lowest][-1]
    if all(p.prefix < 0 for p in found) and len(model.survey.outputs) == 1 and not targets.sites():
        return found[-1]
    return _last_reached(model, x, targets, found[-_PROBED:])


def _last_reached(
    model: HookedModel, x: Mapping[str, Array], targets: Targets, found: list[Place]
) -> Place:
    """Return the last place that the score's gradient reaches on most positions.

    The last block's patch tokens of a vision transformer that reads its class token are not
    reached.
    """
    shares = _reached(model, x, targets, found)
    reached = [p for p, share in zip(found, shares, strict=True) if share > 0.5]
    return reached[-1] if reached else found[-1]


def _reached(
    model: HookedModel, x: Mapping[str, Array], targets: Targets, found: list[Place]
) -> list[float]:
    """Return the share of each place's positions that the score's gradient reaches; one pass."""
    sites = tuple(p.site for p in found)
    key = ("reached", sites, targets.key(), tuple(a.shape[1:] for a in x.values()))
    if key not in model.store.memo:
        one = {name: array[:1] for name, array in x.items()}
        probe = model.gradients(one, targets.take([0]), sites, inputs=False)
        model.store.memo[key] = [
            float((np.abs(p.maps(probe.layers[p.site], 2)).max(axis=-1) > 0).mean()) for p in found
        ]
    return model.store.memo[key]


def _only_from(
    model: HookedModel,
    x: Mapping[str, Array],
    name: str,
    found: list[Place],
    *,
    strict: bool = True,
) -> list[Place]:
    """Return the places that depend on one input, without the others where there are such."""
    sites = tuple(dict.fromkeys(p.site for p in found))
    key = ("depends", sites, tuple((n, a.shape[1:]) for n, a in x.items()))
    if key not in model.store.memo:
        one = {n: a[:1] for n, a in x.items()}
        plain = model.activations(one, sites)
        depends: dict[str, set[Site]] = {}
        for other in one:
            moved = {n: _moved(a) if n == other else a for n, a in one.items()}
            changed = model.activations(moved, sites)
            depends[other] = {s for s in sites if not np.array_equal(plain[s], changed[s])}
        model.store.memo[key] = depends
    depends = model.store.memo[key]
    mine = [p for p in found if p.site in depends[name]]
    alone = [p for p in mine if not any(p.site in depends[o] for o in depends if o != name)]
    return alone or mine or ([] if strict else found)


def _moved(array: Array) -> Array:
    """Return other values of the same kind: tokens with other ids, numbers reversed and shifted."""
    if array.dtype.kind in "iu":
        return np.where(array > 0, array - 1, array + 1).astype(array.dtype)
    return (array[:, ::-1] + array.std() + 1).astype(array.dtype)


def bias_places(
    model: HookedModel, x: Mapping[str, Array], sites: tuple[Site, ...]
) -> dict[str, list[Place]]:
    """Return, for every input, the places among `sites` that are maps of it and of no other."""
    result: dict[str, list[Place]] = {name: [] for name in x}
    for name, size in _sizes(model, x).items():
        found = [p for p in (as_place(model, site, name, size) for site in sites) if p is not None]
        if len(x) > 1 and found:
            outputs = {p.site._replace(stage="output"): p for p in found}
            plain = [dataclasses.replace(p, site=site) for site, p in outputs.items()]
            found = [outputs[p.site] for p in _only_from(model, x, name, plain)]
        result[name] = found
    return result


def block_sites(model: HookedModel, x: Mapping[str, Array]) -> list[Site]:
    """Return the last place of every resolution of the first input with maps, shallow to deep.

    Layers that pad or crop are left out: a frame round a map is no resolution of its own.
    """
    name = next(iter(_sizes(model, x)), None)
    found = candidates(model, x, name) if name is not None else []
    found = [p for p in found if not isinstance(model.table[p.site.path], _FRAMES)] or found
    if not found:
        raise BadLayer("the model has no layer with spatial positions to sweep")
    last = {place.grid: place.site for place in found}
    order = [place.site for place in found]
    return sorted(last.values(), key=order.index)
