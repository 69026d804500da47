"""The studio itself: pictures, models and jobs behind the endpoints. Never imports Keras."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from kerascope.studio.asking import Asked, backend_name, made_by
from kerascope.studio.errors import Problem, short_line
from kerascope.studio.forms import forms
from kerascope.studio.jobs import BESIDE, Bell, Job, Jobs, packed, unpacked
from kerascope.studio.kept import kept_in, key_of
from kerascope.studio.lots import Lots
from kerascope.studio.made import Made
from kerascope.studio.nets import Make, Opening, OpenNet
from kerascope.studio.private import Private, sweep
from kerascope.studio.shelf import Lot, Shelf
from kerascope.studio.worker import Message, Worker, Works

_LOG = logging.getLogger("kerascope.studio")
_PATIENCE = 15.0  # seconds between two looks at a model that is loading
RESULTS = 1 << 30  # bytes of results kept on disk
PICTURES = 1 << 28  # bytes of thumbnails and pictures kept on disk
MOST_WAITING = 200  # jobs
MOST_NETS = 8
DECODERS = 2  # pictures decoded at once: each may take hundreds of megabytes
FIRST = 200  # samples in the document; the rest are asked for by their places


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What was given on the command line.

    folder: of pictures, or one picture. lots: what a model must read. boxes: as of an `Opening`,
    for models that are uploaded.
    """

    models: tuple[Opening, ...] = ()
    folder: Path | None = None
    lots: tuple[Lot, ...] = ()
    boxes: str = ""
    title: str = "Kerascope studio"


