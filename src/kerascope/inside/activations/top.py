"""Which inputs make a channel strongest."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kerascope
from kerascope.errors import BadFile, BadInput, BadLayer
from kerascope.hooks import HookedModel
from kerascope.inside.activations.maps import layout_of
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
    net = model.model if isinstance(model, HookedModel) else model
    if not isinstance(net, keras.Model):
        raise BadInput(f"a model is a keras.Model, not {type(net).__name__}")
    if k < 1:
        raise BadInput(f"k={k} must be at least 1")
    if measure not in MEASURES:
        raise BadInput(f"measure='{measure}' is not known; it is 'max' or 'mean'")
    view = HookedModel(net, batch_size=batch_size)
    best: list[tuple[float, int, str, Array, Array | None]] = []
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
        run = Run(batch=view.batch)
        for samples, _ in run.pairs(rows, 1, "pictures"):
            cut = {key: array[samples] for key, array in x.items()}
            values = view.activations(cut, [site], pad=run.chunk)[site]
            for i, found in zip(samples, layout.maps(values)[:, number], strict=True):
                strength = float(found.max() if measure == "max" else found.mean())
                picture = None if display is None else display[i]
                best.append((strength, seen + int(i), names[i], found.copy(), picture))
            best = sorted(best, key=lambda item: -item[0])[:k]
        seen += rows
    return _wrap(best, layer=name, channel=number, measure=measure, seen=seen)


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


def _wrap(best: list[Any], **facts: Any) -> TopImages:
    maps = np.stack([item[3] for item in best])
    flat = maps.reshape(len(maps), -1).argmax(axis=1)
    places = np.stack(np.unravel_index(flat, maps.shape[1:]), axis=-1) if maps.ndim > 1 else (
        np.zeros((len(maps), 0))
    )  # fmt: skip
    shown = all(item[4] is not None for item in best)
    return TopImages(
        values=np.array([item[0] for item in best], np.float32),
        samples=np.array([item[1] for item in best]),
        names=tuple(item[2] for item in best),
        maps=maps,
        peaks=(places + 0.5) / np.array(maps.shape[1:] or 1),
        display=tuple(item[4] for item in best) if shown else None,
        **facts,
    )
