"""One pass over a data set: what a model says of every sample, streamed to rows on disk."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kerascope.audit.arrow import arrow
from kerascope.audit.collected import Collected
from kerascope.audit.compute import Computer
from kerascope.audit.elsewhere import Recipe, alone
from kerascope.audit.maps import SIDE
from kerascope.audit.parts import Store
from kerascope.audit.prepared import Prepared, prepare
from kerascope.audit.reading import Sample
from kerascope.audit.rows import schema_of, table_of
from kerascope.audit.source import Handle, Source
from kerascope.checks import check_whole
from kerascope.engines import Engine, Local
from kerascope.engines.local import reading_pool
from kerascope.errors import BadFile
from kerascope.loading.preprocessing import AUTO
from kerascope.run import Run

PART = 512  # samples in a part: what a kill can lose


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
    ready = prepare(
        model, source, methods, labels=labels, classes=classes, masks=masks, boxes=boxes, meta=meta,
        size=size, preprocess=preprocess, fit=fit, score=score, map_size=map_size,
        batch_size=batch_size, memory=memory, seed=seed,
    )  # fmt: skip
    return collected_of(ready, folder, part_size, engine)


def collected_of(
    ready: Prepared, folder: str | os.PathLike[str], part_size: int = PART,
    engine: Engine | None = None,
) -> Collected:  # fmt: skip
    """Make the parts that are missing in a folder and return all rows; see `collect`."""
    check_whole(1, part_size=part_size)
    arrow()
    store = Store(folder, ready.settings, count=len(ready.source), size=part_size)
    engine = engine or Local(ahead=2 * ready.eyes.batch)
    run = Run()
    notes = list(ready.notes)
    with store.opened() as missing:
        resumed = len(store.parts) - len(missing)
        job = _Job(store, ready, run, sum(len(store.samples(part)) for part in missing))
        with run.stoppable():
            left = len(missing) - sum(1 for _ in engine.run(job, missing, run.stop))
            if run.stop.is_set():
                run.stopped = True  # rows are kept, so nothing is raised
            if left:
                notes += [f"stopped: {left} of {len(store.parts)} parts are left; run again"]
        found = Collected.load(store.folder, resumed=resumed, notes=tuple(notes))
    if found.complete and found.errors == found.rows:
        raise BadFile(f"no sample has numbers; the first says: {next(iter(found))['error']}")
    return found


@dataclasses.dataclass(eq=False)
class _Job:
    """The work of `collect`, for an engine."""

    store: Store
    ready: Prepared
    run: Run
    total: int
    computed: int = 0
    written: int = 0

    @property
    def source(self) -> Source:
        """The data."""
        return self.ready.source

    def handles(self, part: int) -> Iterator[Handle]:
        """Yield the samples of a part."""
        return self.source.handles(self.store.samples(part))

    def read(self, handle: Handle) -> Sample:
        """Return a sample as the model takes it."""
        return self.ready.decoder(handle)

    def compute(self, part: int, samples: Iterator[Sample]) -> Any:
        """Return the rows of a part."""
        computer = Computer(self.ready.eyes, self.source.classes, self._one_more)
        return table_of(computer.rows(samples), schema_of(self.source.meta))

    def write(self, part: int, result: Any) -> None:
        """Write the rows of a part."""
        self.store.write(part, result)
        self.written += len(self.store.samples(part))
        if self.written > self.computed:  # it was computed elsewhere
            self.computed = self.written
            self.run.report("samples", self.computed, self.total)

    def recipe(self) -> Recipe:
        """Return what makes this work in another process."""
        return Recipe.of(self.ready)

    def parcel(self, part: int) -> list[Source | Sample]:
        """Return what another process needs of a part.

        Files are read there. Samples from memory are read here, for they may be anything that
        cannot be sent, and an iterable can be gone through once.
        """
        if self.source.paths is not None:
            return [self._sent(handle) for handle in self.handles(part)]
        with reading_pool() as pool:
            return list(pool.map(self.read, self.handles(part)))

    def _sent(self, handle: Handle) -> Source | Sample:
        try:
            return alone(self.source, handle.id)
        except Exception:  # masks are the user's own sequence, and may raise anything
            return self.read(handle)

    def _one_more(self) -> None:
        self.computed += 1
        self.run.report("samples", self.computed, self.total)