class Studio:
    """All that is open. Its methods run in the server's loop; slow things run in threads."""

    def __init__(self, settings: Settings, *, make: Make = Worker) -> None:
        self.settings, self._make = settings, make
        self._private = Private()
        self.private = self._private.path
        self.shelf = Shelf()
        self.lots = Lots(self)
        self.nets: dict[str, OpenNet] = {}
        self.made = Made()
        self.results = kept_in("studio", RESULTS)
        self.pictures = kept_in("pictures", PICTURES)
        self.bell = Bell()
        self.jobs = Jobs(self.bell)
        self.decoders = anyio.CapacityLimiter(DECODERS)
        self._tasks: set[asyncio.Future[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.ending = False

    async def start(self) -> None:
        """Begin to read the folder and to load the models; returns at once."""
        self._loop = asyncio.get_running_loop()
        backend_name()
        if self.settings.folder is not None:
            folder = self.settings.folder
            threading.Thread(target=self.lots.fill, args=(folder,), daemon=True).start()
        else:
            self.shelf.filled.set()
        for opening in self.settings.models:
            self.open(opening)
        self.lots.add(self.settings.lots)
        for slow in (forms, sweep):
            self.later(asyncio.to_thread(slow))

    async def close(self) -> None:
        """End all workers, and remove what was uploaded."""
        for task in list(self._tasks):
            task.cancel()
        workers = [net.worker for net in self.nets.values() if net.worker is not None]
        for net in self.nets.values():
            net.worker, net.state = None, "closed"
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in workers))
        await asyncio.to_thread(self.remove)

    def remove(self) -> None:
        """Remove what was uploaded."""
        self._private.remove()

    def end_streams(self) -> None:
        """Let streams of events end, from any thread: a server waits for open answers."""
        self.ending = True
        self.in_loop(self.bell.ring)

    def later(self, work: Any) -> None:
        """Let something be done beside the answer; what goes wrong there is logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _LOG.error("unexpected", exc_info=error)

    def open(self, opening: Opening) -> tuple[OpenNet, Job]:
        """Open a model, and return it with the job of loading it; raise `Problem` (429)."""
        net = self.nets.get(opening.id)
        alive = sum(net.worker is not None for net in self.nets.values())
        if alive >= MOST_NETS and (net is None or net.worker is None):
            raise Problem(429, f"{alive} models are open, which is the most; close one")
        if net is None:
            net = self.nets[opening.id] = OpenNet(opening, self._started)
        net.open()
        job = self.jobs.new("load", net.id)
        job.state = "running"
        if net.state == "ready":
            self.jobs.end(job, "done")
        self.later(self._marked(net))
        self.lots.retry()
        self.bell.ring()
        return net, job

    async def _marked(self, net: OpenNet) -> None:
        """Find out what the model is read from, and what was known of it the last time."""
        try:
            net.mark = await asyncio.to_thread(net.opening.content)
            kept = await asyncio.to_thread(self.results.get, key_of([*made_by(net), "facts"]))
            if kept is not None and not net.facts:
                net.facts = json.loads(kept)
                self.bell.ring()
        finally:
            net.marked.set()

    def _started(self, net: OpenNet) -> Works:
        """Start a model's process; what it says is heard in the loop."""
        opening = {**dataclasses.asdict(net.opening), "id": net.id}
        opening["log"] = str(self.private / f"{net.id}.log")
        start = net.starts

        def hear(message: Message, content: bytes) -> None:
            self.in_loop(lambda: self._heard(net, start, message, content))

        return self._make(
            opening, hear, lambda words: self.in_loop(lambda: self._gone(net, start, words))
        )

    def in_loop(self, call: Callable[[], None]) -> None:
        """Let something be done in the server's loop, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def net(self, name: str | None) -> OpenNet:
        """Return a model by id; None is the only one, or the first. Raises `Problem` (404, 409)."""
        if name is None and not self.nets:
            raise Problem(409, "no model is open: open one first")
        found = next(iter(self.nets.values())) if name is None else self.nets.get(name)
        if found is None:
            raise Problem(404, f"there is no model '{name[:40] if name else name}'")
        return found

    async def inputs(self, name: str | None, *, wait: bool) -> list[str]:
        """Return the names of a model's inputs, which are known once it is loaded; else none."""
        if not self.nets or (name is not None and name not in self.nets):
            return []
        net = self.net(name)
        while wait and not net.facts and net.state == "loading":
            await self.bell.wait(self.bell.number, _PATIENCE)
        return list(net.facts.get("inputs", []))

    async def shut(self, net: OpenNet) -> None:
        """Close a model: its jobs are cancelled, its process ends."""
        worker, net.worker, net.state = net.worker, None, "closed"
        for job in [*net.drop_all(), *net.drop_doing(), *self._loads(net)]:
            self.jobs.end(job, "cancelled", "the model was closed")
        self.bell.ring()
        if worker is not None:
            await asyncio.to_thread(worker.stop)

    def _loads(self, net: OpenNet) -> list[Job]:
        return [j for j in self.jobs.all() if j.kind == "load" and j.model == net.id and not j.over]

    def _heard(self, net: OpenNet, start: int, message: Message, content: bytes) -> None:
        """Take note of what a worker says; one that was given up is not listened to."""
        if start != net.starts or net.worker is None:
            return
        told = message["told"]
        if told == "ready":
            net.state, net.facts = "ready", message["facts"]
            self.later(self._keep_facts(net))
            for job in self._loads(net):
                self.jobs.end(job, "done")
        elif told == "refused":
            self._refused(net, message["error"])
        else:
            self._about_job(net, told, message, content)
        self.bell.ring()
        self.pump(net)

    async def _keep_facts(self, net: OpenNet) -> None:
        await net.marked.wait()
        content = json.dumps(net.facts).encode()
        await asyncio.to_thread(self.results.put, key_of([*made_by(net), "facts"]), content)

    def _refused(self, net: OpenNet, error: str) -> None:
        worker = net.worker
        net.failed(error)
        for job in [*net.drop_all(), *self._loads(net)]:
            self.jobs.end(job, "failed", error)
        if worker is not None:
            self.later(asyncio.to_thread(worker.stop))

    def _about_job(self, net: OpenNet, told: str, message: Message, content: bytes) -> None:
        job = next((job for job in net.doing if job.id == message.get("job")), None)
        if job is None:
            return
        if told == "progress":
            job.words = short_line(str(message["words"]))
            job.done, job.total = message["done"], message["total"]
            self.jobs.changed(job)
            return
        net.ended(job.id)
        if told == "done":
            job.beside = {k: message[k] for k in BESIDE if k in message}
            job.piece = content
            self.made.note(job)
            if job.key:
                self.later(asyncio.to_thread(self.results.put, job.key, packed(job)))
        self.jobs.end(job, told, message.get("error", ""))

    def _gone(self, net: OpenNet, start: int, words: str) -> None:
        """Take note that a process has ended by itself: its job failed, the others go on."""
        if start != net.starts or net.worker is None:
            return
        loading = net.state == "loading"
        net.worker = None
        for job in net.drop_doing():
            self.jobs.end(job, "failed", words, restart=True)
        if loading:
            net.failed(words)
            for waiting in [*net.drop_all(), *self._loads(net)]:
                self.jobs.end(waiting, "failed", words)
        else:
            net.state = "stopped"
        self.bell.ring()
        self.pump(net)

    def ask(self, asked: Asked) -> Job:
        """Put a job in line and return it; raise `Problem` (409, 429)."""
        net = asked.net
        net.check_open()
        if sum(each.waiting for each in self.nets.values()) >= MOST_WAITING:
            raise Problem(429, f"{MOST_WAITING} jobs wait already; try again later")
        job = self.jobs.new(asked.kind, net.id, rank=asked.rank, request=asked.request)
        net.coming += 1
        self.later(self._line_up(net, job, asked))
        return job

    async def _line_up(self, net: OpenNet, job: Job, asked: Asked) -> None:
        """Answer a job from what is kept, or put it in line."""
        try:
            key = await asyncio.to_thread(asked.key, net)
            kept = await asyncio.to_thread(self.results.get, key) if key else None
        except OSError as error:
            self.jobs.end(job, "failed", f"the picture cannot be read: {error.strerror or error}")
            return
        except Exception as error:
            self.jobs.end(job, "failed", f"unexpected {type(error).__name__}")
            raise
        finally:
            net.coming -= 1
        if job.over:
            return
        job.key = key
        if kept is not None and unpacked(job, kept):
            self.made.note(job)
            self.jobs.changed(job)
            return
        job.request |= {"key": key or job.id, "job": job.id, "kind": job.kind}
        if net.state in ("failed", "closed"):
            self.jobs.end(job, "failed", net.error or "the model was closed")
            return
        net.wait(job)
        self.pump(net)

    def pump(self, net: OpenNet) -> None:
        """Give a free model its next job; start its process again where that has ended."""
        if net.state == "stopped" and net.waiting:
            net.open()
        while net.worker is not None and (job := net.next()) is not None:
            job.state = "running"
            net.worker.send({**job.request, "urgent": job is net.inner})
            self.jobs.changed(job)

    def cancel(self, job: Job) -> None:
        """Cancel a job; one that is over stays as it is."""
        net = self.nets.get(job.model)
        if job.over or net is None:
            return
        if job.kind == "load":
            self.later(self.shut(net))
        if not net.leave(job) and job in net.doing and net.worker is not None:
            net.worker.send({"cancel": job.id})
        self.jobs.end(job, "cancelled", "cancelled")
