"""The door for pictures: what the model is given and what is shown, kept apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.loading.arrays import as_array, finite, from_dataset, one_array, read_arrays
from kerascope.loading.pictures import (
    is_picture,
    plain_picture,
    read_picture,
    shown,
)
from kerascope.loading.pixels import display_of, placed, resized
from kerascope.loading.preprocessing import AUTO, named, range_hint
from kerascope.loading.reader import Preprocess, Reader, check_fit, chosen, sized, wanted_of
from kerascope.loading.sources import file_names, is_array_file, picture_items
from kerascope.loading.wants import Wanted
from kerascope.types import Array

DISPLAY_SIDE = 1024
_DISPLAY_BYTES = 1 << 28  # 256 MiB for all displayed pictures together
_SMALLEST_SIDE = 160


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Images:
    """Pictures as a model takes them, and as people see them.

    Attributes:
        inputs: (sample, height, width, channel) float32, preprocessed; channels first where the
            model wants it.
        display: uint8 RGB pictures in their own size, long side at most 1024, showing exactly the
            part that the model sees: a map stretched over one fits.
        names: a name for every picture: the file's stem or its place.
        notes: what was decided on the way, in words.
        preprocessing: name of what was done to the pixels.
        fit: how pictures were brought to the size; None for arrays.
    """

    inputs: Array
    display: tuple[Array, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]
    preprocessing: str
    fit: str | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int | slice) -> Images:
        """Return some of the pictures, as `Images` also for a single index."""
        if not isinstance(index, slice):
            place = range(len(self))[index]  # raises IndexError, so iteration ends
            index = slice(place, place + 1)
        return dataclasses.replace(
            self, inputs=self.inputs[index], display=self.display[index], names=self.names[index]
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.inputs, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Images {len(self)} × {self.inputs.shape[1:]}, preprocessing {self.preprocessing}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of `inputs`."""
        return self.inputs.shape


def load_images(
    source: Any,
    model: Any = None,
    *,
    size: int | tuple[int, int] | None = None,
    preprocess: Preprocess = AUTO,
    fit: str = "squeeze",
    limit: int | None = None,
) -> Images:
    """Return pictures as `model` takes them, with the pictures to show beside them.

    source: a file, folder, pattern ("photos/*.jpg"), Pillow image, array (.npy and .npz too), a
        list of such, or a dataset: tf.data, PyDataset, DataLoader, anything that yields batches.
    size: (height, width) or one number, where the model leaves it open.
    preprocess: "auto", "none", "unit", "tf", "caffe", "torch", or a function of (sample, height,
        width, channel) float32 pixels 0…255. "auto" finds it out for pictures and says so in
        `notes`; arrays and datasets are taken as they are unless a name is given.
    fit: "squeeze" the whole picture, or "crop" its centre.
    limit: read at most so many samples of a dataset, or pictures of a folder.
    Raises `BadImage`, `BadFile` or `BadInput`, in one line.
    """
    check_fit(fit)
    if not callable(preprocess) and preprocess != AUTO:
        named(preprocess)
    if hasattr(source, "columns") and hasattr(source, "to_numpy"):
        raise BadInput(
            "a data frame holds no pictures; use load_inputs for tables, or give a column of paths"
        )
    items = picture_items(source)
    if items is None:
        if isinstance(source, list | tuple) and is_array_file(source[0]):
            (source,) = source
        array = one_array(read_arrays(source), Path(source).name) if is_array_file(source) else None
        samples = _samples(source if array is None else array, limit)
        wanted = sized(wanted_of(model, array=True), size)
        return _from_array(samples, model, wanted, preprocess, resize=size is not None)
    reader = Reader.of(model, size=size, preprocess=preprocess, fit=fit)
    hinted = None if preprocess == AUTO else model
    return _from_pictures(items[0][:limit], items[1], reader, hinted)


def _from_pictures(items: list[Any], notes: tuple[str, ...], reader: Reader, hinted: Any) -> Images:
    """Return `Images` of files and Pillow images; `hinted` is a model whose range is checked."""
    side = _display_side(len(items))
    names = file_names([None if is_picture(item) else item for item in items])
    kept, display = [], []
    for item, label in zip(items, names, strict=True):
        picture = plain_picture(item, label) if is_picture(item) else read_picture(item)
        picture = reader.framed(picture)
        display.append(shown(picture, side))
        kept.append(reader.pixels(picture))
        _check_equal(kept, names)
    inputs = reader.inputs(np.stack(kept))
    return Images(
        inputs=inputs,
        display=tuple(display),
        names=names,
        notes=(*notes, *reader.notes, *_hint(hinted, inputs)),
        preprocessing=reader.name,
        fit=reader.fit,
    )


def _check_equal(kept: list[Array], names: tuple[str, ...]) -> None:
    """Raise `BadInput` when the last picture has another size than the first: no size was given."""
    first, last = kept[0].shape, kept[-1].shape
    if first != last:
        raise BadInput(
            f"the pictures have different sizes ('{names[0]}' {first[0]}×{first[1]}, "
            f"'{names[len(kept) - 1]}' {last[0]}×{last[1]}) and the model fixes none; give "
            "size=(height, width)"
        )


def _display_side(count: int) -> int:
    """Return the longest side shown, smaller when many pictures would fill the memory."""
    return int(np.clip((_DISPLAY_BYTES / 3 / max(count, 1)) ** 0.5, _SMALLEST_SIDE, DISPLAY_SIDE))


def _from_array(
    samples: Array, model: Any, wanted: Wanted, preprocess: Preprocess, *, resize: bool
) -> Images:
    """Return `Images` of arrays: as they are, unless a size or preprocessing was asked for."""
    array, notes = placed(samples, wanted)
    array, more = resized(array, wanted, asked=resize)
    inputs = finite(array.astype(np.float32), "the inputs")
    display, name = display_of(inputs, channels_first=wanted.channels_first), "none"
    if preprocess != AUTO:
        name, function, words = chosen(model, preprocess)
        last = np.moveaxis(inputs, 1, -1) if wanted.channels_first else inputs
        last = np.asarray(function(last), np.float32)
        inputs = np.ascontiguousarray(np.moveaxis(last, -1, 1) if wanted.channels_first else last)
    else:
        words = "preprocessing: none, arrays are taken as they are"
    return Images(
        inputs=inputs,
        display=display,
        names=tuple(str(i) for i in range(len(inputs))),
        notes=(*notes, *more, words, *_hint(model, inputs)),
        preprocessing=name,
    )


def _hint(model: Any, inputs: Array) -> tuple[str, ...]:
    hint = None if model is None else range_hint(model, inputs)
    return () if hint is None else (f"hint: {hint}",)


def _samples(source: Any, limit: int | None) -> Array:
    if hasattr(source, "__array__") or hasattr(source, "detach"):
        return as_array(source)[:limit]
    if isinstance(source, list | tuple):
        arrays = [as_array(item) for item in source][:limit]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1:
            raise BadInput(
                f"the arrays have different shapes: {', '.join(map(str, sorted(shapes)[:3]))}"
            )
        return np.stack(arrays)
    tree = from_dataset(source, limit)
    if isinstance(tree, dict):
        raise BadInput(f"the dataset yields several inputs ({', '.join(tree)}); use load_inputs")
    return np.asarray(tree)
