"""Take a bounded sample of the data into memory, as pictures that can be edited and asked about."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from PIL import Image

from kerascope.audit.classes import UNLABELLED
from kerascope.audit.collected import Collected
from kerascope.audit.objects import as_picture
from kerascope.audit.once import matrix, once, whole_numbers
from kerascope.audit.panel import Panel, generator, halves
from kerascope.audit.prepared import Prepared
from kerascope.audit.source import Handle
from kerascope.errors import BadInput, KerascopeError
from kerascope.loading.pictures import is_picture, plain_picture, read_picture
from kerascope.loading.preprocessing import AUTO
from kerascope.types import Array

FEWEST = 16  # pictures of a class that memory must have room for
LEAST_SIDE = 16  # pixels
MOST = 500  # pictures of a class
_BYTES = 2**29  # of all pictures in memory; what is made ready of them takes twice as much
_PROBES = 32  # samples that the range of values is taken of
_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Known:
    """What the rows say of readable samples: numbers, true and predicted classes."""

    ids: Array
    labels: Array
    predicted: Array

    @classmethod
    def of(cls, collected: Collected) -> Known:
        """Return it, of rows in a folder: 24 bytes a sample."""
        columns = ("id", "label_index", "predicted_index")
        parts = [
            np.stack([whole_numbers(batch.column(name)) for name in columns])
            for batch in once(collected, columns)
        ]
        ids, labels, predicted = np.concatenate([np.zeros((3, 0), np.int64), *parts], axis=1)
        told = predicted != UNLABELLED
        return cls(ids=ids[told], labels=labels[told], predicted=predicted[told])

    @property
    def classes(self) -> Array:
        """Return (sample,) the true class, or the predicted one where no sample has a label."""
        labelled = self.labels != UNLABELLED
        return self.labels if labelled.any() else self.predicted


def chosen(
    known: Known, seed: int, most: int, room: int, masked: Array | None = None,
    most_classes: int | None = None,
) -> Array:  # fmt: skip
    """Return rows of `known`: at most `most` of each class and `room` in all, drawn.

    masked: bool (row,): which have an object mask; they come first. most_classes: the commonest.
    Samples without a label are none where others have one.
    """
    classes = known.classes
    names, counts = np.unique(classes[classes != UNLABELLED], return_counts=True)
    able = max(2, min(len(names), room // FEWEST, most_classes or len(names)))
    kinds = names[np.argsort(-counts, kind="stable")][:able]
    each = max(1, min(most, room // max(1, len(kinds))))
    found = []
    for label in kinds:
        rows = np.flatnonzero(classes == label)
        draw = generator(seed, int(label))
        drawn = draw.permutation(rows)
        if masked is not None:
            drawn = drawn[np.argsort(~masked[drawn], kind="stable")]
        found.append(drawn[:each])
    return np.sort(np.concatenate(found)) if found else np.zeros(0, int)


def scores_of(collected: Collected, ids: Array) -> Array:
    """Return (sample, class) float32 scores of some samples, in the order of their numbers."""
    parts = []
    for batch in once(collected, ("id", "scores")):
        wanted = np.isin(batch.column("id").to_numpy(), ids)
        if wanted.any():
            parts.append(matrix(batch.column("scores"))[wanted])
    return np.concatenate(parts)


class Frames:
    """Pictures as whole numbers 0 … 255, and how the model is asked about them.

    Raises `BadInput` where samples are no pictures of 1 or 3 channels and one size, or are gone.
    """

    def __init__(self, ready: Prepared) -> None:
        self.ready, self.source, self.reader = ready, ready.source, ready.decoder.reader
        first = ready.first
        if isinstance(first, Mapping):
            raise BadInput("the model has several inputs; interventions edit pictures alone")
        self.first_axis = self.reader is not None and self.reader.wanted.channels_first
        self.read = self.reader is not None and (
            self.source.paths is not None or ready.reading["preprocess"] != AUTO or self._pillow()
        )
        shape = self._last(np.asarray(first)).shape
        if len(shape) != 4 or shape[-1] not in (1, 3):
            raise BadInput(
                f"samples have shape {np.asarray(first).shape[1:]}; interventions edit pictures "
                "of 1 or 3 channels"
            )
        if min(shape[1:3]) < LEAST_SIDE:
            raise BadInput(
                f"pictures of {shape[1]} × {shape[2]} pixels are too small to edit parts of: at "
                f"least {LEAST_SIDE} on a side"
            )
        self.span = (0.0, 255.0) if self.read else self._range()

    def _pillow(self) -> bool:
        held = self.source.given
        return hasattr(held, "__getitem__") and is_picture(held[0])

    def _last(self, batch: Array) -> Array:
        return np.moveaxis(batch, 1, -1) if self.first_axis else batch

    def handles(self, ids: Array) -> Iterator[Handle]:
        """Yield samples by number, going through an iterable once more."""
        held = self.source.given
        if self.source.paths is not None or hasattr(held, "__getitem__"):
            yield from (Handle(int(i)) for i in ids)
            return
        again = iter(held)
        if again is held:
            raise BadInput(
                "the samples could be gone through once only; interventions need them again: "
                "give a sequence, or something that starts anew each time"
            )
        wanted = set(map(int, ids))
        yield from (Handle(i, given) for i, given in enumerate(again) if i in wanted)

    def read_in(self, handle: Handle) -> tuple[Array, Array | None] | None:
        """Return (y, x, channel) uint8 and its object mask; None where it cannot be read again."""
        try:
            values, size = self._values(handle)
            mask = self._mask(handle.id, size, values.shape[:2])
        except (KerascopeError, OSError):
            return None
        low, high = self.span
        scaled = np.clip(np.rint((values - low) / (high - low) * 255), 0, 255)
        return scaled.astype(np.uint8), mask

    def _values(self, handle: Handle) -> tuple[Array, tuple[int, int]]:
        """Return a sample at the model's size, and its own size (y, x)."""
        source = self.source
        if source.paths is not None and source.root is not None:
            return self._framed(read_picture(source.root / source.paths[handle.id]))
        held = source.given
        given = held[handle.id] if hasattr(held, "__getitem__") else handle.given
        if is_picture(given):
            return self._framed(plain_picture(given, f"sample {handle.id}"))
        values = self._last(np.asarray(given, np.float32)[None])[0]
        return values, (int(values.shape[0]), int(values.shape[1]))

    def _framed(self, picture: Image.Image) -> tuple[Array, tuple[int, int]]:
        assert self.reader is not None
        size = picture.height, picture.width
        return self.reader.pixels(self.reader.framed(picture)), size

    def _mask(self, sample: int, own: tuple[int, int], size: tuple[int, ...]) -> Array | None:
        """Return a sample's object mask at the model's size."""
        objects = self.source.objects
        found = None if objects is None else objects.mask(sample, own)
        if found is None:
            return None
        picture = as_picture(found)
        framed = self.reader.framed(picture) if self.read and self.reader is not None else picture
        return np.asarray(framed.resize((size[1], size[0]), Image.Resampling.NEAREST)) > 0

    def ask(self, pictures: Array) -> Array:
        """Return scores (picture, class) of float32 pictures 0 … 255."""
        eyes = self.ready.eyes
        parts = (pictures[i : i + eyes.batch] for i in range(0, len(pictures), eyes.batch))
        return np.concatenate([eyes.scores_of(self._inputs(part)) for part in parts])

    def _inputs(self, pictures: Array) -> Array:
        if self.read:
            assert self.reader is not None
            return self.reader.inputs(pictures)
        low, high = self.span
        values = (pictures / 255 * (high - low) + low).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(values, -1, 1)) if self.first_axis else values

    def _range(self) -> tuple[float, float]:
        """Return which values are black and white: a usual range, or what some samples have."""
        held, first = self.source.given, np.asarray(self.ready.first, np.float32)
        some = [first]
        if hasattr(held, "__getitem__"):
            step = max(1, len(self.source) // _PROBES)
            some += [np.asarray(held[i], np.float32) for i in range(0, len(self.source), step)]
        elif iter(held) is not held:
            some += [np.asarray(given, np.float32) for given in itertools.islice(held, _PROBES)]
        values = np.concatenate([array[np.isfinite(array)] for array in some])
        low, high = float(values.min()), float(values.max())
        usual = (r for r in _RANGES if r[0] <= low and high <= r[1])
        return next(usual, (low, high if high > low else low + 1.0))


def gathered(
    ready: Prepared, known: Known, rows: Collected, *, twins: Sequence[Sequence[int]] = (),
    seed: int = 0, most: int = MOST, memory: int = _BYTES, most_classes: int | None = None,
) -> Panel:  # fmt: skip
    """Return pictures of the data in memory; a bounded number of each of the commonest classes.

    twins: groups of samples that are copies of each other; they stay in one half, for they would
    decide what they proposed themselves.

    Raises `BadInput` where samples are no pictures that can be edited.
    """
    frames = Frames(ready)
    shape = np.asarray(ready.first).shape[1:]
    objects = ready.source.objects
    masked = np.array([objects is not None and objects.has(int(i)) for i in known.ids], bool)
    room = max(2 * FEWEST, memory // int(np.prod(shape)))
    drawn = chosen(known, seed, most, room, masked, most_classes)
    number = {int(known.ids[row]): row for row in drawn}
    pixels: list[Array] = []
    masks: list[Array] = []
    kept: list[int] = []
    for handle in frames.handles(known.ids[drawn]):
        found = frames.read_in(handle)
        if found is None or (pixels and found[0].shape != pixels[0].shape):
            continue
        picture, mask = found
        pixels.append(picture)
        masks.append(np.zeros(picture.shape[:2], bool) if mask is None else mask)
        kept.append(number[handle.id])
    if not pixels:
        raise BadInput("none of the samples can be read a second time")
    taken = np.array(kept)
    labels, ids = known.classes[taken], known.ids[taken]
    draw = generator(seed, 2**32)
    stacked = np.stack(masks)
    return Panel(
        pixels=np.stack(pixels), labels=labels, ids=ids, ask=frames.ask,
        half=halves(labels, draw, _groups(ids, twins)), scores=scores_of(rows, ids),
        masks=stacked if stacked.any() else None,
    )  # fmt: skip


def _groups(ids: Array, twins: Sequence[Sequence[int]]) -> Array:
    """Return (sample,) the number of the group that each belongs to, another for each alone."""
    number = {sample: i for i, group in enumerate(twins) for sample in group}
    return np.array([number.get(int(k), len(twins) + i) for i, k in enumerate(ids)])
