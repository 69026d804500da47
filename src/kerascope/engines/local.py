"""The engine of one process: samples are read in threads while the model computes."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from kerascope.checks import check_whole
from kerascope.engines.base import Engine, Job

P = TypeVar("P")
H = TypeVar("H")

_MOST_THREADS = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class Local(Engine):
    """Reads ahead in threads, computes in the caller's own.

    threads: that read; None: one per core, at most 16. ahead: samples read and not yet computed, at
    most. Results depend on neither.
    """

    threads: int | None = None
    ahead: int = 32

    def __post_init__(self) -> None:
        check_whole(1, threads=self.threads, ahead=self.ahead)

    def run(self, job: Job, parts: list[int], stop: threading.Event) -> Iterator[int]:
        """Yield the number of every part that was written; end after the one in hand on `stop`."""
        handles = ((part, handle) for part in parts for handle in job.handles(part))
        with (
            reading_pool(self.threads) as pool,
            contextlib.closing(read_ahead(job.read, handles, pool, self.ahead)) as coming,
        ):
            for part, group in itertools.groupby(coming, key=lambda pair: pair[0]):
                job.write(part, job.compute(part, (found.result() for _, found in group)))
                yield part
                if stop.is_set():
                    return


def reading_pool(threads: int | None = None) -> ThreadPoolExecutor:
    """Return threads that read samples; None: one per core, at most 16."""
    threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    return ThreadPoolExecutor(threads, thread_name_prefix="kerascope-read")


def read_ahead(
    read: Callable[[H], Any], handles: Iterable[tuple[P, H]], pool: Executor, most: int
) -> Generator[tuple[P, Future[Any]], None, None]:
    """Yield parts and samples in the order of the handles, while the next ones are being read."""
    waiting: deque[tuple[P, Future[Any]]] = deque()
    try:
        for part, handle in handles:
            waiting.append((part, pool.submit(read, handle)))
            if len(waiting) > most:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, future in waiting:
            future.cancel()
