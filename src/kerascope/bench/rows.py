"""Measuring: a cold call, memory, and interleaved repeats against the floor timed beside each."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import io
import statistics
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kerascope.bench.floor import seconds
from kerascope.bench.job import Job, Subject
from kerascope.bench.peers import one_line
from kerascope.errors import KerascopeError

GOAL, EXTRA, SHORT = 1.10, 0.003, 0.1  # of the floor; seconds over it where a call is shorter
PEER_GOAL = 1.03
_LONGEST = 30.0  # seconds that the repeats of one subject may take together
_TICK = 0.002  # seconds between two looks at the memory


@dataclasses.dataclass
class Row:
    """What was measured of one subject; times in seconds, memory in bytes.

    ratio: median over the repeats of call / floor. growth: resident memory at its highest during a
    call, less that before it. against: of this library's ratio, that of Kerascope's method is so
    many times. error: why nothing was measured.
    """

    library: str
    name: str
    method: str
    settings: str = ""
    pictures: int = 1
    batch: int | None = None
    passes: dict[str, float] = dataclasses.field(default_factory=dict)
    floor: float = 0.0
    warm: float = 0.0
    ratio: float = 0.0
    spread: tuple[float, float] = (0.0, 0.0)
    repeats: int = 0
    cold: float = 0.0
    growth: int = 0
    goal: bool | None = None
    against: float | None = None
    error: str = ""
    failed: bool = False


def measure(
    job: Job,
    subjects: Sequence[Subject],
    *,
    repeats: int,
    checked: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Return the rows of subjects that do the same work, Kerascope's first.

    Each is called cold, once more for its memory, and then all in turn, `repeats` times, each time
    after its floor. `checked` is called after every call, and may raise to end.
    """
    measured = [_Measured(subject, job) for subject in subjects]
    for one in measured:
        one.start()
        checked()
    for turn in range(repeats):
        for one in measured:
            one.again(turn, repeats)
            checked()
    rows = [one.row() for one in measured]
    mine = next((row for row in rows if row.library == "kerascope" and not row.error), None)
    for row in rows:
        if mine is not None and row.library != "kerascope" and not row.error:
            row.against = mine.ratio / row.ratio
    return rows


class _Measured:
    """A subject with its timings so far."""

    def __init__(self, subject: Subject, job: Job) -> None:
        self.subject, self.job = subject, job
        self.call: Callable[[], Any] = lambda: None
        self.passes: dict[str, float] = {}
        self.cold = self.second = 0.0
        self.growth = 0
        self.times: list[float] = []
        self.floors: list[float] = []
        self.error, self.failed = "", False

    def start(self) -> None:
        """Make the first call, with nothing kept of the model, and more for its memory."""
        with self._noting():

            def first() -> Any:
                self.call = self.subject.make()
                return self.call()

            with self.job.forgetting():
                self.cold = seconds(first)
            passes = self.subject.passes
            self.passes = dict(passes() if callable(passes) else passes)
            with peak() as memory:
                self.second = seconds(self.call)
            self.growth = memory["growth"]
            self.second = min(self.second, seconds(self.call)) if self.second < 1 else self.second

    def again(self, turn: int, repeats: int) -> None:
        """Time the floor and the call; long calls are repeated less often, at least twice."""
        most = max(2, min(repeats, int(_LONGEST / max(self.second, 1e-9))))
        if self.error or turn >= most:
            return
        with self._noting():
            pictures, floor = self.subject.pictures, self.subject.floor
            self.floors.append(floor.cost(self.passes, pictures=pictures, expected=self.second))
            self.times.append(seconds(self.call))

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Let a subject that fails fail alone, and keep what libraries print to themselves."""
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                if self.subject.library != "kerascope":
                    warnings.simplefilter("ignore")
                yield
        except KerascopeError as error:
            self.error = one_line(error)
        except Exception as error:
            self.error, self.failed = f"{type(error).__name__}: {one_line(error)}", True

    def row(self) -> Row:
        """Return what was found."""
        subject = self.subject
        row = Row(
            subject.library, subject.name, subject.method, subject.settings, subject.pictures,
            subject.batch, self.passes, error=self.error, failed=self.failed,
        )  # fmt: skip
        if self.error or not self.times:
            row.error = row.error or "not measured"
            return row
        ratios = [time / floor for time, floor in zip(self.times, self.floors, strict=True)]
        over = [time - floor for time, floor in zip(self.times, self.floors, strict=True)]
        row.floor, row.warm = statistics.median(self.floors), statistics.median(self.times)
        row.ratio, row.spread = statistics.median(ratios), (min(ratios), max(ratios))
        row.repeats, row.cold, row.growth = len(self.times), self.cold, self.growth
        short = row.warm < SHORT
        row.goal = statistics.median(over) <= EXTRA if short else row.ratio <= GOAL
        return row


@contextlib.contextmanager
def peak() -> Iterator[dict[str, int]]:
    """Watch the process's resident memory inside; `growth` is the peak less what it was before.

    What an allocator keeps of earlier calls is given back first where the C library can; what a
    framework keeps is not seen, so it may read low.
    """
    import psutil

    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    seen = {"growth": 0}

    def watch() -> None:
        last = False
        while not last:
            last = done.wait(_TICK)
            seen["growth"] = max(seen["growth"], process.memory_info().rss - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
