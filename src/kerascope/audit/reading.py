"""Read one sample: what the model takes, what can be said of it without the model, or an error."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.maps import grid_of
from kerascope.audit.measures import jpeg_quality, perceptual_hash, picture_measures
from kerascope.audit.objects import as_picture, cover
from kerascope.audit.source import Handle, Source
from kerascope.errors import BadImage, KerascopeError
from kerascope.loading.inputs import load_inputs
from kerascope.loading.pictures import is_picture, plain_picture, read_picture
from kerascope.loading.preprocessing import AUTO
from kerascope.loading.reader import Reader
from kerascope.types import Array, Tree


@dataclasses.dataclass(eq=False)
class Sample:
    """One sample: its number, what is known of it by column, and what the model takes.

    inputs: without a sample axis; None where it could not be read, and `facts` says why.
    label: index of its class, −1 without one.
    """

    id: int
    label: int
    facts: dict[str, Any]
    inputs: Tree | None = None

    def failed(self, error: str) -> None:
        """Take note that there will be no numbers of this sample."""
        self.inputs = None
        self.facts["error"] = error


@dataclasses.dataclass(frozen=True, eq=False)
class Decoder:
    """Reads samples in any thread, each for itself.

    reader: how pictures are read; None where the model takes none. preprocess: as it was asked for;
    arrays are taken as they are with "auto". side: of the coarse grid for object masks.
    """

    source: Source
    model: Any
    reader: Reader | None
    preprocess: Any
    side: int

    def __call__(self, handle: Handle) -> Sample:
        """Return the sample; whatever is wrong with it becomes its error."""
        source, i = self.source, handle.id
        label = int(source.labels[i])
        facts: dict[str, Any] = {"id": i, "path": source.paths[i] if source.paths else None}
        if label != UNLABELLED:
            facts |= {"label": class_name(label, source.classes), "label_index": label}
        facts |= {f"meta_{name}": values[i] for name, values in source.meta.items()}
        sample = Sample(i, label, facts)
        try:
            self._read(sample, handle)
        except MemoryError:
            raise
        except Exception as error:  # a damaged file or a user's own iterable may raise anything
            sample.failed(self._words(error, sample))
        return sample

    def _words(self, error: Exception, sample: Sample) -> str:
        """Return an error in one line, with no folder of this machine in it."""
        first = (str(error).splitlines() or [""])[0]
        text = first if isinstance(error, KerascopeError) else f"{type(error).__name__}: {first}"
        if self.source.root is not None:
            for form in (str(self.source.root), self.source.root.as_posix()):
                text = text.replace(form + "/", "").replace(form + "\\", "").replace(form, "")
        return text

    def _read(self, sample: Sample, handle: Handle) -> None:
        if self.source.paths is not None and self.source.root is not None:
            if not self.source.paths[sample.id]:
                raise BadImage("the table names no file here")
            self._file(sample, self.source.root / self.source.paths[sample.id])
            return
        held = self.source.given
        given = held[sample.id] if hasattr(held, "__getitem__") else handle.given
        if is_picture(given):
            picture = plain_picture(given, f"sample {sample.id}")
            self._picture(sample, picture)
            sample.facts["sha256"] = hashlib.sha256(picture.tobytes()).hexdigest()
        else:
            self._array(sample, given)

    def _file(self, sample: Sample, path: Path) -> None:
        picture = read_picture(path)
        content = path.read_bytes()
        sample.facts |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        with Image.open(path) as header:
            sample.facts |= {"format": header.format, "jpeg_quality": jpeg_quality(header)}
        self._picture(sample, picture)

    def _picture(self, sample: Sample, picture: Image.Image) -> None:
        if self.reader is None:
            raise BadImage("the model takes no pictures; give the samples as arrays")
        sample.facts |= _size_facts(picture.height, picture.width)
        pixels = self.reader.pixels(self.reader.framed(picture))
        sample.facts |= {**picture_measures(pixels), "phash": perceptual_hash(pixels)}
        if self.source.objects is not None:
            mask = self.source.objects.mask(sample.id, (picture.height, picture.width))
            if mask is not None:
                mask = np.asarray(self.reader.framed(as_picture(mask))) > 0
            self._cover(sample, mask, pixels.shape[:2])
        sample.inputs = self.reader.inputs(pixels[None])[0]

    def _array(self, sample: Sample, given: Any) -> None:
        tree = {k: _batch(v) for k, v in given.items()} if isinstance(given, Mapping) else given
        inputs = load_inputs(tree if isinstance(tree, dict) else _batch(tree), self.model)
        first = _picture_like(inputs, self.reader)
        if first is not None:
            sample.facts |= _size_facts(*first.shape[:2])
            sample.facts |= {**picture_measures(first), "phash": perceptual_hash(first)}
        if self.source.objects is not None:
            size = _plane(inputs) if first is None else (first.shape[0], first.shape[1])
            self._cover(sample, self.source.objects.mask(sample.id, size), size)
        if self.preprocess != AUTO and self.reader is not None and first is not None:
            inputs = self.reader.inputs(first[None])
        sample.facts["sha256"] = _digest(inputs)
        sample.inputs = (
            {k: v[0] for k, v in inputs.items()} if isinstance(inputs, Mapping) else inputs[0]
        )

    def _cover(self, sample: Sample, mask: Array | None, size: tuple[int, ...]) -> None:
        if mask is None:
            return
        if mask.all() or not mask.any():
            raise BadImage(f"its mask {'covers everything' if mask.all() else 'is empty'}")
        share = cover(mask, grid_of(size, self.side))
        sample.facts |= {"mask": share, "mask_area": float(mask.mean())}


def _size_facts(height: int, width: int) -> dict[str, Any]:
    return {"width": int(width), "height": int(height), "aspect": width / height}


def _batch(value: Any) -> Array:
    return np.asarray(value)[None]


def _plane(inputs: Any) -> tuple[int, int]:
    first = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
    if first.ndim < 3:
        raise BadImage(f"a mask goes with a picture; the sample has shape {first.shape[1:]}")
    return int(first.shape[1]), int(first.shape[2])


def _picture_like(inputs: Any, reader: Reader | None) -> Array | None:
    """Return (y, x, channel) of a sample that looks like a picture: 1, 3 or 4 channels."""
    arrays = inputs.values() if isinstance(inputs, Mapping) else [inputs]
    for array in arrays:
        if array.ndim == 4:
            first = reader is not None and reader.wanted.channels_first
            turned = np.moveaxis(array[0], 0, -1) if first else array[0]
            if turned.shape[-1] in (1, 3, 4):
                return np.asarray(turned, np.float32)
    return None


def _digest(inputs: Any) -> str:
    arrays = inputs if isinstance(inputs, Mapping) else {"": inputs}
    mark = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        row = np.ascontiguousarray(array)
        mark.update(f"{name}{row.dtype.str}{row.shape}".encode() + row.tobytes())
    return mark.hexdigest()
