"""One call of a method: its randomness, its chunks under a memory budget, progress and stopping."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import Any

import numpy as np

from kerascope.interrupts import STOP, interrupts
from kerascope.types import Array, Progress

_WORTH = 10.0  # seconds of work left from which on other batch sizes are tried
_FEW = 8  # chunks up to which they are made equal; with more, padding of the last is little
_TIMED = 2  # chunks timed per batch size, after one that may trace

_PROGRESS: ContextVar[Progress | None] = ContextVar("kerascope_progress", default=None)


@contextlib.contextmanager
def reporting(progress: Progress) -> Iterator[None]:
    """Report the progress of every call of `explain` made inside: `progress(what, done, total)`."""
    token = _PROGRESS.set(progress)
    try:
        yield
    finally:
        _PROGRESS.reset(token)


_TURNS: ContextVar[dict[int, int]] = ContextVar("kerascope_turns", default={})  # noqa: B039


@contextlib.contextmanager
def repeating(turns: Iterable[tuple[int, int]]) -> Iterator[None]:
    """Let a call of `explain` made inside change its batch size when an earlier `Run` did."""
    token = _TURNS.set(dict(turns))
    try:
        yield
    finally:
        _TURNS.reset(token)


_WHOLE: ContextVar[bool] = ContextVar("kerascope_whole", default=False)


@contextlib.contextmanager
def whole_or_not() -> Iterator[None]:
    """Let a Ctrl-C interrupt calls of `explain` made inside, in place of ending them early."""
    token = _WHOLE.set(True)
    try:
        yield
    finally:
        _WHOLE.reset(token)


class Cancelled(Exception):
    """Raised inside a run whose `cancel` event is set."""


@dataclasses.dataclass
class Batch:
    """How many rows go through a model at once; shared by a model and the runs over it.

    size: rows per pass; halved when memory runs out. most: what the memory budget holds.
    found: the size was given, or found by timing, and is not to be changed for speed.
    keep: told the size once it is found.
    """

    size: int
    most: int = 2**31
    found: bool = False
    keep: Callable[[int], None] = lambda size: None  # noqa: ARG005

    def limit(self, most: int) -> None:
        """Hold at most `most` rows from now on."""
        self.most = min(self.most, max(1, most))
        self.size = min(self.size, self.most)


class _Trial:
    """Finds the best batch size while the work goes on: a quarter, once and four times the first.

    Nothing is run for the timing alone. Where less than ten seconds of work are left, the first
    size stays and nothing is remembered.
    """

    def __init__(self, batch: Batch) -> None:
        first = batch.size
        others = dict.fromkeys((min(first * 4, batch.most), max(1, first // 4)))
        self.batch = batch
        self.left = [first, *(size for size in others if size != first)]
        self.seconds: dict[int, list[float]] = {}

    def took(self, size: int, seconds: float, rows_left: int) -> None:
        """Take note of a whole chunk, and set the batch size of the next one."""
        if not self.left or size != self.left[0]:
            return
        times = self.seconds.setdefault(size, [])
        times.append(seconds / size)
        if len(times) <= _TIMED:
            return
        if len(self.seconds) == 1 and min(times[1:]) * rows_left < _WORTH:
            self.left, self.seconds = [], {}
            return
        self.left.pop(0)
        best = min(self.seconds, key=lambda n: min(self.seconds[n][1:]))
        self.batch.size = min(self.left[0] if self.left else best, self.batch.most)
        if not self.left:
            self.batch.found = True
            self.batch.keep(best)


def _even(total: int, most: int) -> int | None:
    """Return the chunk that shares little work out evenly, so that hardly a row is padding."""
    chunks = -(-total // most)
    return None if not 0 < chunks <= _FEW else -(-total // chunks)


@dataclasses.dataclass
class Run:
    """One call of a method: randomness, batch size, progress, cancelling, stopping.

    Draws are keyed by (seed, sample, draw) and made by NumPy's Philox, so they are the same on
    every backend and for any batch size.
    """

    seed: int = 0
    memory: int | None = None  # bytes that a pass may take
    batch: Batch = dataclasses.field(default_factory=lambda: Batch(16))
    progress: Progress | None = None
    cancel: threading.Event | None = None
    stop: threading.Event = dataclasses.field(
        default_factory=lambda: STOP.get() or threading.Event()
    )
    # (sample, target) scores of the inputs as they are; empty for methods that are `one_pass`.
    scores: Array = dataclasses.field(default_factory=lambda: np.zeros((0, 0), np.float32))
    # Rows that the chunk in hand is padded to, so that the last one is not traced anew.
    chunk: int | None = None
    stopped: bool = False  # an iteration was ended early
    notes: list[str] = dataclasses.field(default_factory=list)
    done: int = 0  # chunks
    # (chunks done, rows per pass from there on): what bits hang on where sizes are found by timing.
    turns: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.turns.append((0, self.batch.size))

    def generator(self, sample: int, draw: int = 0) -> np.random.Generator:
        """Return the generator of one draw for one sample."""
        key = [self.seed & (2**64 - 1), (sample << 32) | draw]
        return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))

    def pairs(
        self,
        samples: int,
        draws: int,
        what: str = "passes",
        *,
        partial: bool = False,
        size: int | None = None,
    ) -> Iterator[tuple[Array, Array]]:
        """Yield (sample, draw) index arrays that cover samples × draws in chunks.

        With `partial`, the draws are the outer loop, and a stop (Ctrl-C) ends this iteration and
        all later ones with what is done: at least one draw of every sample. Without, the samples
        are the outer loop, and a stop raises `KeyboardInterrupt`, unless it has already ended an
        iteration: then the little that makes the result whole is still done. `size` sets the
        chunks, for work that does not go through the model row by row.
        """
        total = samples * draws
        even = None if size else _even(total, self.batch.size)
        trial = None if self.batch.found or size else _Trial(self.batch)
        start = 0
        while start < total:
            if self.cancel is not None and self.cancel.is_set():
                raise Cancelled
            if self.stop.is_set() and (partial or not self.stopped):
                if not self.stopped and not (partial and start >= samples):
                    raise KeyboardInterrupt
                self.stopped = True
                if start:
                    done = start // samples
                    self.notes.append(f"stopped after {done} of {draws} {what}: less exact")
                return
            rows = size or min(even or self.batch.size, self.batch.size)
            flat = np.arange(start, min(start + rows, total))
            self.chunk = rows if total > rows else None
            began = time.perf_counter()
            yield (flat % samples, flat // samples) if partial else (flat // draws, flat % draws)
            if trial is not None and len(flat) == rows:
                trial.took(rows, time.perf_counter() - began, total - start - rows)
            self._turned()
            start += len(flat)
            self.report(what, start, total)

    def _turned(self) -> None:
        """Count a chunk, and take note of a batch size that changed."""
        self.done += 1
        self.batch.size = _TURNS.get().get(self.done, self.batch.size)
        if self.batch.size != self.turns[-1][1]:
            self.turns.append((self.done, self.batch.size))

    def report(self, what: str, done: int, total: int) -> None:
        """Tell the progress callback, where there is one."""
        progress = self.progress or _PROGRESS.get()
        if progress is not None:
            progress(what, done, total)

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let the first Ctrl-C end the sampling with what is done; the second one interrupts.

        Raises:
            KeyboardInterrupt: there was a Ctrl-C, and nothing that it could end early.
        """
        if _WHOLE.get() or not interrupts():
            yield
            return

        def first(number: int, frame: FrameType | None) -> Any:  # noqa: ARG001
            self.stop.set()
            signal.signal(signal.SIGINT, before)

        before = signal.getsignal(signal.SIGINT)  # known before `first` can be called
        signal.signal(signal.SIGINT, first)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
        if self.stop.is_set() and not self.stopped:
            raise KeyboardInterrupt
