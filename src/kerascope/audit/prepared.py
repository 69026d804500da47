"""What an audit settles before its first row: the data, how it is read, what looks at it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import kerascope
from kerascope.audit.maps import SIDE
from kerascope.audit.reading import Decoder
from kerascope.audit.seen import Eyes, Plain
from kerascope.audit.source import Source, source_of
from kerascope.checks import check_score, check_whole
from kerascope.errors import BadFile, BadInput, BadModel, BadTarget
from kerascope.loading.preprocessing import AUTO, named
from kerascope.loading.reader import Reader, check_fit
from kerascope.types import Array

_BATCH = 64  # of a plain function


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """A model and data that were looked at once.

    net: the model itself. first: a batch of one sample. reading: how pictures are read, as it was
    asked for. looking: of the eyes, likewise.
    """

    net: Any
    source: Source
    decoder: Decoder
    eyes: Eyes
    first: Any
    reading: dict[str, Any]
    looking: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """What the rows hang on, as JSON values."""
        reader, preprocess = self.decoder.reader, self.reading["preprocess"]
        known = None if reader is None else reader.wanted.size
        name = None if reader is None else reader.name
        if callable(preprocess):
            name = getattr(preprocess, "__qualname__", type(preprocess).__qualname__)
        classes = self.source.classes
        return {
            **self.eyes.settings,
            "map": self.decoder.side,
            "data": self.source.fingerprint,
            "classes": None if classes is None else list(classes),
            "preprocess": name,
            "fit": self.reading["fit"],
            "size": None if known is None else list(known),
            "kerascope": kerascope.__version__,
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided, and what there is to know."""
        reader = self.decoder.reader
        read = () if reader is None else reader.notes
        return (*self.source.notes, *read, *self.eyes.notes)


def prepare(
    model: Any,
    source: Any,
    methods: Any = None,
    *,
    labels: Any = None,
    classes: Any = None,
    masks: Any = None,
    boxes: Any = None,
    meta: Mapping[str, Sequence[Any]] | None = None,
    size: int | tuple[int, int] | None = None,
    preprocess: Any = AUTO,
    fit: str = "squeeze",
    score: str = "logit",
    map_size: int = SIDE,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
) -> Prepared:
    """Return what `collect` works with, which describes the arguments."""
    check_score(score)
    check_whole(1, map_size=map_size, batch_size=batch_size)
    net = net_of(model)
    if not isinstance(source, Source):
        source = source_of(
            source, net, labels=labels, classes=classes, masks=masks, boxes=boxes, meta=meta
        )
    reading = {"size": size, "preprocess": preprocess, "fit": fit}
    decoder = Decoder(source, net, reader_of(net, source, **reading), preprocess, map_size)
    first = _first_readable(source, decoder)
    looking = {"score": score, "memory": memory, "seed": seed, "side": map_size}
    eyes = eyes_of(model, methods, first, source.classes, batch_size=batch_size, **looking)
    _check_labels(source.labels, eyes.classes)
    return Prepared(
        net=net, source=source, decoder=decoder, eyes=eyes, first=first, reading=reading,
        looking=looking,
    )  # fmt: skip


def net_of(model: Any) -> Any:
    """Return the model of a `HookedModel`, or the model itself; imports no Keras."""
    hooks = sys.modules.get("kerascope.hooks.model")
    return model.model if hooks is not None and isinstance(model, hooks.HookedModel) else model


def reader_of(model: Any, source: Source, **how: Any) -> Reader | None:
    """Return how pictures are read; None where the model takes none and none are given."""
    files, preprocess = source.paths is not None, how["preprocess"]
    check_fit(how["fit"])
    if not callable(preprocess) and preprocess != AUTO:
        named(preprocess)
    if not files and preprocess == AUTO and not _pictures(source):
        how["preprocess"] = "none"
    try:
        return Reader.of(model, **how)
    except BadInput:
        if files or _pictures(source):
            raise
        return None


def _pictures(source: Source) -> bool:
    """Say whether samples from memory are Pillow images, by the first one."""
    from kerascope.loading.pictures import is_picture

    if source.paths is not None:
        return False
    handle = next(source.handles(range(1)))
    source.keep([handle])
    held = source.given
    return is_picture(held[0] if hasattr(held, "__getitem__") else handle.given)


def _first_readable(source: Source, decoder: Decoder) -> Any:
    """Return the inputs of the first sample that can be read, as a batch; raise `BadFile`."""
    taken, first = [], None
    for handle in source.handles(range(len(source))):
        taken.append(handle)
        sample = decoder(handle)
        first = first or sample
        if sample.inputs is not None:
            source.keep(taken)
            if isinstance(sample.inputs, Mapping):
                return {name: array[None] for name, array in sample.inputs.items()}
            return sample.inputs[None]
    assert first is not None
    raise BadFile(
        f"none of the {len(source)} samples can be read; the first says: {first.facts['error']}"
    )


def eyes_of(
    model: Any, methods: Any, first: Any, names: tuple[str, ...] | None, *,
    batch_size: int | None, **how: Any,
) -> Eyes:  # fmt: skip
    """Return what looks at the samples; a plain function without methods needs no Keras."""
    net = net_of(model)
    keras = sys.modules.get("keras")
    known = keras is not None and isinstance(net, keras.layers.Layer)
    if not known and not callable(net):
        raise BadModel(
            f"a model is a keras.Model or a function of a batch, not {type(net).__name__}"
        )
    if not known and (methods is None or (isinstance(methods, tuple | list) and not methods)):
        return Plain(net, first, names, batch_size or _BATCH)
    from kerascope.audit.features import Features

    return Features(model, methods, first, names, batch_size=batch_size, **how)


def _check_labels(labels: Array, classes: int) -> None:
    most = int(np.max(labels))
    if most >= classes:
        raise BadTarget(f"class {most} is out of range: the model has {classes} classes")
