"""The models of a studio: each in a worker of its own, with the jobs that wait for it."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import heapq
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerascope.loading.given import How
from kerascope.studio.errors import Problem, short_line
from kerascope.studio.worker import Heard, Message, Works

if TYPE_CHECKING:
    from kerascope.studio.jobs import Job

_QUICK, _SLOW = 16, 40  # forward passes
Make = Callable[[Message, Heard, Callable[[str], None]], Works]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Opening:
    """How a model is opened: what was given on the command line, or what was uploaded.

    source: a file or a name such as "keras:MobileNetV2". path: of an upload, in our own folder.
    how: how files become samples of it. boxes: how a detector writes boxes, see `targets.boxes`.
    """

    name: str
    source: str = ""
    path: str = ""
    labels: str | None = None
    preprocess: str = "auto"
    custom: tuple[str, ...] = ()
    unsafe: bool = False
    how: How = dataclasses.field(default_factory=How)
    boxes: str = ""

    @property
    def id(self) -> str:
        """Name of the model in the studio: equal after a restart."""
        made = f"{self.source}\n{self.path}"
        return "m" + hashlib.sha256(made.encode("utf-8", "surrogateescape")).hexdigest()[:12]

    def content(self) -> str:
        """Return the hash of what the model is read from: files, or a name and no more."""
        parts = [self.path or self.source, self.labels or ""]
        parts += filter(None, [self.how.vocabulary, self.how.columns.background])
        marks = [_digest(Path(part)) or part for part in parts]
        return hashlib.sha256(
            repr([*marks, self.preprocess, self.custom, self.how, self.boxes]).encode()
        ).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class OpenNet:
    """One model: its state, its worker, and its jobs. Lives in the server's loop only.

    state: "loading", "ready", "failed" (with `error`), or "closed".
    """

    def __init__(self, opening: Opening, start: Callable[[OpenNet], Works]) -> None:
        self.opening, self.id = opening, opening.id
        self.state, self.error = "closed", ""
        self.facts: dict[str, Any] = {}
        self.mark = ""  # of what it was read from
        self.marked = asyncio.Event()  # set once that is known
        self.running: Job | None = None
        self.inner: Job | None = None  # a quick job inside a slow one
        self._waiting: list[tuple[int, int, Job]] = []
        self._start = start
        self.worker: Works | None = None
        self.starts = 0
        self.coming = 0  # jobs on their way into the line

    def open(self) -> None:
        """Start the worker, unless it lives."""
        if self.worker is None:
            self.state, self.error = "loading", ""
            self.starts += 1
            self.worker = self._start(self)

    def wait(self, job: Job) -> None:
        """Put a job in line: what costs less goes first, equals in their order."""
        heapq.heappush(self._waiting, (job.rank, job.number, job))

    def leave(self, job: Job) -> bool:
        """Take a job out of the line; False when it is not there."""
        left = [item for item in self._waiting if item[2] is not job]
        found = len(left) < len(self._waiting)
        self._waiting = left
        heapq.heapify(self._waiting)
        return found

    def next(self) -> Job | None:
        """Take the job that is next, where the model is free for it.

        A quick one need not wait for a slow one: it is done between two of that one's chunks.
        """
        if self.state != "ready" or not self._waiting:
            return None
        first = self._waiting[0][2]
        if self.running is None:
            self.running = first
        elif self.inner is None and first.rank <= _QUICK and self.running.rank > _SLOW:
            self.inner = first
        else:
            return None
        return heapq.heappop(self._waiting)[2]

    @property
    def doing(self) -> list[Job]:
        """The jobs that the process has, none to two."""
        return [job for job in (self.running, self.inner) if job is not None]

    def ended(self, name: str) -> Job | None:
        """Take a job from those that the process has; None where it has no such job."""
        found = next((job for job in self.doing if job.id == name), None)
        if found is self.running:
            self.running = None
        elif found is self.inner:
            self.inner = None
        return found

    def drop_doing(self) -> list[Job]:
        """Return the jobs that the process has, which it has no more."""
        jobs, self.running, self.inner = self.doing, None, None
        return jobs

    def drop_all(self) -> list[Job]:
        """Empty the line and return what was in it."""
        jobs, self._waiting = [item[2] for item in sorted(self._waiting)], []
        return jobs

    @property
    def waiting(self) -> int:
        """Number of jobs in line."""
        return len(self._waiting) + self.coming

    def described(self) -> dict[str, Any]:
        """Return the model as documents hold it, with its state."""
        facts = self.facts
        return {
            "id": self.id,
            "name": self.opening.name,
            "sha256": facts.get("sha256", ""),
            "facts": facts.get("facts", []),
            "labels": facts.get("labels"),
            "notes": facts.get("notes", []),
            "state": self.state,
            "error": self.error,
        }

    def failed(self, error: str) -> None:
        """Take note that the model cannot be opened."""
        self.state, self.error, self.worker = "failed", short_line(error), None

    def check_open(self) -> None:
        """Raise `Problem` (409) for a model that takes no jobs."""
        if self.state == "failed":
            raise Problem(409, f"'{self.opening.name}' cannot be used: {self.error}")
        if self.state == "closed":
            raise Problem(409, f"'{self.opening.name}' is closed; open it again first")
