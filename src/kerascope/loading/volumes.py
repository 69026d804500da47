"""Volumes and films: arrays and pictures with several frames, in the form that a model takes."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.errors import BadFile, BadInput
from kerascope.loading.arrays import as_array, finite, one_array, read_arrays
from kerascope.loading.sources import is_array_file
from kerascope.loading.wants import Shape, input_shapes
from kerascope.types import Array

MOVING = (".gif", ".webp", ".tif", ".tiff", ".png")  # files of pictures that may hold several
_MOST = 4096  # frames of a file


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Volumes:
    """Volumes or films as a model takes them; what `load_volumes` returns.

    inputs: (sample, z, y, x, channel) float32. frames: z is time.
    """

    inputs: Array
    names: tuple[str, ...]
    frames: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: slice) -> Volumes:
        """Return some of the samples."""
        return dataclasses.replace(self, inputs=self.inputs[rows], names=self.names[rows])


def load_volumes(
    source: Any, model: Any = None, *, frames: bool = False, scale: float | None = None
) -> Volumes:
    """Return volumes or films as `model` takes them.

    Args:
        source: an array, .npy or .npz: (z, y, x), (z, y, x, channel) or (sample, z, y, x, channel),
            and (sample, z, y, x) where the model takes one channel. Or a picture file with several
            frames (GIF, WebP, TIFF): frames are taken evenly, and brought to the model's size.
        model: whose input is checked.
        frames: the first axis is time. Models of ConvLSTM and TimeDistributed layers say so
            themselves; 3-D convolutions do not.
        scale: what the numbers of a picture file, 0 … 255, are multiplied by; None: 1/255.

    Raises:
        BadInput: the shape does not fit the model; the message says how.
        BadFile: the file cannot be read.
    """
    shape = _shape(model)
    name, notes = "", tuple[str, ...]()
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = path.stem
        if is_array_file(path):
            array = one_array(read_arrays(path), path.name)
        elif path.suffix.lower() in MOVING:
            array, notes = _moving(path, shape, 1 / 255 if scale is None else scale)
        else:
            raise BadFile(f"'{path.name}' is no volume; give .npy, .npz, .gif, .webp or .tif")
    else:
        array = as_array(source)
    whole = finite(np.asarray(_whole(array, shape), np.float32), "the volumes")
    if not len(whole):
        raise BadInput("there is no volume: the array is empty")
    _check(whole, shape)
    stem = name or "sample"
    names = (name,) if len(whole) == 1 and name else tuple(f"{stem} {i}" for i in range(len(whole)))
    return Volumes(inputs=whole, names=names, frames=frames, notes=notes)


def takes_volumes(model: Any) -> bool:
    """Tell whether a model's one input has three axes beside the channels."""
    shapes = list(input_shapes(model).values())
    return len(shapes) == 1 and len(shapes[0]) == 4


def _shape(model: Any) -> Shape:
    shapes = {} if model is None else input_shapes(model)
    if not shapes:
        return (None,) * 4
    if len(shapes) > 1:
        raise BadInput(
            f"the model has several inputs; give a dict of arrays named {', '.join(shapes)}"
        )
    ((name, shape),) = shapes.items()
    if len(shape) != 4:
        raise BadInput(
            f"the model's input '{name}' has shape {shape}, which is no volume or film "
            "(z, y, x, channel)"
        )
    return shape


def _whole(array: Array, shape: Shape) -> Array:
    """Return (sample, z, y, x, channel)."""
    if array.ndim == 3:
        return array[None, ..., None]
    if array.ndim == 4:
        many = shape[-1] == 1 and array.shape[-1] != 1
        return array[..., None] if many else array[None]
    if array.ndim == 5:
        return array
    raise BadInput(
        f"an array of shape {array.shape} is no volume or film: give (z, y, x), (z, y, x, channel) "
        "or (sample, z, y, x, channel)"
    )


def _check(whole: Array, shape: Shape) -> None:
    have = whole.shape[1:]
    if all(want in (None, size) for want, size in zip(shape, have, strict=True)):
        return
    wanted = "×".join("any" if n is None else str(n) for n in shape)
    given = "×".join(map(str, have))
    raise BadInput(
        f"samples of {given} (z, y, x, channel) do not fit the model, which takes {wanted}"
    )


def _moving(path: Path, shape: Shape, scale: float) -> tuple[Array, tuple[str, ...]]:
    """Return the frames of a picture file, (frame, y, x, channel), and what was done to them."""
    from PIL import Image, ImageSequence, UnidentifiedImageError

    size = None if shape[1] is None or shape[2] is None else (shape[2], shape[1])
    mode = "L" if shape[3] == 1 else "RGB"
    try:
        with Image.open(path) as film:
            count = min(getattr(film, "n_frames", 1), _MOST)
            wanted = shape[0] or count
            if count < wanted:
                raise BadInput(
                    f"'{path.name}' has {count} frame{'s' * (count > 1)}, and the model takes "
                    f"{wanted}"
                )
            taken = np.linspace(0, count - 1, wanted).round().astype(int).tolist()
            made = []
            for place, frame in enumerate(ImageSequence.Iterator(film)):
                if place in taken:
                    plain = frame.convert(mode)
                    made.append(np.asarray(plain.resize(size) if size else plain, np.float32))
    except FileNotFoundError as error:
        raise BadFile(f"'{path}' does not exist") from error
    except (OSError, UnidentifiedImageError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadFile(f"'{path.name}' cannot be read as a picture ({error})") from error
    array = np.stack(made)
    array = array[..., None] if array.ndim == 3 else array
    notes = [f"pixels are multiplied by {scale:.4g}"]
    if count > wanted:
        notes.append(f"{wanted} of {count} frames are taken, evenly")
    return array * np.float32(scale), tuple(notes)
