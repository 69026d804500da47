"""A few samples worked on as `collect` does, to see what they take."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from typing import Any

from kerascope.audit.arrow import arrow
from kerascope.audit.compute import Computer
from kerascope.audit.parts import Store
from kerascope.audit.prepared import Prepared
from kerascope.audit.reading import Sample
from kerascope.audit.rows import schema_of, table_of
from kerascope.audit.source import Handle
from kerascope.engines import Local
from kerascope.errors import BadFile

_SECONDS = 10.0  # that the measuring goes on, where there are samples enough
_BATCHES = 4  # in a part that is measured
_TICK = 0.01  # seconds between looks at the memory
_MOST_SAMPLES = 4096


class Trial:
    """A job of small parts, the first of which warms up; worked on by the local engine."""

    def __init__(self, ready: Prepared, store: Store) -> None:
        self.ready, self.store = ready, store
        size = _BATCHES * ready.eyes.batch
        self.groups = _groups(ready, size)
        self._first: list[Handle] = []
        self.tables: list[Any] = []
        self.counts: list[int] = []
        self.peak = 0
        self.start = self.seconds = 0.0
        self.notes: list[str] = []

    # --- the job --------------------------------------------------------------------------------

    def handles(self, part: int) -> Iterator[Handle]:
        """Yield the samples of a part."""
        if part == 0:
            self._first = list(self.ready.source.handles(self.groups[0]))
        if self.groups[part] is self.groups[0]:
            return iter(self._first)
        return self.ready.source.handles(self.groups[part])

    def read(self, handle: Handle) -> Sample:
        """Return a sample."""
        return self.ready.decoder(handle)

    def compute(self, part: int, samples: Iterator[Sample]) -> Any:
        """Return the rows of a part."""
        computer = Computer(self.ready.eyes, self.ready.source.classes, lambda: None)
        return table_of(computer.rows(samples), schema_of(self.ready.source.meta))

    def write(self, part: int, result: Any) -> None:
        """Keep the rows of a part: to write so few would cost as much as to write many."""
        self.tables.append(result)
        self.counts.append(len(self.groups[part]))

    # --- what is measured -----------------------------------------------------------------------

    @property
    def measured(self) -> int:
        """How many samples were timed."""
        return sum(self.counts[1:])

    @property
    def rows(self) -> int:
        """How many rows these have."""
        return sum(table.num_rows for table in self.tables[1:])

    def run(self, began: float) -> None:
        """Work until there is enough to tell; `began`: when all of it began."""
        engine, stop = Local(ahead=2 * self.ready.eyes.batch), threading.Event()
        with _Watch() as watch:
            next(iter(engine.run(self, [0], stop)))  # type: ignore[arg-type]
            warm = time.perf_counter()
            self.start = warm - began
            if len(self.groups) == 1:  # so little data: once more, and warm
                self.groups.append(self.groups[0])
            for _ in engine.run(self, [*range(1, len(self.groups))], stop):  # type: ignore[arg-type]
                if time.perf_counter() - warm >= _SECONDS:
                    stop.set()
            self.seconds = (time.perf_counter() - warm) / self.measured
        self.peak = watch.most
        self._check()

    def _check(self) -> None:
        errors = [error for t in self.tables[1:] for error in t.column("error").to_pylist()]
        wrong = [error for error in errors if error is not None]
        if wrong and len(wrong) == len(errors):
            raise BadFile(f"none of the samples measured has numbers; the first says: {wrong[0]}")
        if wrong:
            self.notes.append(
                f"{len(wrong)} of {len(errors)} rows measured are errors, which take less time; "
                f"the first says: {wrong[0]}"
            )

    def sizes(self) -> tuple[float, float]:
        """Return bytes per row, and per file beside its rows; add the time that writing takes."""
        pa = arrow()
        again = self.groups[-1] is self.groups[0]  # what is there twice takes no room
        whole = pa.concat_tables(self.tables[:1] if again else self.tables)
        half = whole.slice(0, max(1, whole.num_rows // 2))
        began = time.perf_counter()
        large = self._written(whole)
        samples = self.counts[0] if again else sum(self.counts)
        self.seconds += (time.perf_counter() - began) / samples
        small = self._written(half)
        if whole.num_rows == half.num_rows:
            return float(large), 0.0
        per_row = (large - small) / (whole.num_rows - half.num_rows)
        return per_row, max(0.0, large - whole.num_rows * per_row)

    def _written(self, table: Any) -> int:
        self.store.write(0, table.combine_chunks())
        return self.store.path(0).stat().st_size

    def memory(self, part_size: int) -> int:
        """Return the bytes of a process whose part is full: it holds rows, then a table of them."""
        held = sum(table.nbytes for table in self.tables) / sum(self.counts)
        return round(self.peak + 2 * held * max(0, part_size - max(self.counts)))


def _groups(ready: Prepared, size: int) -> list[range]:
    """Return parts of samples that are spread over the data; of an iterable, the first ones."""
    source, count = ready.source, len(ready.source)
    most = 1 + math.ceil(_MOST_SAMPLES / size)
    parts = min(most, max(1, count // size))
    if source.paths is None and not hasattr(source.given, "__getitem__"):
        return [range(i * size, min((i + 1) * size, count)) for i in range(parts)]
    step = parts * max(1, count // (parts * size))
    # Every part is spread over all classes, which often come one after the other.
    return [range(i, count, step)[:size] for i in range(parts)]


class _Watch:
    """Looks at this process's memory while it lasts."""

    def __enter__(self) -> _Watch:
        import psutil

        self._process, self._over = psutil.Process(), threading.Event()
        self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_TICK):
            self.most = max(self.most, self._process.memory_info().rss)
