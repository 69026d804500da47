"""One pass over a data set: what a model says of every sample, streamed to rows on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import kerascope
from kerascope.audit.arrow import arrow
from kerascope.audit.collected import Collected
from kerascope.audit.compute import Computer
from kerascope.audit.maps import SIDE
from kerascope.audit.parts import Store
from kerascope.audit.reading import Decoder, Sample
from kerascope.audit.rows import schema_of, table_of
from kerascope.audit.seen import Eyes, Plain
from kerascope.audit.source import Handle, Source, source_of
from kerascope.checks import check_score, check_whole
from kerascope.engines import Engine, Local
from kerascope.errors import BadFile, BadInput, BadModel, BadTarget
from kerascope.loading.preprocessing import AUTO, named
from kerascope.loading.reader import Reader, check_fit
from kerascope.run import Run
from kerascope.types import Array

PART = 512  # samples in a part: what a kill can lose
_BATCH = 64  # of a plain function


def collect(
    model: Any,
    source: Any,
    folder: str | os.PathLike[str],
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
    part_size: int = PART,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
    engine: Engine | None = None,
) -> Collected:
    """Write what a model says of every sample of a data set as rows into a folder.

    A run that ended early, however it ended, goes on where it was when it is called again with the
    same settings. Ctrl-C ends it after the part in hand, a second one at once.

    Args:
        model: any Keras 3 model, untouched; or a function of a batch that gives (sample, class).
        source: a `Source`, or what `source_of` takes as data.
        folder: where the rows are kept.
        methods: one or several that make maps, as in `explain`; their negative evidence is kept.
            None: Grad-CAM, or gradient × input where no layer has positions; none for a function.
        labels: as in `source_of`, as are the next four.
        classes: names of the model's classes in order.
        masks: where the object is.
        boxes: instead of masks.
        meta: further columns by name.
        size: as in `load_images`.
        preprocess: of files and Pillow images, as there; arrays are taken as they are with "auto".
        fit: as in `load_images`.
        score: "logit" or "probability".
        map_size: cells of a map along an axis, at most.
        part_size: samples in a file.
        batch_size: rows per pass.
        memory: as in `explain`.
        seed: drives all sampling.
        engine: where the work is done; `Local()` by default.

    Raises:
        BadInput: settings that do not fit, or a folder with the rows of others.
        BadFile: no sample can be read; the folder cannot be written; the disk is full: what was
            written stays.
    """
    check_score(score)
    check_whole(1, map_size=map_size, part_size=part_size, batch_size=batch_size)
    arrow()
    net = _net(model)
    if not isinstance(source, Source):
        source = source_of(
            source, net, labels=labels, classes=classes, masks=masks, boxes=boxes, meta=meta
        )
    reader = _reader(net, source, size=size, preprocess=preprocess, fit=fit)
    decoder = Decoder(source, net, reader, preprocess, map_size)
    first = _first_readable(source, decoder)
    eyes = _eyes(
        model, methods, first, source.classes, score=score, batch_size=batch_size, memory=memory,
        seed=seed, side=map_size,
    )  # fmt: skip
    _check_labels(source.labels, eyes.classes)
    settings = {**eyes.settings, "map": map_size, **_settings(source, reader, preprocess, fit)}
    store = Store(folder, settings, count=len(source), size=part_size)
    return _collected(store, source, decoder, eyes, reader, engine or Local(ahead=2 * eyes.batch))


def _settings(source: Source, reader: Reader | None, preprocess: Any, fit: str) -> dict[str, Any]:
    """Return what the rows hang on beside the model, as JSON values."""
    known = None if reader is None else reader.wanted.size
    name = None if reader is None else reader.name
    if callable(preprocess):
        name = getattr(preprocess, "__qualname__", type(preprocess).__qualname__)
    return {
        "data": source.fingerprint,
        "classes": None if source.classes is None else list(source.classes),
        "preprocess": name,
        "fit": fit,
        "size": None if known is None else list(known),
        "kerascope": kerascope.__version__,
    }


def _collected(
    store: Store, source: Source, decoder: Decoder, eyes: Eyes, reader: Reader | None,
    engine: Engine,
) -> Collected:  # fmt: skip
    """Make the parts that are missing and return all rows."""
    run = Run()
    notes = [*source.notes, *(reader.notes if reader is not None else ()), *eyes.notes]
    with store.opened() as missing:
        resumed = len(store.parts) - len(missing)
        job = _Job(store, source, decoder, eyes, run, sum(len(store.samples(p)) for p in missing))
        with contextlib.ExitStack() as stack:
            stack.enter_context(run.stoppable())
            for done, _ in enumerate(engine.run(job, missing, run.stop), start=1):
                if run.stop.is_set():
                    run.stopped = True  # rows are kept, so nothing is raised
                    left = len(missing) - done
                    notes += [f"stopped: {left} of {len(store.parts)} parts are left; run again"]
        found = Collected.load(store.folder, resumed=resumed, notes=tuple(notes))
    if found.complete and found.errors == found.rows:
        raise BadFile(f"no sample has numbers; the first says: {next(iter(found))['error']}")
    return found


@dataclasses.dataclass(eq=False)
class _Job:
    """The work of `collect`, for an engine."""

    store: Store
    source: Source
    decoder: Decoder
    eyes: Eyes
    run: Run
    total: int
    done: int = 0

    def handles(self, part: int) -> Iterator[Handle]:
        """Yield the samples of a part."""
        return self.source.handles(self.store.samples(part))

    def read(self, handle: Handle) -> Sample:
        """Return a sample as the model takes it."""
        return self.decoder(handle)

    def compute(self, part: int, samples: Iterator[Sample]) -> Any:
        """Return the rows of a part."""
        computer = Computer(self.eyes, self.source.classes, self._one_more)
        return table_of(computer.rows(samples), schema_of(self.source.meta))

    def write(self, part: int, result: Any) -> None:
        """Write the rows of a part."""
        self.store.write(part, result)

    def _one_more(self) -> None:
        self.done += 1
        self.run.report("samples", self.done, self.total)


def _net(model: Any) -> Any:
    """Return the model of a `HookedModel`, or the model itself; imports no Keras."""
    hooks = sys.modules.get("kerascope.hooks.model")
    return model.model if hooks is not None and isinstance(model, hooks.HookedModel) else model


def _reader(model: Any, source: Source, **how: Any) -> Reader | None:
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


def _eyes(
    model: Any, methods: Any, first: Any, names: tuple[str, ...] | None, *,
    batch_size: int | None, **how: Any,
) -> Eyes:  # fmt: skip
    """Return what looks at the samples; a plain function without methods needs no Keras."""
    net = _net(model)
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
