"""Which inputs make a channel strongest."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import kerascope
from kerascope.errors import BadFile, BadInput, BadLayer
from kerascope.hooks import HookedModel, Site
from kerascope.inside.activations.maps import Layout, layout_of
from kerascope.inside.net import net_of
from kerascope.run import Run
from kerascope.types import Array

MEASURES = ("max", "mean")
_FILES = 64  # pictures of a folder in memory at once


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class TopImages:
    """The k samples on which a channel is strongest, the strongest first.

    Attributes:
        values: (k,) the channel's largest value (or mean) over all positions.
        samples: (k,) indices of the samples.
        names: their names.
        maps: (k, *positions) the channel's values.
        peaks: (k, axes) where each map is largest, as shares 0 … 1 of its axes.
        display: the pictures, uint8 RGB, where there are some.
        layer, channel, measure: what was looked at. seen: how many samples there were.
    """

    values: Array
    samples: Array
    names: tuple[str, ...]
    maps: Array
    peaks: Array
    display: tuple[Array, ...] | None
    layer: str
    channel: int
    measure: str
    seen: int

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<TopImages of {self.layer}, channel {self.channel}: {len(self)} of {self.seen}>"

    def plot(self) -> Any:
        """Return a matplotlib figure: the pictures with the channel's map over each."""
        from kerascope.plot.feature_maps import top_figure

        words = f"{self.layer}, channel {self.channel}: strongest {len(self)} of {self.seen}"
        return top_figure(self.maps, self.values, self.names, self.display, words=words)


def top_images(
    model: Any,
    images: Any,
    layer: Any,
    channel: int,
    *,
    k: int = 9,
    measure: str = "max",
    preprocess: Any = "auto",
    batch_size: int | None = None,
) -> TopImages:
    """Return the samples on which a channel of a layer is strongest.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        images: a folder of pictures (read a few at a time), what `load_images` returns, or what
            the model takes, with a sample axis.
        layer: a path, a unique end of one, an index or a `Site`.
        channel: index of the channel; below zero from the end.
        k: how many samples at most.
        measure: "max" or "mean" over all positions.
        preprocess: of the pictures in a folder, as in `load_images`.
        batch_size: rows per pass.

    Raises:
        BadLayer: no such layer or channel. BadFile: the folder has no pictures.
    """
    net = net_of(model)
    if k < 1:
        raise BadInput(f"k={k} must be at least 1")
    if measure not in MEASURES:
        raise BadInput(f"measure='{measure}' is not known; it is 'max' or 'mean'")
    view = HookedModel(net, batch_size=batch_size)
    best: list[_Found] = []
    seen, name, number = 0, "", channel
    for part in _parts(net, images, preprocess):
        x = view.read(part)
        site = view.site(layer)
        layout = layout_of(view, x, site)
        count = view.survey.shape(site)[layout.channel - 1]
        if not -count <= channel < count:
            raise BadLayer(f"channel {channel} is out of range; layer '{site}' has {count}")
        name, number = str(site), channel % count
        rows = len(next(iter(x.values())))
        names = getattr(part, "names", None) or [f"sample {seen + i}" for i in range(rows)]
        display = getattr(part, "display", None)
        for i, found in _maps(view, x, site, layout, number):
            strength = float(found.max() if measure == "max" else found.mean())
            picture = None if display is None else display[i]
            best.append(_Found(strength, seen + i, names[i], found, picture))
            best = sorted(best, key=lambda item: -item.strength)[:k]
        seen += rows
    return _wrap(best, layer=name, channel=number, measure=measure, seen=seen)


class _Found(NamedTuple):
    """One sample with a channel's map."""

    strength: float
    sample: int
    name: str
    map: Array
    picture: Array | None


def _maps(
    view: HookedModel, x: dict[str, Array], site: Site, layout: Layout, channel: int
) -> Iterator[tuple[int, Array]]:
    """Yield every sample's index and map of a channel."""
    run = Run(batch=view.batch)
    for samples, _ in run.pairs(len(next(iter(x.values()))), 1, "pictures"):
        cut = {key: array[samples] for key, array in x.items()}
        values = view.activations(cut, [site], pad=run.chunk)[site]
        for i, found in zip(samples, layout.maps(values)[:, channel], strict=True):
            yield int(i), found.copy()


def _parts(net: Any, images: Any, preprocess: Any) -> Iterator[Any]:
    """Yield the samples, those of a folder a few at a time."""
    if not isinstance(images, (str, Path)):
        yield images
        return
    from PIL import Image

    folder, known = Path(images), Image.registered_extensions()
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in known)
    if not files:
        raise BadFile(f"'{folder.name}' is not a folder with pictures")
    for start in range(0, len(files), _FILES):
        # By its public name: loading lies above this room.
        some = [str(path) for path in files[start : start + _FILES]]
        yield kerascope.load_images(some, net, preprocess=preprocess)


def _wrap(best: list[_Found], **facts: Any) -> TopImages:
    maps = np.stack([item.map for item in best])
    peaks = np.zeros((len(maps), 0))
    if maps.ndim > 1:
        flat = maps.reshape(len(maps), -1).argmax(axis=1)
        places = np.stack(np.unravel_index(flat, maps.shape[1:]), axis=-1)
        peaks = (places + 0.5) / np.array(maps.shape[1:])
    pictures = tuple(item.picture for item in best if item.picture is not None)
    return TopImages(
        values=np.array([item.strength for item in best], np.float32),
        samples=np.array([item.sample for item in best]),
        names=tuple(item.name for item in best),
        maps=maps,
        peaks=peaks,
        display=pictures or None,
        **facts,
    )
