"""Jobs: what was asked of a model, how far it is, and what came out."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
from typing import Any, Literal, TypedDict, cast

from kerascope.studio.errors import Problem, short_line

KINDS = ("explain", "predict", "erase", "grade", "path", "audit")
OVER = ("done", "failed", "cancelled")
_MOST_JOBS = 2000  # remembered
_MOST_BYTES = 1 << 27  # of pieces held in memory: 128 MiB
_EMPTY = b"null"
BESIDE = (
    "predictions",
    "methods",
    "maps",
    "erased",
    "listed",
)  # of a piece, known without reading it


class Told(TypedDict):
    """A job without its result; restart: the model's process starts again for the next one."""

    id: str
    kind: str
    model: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    words: str
    error: str
    restart: bool


@dataclasses.dataclass(eq=False, kw_only=True)
class Job:
    """One job. state: "waiting", "running", "done", "failed" or "cancelled".

    rank: what it costs, in forward passes: cheap ones go first. request: what the worker is sent.
    key: of the result among those kept on disk; "" keeps nothing. piece: of the document, as JSON.
    restart: the model's process ended, and is started again for the next job.
    """

    id: str
    number: int
    kind: str
    model: str
    rank: int = 0
    request: dict[str, Any] = dataclasses.field(default_factory=dict)
    key: str = ""
    state: str = "waiting"
    done: int = 0
    total: int = 0
    words: str = ""
    error: str = ""
    restart: bool = False
    beside: dict[str, Any] = dataclasses.field(default_factory=dict)
    piece: bytes = b""
    version: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in OVER

    def told(self) -> Told:
        """Return the state as JSON values, without the result."""
        return cast("Told", {name: getattr(self, name) for name in Told.__annotations__})

    def answer(self) -> bytes:
        """Return state and result as JSON; the piece is put in as it is."""
        erased = {"erased": self.beside["erased"]} if "erased" in self.beside else {}
        head = json.dumps({**self.told(), **erased})
        piece = self.piece if self.state == "done" and self.piece else _EMPTY
        return head[:-1].encode() + b', "document": ' + piece + b"}"


def packed(job: Job) -> bytes:
    """Return what is kept of a finished job: a line of what stands beside, and the piece."""
    return json.dumps(job.beside).encode() + b"\n" + job.piece


def unpacked(job: Job, content: bytes) -> bool:
    """Finish a job by what was kept of an equal one; False where that is no such thing."""
    head, _, piece = content.partition(b"\n")
    with contextlib.suppress(ValueError):
        beside = json.loads(head)
        if isinstance(beside, dict) and piece[:1] == b"{":
            job.beside, job.piece, job.state = beside, piece, "done"
            return True
    return False


class Bell:
    """Wakes all who wait for something to change; lives in one loop."""

    def __init__(self) -> None:
        self.number = 0
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake everyone."""
        self.number += 1
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seen: int, seconds: float) -> None:
        """Wait until the bell has rung since it had rung `seen` times, or for `seconds`."""
        if self.number == seen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._event.wait(), seconds)


class Jobs:
    """All jobs of a studio by id: old ones are forgotten when there are too many."""

    def __init__(self, bell: Bell) -> None:
        self.bell = bell
        self._jobs: collections.OrderedDict[str, Job] = collections.OrderedDict()
        self._count = 0

    def new(self, kind: str, model: str, **fields: Any) -> Job:
        """Return a new job, which waits."""
        self._count += 1
        job = Job(id=f"j{self._count}", number=self._count, kind=kind, model=model, **fields)
        self._jobs[job.id] = job
        self._forget()
        self.changed(job)
        return job

    def get(self, name: str) -> Job:
        """Return the job of this id; raise `Problem` (404)."""
        found = self._jobs.get(name)
        if found is None:
            raise Problem(404, f"there is no job '{short_line(name, 40)}'")
        return found

    def find(self, name: str) -> Job | None:
        """Return the job of this id, or None."""
        return self._jobs.get(name)

    def all(self) -> list[Job]:
        """Return all jobs that are remembered, the oldest first."""
        return list(self._jobs.values())

    def changed(self, job: Job) -> None:
        """Tell everyone that a job has changed."""
        job.version += 1
        self.bell.ring()

    def end(self, job: Job, state: str, error: str = "", *, restart: bool = False) -> None:
        """End a job; one that is over stays as it is."""
        if not job.over:
            job.state, job.error, job.restart = state, short_line(error), restart
            job.request = {}
            self.changed(job)

    def _forget(self) -> None:
        held = sum(len(job.piece) for job in self._jobs.values())
        for job in list(self._jobs.values()):
            if held <= _MOST_BYTES and len(self._jobs) <= _MOST_JOBS:
                break
            if job.over:
                held -= len(job.piece)
                del self._jobs[job.id]
